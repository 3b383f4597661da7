import {
  type Fields,
  fieldValue,
  type HttpEvent,
  type HttpOver,
  malformedTrailers,
  methodProperties,
  type Priority,
  UsageError,
} from '@quiclab/http-semantics';
import { type ByteStream, type ByteStreamEvent, EventQueue, type Micros, NEVER } from '@quiclab/sansio';
import { type AnswerHandler, Answers } from './answers.ts';
import { ClientExchange } from './client-exchange.ts';
import { MessageFault } from './errors.ts';
import { LIMITS } from './limits.ts';
import { Link } from './link.ts';
import type { Http1Observer } from './observer.ts';
import { checkRequest, RequestWriter } from './request-writer.ts';

export interface Http1ClientOptions {
  readonly transport: ByteStream;
  /** Requests that may be on their way at once, if their methods are idempotent. RFC 9112 §9.3.2. Default 1: no pipelining. */
  readonly pipelining?: number;
  /** Pipelines only when a first response has come, as a client must that repeats requests of a connection that failed. RFC 9112 §9.3.2. */
  readonly cautious?: boolean;
  /** Whether the connection may serve more than one request; else the first says `close`. Default true. */
  readonly persistent?: boolean;
  /** The peer is a proxy: requests name their targets whole. RFC 9112 §3.2.2. */
  readonly absoluteForm?: boolean;
  /** Defaults are in `LIMITS`, but that of `idleTimeout`: never. Times are in µs, and need a driver that calls `onTimeout`. */
  readonly maxFieldSectionSize?: number;
  readonly idleTimeout?: Micros;
  readonly lingerTimeout?: Micros;
  readonly observer?: Http1Observer;
}

/**
 * The client's end of HTTP/1.1 over a stream of octets. RFC 9112. One request at a time, or pipelined; `request` answers undefined
 * while there is no room, and 'requests-available' follows. 'goaway' tells that the connection takes no further requests, for a reason
 * of the server's. 'sent' and 'settings' are never told; priorities change nothing.
 */
export class Http1Client implements HttpOver<ByteStreamEvent>, AnswerHandler {
  readonly #link: Link;
  readonly #events = new EventQueue<HttpEvent>();
  readonly #exchanges: ClientExchange[] = [];
  readonly #requests: RequestWriter;
  readonly #answers: Answers;
  readonly #pipelining: number;
  readonly #persistent: boolean;
  readonly #idleTimeout: Micros;
  readonly #observer: Http1Observer | undefined;
  #idleDue: Micros = NEVER;
  #cautious: boolean;
  #nextId = 0;
  #turn = -1;
  /** A request was refused; with true, one that has to be alone. */
  #refused: boolean | undefined = undefined;
  /** No request may follow. */
  #full = false;
  #closed = false;

  constructor(options: Http1ClientOptions) {
    this.#pipelining = options.pipelining ?? 1;
    this.#cautious = options.cautious ?? false;
    this.#persistent = options.persistent ?? true;
    this.#idleTimeout = options.idleTimeout ?? NEVER;
    this.#observer = options.observer;
    this.#link = new Link(options.transport, options.lingerTimeout ?? LIMITS.lingeringTime.value);
    this.#requests = new RequestWriter(this.#link.out, this.#persistent, options.absoluteForm ?? false, this.#observer);
    const maxFieldSectionSize = options.maxFieldSectionSize ?? LIMITS.fieldSection.value;
    this.#answers = new Answers(this.#link, this.#events, this.#exchanges, this, maxFieldSectionSize, this.#observer);
  }

  get closed(): boolean {
    return this.#closed || this.#link.over;
  }

  get openExchanges(): number {
    return this.#exchanges.length;
  }

  get acceptsRequests(): boolean {
    return !this.closed && !this.#full;
  }

  start(now: Micros): void {
    this.#link.out.start(now);
    this.#settle(now);
  }

  pollEvent(): HttpEvent | undefined {
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
    return Math.min(this.#idleDue, this.#link.lingerDue);
  }

  /** Ends a connection that nobody uses, and one that the server does not close. */
  onTimeout(now: Micros): void {
    if (this.#link.lingerDue <= now) this.#link.onLingerDue(now);
    if (this.#idleDue <= now) this.goaway(now);
  }

  // --- the application's calls ------------------------------------------------------------------------------------------

  request(now: Micros, fields: Fields, end: boolean): number | undefined {
    if (!this.acceptsRequests) return undefined;
    const method = fieldValue(fields, ':method') ?? '';
    const upgrades = fieldValue(fields, 'upgrade') !== undefined;
    const announced = checkRequest(fields, method, upgrades, end);
    const pipelines = methodProperties(method).idempotent && !upgrades;
    if (!this.#hasRoom(pipelines)) {
      this.#refused = !pipelines;
      return undefined;
    }
    const exchange = new ClientExchange(this.#nextId++, method, upgrades, pipelines, this.#link.out.offset);
    this.#exchanges.push(exchange);
    this.#tellTurn(now);
    if (!this.#persistent) this.#full = true;
    this.#requests.layHead(now, exchange, fields, announced, end);
    this.#settle(now);
    return exchange.id;
  }

  respond(_now: Micros, _id: number, _fields: Fields, _end: boolean): void {
    throw new UsageError('a client gives no responses');
  }

  writeBody(now: Micros, id: number, data: Uint8Array): number {
    const exchange = this.#get(id);
    if (exchange === undefined || exchange.out.finished) return 0;
    const taken = this.#awaitsTunnel(exchange) ? 0 : this.#requests.layContent(now, exchange, data);
    if (taken < data.length) exchange.out.writableOwed = true;
    return taken;
  }

  finish(now: Micros, id: number, trailers: Fields = []): void {
    const exchange = this.#get(id);
    if (exchange === undefined || exchange.out.finished) return;
    const reason = malformedTrailers(trailers);
    if (reason !== '') throw new UsageError(`this trailer section is malformed: ${reason}`);
    exchange.out.finish();
    if (!this.#awaitsTunnel(exchange)) this.#layEnd(now, exchange, trailers);
    this.#settle(now);
  }

  readBody(now: Micros, id: number): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    const exchange = this.#get(id);
    if (exchange === undefined || exchange.discarding) return undefined;
    let content: { readonly data: Uint8Array; readonly fin: boolean } | undefined;
    try {
      content = this.#answers.readBody(now, exchange);
    } catch (error) {
      this.#onError(now, error);
    }
    if (content?.fin === true) this.#settle(now);
    return content;
  }

  stopReading(now: Micros, id: number, _code?: number): void {
    const exchange = this.#get(id);
    if (exchange === undefined || exchange.received) return;
    this.#discard(now, exchange);
    this.#settle(now);
  }

  /** A request cannot be called back. If others wait behind it its response is read away, else the connection is given up. */
  cancel(now: Micros, id: number, code = 0): void {
    const exchange = this.#get(id);
    if (exchange === undefined) return;
    exchange.told = false;
    if (exchange.sent && this.#exchanges.length > 1) this.#discard(now, exchange);
    else this.#giveUp(now, code, `exchange ${id} was cancelled`);
    this.#settle(now);
  }

  /** Responses come in the order of the requests. */
  prioritize(_now: Micros, _id: number, _priority: Priority): void {}

  /** Sends no further requests; when all have their answers, the connection is closed. */
  goaway(now: Micros): void {
    if (this.closed) return;
    this.#full = true;
    this.#settle(now);
  }

  /** At once, unless nothing is under way: then in stages. */
  close(now: Micros, code = 0, reason = ''): void {
    if (this.#closed) return;
    const idle = this.#exchanges.length === 0;
    this.#over(now, code, reason);
    if (idle) this.#link.finish(now);
    else this.#link.abort(now, reason);
  }

  // --- responses --------------------------------------------------------------------------------------------------------

  onAnswer(now: Micros, exchange: ClientExchange, last: boolean, tunnel: boolean): void {
    this.#cautious = false;
    if (exchange.upgrades || exchange.method === 'CONNECT') this.#decide(now, exchange, tunnel);
    if (!last || tunnel) return;
    if (!exchange.sent) {
      // RFC 9112 §9.5: who says `close` before the request is whole will not read the rest
      exchange.sent = true;
      exchange.out.finished = true;
      if (exchange.told) this.#events.push({ type: 'stopped', id: exchange.id, code: 0 });
    }
    this.#noMore(exchange.id + 1);
    this.#fail(this.#exchanges.splice(1), 'the server closes the connection');
  }

  onReceived(now: Micros, exchange: ClientExchange): void {
    if (!exchange.sent) return; // the answer was early
    this.#exchanges.shift(); // no more of them than `pipelining`
    this.#tellTurn(now);
    this.#finishWhenDone(now); // before more is read: what comes behind the last response is dropped (RFC 9112 §6.3)
  }

  onEnd(now: Micros): void {
    const early = this.#exchanges[0]; // has its answer, and is still being sent
    if (early?.received === true) {
      this.#exchanges.shift();
      if (early.told) this.#events.push({ type: 'stopped', id: early.id, code: 0 });
    }
    this.#noMore(this.#exchanges[0]?.id ?? this.#nextId);
    this.#fail(this.#exchanges.splice(0), 'the server has closed the connection');
    this.#tellTurn(now);
    this.#link.finish(now);
  }

  // --- the ground -------------------------------------------------------------------------------------------------------

  #get(id: number): ClientExchange | undefined {
    const first = this.#exchanges[0];
    const exchange = first === undefined ? undefined : this.#exchanges[id - first.id];
    return exchange?.told === true ? exchange : undefined;
  }

  /** Whether a request may go now. RFC 9112 §9.3.2: behind others, and before others, only what may be repeated. */
  #hasRoom(pipelines: boolean): boolean {
    const waiting = this.#exchanges.length;
    if (waiting === 0) return true;
    const last = this.#exchanges[waiting - 1]!;
    return pipelines && waiting < this.#pipelining && !this.#cautious && last.sent && last.pipelines;
  }

  #layEnd(now: Micros, exchange: ClientExchange, trailers: Fields): void {
    this.#requests.layEnd(now, exchange, trailers);
    if (exchange.received) this.onReceived(now, exchange);
  }

  /** Asked for a tunnel, and has no answer yet. */
  #awaitsTunnel(exchange: ClientExchange): boolean {
    return (exchange.upgrades || exchange.method === 'CONNECT') && !exchange.answered;
  }

  #decide(now: Micros, exchange: ClientExchange, tunnel: boolean): void {
    const { out } = exchange;
    if (!tunnel) {
      out.finished = true;
      return;
    }
    this.#full = true;
    out.framing = 'tunnel';
    exchange.sent = false;
    if (out.finished) this.#layEnd(now, exchange, []);
  }

  #discard(now: Micros, exchange: ClientExchange): void {
    exchange.discarding = true;
    if (exchange.out.framing === 'tunnel') this.#answers.leave(now, exchange);
    else if (this.#answers.tooMuchLeft(exchange)) this.#giveUp(now, 0, 'too much content that nobody wants');
  }

  /** Does what has become possible. */
  #settle(now: Micros): void {
    if (this.#link.over) return;
    if (this.#link.lingering) this.#link.linger(now);
    else {
      try {
        this.#answers.advance(now);
      } catch (error) {
        this.#onError(now, error);
      }
      this.#tellWritable();
      this.#finishWhenDone(now);
    }
    this.#tellRoom();
    if (this.#exchanges.length > 0 || this.#link.lingering || this.#link.over) this.#idleDue = NEVER;
    else if (this.#idleDue === NEVER) this.#idleDue = now + this.#idleTimeout;
  }

  #finishWhenDone(now: Micros): void {
    if (this.#full && this.#exchanges.length === 0) this.#link.finish(now);
  }

  #tellWritable(): void {
    const last = this.#exchanges.at(-1);
    if (last === undefined || !last.out.writableOwed || last.out.finished || this.#link.out.blocked || this.#awaitsTunnel(last)) return;
    last.out.writableOwed = false;
    if (last.told) this.#events.push({ type: 'body-writable', id: last.id });
  }

  #tellRoom(): void {
    if (this.#refused === undefined || !this.acceptsRequests || !this.#hasRoom(!this.#refused)) return;
    this.#refused = undefined;
    this.#events.push({ type: 'requests-available' });
  }

  /** The one place where a fault of the server ends the connection. */
  #onError(now: Micros, error: unknown): void {
    if (!(error instanceof MessageFault)) throw error;
    this.#giveUp(now, 0, error.message);
  }

  #giveUp(now: Micros, code: number, reason: string): void {
    if (this.#closed) return;
    this.#fail(this.#exchanges.splice(0), reason);
    this.#over(now, code, reason);
    this.#link.abort(now, reason);
  }

  /** No further event but this one. */
  #over(now: Micros, code: number, reason: string): void {
    this.#closed = true;
    this.#idleDue = NEVER;
    this.#exchanges.length = 0;
    this.#tellTurn(now);
    this.#events.push({ type: 'closed', code, reason });
  }

  /** For a reason of the server's. Those from this exchange on get no answer here. */
  #noMore(id: number): void {
    if (this.#full) return;
    this.#full = true;
    this.#events.push({ type: 'goaway', id });
  }

  /** Unprocessed is only what has not left: HTTP/1.1 has no word for what the server did not look at. */
  #fail(exchanges: readonly ClientExchange[], reason: string): void {
    const { taken } = this.#link.out;
    for (const { id, told, start } of exchanges)
      if (told) this.#events.push({ type: 'failed', id, code: 0, reason, unprocessed: taken <= start });
  }

  #lost(now: Micros, clean: boolean, reason: string): void {
    this.#settle(now); // what has come before the end
    if (clean && this.#exchanges[0]?.answered === true) return; // and is still to be read
    this.#link.closed();
    this.#idleDue = NEVER;
    if (this.#closed) return;
    this.#noMore(this.#exchanges[0]?.id ?? this.#nextId);
    this.#fail(this.#exchanges.splice(0), `the connection ended: ${reason}`);
    this.#closed = true;
    this.#tellTurn(now);
  }

  #tellTurn(now: Micros): void {
    const turn = this.#exchanges[0]?.id ?? -1;
    if (turn === this.#turn) return;
    this.#turn = turn;
    this.#observer?.turnChanged?.(now, turn);
  }
}
