import { connect as connectHttp2, createSecureServer } from 'node:http2';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { type Contest, REQUEST_CONCURRENCY, RESPONSE_BYTES } from './contest.ts';
import { asPem, certificatePem, HOST_NAME, LOOPBACK, makeIdentity } from './identity.ts';
import { measureRate, Stopwatch } from './stopwatch.ts';

const CHUNK = Buffer.alloc(1 << 16, 0x61);
const RESPONSE = Buffer.alloc(RESPONSE_BYTES, 0x61);
/** Windows as large as ours grow to: Node's default of 64 KiB would be what is measured. */
const HTTP2_WINDOW = 16 << 20;

/** So many octets, as fast as they are asked for. */
function body(length: number): Readable {
  let left = length;
  return new Readable({
    highWaterMark: 1 << 20,
    read() {
      const piece = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
      left -= piece.length;
      this.push(piece.length > 0 ? piece : null);
    },
  });
}

export async function listen(
  server: { listen(port: number, host: string, listening: () => void): unknown; address(): AddressInfo | string | null },
  certificate: Uint8Array,
): Promise<{ port: number; certificate: string }> {
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  return { port: (server.address() as AddressInfo).port, certificate: Buffer.from(certificate).toString('base64') };
}

/** `GET /N` gives N octets. */
const lengthAsked = (path: string | undefined): number => Number(path?.slice(1));

async function countOctets(stream: Readable, expected: number): Promise<void> {
  let received = 0;
  for await (const piece of stream) received += (piece as Buffer).length;
  if (received !== expected) throw new Error(`${received} octets came, ${expected} were asked for`);
}

export const httpsDownload: Contest = {
  async serve() {
    const identity = makeIdentity();
    const server = createServer(asPem(identity), (request, response) => {
      const length = lengthAsked(request.url);
      response.writeHead(200, { 'content-length': length });
      body(length).pipe(response);
    });
    return listen(server, identity.certificate);
  },

  async run({ bytes }, { port, certificate }) {
    const ca = certificatePem(certificate);
    const options = { host: LOOPBACK, servername: HOST_NAME, port, ca, agent: false as const };
    const request = (length: number): Promise<Readable> =>
      new Promise((resolve, reject) => get({ ...options, path: `/${length}` }, resolve).on('error', reject));
    await countOctets(await request(1), 1); // what is loaded on first use is loaded
    const watch = new Stopwatch();
    await countOctets(await request(bytes), bytes);
    return { value: bytes / 1e6 / watch.seconds, cpuSeconds: watch.cpuSeconds };
  },
};

export const http2Download: Contest = {
  async serve() {
    const identity = makeIdentity();
    const server = createSecureServer(asPem(identity));
    server.on('stream', (stream, headers) => {
      const length = lengthAsked(headers[':path']);
      stream.respond({ ':status': 200, 'content-length': length });
      body(length).pipe(stream);
    });
    return listen(server, identity.certificate);
  },

  async run({ bytes }, { port, certificate }) {
    const session = await connectSession(port, certificate);
    const watch = new Stopwatch();
    await countOctets(session.request({ ':path': `/${bytes}` }), bytes);
    return { value: bytes / 1e6 / watch.seconds, cpuSeconds: watch.cpuSeconds };
  },
};

/** 1 KiB each, so many at a time on one connection. */
export const http2Requests: Contest = {
  async serve() {
    const identity = makeIdentity();
    const server = createSecureServer(asPem(identity));
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/octet-stream', 'content-length': RESPONSE.length });
      stream.end(RESPONSE);
    });
    return listen(server, identity.certificate);
  },

  async run(_options, { port, certificate }) {
    const session = await connectSession(port, certificate);
    let complete = 0;
    const next = (): void => {
      let received = 0;
      const stream = session.request({ ':path': '/object' });
      stream.on('data', (piece: Buffer) => {
        received += piece.length;
      });
      stream.on('end', () => {
        if (received !== RESPONSE.length) throw new Error(`${received} octets came, ${RESPONSE.length} were to come`);
        complete++;
        next();
      });
    };
    for (let i = 0; i < REQUEST_CONCURRENCY; i++) next();
    return measureRate(() => complete);
  },
};

async function connectSession(port: number, certificate: Uint8Array) {
  const session = connectHttp2(`https://${LOOPBACK}:${port}`, {
    servername: HOST_NAME,
    ca: certificatePem(certificate),
    settings: { initialWindowSize: HTTP2_WINDOW },
  });
  await new Promise<void>((resolve, reject) => session.once('connect', () => resolve()).once('error', reject));
  session.setLocalWindowSize(HTTP2_WINDOW);
  return session;
}
