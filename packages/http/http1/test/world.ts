import { concat, fromLatin1, latin1 } from '@quiclab/bytes';
import type { Fields, HttpEvent, HttpOver } from '@quiclab/http-semantics';
import { Http1Client, type Http1ClientOptions, Http1Server, type Http1ServerOptions } from '@quiclab/http1';
import type { ByteStreamEvent } from '@quiclab/sansio';
import { type FakeOptions, type FakeStream, fakePair } from './fake-stream.ts';

/** As an application of HTTP/3 writes them. */
export const GET: Fields = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'example.com'],
  [':path', '/'],
];
export const OK: Fields = [[':status', '200']];
export const get = (path: string): Fields => [...GET.slice(0, 3), [':path', path]];
export const asking = (method: string, ...more: Fields): Fields => [[':method', method], ...GET.slice(1), ...more];

/** One HTTP connection on one end of a pretended transport, and what it told. */
export class End<Http extends HttpOver<ByteStreamEvent> = HttpOver<ByteStreamEvent>> {
  readonly http: Http;
  readonly transport: FakeStream;
  readonly told: HttpEvent[] = [];
  /** Called for each event, as an application would act on it. */
  onEvent: (event: HttpEvent) => void = () => {};

  constructor(http: Http, transport: FakeStream) {
    this.http = http;
    this.transport = transport;
  }

  /** Whether anything happened. */
  turn(): boolean {
    let happened = false;
    for (let event = this.transport.events.shift(); event !== undefined; event = this.transport.events.shift()) {
      this.http.onTransport(0, event);
      happened = true;
    }
    for (let event = this.http.pollEvent(); event !== undefined; event = this.http.pollEvent()) {
      this.told.push(event);
      this.onEvent(event);
      happened = true;
    }
    return happened;
  }

  events<T extends HttpEvent['type']>(type: T): Extract<HttpEvent, { type: T }>[] {
    return this.told.filter((event): event is Extract<HttpEvent, { type: T }> => event.type === type);
  }

  /** Reads what there is to read of a body. */
  readAll(id: number): { text: string; fin: boolean } {
    const pieces: Uint8Array[] = [];
    let fin = false;
    for (let piece = this.http.readBody(0, id); piece !== undefined; piece = this.http.readBody(0, id)) {
      pieces.push(piece.data);
      fin ||= piece.fin;
    }
    return { text: fromLatin1(concat(...pieces)), fin };
  }
}

export function run(...ends: (End | FakeStream)[]): void {
  for (let rounds = 0; ; rounds++) {
    if (rounds > 1_000_000) throw new Error('the exchange does not come to rest');
    let happened = false;
    for (const end of ends) {
      if (end instanceof End) happened = end.turn() || happened;
      happened = ('transport' in end ? end.transport : end).deliver() || happened;
    }
    if (!happened) return;
  }
}

export interface WorldOptions extends FakeOptions {
  readonly client?: Omit<Http1ClientOptions, 'transport'>;
  readonly server?: Omit<Http1ServerOptions, 'transport'>;
}

/** Client and server, both ours, started. */
export function http1Pair(options: WorldOptions = {}): { client: End<Http1Client>; server: End<Http1Server>; run(): void } {
  const transports = fakePair(options);
  const client = new End(new Http1Client({ transport: transports.client, ...options.client }), transports.client);
  const server = new End(new Http1Server({ transport: transports.server, ...options.server }), transports.server);
  client.http.start(0);
  server.http.start(0);
  return { client, server, run: () => run(client, server) };
}

/** Our server, and across from it a client that says anything. */
export class RawClient {
  readonly server: End<Http1Server>;
  readonly raw: FakeStream;
  heard = '';
  /** The server has ended its direction. */
  ended = false;

  constructor(options: WorldOptions = {}) {
    const transports = fakePair(options);
    this.raw = transports.client;
    this.server = new End(new Http1Server({ transport: transports.server, ...options.server }), transports.server);
    this.server.http.start(0);
  }

  say(text: string | Uint8Array): this {
    this.raw.write(0, typeof text === 'string' ? latin1(text) : text);
    return this.run();
  }

  end(): this {
    this.raw.finish(0);
    return this.run();
  }

  run(): this {
    run(this.server, this.raw);
    const { data, fin } = this.raw.drain();
    this.heard += fromLatin1(data);
    this.ended ||= fin;
    run(this.server, this.raw);
    return this;
  }

  /** What came since this was asked last. */
  take(): string {
    const { heard } = this;
    this.heard = '';
    return heard;
  }

  /** The status codes of the responses that came. */
  get statuses(): number[] {
    return [...this.heard.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  }
}

/** Our client, and across from it a server that says anything. */
export class RawServer {
  readonly client: End<Http1Client>;
  readonly raw: FakeStream;
  heard = '';
  ended = false;

  constructor(options: WorldOptions = {}) {
    const transports = fakePair(options);
    this.raw = transports.server;
    this.client = new End(new Http1Client({ transport: transports.client, ...options.client }), transports.client);
    this.client.http.start(0);
  }

  request(fields: Fields = GET, end = true): number | undefined {
    const id = this.client.http.request(0, fields, end);
    this.run();
    return id;
  }

  say(text: string | Uint8Array): this {
    this.raw.write(0, typeof text === 'string' ? latin1(text) : text);
    return this.run();
  }

  end(): this {
    this.raw.finish(0);
    return this.run();
  }

  run(): this {
    run(this.client, this.raw);
    const { data, fin } = this.raw.drain();
    this.heard += fromLatin1(data);
    this.ended ||= fin;
    run(this.client, this.raw);
    return this;
  }

  take(): string {
    const { heard } = this;
    this.heard = '';
    return heard;
  }
}
