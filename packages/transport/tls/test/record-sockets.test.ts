import { once } from 'node:events';
import { type AddressInfo, createServer, connect as netConnect } from 'node:net';
import * as tls from 'node:tls';
import { latin1 } from '@quiclab/bytes';
import { nodeProvider, systemRandom, toPem } from '@quiclab/crypto/node';
import { afterEach, describe, expect, test } from 'vitest';
import { clientHandshake, serverHandshake, ticketKeeper } from '../src/index.ts';
import type { TlsStreamOptions } from '../src/record/index.ts';
import { identities, NOW, root } from './certificates.ts';
import { OnSocket } from './record-socket.ts';

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

const { certificate, privateKey } = identities.p256;
const pem = { cert: toPem('CERTIFICATE', certificate), key: toPem('PRIVATE KEY', privateKey), ca: toPem('CERTIFICATE', root) };
const LONG = 'x'.repeat(300_000);

describe("our client and Node's server", () => {
  async function server(options: tls.TlsOptions = {}): Promise<number> {
    const listening = tls.createServer({ ...pem, ALPNProtocols: ['h2', 'http/1.1'], ...options }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => socket.write(data));
      socket.on('end', () => socket.end());
    });
    listening.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    open.push(listening);
    return (listening.address() as AddressInfo).port;
  }

  async function client(port: number, options: Partial<TlsStreamOptions> = {}): Promise<OnSocket> {
    const socket = netConnect(port, '127.0.0.1');
    open.push({ close: () => socket.destroy() });
    await once(socket, 'connect');
    return new OnSocket(socket, {
      side: 'client',
      serverName: 'server.example',
      alpn: ['h2'],
      handshake: clientHandshake({ provider: nodeProvider, trust: { ca: [root] } }),
      ...options,
    });
  }

  test('agree on keys and a protocol, carry data both ways, and end cleanly (RFC 9846 §6.1)', async () => {
    const one = await client(await server());
    expect(await one.event('secured')).toEqual({ type: 'secured', alpn: 'h2', resumed: false, earlyData: 'none' });
    one.send(LONG);
    await one.until(() => one.received.length === LONG.length);
    one.stream.finish(NOW);
    expect(await one.event('closed')).toMatchObject({ clean: true });
  });

  test.each(['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'] as const)('with %s', async (suite) => {
    const one = await client(await server(), {
      handshake: clientHandshake({ provider: nodeProvider, trust: { ca: [root] }, suites: [suite] }),
    });
    await one.event('secured');
    one.send('echo');
    await one.text('echo');
  });

  test('after a HelloRetryRequest, and without compatibility mode (RFC 9846 §4.1.4, §E.4)', async () => {
    const handshake = clientHandshake({ provider: nodeProvider, trust: { ca: [root] }, keyShares: ['secp256r1'] });
    for (const compatibility of [true, false]) {
      const one = await client(await server({ ecdhCurve: 'X25519' }), { handshake, compatibility });
      one.stream.write(NOW, latin1('x'));
      await one.event('secured');
      one.send('echo');
      await one.text('echo');
    }
  });

  test('resume a session with a ticket of OpenSSL (RFC 9846 §4.6.1)', async () => {
    const port = await server();
    const first = await client(port);
    const { data } = await first.event('session');
    const second = await client(port, { session: data });
    expect(await second.event('secured')).toMatchObject({ resumed: true });
    second.send('echo');
    await second.text('echo');
  });

  test('go on under new keys, asked for or not (RFC 9846 §4.6.3)', async () => {
    const one = await client(await server());
    await one.event('secured');
    for (const requested of [true, false, true, true]) {
      one.stream.updateKeys(NOW, requested);
      one.send(`after ${requested}`);
      await one.text(`after ${requested}`);
    }
  });

  test('small and padded records are taken (RFC 9846 §5.4)', async () => {
    const one = await client(await server(), { maxRecord: 100, padding: (_type, length) => 64 - length });
    await one.event('secured');
    one.send(LONG.slice(0, 5_000));
    await one.until(() => one.received.length === 5_000);
  });

  test('disagree about the protocol, with the alert that says so (RFC 7301 §3.2)', async () => {
    const one = await client(await server(), { alpn: ['smtp'] });
    expect((await one.event('closed')).reason).toBe('the peer sent no_application_protocol');
  });

  test('do not come to terms with a server that nobody vouches for', async () => {
    const one = await client(await server(), { handshake: clientHandshake({ provider: nodeProvider }) });
    expect((await one.event('closed')).reason).toContain('unknown_ca');
  });
});

describe("our server and Node's client", () => {
  async function server(options: Partial<TlsStreamOptions> = {}): Promise<{ port: number; ends: OnSocket[] }> {
    const ends: OnSocket[] = [];
    const tickets = ticketKeeper({ provider: nodeProvider, random: systemRandom });
    const handshake = serverHandshake({ provider: nodeProvider, certificates: [certificate], privateKey, tickets, ticketCount: 2 });
    const listening = createServer({ allowHalfOpen: true }, (socket) => {
      open.push({ close: () => socket.destroy() });
      const end = new OnSocket(socket, { side: 'server', serverName: '', alpn: ['http/1.1', 'h2'], handshake, ...options });
      end.onData = (text) => void end.stream.write(NOW, latin1(text));
      ends.push(end);
    });
    listening.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    open.push(listening);
    return { port: (listening.address() as AddressInfo).port, ends };
  }

  function connect(port: number, options: tls.ConnectionOptions = {}): tls.TLSSocket {
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'server.example', ca: pem.ca, ALPNProtocols: ['h2'], ...options });
    open.push({ close: () => socket.destroy() });
    return socket;
  }

  async function echo(socket: tls.TLSSocket, text: string): Promise<void> {
    let received = '';
    socket.write(text);
    while (received.length < text.length) received += ((await once(socket, 'data')) as [Buffer])[0].toString('latin1');
    expect(received).toBe(text);
  }

  test('agree on TLS 1.3 and a protocol, carry data both ways, and end cleanly (RFC 9846 §6.1)', async () => {
    const { port, ends } = await server();
    const socket = connect(port);
    await once(socket, 'secureConnect');
    expect([socket.getProtocol(), socket.alpnProtocol, socket.authorized]).toEqual(['TLSv1.3', 'h2', true]);
    await echo(socket, 'echo'.repeat(2_000));
    socket.end();
    const end = ends[0]!;
    await end.until(() => end.ended);
    end.stream.finish(NOW);
    await once(socket, 'close');
    expect(await end.event('closed')).toMatchObject({ clean: true });
  });

  test('resume a session with a ticket of ours (RFC 9846 §4.6.1)', async () => {
    const { port, ends } = await server();
    const first = connect(port);
    let session: Buffer = Buffer.alloc(0);
    first.on('session', (one: Buffer) => (session = one));
    await echo(first, 'first'); // a ticket is read like anything else, and comes before
    const second = connect(port, { session });
    await once(second, 'secureConnect');
    expect(second.isSessionReused()).toBe(true);
    await echo(second, 'second');
    expect(await ends[1]!.event('secured')).toMatchObject({ resumed: true });
  });

  test('after a HelloRetryRequest (RFC 9846 §4.1.4)', async () => {
    const handshake = serverHandshake({ provider: nodeProvider, certificates: [certificate], privateKey, groups: ['secp256r1'] });
    const { port } = await server({ handshake });
    const socket = connect(port, { ecdhCurve: 'X25519:P-256' });
    await once(socket, 'secureConnect');
    await echo(socket, 'echo');
  });

  test('go on under new keys that our server began (RFC 9846 §4.6.3)', async () => {
    const { port, ends } = await server();
    const socket = connect(port);
    await once(socket, 'secureConnect');
    await echo(socket, 'before');
    ends[0]!.stream.updateKeys(NOW);
    await echo(socket, 'during');
    await echo(socket, 'after');
  });

  test('a client of TLS 1.2 is told that it is too old (RFC 9846 §4.2.1)', async () => {
    const { port, ends } = await server();
    const socket = connect(port, { maxVersion: 'TLSv1.2' });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain('protocol version');
    expect((await ends[0]!.event('closed')).reason).toContain('protocol_version');
  });
});
