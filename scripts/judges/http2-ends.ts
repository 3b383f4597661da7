/** Our HTTP/2 on sockets, for judges: a server that answers anything, and a client that asks until it has all. */
import { developmentCertificate, toPem } from '@quiclab/crypto/node';
import { type Fields, fieldValue, type HttpEvent } from '@quiclab/http-semantics';
import { H2_ALPN, Http2Connection } from '@quiclab/http2';
import { connect, driveStream, Listener, processClock, type SocketStream } from '@quiclab/net';

const made = developmentCertificate(processClock.now());
export const identity = { cert: toPem('CERTIFICATE', made.certificate), key: toPem('PRIVATE KEY', made.privateKey) };

const rethrow = (error: Error): void => {
  throw error;
};

/** Answers each request, when it is whole, with so many octets; `x-received` says how many came, and what the trailer `x-check` was. */
export function serveHttp2(tls: boolean, octets: number): Promise<Listener> {
  const body = new Uint8Array(octets).fill(0x61);
  return Listener.open({
    ...(tls ? { tls: { ...identity, alpn: [H2_ALPN], allowTls12: true } } : {}),
    onStream: (stream) => serveOne(stream, body),
  });
}

function serveOne(stream: SocketStream, body: Uint8Array): void {
  const http = new Http2Connection({ side: 'server', transport: stream });
  const received = new Map<number, number>();
  const checks = new Map<number, string>();
  const rest = new Map<number, Uint8Array>();
  let whole: number[] = [];
  const write = (now: number, id: number): void => {
    const left = rest.get(id);
    if (left === undefined) return;
    const more = left.subarray(http.writeBody(now, id, left));
    rest.set(id, more);
    if (more.length > 0) return;
    rest.delete(id);
    http.finish(now, id);
  };
  const answer = (now: number, id: number): void => {
    const said = `${received.get(id) ?? 0} ${checks.get(id) ?? ''}`.trimEnd();
    received.delete(id);
    checks.delete(id);
    const fields: Fields = [
      [':status', '200'],
      ['content-length', String(body.length)],
      ['x-received', said],
    ];
    http.respond(now, id, fields, false);
    rest.set(id, body);
    write(now, id);
  };
  const handle = (event: HttpEvent): void => {
    const now = processClock.now();
    if (event.type === 'request' && event.end) whole.push(event.id);
    else if (event.type === 'trailers') checks.set(event.id, fieldValue(event.fields, 'x-check') ?? '');
    else if (event.type === 'body-writable') write(now, event.id);
    else if (event.type === 'stopped' || event.type === 'reset' || event.type === 'failed') rest.delete(event.id);
    else if (event.type === 'body-readable')
      for (let piece = http.readBody(now, event.id); piece !== undefined; piece = http.readBody(now, event.id)) {
        received.set(event.id, (received.get(event.id) ?? 0) + piece.data.length);
        if (piece.fin) whole.push(event.id);
      }
    // trailers are told in the turn in which the end is read
    if (whole.length > 0)
      queueMicrotask(() => {
        for (const id of whole) answer(processClock.now(), id);
        whole = [];
        driver.wake();
      });
  };
  http.start(processClock.now());
  const driver = driveStream(http, stream, { handle, onError: rethrow });
}

/** Asks for a path so often, all at once, each time with so much content. Resolves with the octets that came for each. */
export async function fetchHttp2(port: number, path: string, times: number, content: number, ca?: string): Promise<number[]> {
  const stream = await connect({
    host: '127.0.0.1',
    port,
    ...(ca === undefined ? {} : { tls: { alpn: [H2_ALPN], ca, serverName: 'localhost' } }),
  });
  const http = new Http2Connection({ side: 'client', transport: stream });
  const counts = new Map<number, number>();
  const unsent = new Map<number, number>();
  return new Promise((resolve, reject) => {
    let asked = 0;
    let complete = 0;
    const write = (id: number): void => {
      const left = unsent.get(id);
      if (left === undefined) return;
      const now = processClock.now();
      const more = left - http.writeBody(now, id, new Uint8Array(left));
      unsent.set(id, more);
      if (more > 0) return;
      unsent.delete(id);
      http.finish(now, id);
    };
    const ask = (): void => {
      for (; asked < times; asked++) {
        const fields: Fields = [
          [':method', content > 0 ? 'POST' : 'GET'],
          [':scheme', ca === undefined ? 'http' : 'https'],
          [':authority', `localhost:${port}`],
          [':path', path],
        ];
        const id = http.request(processClock.now(), fields, content === 0);
        if (id === undefined) return;
        counts.set(id, 0);
        unsent.set(id, content);
        if (content > 0) write(id);
      }
    };
    const done = (): void => {
      if (++complete === times) http.close(processClock.now());
    };
    const handle = (event: HttpEvent): void => {
      if (event.type === 'requests-available') ask();
      else if (event.type === 'body-writable') write(event.id);
      else if (event.type === 'response' && event.end) done();
      else if (event.type === 'failed' || event.type === 'reset')
        reject(new Error(`exchange ${event.id}: ${event.type} with code ${event.code}`));
      else if (event.type === 'body-readable')
        for (
          let piece = http.readBody(processClock.now(), event.id);
          piece !== undefined;
          piece = http.readBody(processClock.now(), event.id)
        ) {
          counts.set(event.id, counts.get(event.id)! + piece.data.length);
          if (piece.fin) done();
        }
    };
    http.start(processClock.now());
    ask();
    const onClosed = (_clean: boolean, reason: string): void => {
      if (complete === times) resolve([...counts.values()]);
      else reject(new Error(`${complete} of ${times} came, then the connection ended: ${reason}`));
    };
    driveStream(http, stream, { handle, onClosed, onError: reject });
  });
}
