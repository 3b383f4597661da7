import type { HttpEvent } from '@quiclab/http-semantics';
import { QPACK_DECOMPRESSION_FAILED, type QpackDecoder, QpackError } from '@quiclab/qpack';
import { type EventQueue, type Micros, NEVER } from '@quiclab/sansio';
import type { StreamId } from '@quiclab/streams';
import type { Exchange } from './exchange.ts';
import type { QuicStreams } from './transport.ts';

/** The exchanges under way, and the ways in which one ends. */
export class Exchanges {
  readonly #transport: QuicStreams;
  readonly #events: EventQueue<HttpEvent>;
  readonly #byId = new Map<StreamId, Exchange>();
  readonly #decoder: QpackDecoder;
  readonly #maxBlocked: number;
  readonly #blocked = new Set<Exchange>(); // those with a section that waits for QPACK's encoder stream
  readonly #headless = new Set<Exchange>(); // requests whose header section is not there: the first is due first

  constructor(transport: QuicStreams, events: EventQueue<HttpEvent>, decoder: QpackDecoder, maxBlocked: number) {
    this.#transport = transport;
    this.#events = events;
    this.#decoder = decoder;
    this.#maxBlocked = maxBlocked;
  }

  get count(): number {
    return this.#byId.size;
  }

  get(id: StreamId): Exchange | undefined {
    return this.#byId.get(id);
  }

  add(exchange: Exchange): void {
    this.#byId.set(exchange.id, exchange);
  }

  /** The header section of this request has to be there by then. Later calls, later times. */
  awaitHeaders(exchange: Exchange, due: Micros): void {
    exchange.headersDue = due;
    this.#headless.add(exchange);
  }

  onHeaders(exchange: Exchange): void {
    this.#headless.delete(exchange);
  }

  /** When the next header section is due. */
  nextTimeout(): Micros {
    for (const exchange of this.#headless) return exchange.headersDue;
    return NEVER;
  }

  /** A request whose header section should be there by now and is not, if there is one. */
  overdue(now: Micros): Exchange | undefined {
    for (const exchange of this.#headless) return exchange.headersDue <= now ? exchange : undefined;
    return undefined;
  }

  /** A field section waits for insertions. RFC 9204 §2.1.2. */
  blocked(exchange: Exchange): void {
    this.#blocked.add(exchange);
    if (this.#blocked.size > this.#maxBlocked)
      throw new QpackError(
        QPACK_DECOMPRESSION_FAILED,
        `${this.#blocked.size} field sections wait for the encoder stream, and ${this.#maxBlocked} may`,
      );
  }

  /** Those with a section that waited: whoever asks must see whether it still does. */
  takeBlocked(): Exchange[] {
    const waited = [...this.#blocked];
    this.#blocked.clear();
    return waited;
  }

  /** Those from this ID on. */
  from(id: StreamId): Exchange[] {
    return [...this.#byId.values()].filter((exchange) => exchange.id >= id);
  }

  /** RFC 9114 §8: the exchange ends, the connection goes on. */
  streamError(exchange: Exchange, code: number, reason: string): void {
    if (exchange.told) this.#events.push({ type: 'failed', id: exchange.id, code, reason, unprocessed: false });
    this.drop(exchange, code);
  }

  /** Ends whatever of the exchange is still open. RFC 9114 §4.1.1. */
  drop(exchange: Exchange, code: number): void {
    if (exchange.receiving) {
      this.#transport.stopSending(exchange.id, code);
      this.abandon(exchange);
    }
    exchange.out.reset(code);
    this.#forget(exchange);
  }

  /** What there is of the peer's message beyond what was read will not be. RFC 9204 §2.2.2.2. */
  abandon(exchange: Exchange): void {
    exchange.receiving = false;
    this.#blocked.delete(exchange);
    this.#decoder.abandon(exchange.id);
  }

  /** All of the peer's message was read. */
  received(exchange: Exchange): void {
    exchange.receiving = false;
    this.retireWhenDone(exchange);
  }

  retireWhenDone(exchange: Exchange): void {
    if (!exchange.receiving && exchange.out.done) this.#forget(exchange);
  }

  clear(): void {
    this.#byId.clear();
    this.#headless.clear();
    this.#blocked.clear();
  }

  #forget(exchange: Exchange): void {
    this.#byId.delete(exchange.id);
    this.#headless.delete(exchange);
  }
}
