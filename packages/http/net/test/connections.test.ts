import { createServer, connect as tcpConnect } from 'node:net';
import { makeCertificate, toPem } from '@quiclab/crypto/node';
import { describe, expect, test } from 'vitest';
import { ConnectError, connect, Listener, type SocketStream } from '../src/index.ts';
import { connectTo, End, identity, KINDS, octets, pair, text } from './ends.ts';

const failure = async (connecting: Promise<SocketStream>): Promise<ConnectError> => {
  const error = await connecting.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
};

describe('connecting', () => {
  test('nobody listens: refused, with the place in the message', async () => {
    const listener = await Listener.open({ onStream: () => {} });
    const { port } = listener.address;
    await listener.close();
    const error = await failure(connect({ host: '127.0.0.1', port }));
    expect([error.kind, error.code]).toEqual(['connect', 'ECONNREFUSED']);
    expect(error.message).toContain(`127.0.0.1:${port}`);
  });

  test('a name that has no address', async () => {
    const error = await failure(connect({ host: 'nothing.invalid', port: 1 })); // RFC 6761 §6.4
    expect(error.kind).toBe('lookup');
  });

  test('a name with two addresses, of which one answers (RFC 8305)', async () => {
    const listener = await Listener.open({ host: '127.0.0.1', onStream: () => {} });
    const stream = await connect({ host: 'localhost', port: listener.address.port });
    expect(stream.remote.host).toBe('127.0.0.1');
    await listener.close();
  });

  test('a handshake that never ends is given up', async () => {
    const server = createServer((socket) => socket.resume()); // takes the connection, and says nothing
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const error = await failure(connect({ host: '127.0.0.1', port, tls: { verify: false }, timeoutMs: 50 }));
    expect([error.kind, error.code]).toEqual(['timeout', 'ETIMEDOUT']);
    await new Promise((resolve) => server.close(resolve));
  });

  test('whoever asked may give it up', async () => {
    const server = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const giveUp = new AbortController();
    const connecting = failure(connect({ host: '127.0.0.1', port, tls: { verify: false }, signal: giveUp.signal }));
    giveUp.abort();
    expect((await connecting).kind).toBe('aborted');
    expect((await failure(connect({ host: '127.0.0.1', port, signal: giveUp.signal }))).kind).toBe('aborted');
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('TLS', () => {
  test('both ends say what was agreed on', async () => {
    await using ends = await pair('TLS', {}, { alpn: ['h2', 'http/1.1'] }, { alpn: ['http/1.1'] });
    expect(ends.client.stream.tls).toEqual({ alpn: 'http/1.1', version: 'TLSv1.3', resumed: false, serverName: 'localhost' });
    expect(ends.server.stream.tls).toEqual({ alpn: 'http/1.1', version: 'TLSv1.3', resumed: false, serverName: 'localhost' });
  });

  test('without ALPN nothing is agreed on, and plain TCP has no facts', async () => {
    await using tls = await pair('TLS');
    await using tcp = await pair('TCP');
    expect(tls.server.stream.tls?.alpn).toBe('');
    expect(tcp.server.stream.tls).toBeUndefined();
  });

  test('a server that speaks none of the protocols refuses (RFC 7301 §3.2), and the listener goes on', async () => {
    await using ends = await pair('TLS', {}, {}, { alpn: ['h2'] });
    const error = await failure(connectTo(ends.listener, 'TLS', { alpn: ['http/1.1'] }));
    expect(error.kind).toBe('tls');
    expect(error.message).toMatch(/no application protocol/i);
    expect((await connectTo(ends.listener, 'TLS', { alpn: ['h2'] })).tls?.alpn).toBe('h2');
    expect(Object.values(ends.listener.counters().handshakeFailures)).toEqual([1]);
  });

  test('a certificate of nobody known, and one for another name, are no certificates', async () => {
    await using ends = await pair('TLS');
    expect((await failure(connectTo(ends.listener, 'TLS', { ca: [] }))).kind).toBe('tls');
    const error = await failure(connectTo(ends.listener, 'TLS', { serverName: 'example.org' }));
    expect([error.kind, error.code]).toEqual(['tls', 'ERR_TLS_CERT_ALTNAME_INVALID']);
    const anyway = await connectTo(ends.listener, 'TLS', { serverName: 'example.org', verify: false });
    expect(anyway.tls?.version).toBe('TLSv1.3');
  });

  test('the name that the client asks for chooses the certificate (RFC 6066 §3)', async () => {
    const made = makeCertificate({
      names: ['other.example'],
      keyType: 'p256',
      notBefore: (Date.now() - 60_000) * 1000,
      notAfter: (Date.now() + 60_000) * 1000,
    });
    const other = { cert: toPem('CERTIFICATE', made.certificate), key: toPem('PRIVATE KEY', made.privateKey) };
    await using ends = await pair('TLS', {}, {}, { names: { 'other.example': other } });
    const stream = await connectTo(ends.listener, 'TLS', { serverName: 'other.example', ca: other.cert });
    expect(stream.tls?.serverName).toBe('other.example');
  });

  test('TLS 1.2 only where it is allowed', async () => {
    const { connect: tlsConnect } = await import('node:tls');
    const offer12 = (port: number): Promise<string> =>
      new Promise((resolve) => {
        const socket = tlsConnect({ port, host: '127.0.0.1', maxVersion: 'TLSv1.2', rejectUnauthorized: false });
        socket
          .once('secureConnect', () => resolve(socket.getProtocol()!))
          .on('error', (error) => resolve((error as { code?: string }).code!));
        socket.on('secureConnect', () => socket.destroy());
      });
    await using strict = await pair('TLS');
    await using lax = await pair('TLS', {}, {}, { allowTls12: true });
    expect(await offer12(strict.listener.address.port)).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    expect(await offer12(lax.listener.address.port)).toBe('TLSv1.2');
  });

  test('a session that is offered again is resumed', async () => {
    let given!: (session: Uint8Array) => void;
    const left = new Promise<Uint8Array>((resolve) => {
      given = resolve;
    });
    await using ends = await pair('TLS', {}, { onSession: (session) => given(session) });
    ends.server.stream.write(0, octets('with this come the tickets'));
    await ends.client.receive(26);
    const again = await connectTo(ends.listener, 'TLS', { session: await left });
    expect(again.tls?.resumed).toBe(true);
  });

  test('what is no TLS at all costs its own connection and no other', async () => {
    await using ends = await pair('TLS');
    const { host, port } = ends.listener.address;
    const socket = tcpConnect({ host, port });
    socket.end('GET / HTTP/1.1\r\n\r\n');
    await new Promise((resolve) =>
      socket
        .on('error', () => {})
        .on('close', resolve)
        .resume(),
    );
    expect(Object.values(ends.listener.counters().handshakeFailures)).toEqual([1]);
    ends.client.stream.write(0, octets('still here'));
    expect(text((await ends.server.receive(10)).data)).toBe('still here');
  });

  test('a handshake that takes too long is given up by the listener', async () => {
    await using ends = await pair('TLS', { handshakeTimeoutMs: 50 });
    const { host, port } = ends.listener.address;
    const socket = tcpConnect({ host, port });
    await new Promise((resolve) =>
      socket
        .on('error', () => {})
        .on('close', resolve)
        .resume(),
    );
    expect(ends.listener.counters().handshakeFailures).toEqual({ ERR_TLS_HANDSHAKE_TIMEOUT: 1 });
  });

  test('a certificate that is none is an error when the listener opens', async () => {
    await expect(Listener.open({ tls: { cert: 'nonsense', key: identity.key }, onStream: () => {} })).rejects.toThrow(/PEM/);
  });
});

describe.each(KINDS)('listening on %s', (kind) => {
  test('connections beyond the limit are reset, and one more is taken once another is gone', async () => {
    const streams: SocketStream[] = [];
    const listener = await Listener.open({
      ...(kind === 'TLS' ? { tls: identity } : {}),
      maxConnections: 2,
      onStream: (stream) => streams.push(stream),
    });
    const [first] = [await connectTo(listener, kind), await connectTo(listener, kind)];
    const third = await connectTo(listener, kind).then(
      (stream) => new End(stream).closed().then(({ reason }) => reason),
      (error: ConnectError) => error.message,
    );
    expect(third).toContain('ECONNRESET');
    expect([listener.connections, listener.counters().accepted, listener.counters().refused]).toEqual([2, 2, 1]);
    const served = new End(streams[0]!);
    first.abort(0, 'done');
    await served.closed();
    await connectTo(listener, kind);
    expect(listener.counters().accepted).toBe(3);
    await listener.close();
    expect(listener.connections).toBe(0);
  });

  test('so are those of one host beyond its own limit', async () => {
    await using ends = await pair(kind, { maxConnectionsPerHost: 1 });
    const second = await connectTo(ends.listener, kind).then(
      (stream) => new End(stream).closed().then(({ reason }) => reason),
      (error: ConnectError) => error.message,
    );
    expect(second).toContain('ECONNRESET');
    expect(ends.listener.counters().refused).toBe(1);
  });

  test('a listener that stops takes nothing new and leaves what is open', async () => {
    await using ends = await pair(kind);
    const { listener, client, server } = ends;
    await listener.stop();
    expect((await failure(connectTo(listener, kind))).kind).toBe('connect');
    client.stream.write(0, octets('on'));
    expect(text((await server.receive(2)).data)).toBe('on');
    client.stream.finish(0);
    server.stream.finish(0);
    const idle = listener.idle();
    await Promise.all([client.receive(1), server.receive(1)]);
    await idle;
    expect(listener.connections).toBe(0);
  });

  test('a thousand connections at once', async () => {
    const ends: End[] = [];
    const listener = await Listener.open({
      ...(kind === 'TLS' ? { tls: identity, handshakeTimeoutMs: 60_000 } : {}),
      onStream: (stream) => {
        const end = new End(stream);
        ends.push(end);
        void end.receive(Number.POSITIVE_INFINITY).then(({ data }) => end.send(data)); // says it back
      },
    });
    const sessions: Uint8Array[] = [];
    const one = async (i: number): Promise<string> => {
      const session = sessions.pop();
      const end = new End(await connectTo(listener, kind, { onSession: (given) => sessions.push(given), ...(session && { session }) }));
      const [, { data }] = await Promise.all([end.send(octets(`connection ${i}`)), end.receive(Number.POSITIVE_INFINITY)]);
      await end.closed();
      return text(data);
    };
    const answers = await Promise.all(Array.from({ length: 1_000 }, (_, i) => one(i)));
    expect(answers).toEqual(Array.from({ length: 1_000 }, (_, i) => `connection ${i}`));
    await listener.idle();
    expect([ends.length, listener.connections]).toEqual([1_000, 0]);
    await listener.close();
  });
});
