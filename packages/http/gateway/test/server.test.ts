import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { connect as http2Connect } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, connect as tcpConnect } from 'node:net';
import { type GatewayServer, type ServerOptions, startGateway } from '@quiclab/gateway/node';
import { createClient } from '@quiclab/web';
import { afterEach, describe, expect, test } from 'vitest';
import { identityOf } from '../src/node/certificate.ts';

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** Node's own server of HTTP/1.1. */
export async function origin(
  listener: RequestListener,
  port = 0,
): Promise<{ server: Server; port: number; url: string; close(): Promise<unknown> }> {
  const server = createServer(listener);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = (): Promise<unknown> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  open.push(close);
  const bound = (server.address() as AddressInfo).port;
  return { server, port: bound, url: `http://127.0.0.1:${bound}`, close };
}

export async function gateway(options: ServerOptions): Promise<GatewayServer & { at: string; port: number }> {
  const running = await startGateway({ clearPort: 0, ...options });
  open.push(() => running.close(0));
  const { port } = running.address!;
  return Object.assign(running, { at: `https://127.0.0.1:${port}`, port });
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

type Client = (running: GatewayServer & { at: string; port: number }, path: string, ask?: Ask) => Promise<Answer>;

/** A request over HTTP/1.1 and TLS, by Node's client. */
const overH1: Client = (running, path, { method = 'GET', headers = {}, body } = {}) =>
  new Promise((resolve, reject) => {
    const sent = httpsRequest(`${running.at}${path}`, { method, headers, ca: running.certificate.pem, agent: false }, (response) => {
      collect(response).then((text) => resolve({ status: response.statusCode!, headers: response.headers, body: text }), reject);
    });
    sent.on('error', reject).end(body);
  });

const overH2: Client = (running, path, { method = 'GET', headers = {}, body } = {}) =>
  new Promise((resolve, reject) => {
    const session = http2Connect(running.at, { ca: running.certificate.pem });
    session.on('error', reject);
    const stream = session.request({ ':method': method, ':path': path, ...headers });
    let answered = false;
    stream.on('error', reject).on('close', () => answered || reject(new Error('closed without an answer')));
    stream.once('response', (head) => {
      answered = true;
      collect(stream).then((text) => {
        session.close();
        resolve({ status: head[':status']!, headers: head as Answer['headers'], body: text });
      }, reject);
    });
    stream.end(body);
  });

const overH3: Client = async (running, path, { method = 'GET', headers = {}, body } = {}) => {
  await using client = createClient({ ca: running.certificate.pem });
  const response = await client.fetch(`${running.at}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: body as BodyInit }),
  });
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: Buffer.from(await response.arrayBuffer()).toString('latin1'),
  };
};

async function collect(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString('latin1');
}

const CLIENTS: [string, Client][] = [
  ['HTTP/1.1', overH1],
  ['HTTP/2', overH2],
  ['HTTP/3', overH3],
];

/** Says what it was asked, as JSON. */
const saying = (request: IncomingMessage, response: ServerResponse): void => {
  void collect(request).then((body) => {
    const { method, url, headers, httpVersion } = request;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ method, url, headers, httpVersion, body }));
  });
};

describe.each(CLIENTS)('a client of %s, of Node or of ours', (name, client) => {
  test("gets what Node's http server behind the gateway says", async () => {
    const { url } = await origin(saying);
    const running = await gateway({ origin: url, forwarded: 'both' });
    const { status, headers, body } = await client(running, '/path?query', { headers: { 'x-mine': '1' } });
    expect([status, headers['content-type']]).toEqual([200, 'application/json']);
    const version = { 'HTTP/1.1': '1.1', 'HTTP/2': '2', 'HTTP/3': '3' }[name];
    expect(JSON.parse(body)).toMatchObject({
      method: 'GET',
      url: '/path?query',
      httpVersion: '1.1',
      headers: {
        host: `127.0.0.1:${running.port}`,
        'x-mine': '1',
        via: `${version} ${running.name}`,
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'https',
      },
    });
    expect(headers.via).toBe(`1.1 ${running.name}`);
    expect(headers['alt-svc']).toBe(name === 'HTTP/3' ? undefined : `h3=":${running.port}"; ma=86400`);
  });

  test('sends content, and gets content back', async () => {
    const { url } = await origin((request, response) => request.pipe(response));
    const running = await gateway({ origin: url });
    const body = new Uint8Array(3_000_000).map((_, i) => (i * 7 + (i >> 8)) & 0xff);
    const answer = await client(running, '/', { method: 'POST', body });
    expect(answer.status).toBe(200);
    expect(Buffer.from(answer.body, 'latin1').equals(body)).toBe(true);
  });

  test('is told by 502 that the origin is not there', async () => {
    const { url, close } = await origin(saying);
    await close();
    const running = await gateway({ origin: url });
    const { status, headers, body } = await client(running, '/');
    expect([status, body]).toEqual([502, '502 Bad Gateway\nthe origin refused the connection (ECONNREFUSED)\n']);
    expect(headers['proxy-status']).toContain('error=connection_refused');
  });

  test('is told by 504 that the origin says nothing', async () => {
    const { url } = await origin(() => {});
    const running = await gateway({ origin: url, headTimeout: 100_000 });
    const { status, body } = await client(running, '/');
    expect([status, body]).toEqual([504, '504 Gateway Timeout\nthe origin did not answer for 0.1 s\n']);
  });
});

describe.each(['h1', 'h2', 'h3'] as const)('an origin that is itself a gateway, asked over %s', (back) => {
  test('is reached, by every kind of client', async () => {
    const { url } = await origin(saying);
    const inner = await gateway({ origin: url, name: 'inner' });
    const outer = await gateway({ origin: inner.at, back, originCa: inner.certificate.pem, name: 'outer' });
    const version = { h1: '1.1', h2: '2', h3: '3' }[back];
    for (const [name, client] of CLIENTS) {
      const front = name.slice(5);
      const { status, body, headers } = await client(outer, '/x', { method: 'PUT', body: 'content' });
      expect([name, status]).toEqual([name, 200]);
      expect(JSON.parse(body)).toMatchObject({ method: 'PUT', body: 'content', headers: { via: `${front} outer, ${version} inner` } });
      expect(headers.via).toBe(`1.1 inner, ${version} outer`);
    }
  });

  test('is not trusted without its certificate', async () => {
    const { url } = await origin(saying);
    const inner = await gateway({ origin: url });
    const outer = await gateway({ origin: inner.at, back });
    const { status, headers } = await overH1(outer, '/');
    expect([status, /error=(\w+)/.exec(String(headers['proxy-status']))?.[1]]).toEqual([502, 'tls_certificate_error']);
    const lax = await gateway({ origin: inner.at, back, verifyOrigin: false });
    expect((await overH1(lax, '/')).status).toBe(200);
  });

  test('and refuses what comes to it a second time (RFC 9110 §7.6.3)', async () => {
    const { url } = await origin(saying);
    const inner = await gateway({ origin: url, name: 'same' });
    const outer = await gateway({ origin: inner.at, back, originCa: inner.certificate.pem, name: 'same' });
    expect((await overH2(outer, '/')).status).toBe(508);
  });
});

test('clear text and TLS speak HTTP/1.1 on two ports, and TLS and QUIC share a number', async () => {
  const { url } = await origin(saying);
  const running = await gateway({ origin: url });
  const { host, port } = running.clearAddress!;
  const response = await fetch(`http://${host}:${port}/clear`);
  expect(await response.json()).toMatchObject({ url: '/clear', headers: { via: `1.1 ${running.name}` } });
  expect(response.headers.get('alt-svc')).toBeNull(); // RFC 7838 §2.1: not without TLS
});

test('an origin over HTTP/2 in clear text is asked with prior knowledge (RFC 9113 §3.3)', async () => {
  const { createServer: http2Server } = await import('node:http2');
  const server = http2Server((_request, response) => response.end('two'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => new Promise((resolve) => server.close(resolve)));
  const running = await gateway({ origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, back: 'h2' });
  expect(await overH3(running, '/')).toMatchObject({ status: 200, body: 'two' });
  await running.close();
});

test('a client that speaks HTTP/2 without TLS is told that this is not spoken here (RFC 9113 §3.3)', { timeout: 30_000 }, async () => {
  const running = await gateway({ origin: 'http://127.0.0.1:9' });
  const { host, port } = running.clearAddress!;
  const socket = tcpConnect({ host, port });
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  let heard = '';
  for await (const piece of socket) heard += String(piece);
  expect(heard).toMatch(/^HTTP\/1\.1 505 /);
});

test('an origin that does not speak what it is asked in is a 502', async () => {
  const { url } = await origin(saying);
  const inner = await gateway({ origin: url, listen: ['h1'] });
  const outer = await gateway({ origin: inner.at, back: 'h2', originCa: inner.certificate.pem });
  expect((await overH1(outer, '/')).status).toBe(502);
});

test('another certificate is shown to whoever connects from then on, over TLS and over QUIC', { timeout: 30_000 }, async () => {
  const { url } = await origin(saying);
  const running = await gateway({ origin: url });
  const first = running.certificate;
  const { cert, key } = identityOf(undefined, undefined);
  running.setCertificate(cert, key);
  expect(running.certificate).toMatchObject({ pem: cert, selfSigned: false });
  for (const [name, client] of CLIENTS) {
    expect([name, (await client(running, '/')).status]).toEqual([name, 200]);
    const trusting = { at: running.at, port: running.port, certificate: first } as typeof running;
    await expect(client(trusting, '/')).rejects.toThrow();
  }
  expect(() => running.setCertificate(cert, identityOf(undefined, undefined).key)).toThrow(/not that of the certificate/);
  expect(running.certificate.pem).toBe(cert);
});

describe('options that make no sense', () => {
  const cases: [Partial<ServerOptions>, RegExp][] = [
    [{ origin: 'localhost' }, /'localhost' is no URL/],
    [{ origin: 'localhost:3000' }, /'localhost:3000' is no URL; an origin is something like/],
    [{ origin: 'ftp://x' }, /not ftp:\/\//],
    [{ origin: 'http://x/path' }, /no path/],
    [{ origin: 'http://me@x' }, /no user name/],
    [{ back: 'h3' }, /an https URL/],
    [{ listen: [] }, /nothing to listen to/],
    [{ name: 'two words' }, /no token/],
    [{ key: 'x' }, /a key without its certificate/],
    [{ cert: 'x' }, /-----BEGIN/],
    [{ originCa: identityOf(undefined, undefined).key }, /roots for the origin holds no certificate/],
  ];
  test.each(cases)('%j', async (options, expected) => {
    await expect(startGateway({ origin: 'http://127.0.0.1:9', ...options })).rejects.toThrow(expected);
  });

  test("a certificate and somebody else's key", async () => {
    const one = await gateway({ origin: 'http://127.0.0.1:9' });
    const { key } = identityOf(undefined, undefined);
    await expect(startGateway({ origin: 'http://127.0.0.1:9', cert: one.certificate.pem, key })).rejects.toThrow(
      /not that of the certificate/,
    );
  });

  test('a port that is taken: what was opened before is closed again', async () => {
    const one = await gateway({ origin: 'http://127.0.0.1:9', listen: ['h3'] });
    await expect(startGateway({ origin: 'http://127.0.0.1:9', port: one.port, clearPort: 0 })).rejects.toThrow(/EADDRINUSE/);
    const other = await gateway({ origin: 'http://127.0.0.1:9', listen: ['h1'], port: one.port }); // TCP is free
    expect(other.port).toBe(one.port);
  });
});

describe('the end', () => {
  /** An origin that answers when it is told to, and three clients that wait for it. */
  async function waiting(): Promise<{ running: Awaited<ReturnType<typeof gateway>>; asked: Promise<Answer>[]; answer(): void }> {
    const pending: ServerResponse[] = [];
    let onThird!: () => void;
    const third = new Promise<void>((resolve) => {
      onThird = resolve;
    });
    const { url } = await origin((_request, response) => {
      if (pending.push(response) === 3) onThird();
    });
    const running = await gateway({ origin: url });
    const asked = CLIENTS.map(([, client]) => client(running, '/'));
    await third;
    return { running, asked, answer: () => pending.map((response) => response.end('at last')) };
  }

  test('what is under way is finished, nothing new is taken, and that is counted', async () => {
    const { running, asked, answer } = await waiting();
    const closing = running.close(10_000);
    await expect(overH1(running, '/')).rejects.toThrow('ECONNREFUSED');
    answer();
    expect((await Promise.all(asked)).map(({ body }) => body)).toEqual(['at last', 'at last', 'at last']);
    expect(await closing).toEqual({ finished: 3, brokenOff: 0 });
    expect([running.requests, running.connections]).toEqual([0, { front: 0, back: 0 }]);
  });

  test('what takes too long is broken off, and counted as well', async () => {
    const { running, asked } = await waiting();
    const outcomes = Promise.allSettled(asked);
    expect(await running.close(20)).toEqual({ finished: 0, brokenOff: 3 });
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  });
});

test.each([
  ['while a connection is driven', 200],
  ['when a deadline has come', 504],
  ['when there is no connection to be had', 502],
] as const)('a fault %s closes the gateway, and is told', { timeout: 30_000 }, async (_when, status) => {
  const { url, close } = await origin(status === 200 ? saying : () => {});
  if (status === 502) await close();
  const statuses: number[] = [];
  let told!: (error: Error) => void;
  const fault = new Promise<Error>((resolve) => {
    told = resolve;
  });
  const running = await gateway({
    origin: url,
    headTimeout: 100_000,
    observer: {
      passed: (passage) => {
        statuses.push(passage.status);
        throw new Error('of an observer');
      },
    },
    onFault: (error) => told(error),
  });
  const { host, port } = running.clearAddress!;
  const asked = fetch(`http://${host}:${port}/`).catch(() => undefined);
  expect((await fault).message).toBe('of an observer');
  expect(statuses[0]).toBe(status);
  await asked;
  await expect(fetch(`http://${host}:${port}/`)).rejects.toThrow();
});

test("a WebSocket of Node's client over HTTP/2 goes through to one over HTTP/1.1 (RFC 8441)", { timeout: 30_000 }, async () => {
  const { server, url } = await origin(saying);
  server.on('upgrade', (request, socket) => {
    const key = request.headers['sec-websocket-key']!;
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  const running = await gateway({ origin: url });
  const session = http2Connect(running.at, { ca: running.certificate.pem });
  open.push(async () => session.destroy());
  const [settings] = (await once(session, 'remoteSettings')) as [{ enableConnectProtocol?: boolean }];
  expect(settings.enableConnectProtocol).toBe(true);
  const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/ws', 'sec-websocket-version': '13' });
  const [head] = (await once(stream, 'response')) as [Answer['headers']];
  expect([head[':status'], head['sec-websocket-accept']]).toEqual([200, undefined]);
  stream.write('frame');
  let heard = '';
  for await (const piece of stream) {
    heard += String(piece);
    if (heard === 'frame') stream.end();
  }
  expect(heard).toBe('frame');
});

test('a WebSocket goes through', async () => {
  const { server, url } = await origin(saying);
  server.on('upgrade', (request, socket) => {
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Key: ${request.headers['sec-websocket-key']}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  const running = await gateway({ origin: url });
  const { host, port } = running.clearAddress!;
  const socket = tcpConnect({ host, port });
  socket.write('GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n\r\nframe');
  let heard = '';
  for await (const piece of socket) {
    heard += String(piece);
    if (heard.endsWith('frame')) socket.end();
  }
  expect(heard).toMatch(/^HTTP\/1\.1 101 /);
  expect(heard).toContain('x-key: abc');
});
