import type { FrameObserver } from '@quiclab/http-semantics';
import type { Micros } from '@quiclab/sansio';
import type { StreamPriority, StreamScheduler } from '@quiclab/streams';
import { H3, HttpConnectionError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { OutgoingStream } from '../outgoing-stream.ts';
import type { SingleExchange } from './exchange.ts';
import { encodeFrame, headerSize, Kind, MAPPED } from './frames.ts';

/**
 * Our direction of the shared stream. What exchanges have to say waits with them; a frame is laid out when the transport can take it,
 * and which exchange's it is, is decided then: the later, the truer the interleaving.
 */
export class Outgoing {
  /** Absent until the stream is open. */
  stream: OutgoingStream | undefined = undefined;

  readonly #scheduler: StreamScheduler;
  readonly #frameSize: number;
  readonly #observer: FrameObserver | undefined;
  readonly #onLaidOut: (exchange: SingleExchange, kind: number) => void;
  readonly #ready = new Map<number, SingleExchange>();
  #urgent: { readonly kind: number; readonly exchange: number; readonly payload: Uint8Array }[] = [];

  /**
   * @param frameSize  octets of the largest frame of content, header included
   * @param onLaidOut  a frame of an exchange is on its way: there may be room for more, and the end is behind it
   */
  constructor(
    scheduler: StreamScheduler,
    frameSize: number,
    observer: FrameObserver | undefined,
    onLaidOut: (exchange: SingleExchange, kind: number) => void,
  ) {
    this.#scheduler = scheduler;
    this.#frameSize = frameSize;
    this.#observer = observer;
    this.#onLaidOut = onLaidOut;
  }

  say(exchange: SingleExchange, kind: number, octets: Uint8Array): void {
    exchange.outbox.push(kind, octets);
    this.#ready.set(exchange.id, exchange);
    this.#scheduler.onReady(exchange.id, exchange.priority);
  }

  prioritize(exchange: SingleExchange, priority: StreamPriority): void {
    exchange.priority = priority;
    if (this.#ready.has(exchange.id)) this.#scheduler.onReady(exchange.id, priority);
  }

  /** Forgets what the exchange still had to say. */
  silence(exchange: SingleExchange): void {
    exchange.outbox.clear();
    if (this.#ready.delete(exchange.id)) this.#scheduler.onNotReady(exchange.id);
  }

  sayFirst(kind: number, exchange: number, payload: Uint8Array): void {
    if (this.#urgent.length >= LIMITS.singleAnswers.value)
      throw new HttpConnectionError(H3.EXCESSIVE_LOAD, `${this.#urgent.length} answers wait to be taken`);
    this.#urgent.push({ kind, exchange, payload });
  }

  /** Lays frames out until the transport takes no more, or nobody has anything to say. */
  pump(now: Micros): void {
    const stream = this.stream;
    if (stream === undefined) return;
    stream.flush(now);
    let laid = 0;
    for (; laid < this.#urgent.length && !stream.blocked; laid++) {
      const { kind, exchange, payload } = this.#urgent[laid]!;
      this.#lay(now, stream, kind, exchange, payload);
    }
    if (laid > 0) this.#urgent.splice(0, laid);
    while (!stream.blocked) {
      const id = this.#scheduler.next();
      if (id < 0) return;
      const exchange = this.#ready.get(id)!;
      const length = this.#layNext(now, stream, exchange);
      // the end goes with what it ends where that leaves it room: a round later it would be late for nothing
      const endsHere = !exchange.outbox.empty && exchange.outbox.kind === Kind.END && length + headerSize(id, 0) <= this.#frameSize;
      this.#scheduler.onSent(id, endsHere ? length + this.#layNext(now, stream, exchange) : length);
      this.#scheduler.onPacketDone();
      if (exchange.outbox.empty) {
        this.#ready.delete(id);
        this.#scheduler.onNotReady(id);
      }
    }
  }

  #layNext(now: Micros, stream: OutgoingStream, exchange: SingleExchange): number {
    const kind = exchange.outbox.kind;
    const payload = exchange.outbox.take(Math.max(1, this.#frameSize - headerSize(exchange.id, this.#frameSize)));
    const length = this.#lay(now, stream, kind, exchange.id, payload);
    this.#onLaidOut(exchange, kind);
    return length;
  }

  #lay(now: Micros, stream: OutgoingStream, kind: number, exchange: number, payload: Uint8Array): number {
    const frame = encodeFrame(kind, exchange, payload);
    const owner = kind === Kind.GOAWAY ? -1 : exchange;
    this.#observer?.frameMapped('sent', owner, stream.id, stream.offset, frame.length, frame.length - payload.length, MAPPED[kind]!);
    stream.write(now, frame, true);
    return frame.length;
  }
}
