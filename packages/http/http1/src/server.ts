import { utf8 } from '@quiclab/bytes';
import {
  contentLength,
  type Fields,
  fieldValue,
  type HttpEvent,
  type HttpOver,
  isInformational,
  malformedResponse,
  malformedTrailers,
  NO_LENGTH,
  neverHasContent,
  type Priority,
  parseStatus,
  UsageError,
} from '@quiclab/http-semantics';
import { type ByteStream, type ByteStreamEvent, EventQueue, type Micros, NEVER } from '@quiclab/sansio';
import { MessageFault } from './errors.ts';
import type { FramingKind } from './framing.ts';
import { LIMITS } from './limits.ts';
import { Link } from './link.ts';
import type { Http1Observer } from './observer.ts';
import { Requests } from './requests.ts';
import { Responses } from './responses.ts';
import { ServerExchange } from './server-exchange.ts';

export interface Http1ServerOptions {
  readonly transport: ByteStream;
  /** Of requests that do not say theirs: what is spoken over TLS is 'https' (RFC 9112 §3.3). Default 'http'. */
  readonly scheme?: 'http' | 'https';
  /** Whether the connection may serve more than one request. Default true. */
  readonly persistent?: boolean;
  /**
   * Who answers `Expect: 100-continue`. 'automatic', the default: 100 goes out if the application has not answered when it has polled
   * its events. 'application': it calls `respond` with 100 itself.
   */
  readonly expectContinue?: 'automatic' | 'application';
  /** Defaults of all these are in `LIMITS`. Times are in µs, and need a driver that calls `onTimeout`. */
  readonly maxFieldSectionSize?: number;
  readonly maxPipelined?: number;
  readonly maxQueued?: number;
  readonly headersTimeout?: Micros;
  readonly contentTimeout?: Micros;
  readonly idleTimeout?: Micros;
  readonly lingerTimeout?: Micros;
  readonly observer?: Http1Observer;
}

/**
 * The server's end of HTTP/1.1 over a stream of octets. RFC 9112. Applications may answer requests in any order; the answers leave in
 * the order of the requests. 'sent', 'stopped', 'reset' and 'settings' are never told; priorities change nothing.
 */
export class Http1Server implements HttpOver<ByteStreamEvent> {
  readonly #link: Link;
  readonly #events = new EventQueue<HttpEvent>();
  readonly #responses: Responses;
  readonly #requests: Requests;
  readonly #automaticContinue: boolean;
  readonly #idleTimeout: Micros;
  #idleDue: Micros = NEVER;
  #now: Micros = 0;
  #leaving = false;
  #closed = false;

  constructor(options: Http1ServerOptions) {
    this.#automaticContinue = options.expectContinue !== 'application';
    this.#idleTimeout = options.idleTimeout ?? LIMITS.idleTime.value;
    this.#link = new Link(options.transport, options.lingerTimeout ?? LIMITS.lingeringTime.value);
    const maxQueued = options.maxQueued ?? LIMITS.queued.value;
    this.#responses = new Responses(this.#link, this.#events, maxQueued, options.observer, (exchange) => this.#endsConnection(exchange));
    const limits = {
      scheme: options.scheme ?? 'http',
      persistent: options.persistent ?? true,
      maxFieldSectionSize: options.maxFieldSectionSize ?? LIMITS.fieldSection.value,
      maxPipelined: options.maxPipelined ?? LIMITS.pipelined.value,
      maxQueued,
      headersTimeout: options.headersTimeout ?? LIMITS.headersTime.value,
      contentTimeout: options.contentTimeout ?? LIMITS.contentTime.value,
    };
    this.#requests = new Requests(this.#link, this.#events, this.#responses, limits, options.observer);
  }

  get closed(): boolean {
    return this.#closed || this.#link.over;
  }

  get openExchanges(): number {
    return this.#responses.pipeline.length;
  }

  get acceptsRequests(): boolean {
    return !this.closed && !this.#requests.stopped;
  }

  start(now: Micros): void {
    this.#link.out.start(now);
    this.#settle(now);
  }

  pollEvent(): HttpEvent | undefined {
    const event = this.#events.shift();
    if (event !== undefined || this.closed) return event;
    this.#continue();
    return this.#events.shift();
  }

  onTransport(now: Micros, event: ByteStreamEvent): void {
    if (event.type === 'closed') this.#lost(now, event.clean, event.reason);
    else {
      if (event.type === 'writable') this.#link.flush(now);
      this.#settle(now);
    }
  }

  // --- time -------------------------------------------------------------------------------------------------------------

  /** When to call `onTimeout`; NEVER where nothing is waited for. */
  nextTimeout(): Micros {
    return Math.min(this.#requests.headersDue, this.#requests.contentDue, this.#idleDue, this.#link.lingerDue);
  }

  /** Ends what takes too long: a request that does not come (408), a connection that nobody uses, a peer that does not close. */
  onTimeout(now: Micros): void {
    if (this.#link.lingerDue <= now) this.#link.onLingerDue(now);
    if (this.#requests.headersDue <= now || this.#requests.contentDue <= now) {
      this.#fault(now, new MessageFault(408, 'a request took too long'));
      this.#settle(now);
    }
    if (this.#idleDue <= now) this.goaway(now);
  }

  // --- the application's calls ------------------------------------------------------------------------------------------

  request(_now: Micros, _fields: Fields, _end: boolean): number | undefined {
    throw new UsageError('a server makes no requests');
  }

  respond(now: Micros, id: number, fields: Fields, end: boolean): void {
    const exchange = this.#get(id);
    if (exchange === undefined) return;
    if (exchange.out.headGiven) throw new UsageError(`exchange ${id} has its response`);
    const status = parseStatus(fieldValue(fields, ':status') ?? '');
    const reason = status === 101 && exchange.upgrades ? '' : malformedResponse(fields.filter(([name]) => name !== 'upgrade'));
    if (reason !== '') throw new UsageError(`this response is malformed: ${reason}`);
    if (isInformational(status) && end) throw new UsageError(`${status} cannot be the last response`);
    if (isInformational(status) && status !== 101) this.#informational(now, exchange, status, withoutLength(fields));
    else {
      this.#final(now, exchange, status, fields, end);
      if (end) this.#finish(now, exchange, []);
    }
    this.#settle(now);
  }

  writeBody(now: Micros, id: number, data: Uint8Array): number {
    const exchange = this.#get(id);
    if (exchange === undefined || exchange.out.finished) return 0;
    exchange.out.mayWrite(data.length);
    return this.#responses.write(now, exchange, data);
  }

  finish(now: Micros, id: number, trailers: Fields = []): void {
    const exchange = this.#get(id);
    if (exchange === undefined || exchange.out.finished) return;
    const reason = malformedTrailers(trailers);
    if (reason !== '') throw new UsageError(`this trailer section is malformed: ${reason}`);
    this.#finish(now, exchange, trailers);
    this.#settle(now);
  }

  readBody(now: Micros, id: number): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    const exchange = this.#get(id);
    if (exchange === undefined || exchange.discarding) return undefined;
    let content: { readonly data: Uint8Array; readonly fin: boolean } | undefined;
    let goesOn = false;
    try {
      content = this.#requests.readBody(now, exchange);
      goesOn = content?.fin !== true;
    } catch (error) {
      this.#onError(now, error);
    }
    if (!goesOn) this.#settle(now);
    return content;
  }

  stopReading(now: Micros, id: number, _code?: number): void {
    const exchange = this.#get(id);
    if (exchange === undefined || exchange.received) return;
    this.#requests.discard(exchange);
    this.#settle(now);
  }

  /** A response that has begun can only be broken off with the connection; one that has not is never given. Both once those before it are out. */
  cancel(now: Micros, id: number, _code?: number): void {
    const exchange = this.#get(id);
    if (exchange === undefined || (exchange.out.finished && exchange.received)) return;
    exchange.told = false;
    this.#requests.abandon(exchange);
    this.#requests.decide(exchange, false);
    if (!exchange.out.finished) this.#breakOff(exchange);
    this.#settle(now);
  }

  /** Responses leave in the order of the requests. */
  prioritize(_now: Micros, _id: number, _priority: Priority): void {}

  /** Reads no further requests; the last response says `close`. RFC 9112 §9.6. */
  goaway(now: Micros): void {
    if (this.closed || this.#leaving) return;
    this.#leaving = true;
    this.#requests.stopped = true;
    this.#settle(now);
  }

  /** At once, unless nothing is under way: then in stages. */
  close(now: Micros, code = 0, reason = ''): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#requests.stopped = true;
    const idle = this.#responses.pipeline.length === 0;
    this.#responses.clear(now);
    this.#events.push({ type: 'closed', code, reason });
    this.#disarm();
    if (idle) this.#link.finish(now);
    else this.#link.abort(now, reason);
  }

  // --- the ground -------------------------------------------------------------------------------------------------------

  #get(id: number): ServerExchange | undefined {
    const exchange = this.closed ? undefined : this.#responses.get(id);
    return exchange?.told === true ? exchange : undefined;
  }

  #informational(now: Micros, exchange: ServerExchange, status: number, fields: Fields): void {
    if (status === 100) exchange.expects = false;
    if (exchange.minor === 1) this.#responses.say(now, exchange, { kind: 'head', status, fields }); // RFC 9110 §15.2: HTTP/1.0 has none
  }

  #final(now: Micros, exchange: ServerExchange, status: number, given: Fields, end: boolean): void {
    const tunnel = status === 101 || (exchange.method === 'CONNECT' && status < 300);
    const lengthless = tunnel || status === 204; // RFC 9110 §8.6
    const fields = lengthless ? withoutLength(given) : [...given];
    const announced = neverHasContent(exchange.method, status) ? NO_LENGTH : contentLength(fields);
    if (end && announced > 0) throw new UsageError(`no content, content-length is ${announced}`);
    let framing: FramingKind = 'none';
    if (tunnel) framing = 'tunnel';
    else if (neverHasContent(exchange.method, status)) framing = 'none';
    else if (announced !== NO_LENGTH) framing = announced === 0 ? 'none' : 'length';
    else if (end) fields.push(['content-length', '0']);
    else if (exchange.minor === 0)
      framing = 'until-close'; // RFC 9112 §6.1
    else {
      framing = 'chunked';
      fields.push(['transfer-encoding', 'chunked']);
    }
    // who answers well before the content has come, and goes on, means to read it
    if (this.#automaticContinue && exchange.expects && !end && status < 300) this.#informational(now, exchange, 100, []);
    exchange.out.begin(framing, announced);
    this.#requests.decide(exchange, tunnel);
    this.#responses.say(now, exchange, { kind: 'head', status, fields });
  }

  #finish(now: Micros, exchange: ServerExchange, trailers: Fields): void {
    exchange.out.finish();
    this.#responses.say(now, exchange, { kind: 'end', trailers });
  }

  /** Whether the connection ends with this response, and the head that is about to be laid out has to say so. RFC 9112 §9.3, §9.6. */
  #endsConnection(exchange: ServerExchange): boolean {
    // RFC 9110 §10.1.1: who got no 100 may send the content or not; what comes next could be either
    if (exchange.expects && !exchange.received) this.#requests.abandon(exchange);
    return this.#requests.stopped && this.#responses.pipeline.at(-1) === exchange;
  }

  /** 100 for those who wait for it, if nobody has said anything else. RFC 9110 §10.1.1. */
  #continue(): void {
    const { current } = this.#requests;
    if (!this.#automaticContinue || current === undefined || !current.expects || current.discarding || current.out.headGiven) return;
    this.#informational(this.#now, current, 100, []);
  }

  /** Does what has become possible. */
  #settle(now: Micros): void {
    this.#now = now;
    if (this.#link.over) return;
    if (!this.#link.lingering) {
      this.#responses.pump(now);
      try {
        this.#requests.advance(now);
      } catch (error) {
        this.#onError(now, error);
      }
      this.#responses.pump(now);
      if (this.#requests.stopped && this.#responses.pipeline.length === 0) this.#link.finish(now);
    } else this.#link.linger(now);
    this.#watchIdleness(now);
  }

  #watchIdleness(now: Micros): void {
    const idle = !this.#link.lingering && !this.#link.over && this.#responses.pipeline.length === 0 && this.#requests.headersDue === NEVER;
    if (!idle) this.#idleDue = NEVER;
    else if (this.#idleDue === NEVER) this.#idleDue = now + this.#idleTimeout;
    if (this.#link.lingering || this.#link.over) this.#disarm();
  }

  #disarm(): void {
    this.#idleDue = NEVER;
    this.#requests.headersDue = NEVER;
    this.#requests.contentDue = NEVER;
  }

  /** The one place where a fault of the peer ends what it is a fault of. */
  #onError(now: Micros, error: unknown): void {
    if (!(error instanceof MessageFault)) throw error;
    this.#fault(now, error);
  }

  /** Answers the fault in its turn, and reads nothing more. RFC 9112 §2.2. */
  #fault(now: Micros, fault: MessageFault): void {
    this.#disarm();
    let exchange = this.#requests.current;
    if (exchange === undefined) {
      exchange = new ServerExchange(this.#requests.nextId++, '', 1);
      this.#responses.add(now, exchange);
    } else if (exchange.told) this.#events.push({ type: 'failed', id: exchange.id, code: 0, reason: fault.message, unprocessed: false });
    exchange.told = false;
    this.#requests.abandon(exchange);
    if (exchange.out.headGiven) {
      if (!exchange.out.finished) this.#breakOff(exchange);
    } else this.#answer(now, exchange, fault);
  }

  #answer(now: Micros, exchange: ServerExchange, { status, message }: MessageFault): void {
    const text = utf8(`${message}\n`);
    const fields: Fields = [
      ['content-type', 'text/plain; charset=utf-8'],
      ['content-length', String(text.length)],
    ];
    exchange.out.begin('length', text.length);
    this.#responses.say(now, exchange, { kind: 'head', status, fields });
    if (exchange.method !== 'HEAD') this.#responses.say(now, exchange, { kind: 'data', octets: text, headerLength: 0 });
    exchange.out.finished = true;
    this.#responses.say(now, exchange, { kind: 'end', trailers: [] });
  }

  /** Its response ends here, whole or not. */
  #breakOff(exchange: ServerExchange): void {
    exchange.broken = exchange.out.headGiven;
    exchange.out.finished = true;
    exchange.laid = true;
  }

  #lost(now: Micros, clean: boolean, reason: string): void {
    this.#settle(now); // what has come before the end
    if (clean && this.#requests.current?.out.framing === 'tunnel') return; // and is still to be read
    this.#disarm();
    this.#link.closed();
    if (this.#closed) return;
    this.#closed = true;
    for (const { id, told } of this.#responses.pipeline)
      if (told) this.#events.push({ type: 'failed', id, code: 0, reason: `the connection ended: ${reason}`, unprocessed: false });
    this.#responses.clear(now);
  }
}

const withoutLength = (fields: Fields): [string, string][] =>
  fields.filter(([name]) => name !== 'content-length').map(([name, value]) => [name, value]);
