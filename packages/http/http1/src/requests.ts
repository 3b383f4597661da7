import { fieldValue, fieldValues, type HttpEvent } from '@quiclab/http-semantics';
import { type EventQueue, type Micros, NEVER } from '@quiclab/sansio';
import { bad } from './errors.ts';
import { type Framing, requestFraming, TUNNEL } from './framing.ts';
import { endHop, trailersOf } from './hop.ts';
import { LIMITS } from './limits.ts';
import type { Link } from './link.ts';
import { MessageReader } from './message-reader.ts';
import type { Http1Observer } from './observer.ts';
import type { Responses } from './responses.ts';
import { ServerExchange } from './server-exchange.ts';
import { versionOf } from './start-line.ts';
import { pseudoFields } from './target.ts';

const EMPTY = new Uint8Array(0);

export interface RequestOptions {
  readonly scheme: string;
  readonly persistent: boolean;
  readonly maxFieldSectionSize: number;
  readonly maxPipelined: number;
  readonly maxQueued: number;
  readonly headersTimeout: Micros;
  readonly contentTimeout: Micros;
}

/** The requests of a connection, read one after the other and told to the application. RFC 9112 §3, §6. */
export class Requests {
  /** No further request is read on this connection. */
  stopped: boolean;
  /** By when the head that has begun has to be there. */
  headersDue: Micros;
  /** By when some of the content that is waited for has to be there. */
  contentDue: Micros;
  /** Whose content is being read. */
  current: ServerExchange | undefined;
  /** The request after which it is not known whether HTTP goes on. */
  undecided: ServerExchange | undefined;
  /** What the next exchange will be called. */
  nextId: number;

  readonly #link: Link;
  readonly #events: EventQueue<HttpEvent>;
  readonly #responses: Responses;
  readonly #options: RequestOptions;
  readonly #reader: MessageReader;

  constructor(
    link: Link,
    events: EventQueue<HttpEvent>,
    responses: Responses,
    options: RequestOptions,
    observer: Http1Observer | undefined,
  ) {
    this.stopped = false;
    this.headersDue = NEVER;
    this.contentDue = NEVER;
    this.current = undefined;
    this.undecided = undefined;
    this.nextId = 0;
    this.#link = link;
    this.#events = events;
    this.#responses = responses;
    this.#options = options;
    this.#reader = new MessageReader(true, link.in, options.maxFieldSectionSize, observer);
  }

  /** Reads on, as far as it may. Throws MessageFault. */
  advance(now: Micros): void {
    while (!this.#link.lingering && !this.#link.over) {
      const { current } = this;
      if (current !== undefined) {
        if (!current.discarding) {
          this.#tellReadable(now, current);
          return;
        }
        if (!this.#discard(now, current)) return;
      } else if (!this.#mayBegin() || !this.#readHead(now)) return;
    }
  }

  readBody(now: Micros, exchange: ServerExchange): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    if (exchange !== this.current) return undefined;
    for (;;) {
      switch (this.#reader.step(now)) {
        case 'content': {
          exchange.expects = false; // RFC 9110 §10.1.1: who sends content waits no longer
          const fin = this.#reader.over;
          const data = this.#reader.takeContent();
          this.contentDue = NEVER;
          if (fin) this.#received(exchange);
          return { data, fin };
        }
        case 'trailers':
          this.#onTrailers(exchange);
          continue;
        case 'end':
          this.#received(exchange);
          return { data: EMPTY, fin: true };
        default:
          exchange.readableTold = false;
          this.#awaitContent(now, exchange);
          return undefined;
      }
    }
  }

  /** Nobody wants the rest: it is read away, if that is less than a new connection costs, and something may come behind it. */
  discard(exchange: ServerExchange): void {
    exchange.discarding = true;
    if (exchange.out.framing === 'tunnel' || this.#reader.remaining > LIMITS.discarded.value) this.abandon(exchange);
  }

  /** What still comes of the request is not read, and neither is anything behind it. */
  abandon(exchange: ServerExchange): void {
    this.stopped = true;
    exchange.last = true;
    exchange.received = true;
    if (exchange === this.current) this.current = undefined;
    this.contentDue = NEVER;
  }

  /** The request that could have ended HTTP on this connection has its answer. */
  decide(exchange: ServerExchange, tunnel: boolean): void {
    if (exchange !== this.undecided) return;
    this.undecided = undefined;
    if (!tunnel) {
      this.#reader.next();
      return;
    }
    this.stopped = true;
    exchange.received = false;
    this.current = exchange;
    this.#reader.frame(TUNNEL);
  }

  #mayBegin(): boolean {
    const { pipeline, queued } = this.#responses;
    const full = pipeline.length >= this.#options.maxPipelined || queued >= this.#options.maxQueued;
    return !this.stopped && this.undecided === undefined && !full;
  }

  #readHead(now: Micros): boolean {
    this.#reader.exchange = this.nextId;
    const step = this.#reader.step(now);
    if (step === 'head') {
      this.headersDue = NEVER;
      this.#onHead(now);
      return true;
    }
    if (step === 'closed') this.stopped = true;
    else if (this.#reader.withinHead && this.headersDue === NEVER) this.headersDue = now + this.#options.headersTimeout;
    return false;
  }

  #onHead(now: Micros): void {
    const { requestLine, fields: received } = this.#reader;
    const { method, minor } = requestLine;
    const hosts = fieldValues(received, 'host');
    if (hosts.length > 1 || (hosts.length === 0 && minor === 1)) throw bad(`${hosts.length} fields Host`); // RFC 9112 §3.2
    const pseudo = pseudoFields(requestLine, hosts[0], this.#options.scheme);
    const framing = requestFraming(received, minor);
    if (method === 'CONNECT' && framing.kind !== 'none') throw bad('CONNECT with content'); // RFC 9110 §9.3.6
    const { fields, options } = endHop(received);

    const exchange = new ServerExchange(this.nextId++, method, minor);
    // RFC 9112 §9.3; keep-alive of HTTP/1.0 is not for proxies, and we may be one
    exchange.last = minor === 0 || options.has('close') || !this.#options.persistent;
    exchange.expects = minor === 1 && framing.kind !== 'none' && fieldValue(fields, 'expect')?.toLowerCase() === '100-continue';
    exchange.upgrades = minor === 1 && framing.kind === 'none' && method !== 'CONNECT' && fieldValue(fields, 'upgrade') !== undefined;
    exchange.told = true;
    if (exchange.last) this.stopped = true;
    this.#begin(exchange, framing);
    this.#responses.add(now, exchange);
    const told = [...pseudo, ...fields.filter(([name]) => name !== 'host' && (name !== 'upgrade' || exchange.upgrades))];
    const end = framing.kind === 'none' && method !== 'CONNECT';
    this.#events.push({ type: 'request', id: exchange.id, fields: told, end, early: false, ...versionOf(minor) });
  }

  #begin(exchange: ServerExchange, framing: Framing): void {
    this.#reader.frame(framing);
    exchange.received = framing.kind === 'none';
    if (!exchange.received) this.current = exchange;
    else if (exchange.upgrades || exchange.method === 'CONNECT') this.undecided = exchange;
    else this.#reader.next();
  }

  #tellReadable(now: Micros, exchange: ServerExchange): void {
    if (exchange.readableTold || !exchange.told) return;
    if (this.#link.in.more(now) || this.#link.in.over) {
      exchange.readableTold = true;
      this.contentDue = NEVER;
      this.#events.push({ type: 'body-readable', id: exchange.id });
    } else this.#awaitContent(now, exchange);
  }

  #awaitContent(now: Micros, exchange: ServerExchange): void {
    if (exchange.out.framing !== 'tunnel' && !exchange.expects && this.contentDue === NEVER)
      this.contentDue = now + this.#options.contentTimeout;
  }

  /** Reads content away; false where there is none now. */
  #discard(now: Micros, exchange: ServerExchange): boolean {
    switch (this.#reader.step(now)) {
      case 'content':
        exchange.discarded += this.#reader.takeContent().length;
        this.contentDue = NEVER;
        if (this.#reader.over) this.#received(exchange);
        else if (exchange.discarded > LIMITS.discarded.value) this.abandon(exchange);
        return true;
      case 'trailers':
        return true;
      case 'end':
        this.#received(exchange);
        return true;
      default:
        this.#awaitContent(now, exchange);
        return false;
    }
  }

  #onTrailers(exchange: ServerExchange): void {
    this.#events.push({ type: 'trailers', id: exchange.id, fields: trailersOf(this.#reader.fields) });
  }

  #received(exchange: ServerExchange): void {
    exchange.received = true;
    this.current = undefined;
    this.contentDue = NEVER;
    if (exchange.out.framing !== 'tunnel') this.#reader.next();
  }
}
