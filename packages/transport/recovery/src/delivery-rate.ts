import type { AckSummary } from '@quiclab/congestion';
import type { Micros } from '@quiclab/sansio';

/** What a sent packet remembers for sampling; any transport's record of one may. */
export interface SampledPacket {
  readonly bytes: number;
  readonly sentAt: Micros;
  /** What was delivered when it left, and when that was; the start of its flight; in flight with it. */
  delivered: number;
  deliveredAt: Micros;
  firstSentAt: Micros;
  inFlightAtSend: number;
  appLimited: boolean;
}

/** What one ACK frame said, for the controller: one object, filled anew. */
export class MutableAckSummary implements AckSummary {
  ackedBytes = 0;
  lostBytes = 0;
  largestSentAt: Micros = 0;
  priorInFlight = 0;
  bytesInFlight = 0;
  delivered = 0;
  priorDelivered = 0;
  inFlightAtSend = 0;
  interval: Micros = 0;
  appLimited = false;
  sampleAppLimited = false;
}

/**
 * Delivery-rate sampling as in draft-ietf-ccwg-bbr: each packet remembers how much had been delivered when it left, so that
 * its ACK tells how much was delivered since, and over how long.
 */
export class DeliveryRate {
  delivered = 0;
  #deliveredAt: Micros = 0;
  #firstSentAt: Micros = 0;
  /** While `delivered` is not beyond this, samples may be low because the sender had run out; -1: it has not. */
  #appLimitedUntil = -1;
  #newest: SampledPacket | undefined = undefined;

  onSent(now: Micros, record: SampledPacket, bytesInFlightBefore: number): void {
    if (bytesInFlightBefore === 0) {
      this.#firstSentAt = now;
      this.#deliveredAt = now;
    }
    record.delivered = this.delivered;
    record.deliveredAt = this.#deliveredAt;
    record.firstSentAt = this.#firstSentAt;
    record.inFlightAtSend = bytesInFlightBefore + record.bytes;
    record.appLimited = this.#appLimitedUntil >= 0;
  }

  onAppLimited(bytesInFlight: number): void {
    this.#appLimitedUntil = this.delivered + bytesInFlight;
  }

  onAcked(now: Micros, record: SampledPacket): void {
    this.delivered += record.bytes;
    this.#deliveredAt = now;
    const newest = this.#newest;
    if (
      newest === undefined ||
      record.sentAt > newest.sentAt ||
      (record.sentAt === newest.sentAt && record.delivered >= newest.delivered)
    ) {
      this.#newest = record;
    }
  }

  /** Ends the frame: the sample that its newest packet gives. */
  sample(now: Micros, into: MutableAckSummary): void {
    const newest = this.#newest;
    into.delivered = this.delivered;
    if (newest === undefined) {
      into.priorDelivered = this.delivered;
      into.inFlightAtSend = 0;
      into.interval = 0;
      into.sampleAppLimited = false;
      return;
    }
    this.#newest = undefined;
    this.#firstSentAt = newest.sentAt;
    into.priorDelivered = newest.delivered;
    into.inFlightAtSend = newest.inFlightAtSend;
    into.interval = Math.max(newest.sentAt - newest.firstSentAt, now - newest.deliveredAt); // the slower of sending and acknowledging
    into.sampleAppLimited = newest.appLimited;
    if (this.delivered > this.#appLimitedUntil) this.#appLimitedUntil = -1;
  }

  /** Another path. */
  reset(): void {
    this.delivered = 0;
    this.#deliveredAt = 0;
    this.#firstSentAt = 0;
    this.#appLimitedUntil = -1;
    this.#newest = undefined;
  }
}
