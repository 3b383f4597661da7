import { RangeSet } from '@quiclab/bytes';
import type { HttpEvent } from '@quiclab/http-semantics';
import type { EventQueue } from '@quiclab/sansio';
import { Allowance } from './allowance.ts';
import { H2, HttpConnectionError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { LIMITS } from './limits.ts';
import type { Outgoing } from './outgoing.ts';
import type { ReceiveCredit } from './receive-credit.ts';

/** The exchanges under way, what is known of the streams that are not, and the ways in which one ends. RFC 9113 §5.1, §5.4.2. */
export class Exchanges {
  /** Streams that are open or half-closed. RFC 9113 §5.1.2. */
  active = 0;
  /** A client was refused an exchange for want of room. */
  roomOwed = false;
  /** At a client: the stream of its next request. */
  nextOwn = 1;
  /** At a server: the highest stream that the client has opened. */
  highestPeer = 0;

  readonly #server: boolean;
  readonly #outgoing: Outgoing;
  readonly #credit: ReceiveCredit;
  readonly #events: EventQueue<HttpEvent>;
  readonly #byId = new Map<number, Exchange>();
  readonly #opened = new RangeSet(); // of the peer's streams, by number
  readonly #resetByUs = new Set<number>();
  readonly #resets = new Allowance(LIMITS.resets.value, LIMITS.resets.perSecond);

  constructor(server: boolean, outgoing: Outgoing, credit: ReceiveCredit, events: EventQueue<HttpEvent>) {
    this.#server = server;
    this.#outgoing = outgoing;
    this.#credit = credit;
    this.#events = events;
  }

  get count(): number {
    return this.#byId.size;
  }

  /** Streams that were ever opened, or passed over. */
  get opened(): number {
    return this.#server ? (this.highestPeer + 1) >>> 1 : (this.nextOwn - 1) / 2;
  }

  get(id: number): Exchange | undefined {
    return this.#byId.get(id);
  }

  all(): Iterable<Exchange> {
    return this.#byId.values();
  }

  add(exchange: Exchange): void {
    this.#byId.set(exchange.id, exchange);
    this.active++;
  }

  // --- streams of which there is no exchange ------------------------------------------------------------------------------

  /** Nobody has opened it. A server opens none. RFC 9113 §5.1.1. */
  isIdle(id: number): boolean {
    return id % 2 === 0 || (this.#server ? id > this.highestPeer : id >= this.nextOwn);
  }

  /** The client opens it, and with it closes those below that it has left out. */
  openedByPeer(id: number): void {
    this.highestPeer = id;
    this.#opened.add((id - 1) / 2, (id + 1) / 2);
    if (this.#opened.count > LIMITS.openedRanges.value) this.#opened.dropFirst();
  }

  /** The client has left it out, as far as we remember. */
  wasSkipped(id: number): boolean {
    return this.#server && (id - 1) / 2 >= this.#opened.start(0) && !this.#opened.has((id - 1) / 2);
  }

  /** Its last frames may still be on their way. RFC 9113 §5.1. */
  wasResetByUs(id: number): boolean {
    return this.#resetByUs.has(id);
  }

  /** The peer has said its last frame of it: what follows is wrong. */
  forgetReset(id: number): void {
    this.#resetByUs.delete(id);
  }

  // --- how exchanges end --------------------------------------------------------------------------------------------------

  /** A stream error of the peer's. The connection goes on. */
  streamError(exchange: Exchange, code: number, reason: string): void {
    if (exchange.told) this.#events.push({ type: 'failed', id: exchange.id, code, reason, unprocessed: false });
    this.drop(exchange, code);
    if (this.#server) this.countReset();
  }

  /** Ends the exchange both ways and says so. */
  drop(exchange: Exchange, code: number): void {
    this.#reset(exchange.id, code);
    exchange.on('reset');
    this.forget(exchange);
  }

  /** Of a stream that has no exchange. */
  reject(id: number, code: number): void {
    this.#reset(id, code);
    this.countReset();
  }

  /** The peer resets a stream, or makes us do it. */
  countReset(): void {
    if (!this.#resets.take(this.#credit.now)) throw new HttpConnectionError(H2.ENHANCE_YOUR_CALM, 'streams are reset again and again');
  }

  forget(exchange: Exchange): void {
    this.#outgoing.silence(exchange);
    this.discard(exchange);
    exchange.on('reset');
    this.#byId.delete(exchange.id);
    if (this.#byId.size === 0) this.#outgoing.spares.clear(); // a connection that is idle costs little
    this.#settle(exchange);
  }

  /** Nobody wants what comes of the peer's message. */
  discard(exchange: Exchange): void {
    exchange.readDone = true;
    this.#credit.consume(exchange, exchange.inbox.clear());
  }

  /** Something of the exchange has ended; perhaps that was all. */
  retireWhenDone(exchange: Exchange): void {
    this.#settle(exchange);
    if (!exchange.endSent || !exchange.readDone) return;
    if (!exchange.endReceived) this.#reset(exchange.id, exchange.stopCode); // RFC 9113 §8.1: after a complete message
    this.forget(exchange);
  }

  /** RFC 9113 §6.8. */
  failFrom(id: number): void {
    for (const exchange of [...this.#byId.values()]) {
      if (exchange.id < id) continue;
      const reason = 'GOAWAY: not processed, may be sent again';
      this.#events.push({ type: 'failed', id: exchange.id, code: H2.REFUSED_STREAM, reason, unprocessed: true });
      this.forget(exchange);
    }
  }

  /** The transport is over. What was complete may still be read. @param taken  octets of ours that it took */
  failAll(reason: string, taken: number): void {
    for (const exchange of [...this.#byId.values()]) {
      if (exchange.endReceived && (exchange.endSent || !this.#server)) {
        this.#outgoing.silence(exchange);
        exchange.on('end-sent');
        continue;
      }
      const unprocessed = !this.#server && taken < exchange.openedBefore;
      if (exchange.told) this.#events.push({ type: 'failed', id: exchange.id, code: H2.NO_ERROR, reason, unprocessed });
      this.forget(exchange);
    }
  }

  clear(): void {
    for (const exchange of this.#byId.values()) this.#outgoing.silence(exchange);
    this.#byId.clear();
    this.active = 0;
  }

  #reset(id: number, code: number): void {
    this.#outgoing.reset(id, code);
    this.#resetByUs.add(id);
    if (this.#resetByUs.size > LIMITS.resetStreams.value) this.#resetByUs.delete(this.#resetByUs.values().next().value!);
  }

  #settle(exchange: Exchange): void {
    if (exchange.state !== 'closed' || !exchange.counted) return;
    exchange.counted = false;
    this.active--;
  }
}
