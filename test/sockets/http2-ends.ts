import { concat } from '@quiclab/bytes';
import { developmentCertificate, toPem } from '@quiclab/crypto/node';
import { type Fields, fieldValue, type HttpEvent } from '@quiclab/http-semantics';
import { H2_ALPN, Http2Connection, type Http2Options } from '@quiclab/http2';
import { connect, driveStream, Listener, processClock, type SocketStream, type StreamDriver } from '@quiclab/net';

const made = developmentCertificate(processClock.now());
export const identity = { cert: toPem('CERTIFICATE', made.certificate), key: toPem('PRIVATE KEY', made.privateKey) };
/** h2c by prior knowledge (RFC 9113 §3.3), and TLS with ALPN (§3.2). */
export const KINDS = ['tcp', 'tls'] as const;
export type Kind = (typeof KINDS)[number];

type Options = Omit<Http2Options, 'side' | 'transport'>;

/** What became of an exchange, as a client sees it. */
export interface Answer {
  status: number;
  fields: Fields;
  informational: number[];
  body: Uint8Array;
  trailers: Fields;
  /** 'reset 8', 'failed 0 unprocessed', 'stopped 0'; '' where all went well. */
  fault: string;
}

/** One exchange of a client's, and what it waits for. */
class Call {
  readonly answer: Answer = { status: 0, fields: [], informational: [], body: new Uint8Array(0), trailers: [], fault: '' };
  readonly pieces: Uint8Array[] = [];
  rest: Uint8Array;
  readonly trailers: Fields;
  readonly done: (answer: Answer) => void;

  constructor(rest: Uint8Array, trailers: Fields, done: (answer: Answer) => void) {
    this.rest = rest;
    this.trailers = trailers;
    this.done = done;
  }
}

/** Our client on a real connection. */
export class OurClient {
  readonly http: Http2Connection;
  readonly told: HttpEvent[] = [];
  /** Called with each event before anything else is done with it. */
  onEvent: (event: HttpEvent) => void = () => {};
  readonly #driver: StreamDriver;
  readonly #calls = new Map<number, Call>();
  #waiting: (() => void)[] = [];
  #closed: () => void = () => {};
  /** Resolves when the stream is over, with whether that was clean. */
  readonly over: Promise<boolean>;

  static async open(kind: Kind, port: number, options: Options = {}): Promise<OurClient> {
    const tls = kind === 'tls' ? { alpn: [H2_ALPN], ca: identity.cert, serverName: 'localhost' } : undefined;
    return new OurClient(await connect({ host: '127.0.0.1', port, ...(tls === undefined ? {} : { tls }) }), options);
  }

  constructor(stream: SocketStream, options: Options = {}) {
    this.http = new Http2Connection({ side: 'client', transport: stream, ...options });
    this.http.start(processClock.now());
    let over: (clean: boolean) => void;
    this.over = new Promise((resolve) => {
      over = resolve;
    });
    this.#driver = driveStream(this.http, stream, {
      handle: (event) => this.#onEvent(event),
      onClosed: (clean) => over(clean),
      onError: (error) => {
        throw error;
      },
    });
  }

  /** Begins an exchange as soon as there is room for it. */
  fetch(fields: Fields, content: Uint8Array = new Uint8Array(0), trailers: Fields = []): Promise<Answer> {
    return new Promise((resolve) => {
      const end = content.length === 0 && trailers.length === 0;
      const begin = (): void => {
        const id = this.http.request(processClock.now(), fields, end);
        if (id === undefined) {
          this.#waiting.push(begin);
          return;
        }
        const call = new Call(content, trailers, resolve);
        this.#calls.set(id, call);
        if (!end) this.#write(id, call);
        this.#driver.wake();
      };
      begin();
    });
  }

  /** Calls the machine from outside. */
  act(action: (http: Http2Connection, now: number) => void): void {
    action(this.http, processClock.now());
    this.#driver.wake();
  }

  close(): Promise<boolean> {
    this.act((http, now) => http.close(now));
    return this.over;
  }

  /** Resolves when the machine is closed. */
  closed(): Promise<void> {
    return this.http.closed ? Promise.resolve() : new Promise((resolve) => (this.#closed = resolve));
  }

  #write(id: number, call: Call): void {
    const now = processClock.now();
    call.rest = call.rest.subarray(this.http.writeBody(now, id, call.rest));
    if (call.rest.length === 0) this.http.finish(now, id, call.trailers);
  }

  #onEvent(event: HttpEvent): void {
    this.told.push(event);
    this.onEvent(event);
    if (event.type === 'requests-available') {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const begin of waiting) begin();
      return;
    }
    if (event.type === 'closed') this.#closed();
    if (!('id' in event)) return;
    const call = this.#calls.get(event.id);
    if (call === undefined) return;
    const { answer } = call;
    switch (event.type) {
      case 'response':
        if (event.informational) answer.informational.push(event.status);
        else {
          answer.status = event.status;
          answer.fields = event.fields;
          if (event.end) this.#end(event.id, '');
        }
        return;
      case 'body-readable':
        for (
          let piece = this.http.readBody(processClock.now(), event.id);
          piece;
          piece = this.http.readBody(processClock.now(), event.id)
        ) {
          call.pieces.push(piece.data);
          if (piece.fin) this.#end(event.id, '');
        }
        return;
      case 'body-writable':
        this.#write(event.id, call);
        return;
      case 'trailers':
        answer.trailers = event.fields;
        return;
      case 'reset':
      case 'failed':
        this.#end(event.id, `${event.type} ${event.code}${event.unprocessed ? ' unprocessed' : ''}`);
        return;
      case 'stopped':
        call.rest = new Uint8Array(0);
    }
  }

  #end(id: number, fault: string): void {
    const call = this.#calls.get(id)!;
    this.#calls.delete(id);
    call.answer.body = concat(...call.pieces);
    call.answer.fault = fault;
    call.done(call.answer);
  }
}

/** What our server does with a request that is whole. */
export type Handler = (request: { fields: Fields; body: Uint8Array; trailers: Fields }) => {
  fields: Fields;
  body?: Uint8Array;
  trailers?: Fields;
  informational?: Fields;
};

/** Our server on real connections: it answers when a request is whole. */
export class OurServer {
  readonly listener: Listener;
  readonly connections: Http2Connection[] = [];
  readonly told: HttpEvent[] = [];
  readonly #drivers: StreamDriver[] = [];

  private constructor(listener: Listener) {
    this.listener = listener;
  }

  static async open(kind: Kind, handler: Handler, options: Options = {}): Promise<OurServer> {
    const tls = kind === 'tls' ? { ...identity, alpn: [H2_ALPN] } : undefined;
    const listener = await Listener.open({
      ...(tls === undefined ? {} : { tls }),
      onStream: (stream) => server.#serve(stream, handler, options),
    });
    const server = new OurServer(listener);
    return server;
  }

  get port(): number {
    return this.listener.address.port;
  }

  act(action: (http: Http2Connection, now: number) => void): void {
    for (const http of this.connections) action(http, processClock.now());
    for (const driver of this.#drivers) driver.wake();
  }

  #serve(stream: SocketStream, handler: Handler, options: Options): void {
    const http = new Http2Connection({ side: 'server', transport: stream, ...options });
    this.connections.push(http);
    http.start(processClock.now());
    const requests = new Map<number, { fields: Fields; pieces: Uint8Array[]; trailers: Fields }>();
    const rest = new Map<number, { body: Uint8Array; trailers: Fields }>();
    const write = (id: number): void => {
      const left = rest.get(id);
      if (left === undefined) return;
      left.body = left.body.subarray(http.writeBody(processClock.now(), id, left.body));
      if (left.body.length > 0) return;
      http.finish(processClock.now(), id, left.trailers);
      rest.delete(id);
    };
    const answer = (id: number): void => {
      const { fields, pieces, trailers } = requests.get(id)!;
      requests.delete(id);
      const said = handler({ fields, body: concat(...pieces), trailers });
      if (said.informational !== undefined) http.respond(processClock.now(), id, said.informational, false);
      http.respond(processClock.now(), id, said.fields, false);
      rest.set(id, { body: said.body ?? new Uint8Array(0), trailers: said.trailers ?? [] });
      write(id);
      driver.wake();
    };
    const handle = (event: HttpEvent): void => {
      this.told.push(event);
      if (event.type === 'request') {
        requests.set(event.id, { fields: event.fields, pieces: [], trailers: [] });
        if (event.end) answer(event.id);
      } else if (event.type === 'body-readable') {
        for (let piece = http.readBody(processClock.now(), event.id); piece; piece = http.readBody(processClock.now(), event.id)) {
          requests.get(event.id)?.pieces.push(piece.data);
          if (piece.fin) queueMicrotask(() => answer(event.id)); // trailers are told in this turn
        }
      } else if (event.type === 'trailers') requests.get(event.id)!.trailers = event.fields;
      else if (event.type === 'body-writable') write(event.id);
      else if (event.type === 'reset' || event.type === 'failed' || event.type === 'stopped') rest.delete(event.id);
    };
    const onError = (error: Error): void => {
      throw error;
    };
    const driver = driveStream(http, stream, { handle, onError });
    this.#drivers.push(driver);
  }
}

export const request = (method: string, path: string, more: Fields = []): Fields => [
  [':method', method],
  [':scheme', 'http'],
  [':authority', 'localhost'],
  [':path', path],
  ...more,
];
export const pathOf = (fields: Fields): string => fieldValue(fields, ':path')!;

/** Octets that say where they are. */
export function pattern(length: number, seed: number): Uint8Array {
  const octets = new Uint8Array(length);
  for (let i = 0; i < length; i++) octets[i] = (i * 31 + (i >>> 8) * 7 + seed) & 0xff;
  return octets;
}
