import { ByteWriter } from '@quiclab/bytes';
import type { HttpEvent } from '@quiclab/http-semantics';
import type { EventQueue } from '@quiclab/sansio';
import { H3 } from '../errors.ts';
import type { SingleExchange } from './exchange.ts';
import { Kind } from './frames.ts';
import type { Outgoing } from './outgoing.ts';

/** The exchanges under way, and the ways in which one ends. */
export class SingleExchanges {
  readonly #outgoing: Outgoing;
  readonly #events: EventQueue<HttpEvent>;
  readonly #byId = new Map<number, SingleExchange>();
  /** A client was refused an exchange because too many were open. */
  roomOwed = false;

  constructor(outgoing: Outgoing, events: EventQueue<HttpEvent>) {
    this.#outgoing = outgoing;
    this.#events = events;
  }

  get count(): number {
    return this.#byId.size;
  }

  get(id: number): SingleExchange | undefined {
    return this.#byId.get(id);
  }

  add(exchange: SingleExchange): void {
    this.#byId.set(exchange.id, exchange);
  }

  from(id: number): SingleExchange[] {
    return [...this.#byId.values()].filter((exchange) => exchange.id >= id);
  }

  /** The peer's message is one that we do not take. */
  streamError(exchange: SingleExchange, code: number, reason: string): void {
    if (exchange.told) this.#events.push({ type: 'failed', id: exchange.id, code, reason, unprocessed: false });
    this.drop(exchange, code);
  }

  /** Ends the exchange both ways and says so. */
  drop(exchange: SingleExchange, code: number): void {
    this.reject(exchange.id, code);
    this.forget(exchange);
  }

  reject(id: number, code: number): void {
    const payload = ByteWriter.growable(8);
    payload.varint(code);
    this.#outgoing.sayFirst(Kind.RESET, id, payload.written());
  }

  forget(exchange: SingleExchange): void {
    this.#outgoing.silence(exchange);
    exchange.discard();
    if (!this.#byId.delete(exchange.id) || !this.roomOwed) return;
    this.roomOwed = false;
    this.#events.push({ type: 'requests-available' });
  }

  retireWhenDone(exchange: SingleExchange): void {
    if (exchange.readDone && exchange.endLaidOut) this.forget(exchange);
  }

  /** RFC 9114 §5.2, for this framing. */
  failFrom(id: number): void {
    for (const exchange of this.from(id)) {
      const reason = `GOAWAY ${id}: not processed, may be sent again`;
      this.#events.push({ type: 'failed', id: exchange.id, code: H3.REQUEST_REJECTED, reason, unprocessed: true });
      this.forget(exchange);
    }
  }

  clear(): void {
    this.#byId.clear();
  }
}
