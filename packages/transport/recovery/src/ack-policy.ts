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

class DelayedAcks implements AckPolicy {
  #maxAckDelay: Micros;
  #every: number;
  #reorderingThreshold = 1;
  #unacknowledged = 0;

  constructor(maxAckDelay: Micros, every: number) {
    this.#maxAckDelay = maxAckDelay;
    this.#every = every;
  }

  onPacket(now: Micros, _packetNumber: number, ackEliciting: boolean, inOrder: boolean, ecn: Ecn): Micros {
    if (!ackEliciting) return NEVER; // answering those too would never end (RFC 9000 §13.2.1)
    this.#unacknowledged++;
    if (this.#unacknowledged >= this.#every || ecn === 3 || (!inOrder && this.#reorderingThreshold > 0)) return now;
    return now + this.#maxAckDelay;
  }

  onAckSent(): void {
    this.#unacknowledged = 0;
  }

  onFrequency(ackElicitingThreshold: number, maxAckDelay: Micros, reorderingThreshold: number): void {
    this.#every = ackElicitingThreshold + 1;
    this.#maxAckDelay = maxAckDelay;
    this.#reorderingThreshold = reorderingThreshold;
  }
}
