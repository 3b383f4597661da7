import { concat, fromLatin1, latin1 } from '@quiclab/bytes';
import { type Back, type DialFailure, type Front, Gateway, type GatewayOptions, type HttpVersion, type Passage } from '@quiclab/gateway';
import type { Fields, HttpConnection, HttpEvent, HttpOver } from '@quiclab/http-semantics';
import { Http1Client, type Http1ClientOptions, Http1Server, type Http1ServerOptions } from '@quiclab/http1';
import { Http2Connection } from '@quiclab/http2';
import { Http3Connection } from '@quiclab/http3';
import { type ByteStreamEvent, type Micros, NEVER, type Random } from '@quiclab/sansio';
import { fakePair as streamPair } from '../../http1/test/fake-stream.ts';
import { fakePair as quicPair } from '../../http3/test/fake-streams.ts';

export const VERSIONS: readonly HttpVersion[] = ['1.1', '2', '3'];

/** An HTTP connection on a pretended transport. */
interface Wired {
  readonly http: HttpConnection;
  /** Tells the connection what its transport has to tell; whether there was anything. */
  pull(now: Micros): boolean;
  /** Moves what there is to move. */
  deliver(): boolean;
  /** Octets that came. */
  received(): number;
  /** How the transport ended; undefined while it lives. */
  over(): string | undefined;
  /** HTTP/1.1 and HTTP/2: the other end has reset the transport. */
  aborted(): boolean;
  /** Ends the transport, without a word of HTTP. */
  cut(): void;
  /** Ends one direction of HTTP/1.1's transport, without a word of HTTP. */
  end(): void;
  /** HTTP/1.1: from here on, what comes goes there, and the connection at this end sees nothing of it. */
  tap(take: (octets: Uint8Array) => void): void;
  /** HTTP/1.1: puts octets into it that no connection of ours would send. */
  say(octets: Uint8Array): void;
}

export interface LegOptions {
  readonly sendBuffer?: number;
  readonly receiveBuffer?: number;
  readonly random?: Random;
  readonly streams?: number;
  /** HTTP/3: what the client asks comes in early data. */
  readonly early?: boolean;
  /** HTTP/3: the largest field section that either end takes. */
  readonly maxFieldSectionSize?: number;
  /** HTTP/2, HTTP/3: the server takes CONNECT with :protocol. */
  readonly enableConnectProtocol?: boolean;
  readonly client?: Omit<Http1ClientOptions, 'transport'>;
  readonly server?: Omit<Http1ServerOptions, 'transport'>;
}

/** Both ends of one connection, started. */
export const wire = (version: HttpVersion, options: LegOptions = {}): { client: Wired; server: Wired } =>
  version === '3' ? overQuic(options) : overStream(version, options);

function overStream(version: '1.1' | '2', options: LegOptions): { client: Wired; server: Wired } {
  const ends = streamPair(options);
  const { streams: maxConcurrentStreams = 5_000, maxFieldSectionSize = 65_536, sendBuffer: maxQueued, receiveBuffer } = options;
  const { enableConnectProtocol = false } = options;
  const windows = {
    ...(maxQueued === undefined ? {} : { maxQueued }),
    ...(receiveBuffer === undefined ? {} : { streamWindow: receiveBuffer, maxStreamWindow: receiveBuffer }),
  };
  const wired = (http: HttpOver<ByteStreamEvent>, stream: (typeof ends)['client']): Wired => {
    let ended: string | undefined;
    let received = 0;
    let tapped: ((octets: Uint8Array) => void) | undefined;
    const read = stream.read.bind(stream);
    stream.read = (now) => {
      const piece = read(now);
      received += piece?.data.length ?? 0;
      return piece;
    };
    http.start(0);
    return {
      http,
      pull: (now) => {
        const events = stream.events.splice(0);
        for (const event of events) {
          if (tapped !== undefined && event.type === 'readable') {
            tapped(stream.drain().data);
            continue;
          }
          http.onTransport(now, event);
          if (event.type === 'closed') ended = event.reason || 'closed';
        }
        return events.length > 0;
      },
      deliver: () => stream.deliver(),
      received: () => received,
      over: () => ended,
      aborted: () => stream.peer.aborted !== undefined,
      cut: () => stream.abort(0, 'cut'),
      end: () => stream.finish(0),
      say: (octets) => void stream.write(0, octets),
      tap: (take) => {
        tapped = take;
      },
    };
  };
  if (version === '2') {
    const end = (side: 'client' | 'server'): Wired =>
      wired(
        new Http2Connection({ side, transport: ends[side], maxConcurrentStreams, maxFieldSectionSize, enableConnectProtocol, ...windows }),
        ends[side],
      );
    return { client: end('client'), server: end('server') };
  }
  return {
    client: wired(new Http1Client({ transport: ends.client, ...options.client }), ends.client),
    server: wired(new Http1Server({ transport: ends.server, expectContinue: 'application', ...options.server }), ends.server),
  };
}

function overQuic({
  receiveBuffer: receiveWindow,
  early = false,
  maxFieldSectionSize = 65_536,
  enableConnectProtocol = false,
  ...rest
}: LegOptions): {
  client: Wired;
  server: Wired;
} {
  const ends = quicPair({ ...rest, ...(receiveWindow === undefined ? {} : { receiveWindow }) });
  let cut = false;
  const wired = (side: 'client' | 'server'): Wired => {
    const streams = ends[side];
    const http = new Http3Connection({ side, transport: streams, maxFieldSectionSize, enableConnectProtocol });
    http.start(0);
    return {
      http,
      pull: (now) => {
        const events = cut ? [] : streams.events.splice(0);
        for (const event of events) http.onTransport(now, early && event.type === 'stream-opened' ? { ...event, early } : event);
        return events.length > 0;
      },
      deliver: () => !cut && streams.deliver(),
      received: () => 0,
      over: () => (cut || streams.closed !== undefined || streams.peer.closed !== undefined ? 'closed' : undefined),
      cut: () => {
        cut = true;
      },
      aborted: noOctets,
      end: noOctets,
      say: noOctets,
      tap: noOctets,
    };
  };
  return { client: wired('client'), server: wired('server') };
}

const noOctets = (): never => {
  throw new Error('HTTP/3 is more than one stream of octets');
};

/** What an application has at one end of a connection. */
export class End {
  readonly http: HttpConnection;
  readonly wired: Wired;
  readonly told: HttpEvent[] = [];
  onEvent: (event: HttpEvent, end: End) => void = () => {};
  /** False: content is left where it is. */
  reads = true;
  readonly #bodies = new Map<number, Uint8Array[]>();
  readonly #ended = new Set<number>();

  constructor(wired: Wired) {
    this.wired = wired;
    this.http = wired.http;
  }

  turn(now: Micros): boolean {
    let happened = this.wired.pull(now);
    for (let event = this.http.pollEvent(); event !== undefined; event = this.http.pollEvent()) {
      happened = true;
      this.told.push(event);
      if ((event.type === 'request' || event.type === 'response') && event.end) this.#ended.add(event.id);
      this.onEvent(event, this);
      if (event.type === 'body-readable' && this.reads) this.read(event.id);
    }
    return happened;
  }

  /** Reads what is there, and gives what that was. */
  read(id: number): Uint8Array {
    const pieces: Uint8Array[] = [];
    for (let piece = this.http.readBody(0, id); piece !== undefined; piece = this.http.readBody(0, id)) {
      pieces.push(piece.data);
      if (piece.fin) this.#ended.add(id);
    }
    this.#bodies.set(id, [...(this.#bodies.get(id) ?? []), ...pieces]);
    return concat(...pieces);
  }

  body(id: number): string {
    return fromLatin1(concat(...(this.#bodies.get(id) ?? [])));
  }

  /** Whether the peer's message was there to its end. */
  complete(id: number): boolean {
    return this.#ended.has(id);
  }

  events<T extends HttpEvent['type']>(type: T): Extract<HttpEvent, { type: T }>[] {
    return this.told.filter((event): event is Extract<HttpEvent, { type: T }> => event.type === type);
  }

  /** The first exchange on this connection: every version counts in its own way. */
  get first(): number {
    return this.events('request')[0]!.id;
  }

  /** The final response to a request. */
  response(id: number): Extract<HttpEvent, { type: 'response' }> | undefined {
    return this.events('response').find((event) => event.id === id && !event.informational);
  }

  status(id: number): number {
    return this.response(id)?.status ?? 0;
  }
}

export type OriginApp = (origin: End, event: HttpEvent, now: Micros) => void;

export interface WorldOptions extends Partial<Omit<GatewayOptions, 'ports'>> {
  readonly back?: HttpVersion;
  readonly frontLeg?: LegOptions;
  readonly backLeg?: LegOptions;
  readonly app?: OriginApp;
}

interface Driven {
  readonly wired: Wired;
  readonly hop: Front | Back;
  lost: boolean;
}

/** Clients, a gateway and its origin, with pretended connections between them. */
export class World {
  now: Micros = 1_000_000;
  readonly gateway: Gateway;
  readonly passages: Passage[] = [];
  readonly attempts: string[] = [];
  readonly clients: End[] = [];
  readonly origins: End[] = [];
  /** What the origin does with what its connections are told. */
  app: OriginApp;
  /** How connections to the origin fare. */
  dialing: 'works' | 'waits' | DialFailure = 'works';
  readonly waiting: Back[] = [];
  alarm: Micros = NEVER;
  /** That of RFC 6455 §1.3. */
  webSocketKey = { key: 'dGhlIHNhbXBsZSBub25jZQ==', accept: 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' };
  /** A response over HTTP/3 that the client does not take is taken back. */
  onReset: (id: number) => void = () => {};
  dialed = 0;
  readonly #options: WorldOptions;
  readonly #hops: Driven[] = [];
  readonly #dials: Back[] = [];
  readonly #back: HttpVersion;

  constructor(options: WorldOptions = {}) {
    const { back = '1.1', frontLeg: _front, backLeg: _back, app = echo, ...rest } = options;
    this.#options = options;
    this.#back = back;
    this.app = app;
    this.gateway = new Gateway({
      name: 'gw',
      origin: { scheme: 'http', authority: 'origin.example' },
      ...(back === '1.1' ? { exchangesPerConnection: 1 } : {}),
      observer: {
        passed: (passage) => this.passages.push(passage),
        attemptFailed: (_now, reason, again) => this.attempts.push(`${reason}${again ? ', again' : ''}`),
      },
      ...rest,
      ports: {
        dial: (_now, made) => {
          this.dialed++;
          this.#dials.push(made);
        },
        alarm: (at) => {
          this.alarm = at;
        },
        webSocketKey: () => this.webSocketKey,
      },
    });
  }

  client(version: HttpVersion, leg: LegOptions = this.#options.frontLeg ?? {}, host = '192.0.2.7', secure = true): End {
    const { client, server } = wire(version, leg);
    const end = new End(client);
    this.clients.push(end);
    const hop = this.gateway.accept(this.now, server.http, {
      version,
      secure,
      client: { host, port: 1000 + this.clients.length },
      wake: () => {},
      ...(version === '3' ? { reset: (id: number) => this.onReset(id) } : {}),
    });
    this.#hops.push({ wired: server, hop, lost: false });
    return end;
  }

  /** Lets everything happen that can. */
  run(): this {
    for (let rounds = 0, happened = true; happened; rounds++) {
      if (rounds > 100_000) throw new Error('the world does not come to rest');
      happened = this.#dialSome();
      for (const client of this.clients) happened = this.#turn(client) || happened;
      for (const origin of this.origins) happened = this.#turn(origin) || happened;
      for (const one of this.#hops) happened = this.#turnHop(one) || happened;
    }
    return this;
  }

  /** Lets time pass, alarms and all. */
  wait(time: Micros): this {
    const until = this.now + time;
    this.run();
    while (this.alarm <= until) {
      this.now = Math.max(this.now, this.alarm);
      this.alarm = NEVER;
      this.gateway.onTimeout(this.now);
      this.run();
    }
    this.now = until;
    return this;
  }

  /** The connection that is being made is there. */
  opens(back: Back): void {
    const { client, server } = wire(this.#back, this.#options.backLeg ?? {});
    const end = new End(server);
    end.onEvent = (event) => this.app(end, event, this.now);
    this.origins.push(end);
    this.#hops.push({ wired: client, hop: back, lost: false });
    back.opened(this.now, { http: client.http, version: this.#back, received: () => client.received(), wake: () => {} });
  }

  #dialSome(): boolean {
    const dials = this.#dials.splice(0);
    for (const back of dials) {
      if (this.dialing === 'works') this.opens(back);
      else if (this.dialing === 'waits') this.waiting.push(back);
      else back.failed(this.now, this.dialing);
    }
    return dials.length > 0;
  }

  #turn(end: End): boolean {
    return [end.turn(this.now), end.wired.deliver()].includes(true);
  }

  #turnHop(one: Driven): boolean {
    const { wired, hop } = one;
    let happened = wired.pull(this.now);
    if (happened) hop.turn(this.now);
    happened = wired.deliver() || happened;
    const over = wired.over();
    if (over === undefined || one.lost) return happened;
    one.lost = true;
    hop.lost(this.now, over);
    return true;
  }
}

/** Says what it was asked, and gives the content back as it comes. */
export const echo: OriginApp = (origin, event, now) => {
  if (event.type === 'request') origin.http.respond(now, event.id, [[':status', '200'], ...said(event.fields)], event.end);
  else if (event.type === 'body-readable') {
    const content = origin.read(event.id);
    if (origin.http.writeBody(now, event.id, content) < content.length) throw new Error('this origin expects room');
    if (origin.complete(event.id)) origin.http.finish(now, event.id);
  }
};

/** The request's fields as those of a response. */
const said = (fields: Fields): Fields =>
  fields.filter(([name]) => name !== 'content-length').map(([name, value]) => [`x-${name.replace(':', 'pseudo-')}`, value]);

/** Answers every request with this content, whole. */
export const answering =
  (content: string, ...fields: Fields): OriginApp =>
  (origin, event, now) => {
    if (event.type !== 'request') return;
    origin.http.respond(now, event.id, [[':status', '200'], ['content-length', String(content.length)], ...fields], false);
    origin.http.writeBody(now, event.id, latin1(content));
    origin.http.finish(now, event.id);
  };

export const silent: OriginApp = () => {};

export const asking = (method: string, path = '/', ...fields: Fields): Fields => [
  [':method', method],
  [':scheme', 'https'],
  [':authority', 'site.example'],
  [':path', path],
  ...fields,
];

/** A client asks without content, and everything happens that can. */
export function ask(world: World, client: End, fields: Fields = asking('GET')): number {
  const id = client.http.request(world.now, fields, true)!;
  world.run();
  return id;
}

/** A client asks with content, which goes as fast as it is taken. */
export function upload(world: World, client: End, fields: Fields, content: string, trailers: Fields = []): number {
  const id = client.http.request(world.now, fields, false)!;
  const octets = latin1(content);
  let at = 0;
  const goOn = (): void => {
    at += client.http.writeBody(world.now, id, octets.subarray(at));
    if (at === octets.length) client.http.finish(world.now, id, trailers);
  };
  const { onEvent } = client;
  client.onEvent = (event, end) => {
    onEvent(event, end);
    if (event.type === 'body-writable' && event.id === id) goOn();
  };
  goOn();
  return id;
}
