import { concat, fromLatin1, latin1 } from '@quiclab/bytes';
import { type Fields, fieldValue, type HttpEvent } from '@quiclab/http-semantics';
import { Http1Client, type Http1ClientOptions, Http1Server, type Http1ServerOptions } from '@quiclab/http1';
import { connect, driveStream, Listener, processClock, type StreamDriver } from '@quiclab/net';

/** A response as it came. */
export interface Answer {
  status: number;
  fields: Fields;
  content: Uint8Array;
  trailers: Fields;
  informational: number[];
}

interface Asking extends Answer {
  readonly body: Uint8Array;
  sent: number;
  readonly waits: boolean;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** Our client on a socket. */
export class SocketClient {
  /** Requests that ended without an answer. */
  readonly failed: Extract<HttpEvent, { type: 'failed' }>[] = [];
  readonly http: Http1Client;
  /** Resolves when the connection is over. */
  readonly over: Promise<{ clean: boolean; reason: string }>;
  /** Of an exchange that has become a tunnel: what comes. */
  onOctets: (octets: Uint8Array, fin: boolean) => void = () => {};
  readonly #driver: StreamDriver;
  readonly #asking = new Map<number, Asking>();

  static async open(port: number, options: Omit<Http1ClientOptions, 'transport'> = {}): Promise<SocketClient> {
    return new SocketClient(await connect({ host: '127.0.0.1', port }), options);
  }

  private constructor(stream: Awaited<ReturnType<typeof connect>>, options: Omit<Http1ClientOptions, 'transport'>) {
    this.http = new Http1Client({ transport: stream, ...options });
    let closed: (how: { clean: boolean; reason: string }) => void;
    this.over = new Promise((resolve) => {
      closed = resolve;
    });
    this.#driver = driveStream(this.http, stream, {
      handle: (event) => this.#onEvent(event),
      onClosed: (clean, reason) => closed({ clean, reason }),
      onError: (error) => {
        throw error;
      },
    });
    this.http.start(processClock.now());
  }

  /** @param body  'wait' in `how`: it goes when the server has said 100 */
  ask(method: string, path: string, fields: Fields = [], body: string | Uint8Array = '', how: 'now' | 'wait' = 'now'): Promise<Answer> {
    const content = typeof body === 'string' ? latin1(body) : body;
    const target: Fields =
      method === 'CONNECT'
        ? [[':authority', path]]
        : [
            [':scheme', 'http'],
            [':authority', 'localhost'],
            [':path', path],
          ];
    const asked: Fields = [[':method', method], ...target, ...fields];
    const id = this.http.request(processClock.now(), asked, content.length === 0);
    if (id === undefined) throw new Error('no room for a request');
    return new Promise((resolve, reject) => {
      const waits = how === 'wait';
      this.#asking.set(id, {
        status: 0,
        fields: [],
        content: latin1(''),
        trailers: [],
        informational: [],
        body: content,
        sent: 0,
        waits,
        resolve,
        reject,
      });
      if (!waits) this.#write(id);
      this.#driver.wake();
    });
  }

  /** Octets into a tunnel. */
  say(id: number, octets: string): void {
    this.http.writeBody(processClock.now(), id, latin1(octets));
    this.#driver.wake();
  }

  finish(id: number): void {
    this.http.finish(processClock.now(), id);
    this.#driver.wake();
  }

  close(): void {
    this.http.close(processClock.now());
    this.#driver.wake();
  }

  #write(id: number): void {
    const asking = this.#asking.get(id);
    if (asking === undefined || asking.body.length === 0) return;
    asking.sent += this.http.writeBody(processClock.now(), id, asking.body.subarray(asking.sent));
    if (asking.sent === asking.body.length) this.http.finish(processClock.now(), id);
  }

  #onEvent(event: HttpEvent): void {
    const asking = 'id' in event ? this.#asking.get(event.id) : undefined;
    if (event.type === 'failed') this.failed.push(event);
    if (asking === undefined || !('id' in event)) return;
    switch (event.type) {
      case 'response':
        if (event.informational) {
          asking.informational.push(event.status);
          if (asking.waits) this.#write(event.id);
          return;
        }
        asking.status = event.status;
        asking.fields = event.fields.slice(1);
        if (event.end || event.status === 101) asking.resolve(asking);
        return;
      case 'trailers':
        asking.trailers = event.fields;
        return;
      case 'body-writable':
        this.#write(event.id);
        return;
      case 'body-readable':
        this.#read(event.id, asking);
        return;
      case 'failed':
        asking.reject(new Error(event.reason));
    }
  }

  #read(id: number, asking: Asking): void {
    const pieces: Uint8Array[] = [];
    for (let piece = this.http.readBody(processClock.now(), id); piece !== undefined; piece = this.http.readBody(processClock.now(), id)) {
      if (asking.status === 101) this.onOctets(piece.data, piece.fin);
      pieces.push(piece.data);
      if (piece.fin) queueMicrotask(() => asking.resolve(asking));
    }
    if (asking.status !== 101) asking.content = concat(asking.content, ...pieces);
  }
}

/** An application on our server: what each path gives. */
class Application {
  readonly #http: Http1Server;
  readonly #sending = new Map<number, { data: Uint8Array; at: number }>();
  readonly #paths = new Map<number, string>();

  constructor(http: Http1Server) {
    this.#http = http;
  }

  onEvent(event: HttpEvent): void {
    const http = this.#http;
    const now = processClock.now();
    if (event.type === 'request') this.#answer(now, event.id, event.fields, event.end);
    else if (event.type === 'body-writable') this.#write(now, event.id);
    else if (event.type === 'body-readable') {
      const path = this.#paths.get(event.id)!;
      for (let piece = http.readBody(now, event.id); piece !== undefined; piece = http.readBody(now, event.id)) {
        if (path === '/echo' || path === '/socket') this.#queue(now, event.id, piece.data);
        if (piece.fin) this.#end(now, event.id, path);
      }
    }
  }

  #answer(now: number, id: number, fields: Fields, end: boolean): void {
    const http = this.#http;
    const path = fieldValue(fields, ':path')!;
    this.#paths.set(id, path);
    if (path === '/hello') {
      http.respond(
        now,
        id,
        [
          [':status', '200'],
          ['content-length', '5'],
        ],
        false,
      );
      this.#queue(now, id, latin1('hello'));
      this.#end(now, id, path);
    } else if (path.startsWith('/large/')) {
      const data = new Uint8Array(Number(path.slice(7))).fill(0x61);
      http.respond(
        now,
        id,
        [
          [':status', '200'],
          ['content-length', String(data.length)],
        ],
        false,
      );
      this.#queue(now, id, data);
    } else if (path === '/hints') {
      http.respond(
        now,
        id,
        [
          [':status', '103'],
          ['link', '</a>'],
        ],
        false,
      );
      http.respond(now, id, [[':status', '204']], true);
    } else if (path === '/reject') http.respond(now, id, [[':status', '413']], true);
    else if (path === '/socket' && fieldValue(fields, 'upgrade') !== undefined)
      http.respond(
        now,
        id,
        [
          [':status', '101'],
          ['upgrade', fieldValue(fields, 'upgrade')!],
        ],
        false,
      );
    else if (path === '/echo') {
      http.respond(
        now,
        id,
        [
          [':status', '200'],
          ['x-method', fieldValue(fields, ':method')!],
        ],
        false,
      );
      if (end) http.finish(now, id, [['x-trailer', 'yes']]);
    } else http.respond(now, id, [[':status', '404']], true);
  }

  #queue(now: number, id: number, data: Uint8Array): void {
    const before = this.#sending.get(id);
    this.#sending.set(id, before === undefined ? { data, at: 0 } : { data: concat(before.data.subarray(before.at), data), at: 0 });
    this.#write(now, id);
  }

  #write(now: number, id: number): void {
    const sending = this.#sending.get(id);
    if (sending === undefined) return;
    sending.at += this.#http.writeBody(now, id, sending.data.subarray(sending.at));
    if (sending.at < sending.data.length) return;
    this.#sending.delete(id);
    const path = this.#paths.get(id)!;
    if (path.startsWith('/large/') || path === 'ended') this.#http.finish(now, id, path === 'ended' ? [['x-trailer', 'yes']] : []);
  }

  #end(now: number, id: number, path: string): void {
    if (this.#sending.has(id)) this.#paths.set(id, 'ended');
    else this.#http.finish(now, id, path === '/echo' ? [['x-trailer', 'yes']] : []);
  }
}

/** Our server on a port of its own. */
export async function listen(options: Omit<Http1ServerOptions, 'transport'> = {}): Promise<Listener> {
  return Listener.open({
    onStream: (stream) => {
      const http = new Http1Server({ transport: stream, ...options });
      const application = new Application(http);
      driveStream(http, stream, {
        handle: (event) => application.onEvent(event),
        onError: (error) => {
          throw error;
        },
      });
      http.start(processClock.now());
    },
  });
}

export const text = (octets: Uint8Array): string => fromLatin1(octets);
