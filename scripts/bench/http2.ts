import { type Fields, fieldValue, type HttpEvent } from '@quiclab/http-semantics';
import { H2_ALPN, Http2Connection } from '@quiclab/http2';
import { connect, driveStream, Listener, processClock, type SocketStream } from '@quiclab/net';
import { type Contest, REQUEST_CONCURRENCY, RESPONSE_BYTES } from './contest.ts';
import { asPem, certificatePem, HOST_NAME, LOOPBACK, makeIdentity } from './identity.ts';
import { measureRate, Stopwatch } from './stopwatch.ts';

const CHUNK = new Uint8Array(1 << 16).fill(0x61);
const RESPONSE = new Uint8Array(RESPONSE_BYTES).fill(0x61);

const rethrow = (error: Error): void => {
  throw error;
};

type OnEvent = (now: number, http: Http2Connection, event: HttpEvent) => void;

/** Our HTTP/2 on Node's TLS, as node-http.ts has Node's on the same. */
function speak(side: 'client' | 'server', stream: SocketStream, onEvent: OnEvent): Http2Connection {
  const http = new Http2Connection({ side, transport: stream });
  http.start(processClock.now());
  const onClosed = (_clean: boolean, reason: string): void => {
    if (side === 'client') throw new Error(`the connection ended: ${reason}`);
  };
  driveStream(http, stream, { handle: (event) => onEvent(processClock.now(), http, event), onClosed, onError: rethrow });
  return http;
}

async function listen(onEvent: OnEvent): Promise<{ port: number; certificate: string }> {
  const identity = makeIdentity();
  const listener = await Listener.open({
    host: LOOPBACK,
    tls: { ...asPem(identity), alpn: [H2_ALPN] },
    onStream: (stream) => speak('server', stream, onEvent),
  });
  return { port: listener.address.port, certificate: Buffer.from(identity.certificate).toString('base64') };
}

const dial = (port: number, certificate: Uint8Array): Promise<SocketStream> =>
  connect({ host: LOOPBACK, port, tls: { alpn: [H2_ALPN], serverName: HOST_NAME, ca: certificatePem(certificate) } });

const get = (path: string): Fields => [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', path],
];

const ok = (length: number): Fields => [
  [':status', '200'],
  ['content-type', 'application/octet-stream'],
  ['content-length', String(length)],
];

/** `GET /N` gives N octets. */
export const h2Download: Contest = {
  serve() {
    const left = new Map<number, number>();
    const write = (now: number, http: Http2Connection, id: number): void => {
      let rest = left.get(id) ?? 0;
      while (rest > 0) {
        const length = Math.min(rest, CHUNK.length);
        const taken = http.writeBody(now, id, CHUNK.subarray(0, length));
        rest -= taken;
        if (taken < length) break;
      }
      left.set(id, rest);
      if (rest === 0) http.finish(now, id);
    };
    return listen((now, http, event) => {
      if (event.type === 'request') {
        const length = Number(fieldValue(event.fields, ':path')!.slice(1));
        http.respond(now, event.id, ok(length), false);
        left.set(event.id, length);
        write(now, http, event.id);
      } else if (event.type === 'body-writable') write(now, http, event.id);
    });
  },

  async run({ bytes }, { port, certificate }) {
    const stream = await dial(port, certificate);
    return new Promise((resolve, reject) => {
      let received = 0;
      const http = speak('client', stream, (now, _http, event) => {
        if (event.type !== 'body-readable') return;
        for (let piece = http.readBody(now, event.id); piece !== undefined; piece = http.readBody(now, event.id)) {
          received += piece.data.length;
          if (!piece.fin) continue;
          if (received !== bytes) reject(new Error(`${received} octets came, ${bytes} were asked for`));
          else resolve({ value: bytes / 1e6 / watch.seconds, cpuSeconds: watch.cpuSeconds });
        }
      });
      const watch = new Stopwatch();
      http.request(processClock.now(), get(`/${bytes}`), true);
    });
  },
};

/** 1 KiB each, so many at a time on one connection. */
export const h2Requests: Contest = {
  serve: () =>
    listen((now, http, event) => {
      if (event.type !== 'request') return;
      http.respond(now, event.id, ok(RESPONSE.length), false);
      http.writeBody(now, event.id, RESPONSE);
      http.finish(now, event.id);
    }),

  async run(_options, { port, certificate }) {
    const stream = await dial(port, certificate);
    let complete = 0;
    const received = new Map<number, number>();
    const request = (now: number): void => {
      const id = http.request(now, get('/object'), true);
      if (id === undefined) throw new Error('the server does not take so many requests at once');
      received.set(id, 0);
    };
    const http = speak('client', stream, (now, _http, event) => {
      if (event.type !== 'body-readable') return;
      for (let piece = http.readBody(now, event.id); piece !== undefined; piece = http.readBody(now, event.id)) {
        const octets = received.get(event.id)! + piece.data.length;
        received.set(event.id, octets);
        if (!piece.fin) continue;
        received.delete(event.id);
        if (octets !== RESPONSE.length) throw new Error(`${octets} octets came, ${RESPONSE.length} were to come`);
        complete++;
        request(now);
      }
    });
    for (let i = 0; i < REQUEST_CONCURRENCY; i++) request(processClock.now());
    return measureRate(() => complete);
  },
};
