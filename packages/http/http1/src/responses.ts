import type { Field, Fields, HttpEvent } from '@quiclab/http-semantics';
import type { EventQueue, Micros } from '@quiclab/sansio';
import { chunk, chunkHeaderLength, lastChunk, responseHead } from './encoding.ts';
import { LIMITS } from './limits.ts';
import type { Link } from './link.ts';
import type { Http1Observer } from './observer.ts';
import { type ServerExchange, type Waiting, weight } from './server-exchange.ts';

const CHUNK = LIMITS.chunk.value;

/**
 * The responses of a connection in the order of their requests. RFC 9112 §9.3.2. What the application says of the first leaves at
 * once; what it says of others waits, within limits, until those before them are wholly laid out.
 */
export class Responses {
  /** Those that are not over, by request. */
  readonly pipeline: ServerExchange[];
  /** What the parts that wait weigh. */
  queued: number;
  readonly #link: Link;
  readonly #events: EventQueue<HttpEvent>;
  readonly #maxQueued: number;
  readonly #observer: Http1Observer | undefined;
  readonly #endsConnection: (exchange: ServerExchange) => boolean;
  #turn: number;

  /** @param endsConnection  asked when a final head is laid out: whether it has to say `close` */
  constructor(
    link: Link,
    events: EventQueue<HttpEvent>,
    maxQueued: number,
    observer: Http1Observer | undefined,
    endsConnection: (exchange: ServerExchange) => boolean,
  ) {
    this.pipeline = [];
    this.queued = 0;
    this.#link = link;
    this.#events = events;
    this.#maxQueued = maxQueued;
    this.#observer = observer;
    this.#endsConnection = endsConnection;
    this.#turn = -1;
  }

  get(id: number): ServerExchange | undefined {
    const first = this.pipeline[0];
    return first === undefined ? undefined : this.pipeline[id - first.id];
  }

  add(now: Micros, exchange: ServerExchange): void {
    this.pipeline.push(exchange);
    this.#tellTurn(now);
  }

  clear(now: Micros): void {
    this.pipeline.length = 0;
    this.queued = 0;
    this.#tellTurn(now);
  }

  say(now: Micros, exchange: ServerExchange, part: Waiting): void {
    if (this.#isNext(exchange)) this.#lay(now, exchange, part);
    else this.#keep(exchange, part);
  }

  /** Content, framed as the head said. Returns the octets taken. */
  write(now: Micros, exchange: ServerExchange, data: Uint8Array): number {
    const { out } = exchange;
    if (out.framing === 'none') return data.length;
    const taken = this.#isNext(exchange) ? this.#layContent(now, exchange, data) : this.#keepContent(exchange, data);
    out.wrote(taken);
    if (taken < data.length) out.writableOwed = true;
    return taken;
  }

  /** Lays out what has its turn, and takes away what is over. */
  pump(now: Micros): void {
    for (let next = this.pipeline[0]; next !== undefined && !this.#link.over; next = this.pipeline[0]) {
      for (const part of next.waiting) {
        this.queued -= weight(part);
        this.#lay(now, next, part);
      }
      next.waiting = [];
      if (next.broken) {
        this.#link.abort(now, 'a response could not be completed');
        return;
      }
      if (next.out.writableOwed && !this.#link.out.blocked && !next.out.finished) {
        next.out.writableOwed = false;
        if (next.told) this.#events.push({ type: 'body-writable', id: next.id });
      }
      if (!next.laid || !next.received) return;
      this.pipeline.shift(); // no more of them than `pipelined`
      this.#tellTurn(now);
    }
  }

  #isNext(exchange: ServerExchange): boolean {
    return exchange === this.pipeline[0] && exchange.waiting.length === 0;
  }

  #keep(exchange: ServerExchange, part: Waiting): void {
    exchange.waiting.push(part);
    this.queued += weight(part);
  }

  #keepContent(exchange: ServerExchange, data: Uint8Array): number {
    const taken = Math.max(0, Math.min(data.length, this.#maxQueued - this.queued));
    for (let from = 0; from < taken; from += CHUNK)
      this.#keep(exchange, framed(exchange, data.subarray(from, Math.min(taken, from + CHUNK))));
    return taken;
  }

  #layContent(now: Micros, exchange: ServerExchange, data: Uint8Array): number {
    const { out } = this.#link;
    if (exchange.out.framing !== 'chunked') {
      const from = out.offset;
      const taken = out.offer(now, data);
      if (taken > 0) this.#observer?.frameMapped('sent', exchange.id, 0, from, taken, 0, 'data');
      return taken;
    }
    let taken = 0;
    for (; taken < data.length && !out.blocked; taken = Math.min(data.length, taken + CHUNK))
      this.#lay(now, exchange, framed(exchange, data.subarray(taken, taken + CHUNK)));
    return taken;
  }

  #lay(now: Micros, exchange: ServerExchange, part: Waiting): void {
    const { out } = this.#link;
    const from = out.offset;
    if (part.kind === 'head') {
      const final = part.status === 101 || part.status >= 200;
      if (final) {
        exchange.headLaid = true;
        exchange.last = this.#endsConnection(exchange);
      }
      const closes = final && exchange.last && exchange.out.framing !== 'tunnel';
      out.write(now, responseHead(part.status, withOptions(part.fields, closes)));
      this.#observer?.frameMapped('sent', exchange.id, 0, from, out.offset - from, 0, 'headers');
    } else if (part.kind === 'data') {
      out.write(now, part.octets);
      this.#observer?.frameMapped('sent', exchange.id, 0, from, part.octets.length, part.headerLength, 'data');
    } else {
      if (exchange.out.framing === 'chunked') {
        out.write(now, lastChunk(part.trailers));
        const kind = part.trailers.length > 0 ? 'trailers' : 'end';
        this.#observer?.frameMapped('sent', exchange.id, 0, from, out.offset - from, 0, kind);
      } else if (exchange.out.framing === 'tunnel') out.finish(now);
      exchange.laid = true;
    }
  }

  #tellTurn(now: Micros): void {
    const turn = this.pipeline[0]?.id ?? -1;
    if (turn === this.#turn) return;
    this.#turn = turn;
    this.#observer?.turnChanged?.(now, turn);
  }
}

function framed(exchange: ServerExchange, data: Uint8Array): Waiting {
  return exchange.out.framing === 'chunked'
    ? { kind: 'data', octets: chunk(data), headerLength: chunkHeaderLength(data.length) }
    : { kind: 'data', octets: data.slice(), headerLength: 0 };
}

/** The connection options of a response. RFC 9110 §7.6.1, §7.8; RFC 9112 §9.6. */
function withOptions(fields: Fields, closes: boolean): Fields {
  const upgrade = fields.some(([name]) => name === 'upgrade');
  if (!closes && !upgrade) return fields;
  const options: Field = ['connection', [...(upgrade ? ['upgrade'] : []), ...(closes ? ['close'] : [])].join(', ')];
  return [...fields, options];
}
