import { type Micros, NEVER, SECOND } from '@quiclab/sansio';
import { FrameType, TransportError, TransportErrorCode, writeMaxStreams, writeStreamsBlocked } from '@quiclab/wire';
import { Announced } from '../control/announced.ts';
import { LIMITS } from '../limits.ts';
import type { PacketBuilder } from '../packet/builder.ts';

const FRAME_ROOM = 9;
/** µs for which one stream that was given up counts. */
const INTERVAL = SECOND / LIMITS.streamsGivenUpPerSecond.value;
const BURST = LIMITS.streamsGivenUpAtOnce.value * INTERVAL;

/** How many streams of one kind either side may open. RFC 9000 §4.6. */
export class StreamLimits {
  readonly #bidi: boolean;
  readonly #window: number;
  readonly #announced: Announced;
  /** Streams that the peer has opened, counting those of lower number that it skipped. */
  accepted: number;
  #closed: number;
  /** Streams that the peer has given up, for which it has no credit again yet. */
  #heldBack: number;
  /** Up to when those for which it has would have kept us busy, at one each interval. */
  #busyUntil: Micros;
  /** When more of them are due. */
  deadline: Micros;

  /** Streams that we have opened, and how many the peer allows. */
  opened: number;
  allowed: number;
  /** `openStream` was refused: tell the application when there is room. */
  refused: boolean;
  #blockedPending: boolean;
  #blockedSaidAt: number;

  /** @param window  how many of the peer's may be open at once */
  constructor(kind: 'bidi' | 'uni', window: number) {
    this.#bidi = kind === 'bidi';
    this.#window = window;
    this.#announced = new Announced(window);
    this.accepted = 0;
    this.#closed = 0;
    this.#heldBack = 0;
    this.#busyUntil = 0;
    this.deadline = NEVER;
    this.opened = 0;
    this.allowed = 0;
    this.refused = false;
    this.#blockedPending = false;
    this.#blockedSaidAt = -1;
  }

  get limit(): number {
    return this.#announced.value;
  }

  /** The peer uses the stream of this index. Throws when it is beyond the limit. */
  accept(index: number, frameType: number): void {
    if (index >= this.#announced.value)
      throw new TransportError(
        TransportErrorCode.STREAM_LIMIT_ERROR,
        `${this.#bidi ? 'bidirectional' : 'unidirectional'} stream number ${index + 1} was opened, the limit is ${this.#announced.value}`,
        frameType,
      );
  }

  /**
   * One of the peer's streams is done: once half of the window is used up, more are allowed. To open a stream and to give it up
   * costs the peer next to nothing and us a request, so that credit for those comes at a rate.
   */
  onClosed(givenUp: boolean): void {
    if (givenUp) this.#heldBack++;
    else this.#release(1);
  }

  onDeadline(now: Micros): void {
    if (this.deadline <= now) this.deadline = NEVER; // `writeFrames` will see
  }

  #release(streams: number): void {
    this.#closed += streams;
    const limit = this.#closed + this.#window;
    if ((limit - this.#announced.value) * 2 >= this.#window) this.#announced.set(limit);
  }

  /** The index of the next stream of ours, or -1 at the peer's limit. */
  open(): number {
    if (this.opened < this.allowed) return this.opened++;
    this.refused = true;
    if (this.#blockedSaidAt !== this.allowed) this.#blockedPending = true;
    return -1;
  }

  /** MAX_STREAMS, or the transport parameter. Limits never fall. True when an application waits for this. */
  onPeerLimit(limit: number): boolean {
    if (limit <= this.allowed) return false;
    this.allowed = limit;
    this.#blockedPending = false;
    const waiting = this.refused;
    this.refused = false;
    return waiting;
  }

  #releaseHeldBack(now: Micros): void {
    const from = Math.max(this.#busyUntil, now);
    const streams = Math.min(this.#heldBack, Math.floor((now + BURST - from) / INTERVAL));
    this.#busyUntil = from + streams * INTERVAL;
    this.#heldBack -= streams;
    this.#release(streams);
    // half of a window is what is announced
    const next = Math.min(this.#heldBack, Math.max(1, this.#window >> 1));
    this.deadline = next === 0 ? NEVER : this.#busyUntil - BURST + next * INTERVAL;
  }

  writeFrames(now: Micros, packet: PacketBuilder): void {
    if (this.#heldBack > 0) this.#releaseHeldBack(now);
    if (this.#announced.pending && packet.remaining >= FRAME_ROOM) {
      writeMaxStreams(packet.writer, this.#bidi, this.#announced.value);
      packet.log(this.#bidi ? FrameType.MAX_STREAMS_BIDI : FrameType.MAX_STREAMS_UNI, 0, this.#announced.value, 0);
      this.#announced.onSent();
    }
    if (this.#blockedPending && packet.remaining >= FRAME_ROOM) {
      writeStreamsBlocked(packet.writer, this.#bidi, this.allowed);
      packet.log(this.#bidi ? FrameType.STREAMS_BLOCKED_BIDI : FrameType.STREAMS_BLOCKED_UNI, 0, this.allowed, 0);
      this.#blockedPending = false;
      this.#blockedSaidAt = this.allowed;
    }
  }

  onLimitLost(value: number): void {
    this.#announced.onLost(value);
  }

  onBlockedLost(limit: number): void {
    if (limit === this.allowed && this.refused) this.#blockedPending = true;
  }
}
