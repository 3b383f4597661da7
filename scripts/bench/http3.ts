import type { HttpEvent } from '@quiclab/http-semantics';
import { Http3Connection } from '@quiclab/http3';
import { type Connection, describeClose, isStreamEvent } from '@quiclab/quic';
import { type Contest, REQUEST_CONCURRENCY, RESPONSE_BYTES } from './contest.ts';
import { connect, type Handler, notesOf, quicClient, quicServer } from './quic-ends.ts';
import { measureRate } from './stopwatch.ts';

const ALPN = 'h3';
const RESPONSE = new Uint8Array(RESPONSE_BYTES).fill(0x61);

/** HTTP/3 on each connection; `onReady` once requests may be made. */
function http3(
  side: 'client' | 'server',
  onHttp: (now: number, http: Http3Connection, event: HttpEvent) => void,
  onReady: (now: number, http: Http3Connection) => void = () => {},
): Handler {
  const all = new Map<Connection, Http3Connection>();
  return (now, connection, event) => {
    if (event.type === 'handshake-complete') {
      const http = new Http3Connection({ side, transport: connection });
      all.set(connection, http);
      http.start(now);
      onReady(now, http);
    } else if (event.type === 'closed') {
      all.delete(connection);
      if (side === 'client') throw new Error(`the connection ended: ${describeClose(event.cause)}`);
    } else if (isStreamEvent(event)) all.get(connection)?.onTransport(now, event);
    const http = all.get(connection);
    if (http === undefined) return;
    for (let said = http.pollEvent(); said !== undefined; said = http.pollEvent()) onHttp(now, http, said);
  };
}

/** 1 KiB each, so many at a time on one connection. */
export const http3Requests: Contest = {
  async serve(options) {
    let first: Connection | undefined;
    const answer = http3('server', (now, http, event) => {
      if (event.type !== 'request') return;
      http.respond(
        now,
        event.id,
        [
          [':status', '200'],
          ['content-type', 'application/octet-stream'],
          ['content-length', String(RESPONSE.length)],
        ],
        false,
      );
      http.writeBody(now, event.id, RESPONSE);
      http.finish(now, event.id);
    });
    const server = await quicServer(options, ALPN, (now, connection, event) => {
      first ??= connection;
      answer(now, connection, event);
    });
    return { port: server.port, certificate: server.certificate, notes: () => notesOf(server, first) };
  },

  async run(options, target) {
    let complete = 0;
    const received = new Map<number, number>();
    const request = (now: number, http: Http3Connection): void => {
      const id = http.request(
        now,
        [
          [':method', 'GET'],
          [':scheme', 'https'],
          [':authority', 'localhost'],
          [':path', '/object'],
        ],
        true,
      );
      if (id === undefined) throw new Error('the server does not take so many requests at once');
      received.set(id, 0);
    };
    const handler = http3(
      'client',
      (now, http, event) => {
        if (event.type !== 'body-readable') return;
        for (let piece = http.readBody(now, event.id); piece !== undefined; piece = http.readBody(now, event.id)) {
          const octets = received.get(event.id)! + piece.data.length;
          received.set(event.id, octets);
          if (!piece.fin) continue;
          received.delete(event.id);
          if (octets !== RESPONSE.length) throw new Error(`${octets} octets came, ${RESPONSE.length} were to come`);
          complete++;
          request(now, http);
        }
      },
      (now, http) => {
        for (let i = 0; i < REQUEST_CONCURRENCY; i++) request(now, http);
      },
    );
    const client = await quicClient(options, target.certificate, handler);
    const connection = connect(client, ALPN, target.port);
    const rate = await measureRate(() => complete);
    const notes = Object.entries(notesOf(client, connection)).map(([name, value]) => [`client ${name}`, value]);
    return { ...rate, notes: Object.fromEntries(notes) };
  },
};
