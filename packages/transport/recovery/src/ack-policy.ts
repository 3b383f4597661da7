import { type Ecn, MILLISECOND, type Micros, NEVER } from '@quiclab/sansio';
import type { AckPolicy } from './ports.ts';

/** Every ack-eliciting packet at once: Initial and Handshake (RFC 9000 §13.2.1). Keeps no state. */
export const immediateAcks: AckPolicy = {
  onPacket: (now: Micros, _packetNumber: number, ackEliciting: boolean): Micros => (ackEliciting ? now : NEVER),
  onAckSent(): void {},
  onFrequency(): void {},
};

export interface AckEverySecondOptions {
  /** How long an ACK may be held back: what our max_ack_delay announces. Default 25 ms. */
  readonly maxAckDelay?: Micros;
  /** An ACK after so many ack-eliciting packets. Default 2 (RFC 9000 §13.2.2). */
  readonly every?: number;
}

/** RFC 9000 §13.2: every second ack-eliciting packet, and at once for gaps, for what comes out of order, and for CE marks. */
export function ackEverySecond(options: AckEverySecondOptions = {}): AckPolicy {
  return new DelayedAcks(options.maxAckDelay ?? 25 * MILLISECOND, options.every ?? 2);
}

const CE = 3;

class DelayedAcks implements AckPolicy {
  #maxAckDelay: Micros;
  #every: number;
  /** 0: reordering is no reason to hurry; 1: any is; more: only packets so far apart (ACK_FREQUENCY). */
  #reorderingThreshold = 1;
  #unacknowledged = 0;
  #largest = -1;
  /** The first number of the oldest gap that no ACK has told of; -1: there is none. */
  #missing = -1;

  constructor(maxAckDelay: Micros, every: number) {
    this.#maxAckDelay = maxAckDelay;
    this.#every = every;
  }

  onPacket(now: Micros, packetNumber: number, ackEliciting: boolean, inOrder: boolean, ecn: Ecn): Micros {
    const late = packetNumber < this.#largest;
    // a gap before a packet that elicits nothing waits for the next that does
    if (!inOrder && !late && this.#missing < 0) this.#missing = this.#largest + 1;
    if (!late) this.#largest = packetNumber;
    if (!ackEliciting) return NEVER;
    this.#unacknowledged++;
    const atOnce = this.#unacknowledged >= this.#every || ecn === CE || this.#isReordered(late);
    return atOnce ? now : now + this.#maxAckDelay;
  }

  onAckSent(): void {
    this.#unacknowledged = 0;
    this.#missing = -1;
  }

  onFrequency(ackElicitingThreshold: number, maxAckDelay: Micros, reorderingThreshold: number): void {
    this.#every = ackElicitingThreshold + 1; // the frame says how many may go unanswered
    this.#maxAckDelay = maxAckDelay;
    this.#reorderingThreshold = reorderingThreshold;
  }

  #isReordered(late: boolean): boolean {
    if (this.#reorderingThreshold === 0) return false;
    if (this.#reorderingThreshold === 1) return late || this.#missing >= 0;
    return this.#missing >= 0 && this.#largest - this.#missing >= this.#reorderingThreshold;
  }
}
