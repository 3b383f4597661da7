import { RangeSet } from '@quiclab/bytes';
import { type Ecn, MILLISECOND, type Micros, NEVER } from '@quiclab/sansio';
import type { AckPolicy } from './ports.ts';

/** Every ack-eliciting packet at once: Initial and Handshake (RFC 9000 §13.2.1). Keeps no state. */
export const immediateAcks: AckPolicy = {
  onPacket: (now: Micros, _packetNumber: number, ackEliciting: boolean): Micros => (ackEliciting ? now : NEVER),
  onAckSent(): void {},
  onFrequency(): void {},
};

export interface DelayedAckOptions {
  /** How long an ACK may be held back: what our max_ack_delay announces. Default 25 ms. */
  readonly maxAckDelay?: Micros;
  /** How far a packet may be from a missing one before that is told at once; 0: that is no reason to hurry. Default 1: any gap is told (RFC 9000 §13.2.1). */
  readonly reorderingThreshold?: number;
}

/** RFC 9000 §13.2: every second ack-eliciting packet, and at once for gaps, for what comes out of order, and for CE marks. */
export const ackEverySecond = (options: DelayedAckOptions = {}): AckPolicy => ackEvery(2, options);

/** The same for every nth. RFC 9000 §13.2.2 lets a receiver decide. CE marks in a row are told at once only if n is 2 or less. */
export function ackEvery(packets: number, options: DelayedAckOptions = {}): AckPolicy {
  return new DelayedAcks(packets, options.maxAckDelay ?? 25 * MILLISECOND, options.reorderingThreshold ?? 1);
}

/** So long after the first packet that waits for one, however many follow and in whatever order. */
export const ackByTime = (maxAckDelay?: Micros): AckPolicy =>
  ackEvery(Number.POSITIVE_INFINITY, { reorderingThreshold: 0, ...(maxAckDelay !== undefined && { maxAckDelay }) });

const CE = 3;
/** Gaps that are remembered; beyond it the oldest is told of when some other ACK leaves. */
export const MAX_GAPS_WATCHED = 64;

/** All of them are one thing with three numbers, which an ACK_FREQUENCY frame may set. draft-ietf-quic-ack-frequency §6. */
class DelayedAcks implements AckPolicy {
  #every: number;
  #maxAckDelay: Micros;
  #reorderingThreshold: number;
  #unacknowledged = 0;
  #marked = false;
  /** The largest that came; that came and elicits an ACK; that an ACK told of. */
  #largest = -1;
  #largestEliciting = -1;
  #largestAcked = -1;
  /** What is missing below the largest, and was not far enough below the last ACK for the peer to declare it lost. */
  readonly #missing = new RangeSet();

  constructor(every: number, maxAckDelay: Micros, reorderingThreshold: number) {
    this.#every = every;
    this.#maxAckDelay = maxAckDelay;
    this.#reorderingThreshold = reorderingThreshold;
  }

  onPacket(now: Micros, packetNumber: number, ackEliciting: boolean, inOrder: boolean, ecn: Ecn): Micros {
    if (packetNumber < this.#largest) this.#missing.remove(packetNumber, packetNumber + 1);
    else {
      if (!inOrder) this.#watchGap(this.#largest + 1, packetNumber);
      this.#largest = packetNumber;
    }
    const newlyMarked = ecn === CE && !this.#marked;
    this.#marked = ecn === CE;
    if (!ackEliciting) return NEVER; // a gap before it waits for the next that does
    if (packetNumber > this.#largestEliciting) this.#largestEliciting = packetNumber;
    this.#unacknowledged++;
    const marked = this.#every <= 2 ? this.#marked : newlyMarked; // draft-ietf-quic-ack-frequency §6.3
    const atOnce = this.#unacknowledged >= this.#every || marked || this.#isReordered(packetNumber);
    return atOnce ? now : now + this.#maxAckDelay;
  }

  onAckSent(): void {
    this.#unacknowledged = 0;
    this.#largestAcked = this.#largest;
    if (this.#missing.count > 0) this.#missing.remove(0, this.#largestAcked - this.#reorderingThreshold + 1);
  }

  onFrequency(ackElicitingThreshold: number, maxAckDelay: Micros, reorderingThreshold: number): void {
    this.#every = ackElicitingThreshold + 1; // the frame says how many may go unanswered
    this.#maxAckDelay = maxAckDelay;
    this.#reorderingThreshold = reorderingThreshold;
  }

  #watchGap(start: number, end: number): void {
    this.#missing.add(start, end);
    if (this.#missing.count > MAX_GAPS_WATCHED) this.#missing.dropFirst();
  }

  /** A gap has become so wide that the peer may declare it lost, or the peer has: then it wants to know at once that it was wrong. §6.2. */
  #isReordered(packetNumber: number): boolean {
    if (this.#reorderingThreshold === 0) return false;
    if (this.#missing.count > 0 && this.#largestEliciting - this.#missing.start(0) >= this.#reorderingThreshold) return true;
    return packetNumber <= this.#largestAcked - this.#reorderingThreshold;
  }
}
