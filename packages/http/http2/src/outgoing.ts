import { ByteWriter } from '@quiclab/bytes';
import type { HpackEncoder } from '@quiclab/hpack';
import type { Fields, MappedKind } from '@quiclab/http-semantics';
import type { ByteStream, Micros } from '@quiclab/sansio';
import type { StreamScheduler } from '@quiclab/streams';
import { H2, HttpConnectionError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { DEFAULT_FRAME_SIZE, DEFAULT_WINDOW, Flag, FRAME_HEADER, FrameType, LARGEST_WINDOW, writeFrameHeader } from './frames.ts';
import { LIMITS } from './limits.ts';
import type { Http2Observer } from './observer.ts';
import { SpareArrays } from './outbox.ts';

const NOTHING = new Uint8Array(0);

/** Frames up to so many octets are put together; those beyond go to the transport as they lie in the outbox. */
const COPIED = 2_048;
/** So many of them together go to the transport. */
const BATCH = 4_096;

/**
 * Our direction of the stream of octets. Frames of the connection, and those that open streams, are laid out when they are said. What
 * exchanges have to say beyond that waits with them and is laid out when the transport can take it; whose frame it is is decided
 * then: the later, the truer the interleaving. RFC 9113 §4.1, §6.9.1.
 */
export class Outgoing {
  /** Octets laid out so far: where the next frame begins. */
  offset: number;
  /** The transport took less than it was given. */
  blocked: boolean;
  /** What the peer's SETTINGS say. */
  maxFrameSize: number;
  /** Octets of content that the peer takes on this connection. */
  window: number;
  /** DATA frames laid out so far. */
  dataFrames: number;
  readonly spares: SpareArrays;

  readonly #transport: ByteStream;
  readonly #scheduler: StreamScheduler;
  readonly #encoder: HpackEncoder;
  readonly #frameSize: number;
  readonly #observer: Http2Observer | undefined;
  readonly #exchangeOf: (id: number) => Exchange | undefined;
  readonly #onLaid: (exchange: Exchange) => void;
  readonly #block: ByteWriter;
  #rest: Uint8Array; // of a frame that went to the transport directly: before what is in the buffer
  #buffer: Uint8Array;
  #start: number;
  #end: number;
  #answers: number;
  #hints: number;
  readonly #starved: Set<Exchange>;

  /**
   * @param frameSize  octets of the largest DATA frame, and of what an exchange lays out in its turn, headers included
   * @param onLaid     something of an exchange was laid out: there may be room for more, and the end may be behind it
   */
  constructor(
    transport: ByteStream,
    scheduler: StreamScheduler,
    encoder: HpackEncoder,
    frameSize: number,
    observer: Http2Observer | undefined,
    exchangeOf: (id: number) => Exchange | undefined,
    onLaid: (exchange: Exchange) => void,
  ) {
    this.offset = 0;
    this.blocked = false;
    this.maxFrameSize = DEFAULT_FRAME_SIZE;
    this.window = DEFAULT_WINDOW;
    this.dataFrames = 0;
    this.spares = new SpareArrays();
    this.#transport = transport;
    this.#scheduler = scheduler;
    this.#encoder = encoder;
    this.#frameSize = frameSize;
    this.#observer = observer;
    this.#exchangeOf = exchangeOf;
    this.#onLaid = onLaid;
    this.#block = ByteWriter.growable(1_024);
    this.#rest = NOTHING;
    this.#buffer = new Uint8Array(BATCH);
    this.#start = 0;
    this.#end = 0;
    this.#answers = 0;
    this.#hints = 0;
    this.#starved = new Set();
  }

  /** Octets that were laid out and that the transport did not take. */
  get waiting(): number {
    return this.#rest.length + this.#end - this.#start;
  }

  // --- frames that are laid out at once -----------------------------------------------------------------------------------

  /** Octets that are no frame: the preface. */
  preface(octets: readonly number[]): void {
    this.#observer?.frameMapped('sent', -1, 0, this.offset, octets.length, octets.length, 'other');
    this.#append(Uint8Array.from(octets));
    this.offset += octets.length;
  }

  /** A frame that is not content. @param exchange  whose it is, -1 for the connection's own */
  frame(type: number, flags: number, stream: number, payload: Uint8Array, exchange = -1, kind: MappedKind = 'other'): void {
    this.#observer?.frameMapped('sent', exchange, 0, this.offset, FRAME_HEADER + payload.length, FRAME_HEADER, kind);
    this.#reserve(FRAME_HEADER + payload.length);
    writeFrameHeader(this.#buffer, this.#end, payload.length, type, flags, stream);
    this.#buffer.set(payload, this.#end + FRAME_HEADER);
    this.#end += FRAME_HEADER + payload.length;
    this.offset += FRAME_HEADER + payload.length;
  }

  /** A frame that the peer made us say: a peer that reads nothing cannot have us gather them without end. */
  answer(type: number, flags: number, stream: number, payload: Uint8Array, exchange = -1, kind: MappedKind = 'other'): void {
    if (this.waiting === 0) this.#answers = 0;
    if (++this.#answers > LIMITS.answers.value)
      throw new HttpConnectionError(H2.ENHANCE_YOUR_CALM, `${this.#answers} answers wait to be taken`);
    this.frame(type, flags, stream, payload, exchange, kind);
  }

  /** A frame that need not be said: dropped where too many of them wait. */
  hint(type: number, payload: Uint8Array): void {
    if (this.waiting === 0) this.#hints = 0;
    if (this.#hints >= LIMITS.priorityUpdates.value) return;
    this.#hints++;
    this.frame(type, 0, 0, payload);
  }

  /** RFC 9113 §6.4. */
  reset(exchange: number, code: number): void {
    this.answer(FrameType.RST_STREAM, 0, exchange, fourOctets(code), exchange, 'reset');
  }

  /** A field section, in as many frames as it needs. RFC 9113 §6.2, §6.10. Returns their octets. */
  fields(exchange: Exchange, fields: Fields, kind: 'headers' | 'trailers', end: boolean): number {
    const block = this.#block;
    block.position = 0;
    this.#encoder.encode(block, fields);
    const octets = block.written();
    const before = this.offset;
    let at = 0;
    do {
      const fragment = octets.subarray(at, at + this.maxFrameSize);
      const type = at === 0 ? FrameType.HEADERS : FrameType.CONTINUATION;
      at += fragment.length;
      const flags = (type === FrameType.HEADERS && end ? Flag.END_STREAM : 0) | (at === octets.length ? Flag.END_HEADERS : 0);
      this.frame(type, flags, exchange.id, fragment, exchange.id, kind);
    } while (at < octets.length);
    if (end) exchange.on('end-sent');
    return this.offset - before;
  }

  // --- what exchanges have to say -----------------------------------------------------------------------------------------

  /** Something has changed for the exchange: what it has to say, its priority, or its credit. */
  update(exchange: Exchange): void {
    this.#tellCredit(exchange);
    if (exchange.hasFrame) {
      exchange.ready = true;
      this.#scheduler.onReady(exchange.id, exchange.priority);
    } else if (exchange.ready) {
      exchange.ready = false;
      this.#scheduler.onNotReady(exchange.id);
    }
  }

  /** Forgets what the exchange still had to say. */
  silence(exchange: Exchange): void {
    exchange.outbox.clear();
    exchange.finished = false;
    this.#starved.delete(exchange);
    this.update(exchange);
  }

  /** More credit for all exchanges together. False: beyond 2^31 - 1. RFC 9113 §6.9.1. */
  raiseWindow(octets: number): boolean {
    if (this.window <= 0 && this.window + octets > 0) this.#observer?.creditChanged?.(-1, false);
    this.window += octets;
    if (this.window > LARGEST_WINDOW) return false;
    if (this.window > 0) {
      for (const exchange of this.#starved) this.update(exchange);
      this.#starved.clear();
    }
    return true;
  }

  /** Lays frames out until the transport takes no more, or nobody has anything to say. */
  pump(now: Micros): void {
    if (!this.flush(now)) return;
    for (let id = this.#scheduler.next(); id >= 0; id = this.#scheduler.next()) {
      const exchange = this.#exchangeOf(id)!;
      if (this.window <= 0 && !exchange.outbox.empty && exchange.outbox.contentNext) {
        this.#starve(exchange);
        continue;
      }
      const octets = this.#turn(now, exchange);
      if (octets > 0) {
        this.#scheduler.onSent(id, octets);
        this.#scheduler.onPacketDone();
        this.#onLaid(exchange);
      }
      if (!exchange.hasFrame) this.update(exchange);
      if (this.blocked || (this.#end - this.#start >= BATCH && !this.flush(now))) return;
    }
    this.flush(now);
  }

  /** Gives the transport what it did not take. True: it has all. */
  flush(now: Micros): boolean {
    if (this.blocked) return false;
    if (this.#rest.length > 0) {
      const taken = this.#transport.write(now, this.#rest);
      this.#rest = taken === this.#rest.length ? NOTHING : this.#rest.subarray(taken);
      if (this.#rest.length > 0) {
        this.blocked = true;
        return false;
      }
    }
    if (this.#start < this.#end) {
      this.#start += this.#transport.write(now, this.#buffer.subarray(this.#start, this.#end));
      if (this.#start < this.#end) {
        this.blocked = true;
        return false;
      }
      this.#start = 0;
      this.#end = 0;
      if (this.#buffer.length > 4 * BATCH) this.#buffer = new Uint8Array(BATCH); // a burst must not cost for good
    }
    return true;
  }

  /** What fits into one turn: a field section and content after it, or content. Returns the octets. */
  #turn(now: Micros, exchange: Exchange): number {
    const { outbox } = exchange;
    let octets = 0;
    while (!outbox.empty && !outbox.contentNext) {
      const { fields, trailing } = outbox.takeSection();
      octets += this.fields(exchange, fields, trailing ? 'trailers' : 'headers', exchange.finished && outbox.empty);
    }
    if (exchange.endSent) return octets;
    if (outbox.empty) return exchange.finished ? octets + this.#data(now, exchange, 0) : octets;
    const room = Math.min(this.#frameSize - octets - FRAME_HEADER, this.maxFrameSize, exchange.sendWindow, this.window);
    const length = Math.min(room, outbox.inOneStretch);
    if (length <= 0 || (length > COPIED && !this.flush(now))) return octets;
    return octets + this.#data(now, exchange, length);
  }

  /** A DATA frame. RFC 9113 §6.1. */
  #data(now: Micros, exchange: Exchange, length: number): number {
    const { outbox } = exchange;
    const frame = length > 0 ? outbox.takeContent(length) : new Uint8Array(FRAME_HEADER);
    const end = exchange.finished && outbox.empty;
    writeFrameHeader(frame, 0, length, FrameType.DATA, end ? Flag.END_STREAM : 0, exchange.id);
    this.#observer?.frameMapped('sent', exchange.id, 0, this.offset, frame.length, FRAME_HEADER, length > 0 ? 'data' : 'end');
    this.offset += frame.length;
    this.window -= length;
    exchange.sendWindow -= length;
    if (length > 0 && this.window <= 0) this.#observer?.creditChanged?.(-1, true);
    this.#tellCredit(exchange);
    this.dataFrames++;
    if (end) exchange.on('end-sent');
    let taken = frame.length;
    if (length <= COPIED) this.#append(frame);
    else taken = this.#transport.write(now, frame); // nothing waits before it: `#turn` has seen to that
    if (taken < frame.length) {
      this.#rest = frame.subarray(taken);
      this.blocked = true;
    } else if (outbox.spent !== undefined) this.spares.give(outbox.spent);
    outbox.spent = undefined;
    return frame.length;
  }

  #tellCredit(exchange: Exchange): void {
    const usedUp = exchange.sendWindow <= 0;
    if (usedUp === exchange.usedUpTold) return;
    exchange.usedUpTold = usedUp;
    this.#observer?.creditChanged?.(exchange.id, usedUp);
  }

  /** It has content, and there is no credit for anybody's. */
  #starve(exchange: Exchange): void {
    this.#scheduler.onNotReady(exchange.id);
    exchange.ready = false;
    this.#starved.add(exchange);
  }

  #append(octets: Uint8Array): void {
    this.#reserve(octets.length);
    this.#buffer.set(octets, this.#end);
    this.#end += octets.length;
  }

  #reserve(octets: number): void {
    if (this.#end + octets <= this.#buffer.length) return;
    const used = this.#end - this.#start;
    const room = used + octets <= this.#buffer.length ? this.#buffer.length : Math.max(2 * this.#buffer.length, used + octets);
    const larger = new Uint8Array(room);
    larger.set(this.#buffer.subarray(this.#start, this.#end));
    this.#buffer = larger;
    this.#start = 0;
    this.#end = used;
  }
}

export function fourOctets(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}
