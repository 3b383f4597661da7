import { RangeSet } from '@quiclab/bytes';
import type { AckPolicy } from '@quiclab/recovery';
import { type Ecn, type Micros, NEVER } from '@quiclab/sansio';
import type { EcnCounts } from '@quiclab/wire';
import { LIMITS } from '../limits.ts';

const MAX_RECEIVED_RANGES = LIMITS.receivedRanges.value;

/** Which packets came in one space, with which ECN bits, and by when an ACK is owed. RFC 9000 §12.3, §13.2, §13.4.1. */
export class ReceivedPackets implements EcnCounts {
  readonly ranges: RangeSet;
  largest: number;
  largestAt: Micros;
  /** An ACK must leave now: a deadline that has come, kept as state until there is a slot. */
  due: boolean;
  deadline: Micros;
  /** Something came that has not been acknowledged, even if nobody waits for it: an ACK may ride along. */
  unacknowledged: boolean;
  /** Packets that came marked. */
  ect0: number;
  ect1: number;
  ce: number;
  readonly #policy: AckPolicy;
  #maxAckDelay: Micros;
  /** Packets that were read, and are not acknowledged. */
  readonly #refused: RangeSet;
  #floor: number; // everything below is a duplicate: we no longer know better
  #lowestUnsaid: number; // lowest number that came since the last ACK left; NEVER when none did

  /** @param maxAckDelay  what we announced: no policy may take longer, unless the peer asks for that (RFC 9000 §13.2.1) */
  constructor(policy: AckPolicy, maxAckDelay: Micros) {
    this.ranges = new RangeSet();
    this.largest = -1;
    this.largestAt = 0;
    this.due = false;
    this.deadline = NEVER;
    this.unacknowledged = false;
    this.ect0 = 0;
    this.ect1 = 0;
    this.ce = 0;
    this.#policy = policy;
    this.#maxAckDelay = maxAckDelay;
    this.#refused = new RangeSet();
    this.#floor = 0;
    this.#lowestUnsaid = NEVER;
  }

  /** RFC 9000 §12.3: a packet whose number came before is discarded. */
  isDuplicate(packetNumber: number): boolean {
    if (packetNumber < this.#floor) return true;
    if (this.#refused.count > 0 && this.#refused.has(packetNumber)) return true;
    return packetNumber <= this.largest && this.ranges.has(packetNumber);
  }

  /** A packet was read, and not all of it was taken: it is not acknowledged, but must not be read again either. RFC 9000 §12.3, §13.1. */
  onRefused(packetNumber: number): void {
    const refused = this.#refused;
    refused.add(packetNumber, packetNumber + 1);
    while (refused.count > MAX_RECEIVED_RANGES) {
      this.#floor = Math.max(this.#floor, refused.end(0));
      refused.dropFirst();
    }
  }

  /** What an ACK frame says of marks: nothing, before the first that came. RFC 9000 §19.3.2. */
  get ecnCounts(): EcnCounts | undefined {
    return this.ect0 + this.ect1 + this.ce > 0 ? this : undefined;
  }

  onPacket(now: Micros, packetNumber: number, ackEliciting: boolean, ecn: Ecn): void {
    const inOrder = packetNumber === this.largest + 1;
    this.ranges.add(packetNumber, packetNumber + 1);
    if (packetNumber < this.#lowestUnsaid) this.#lowestUnsaid = packetNumber;
    if (packetNumber > this.largest) {
      this.largest = packetNumber;
      this.largestAt = now;
    }
    while (this.ranges.count > MAX_RECEIVED_RANGES) this.#forgetFirst();
    if (ecn === 2) this.ect0++;
    else if (ecn === 3) this.ce++;
    else if (ecn === 1) this.ect1++;
    if (ackEliciting) this.unacknowledged = true;
    const by = this.#policy.onPacket(now, packetNumber, ackEliciting, inOrder, ecn);
    if (by <= now) {
      this.due = true;
      this.deadline = NEVER;
    } else if (ackEliciting && !this.due) this.deadline = Math.min(this.deadline, by, now + this.#maxAckDelay);
  }

  /** The peer asks for other ACKs. draft-ietf-quic-ack-frequency §4. */
  onFrequency(ackElicitingThreshold: number, maxAckDelay: Micros, reorderingThreshold: number): void {
    this.#maxAckDelay = maxAckDelay;
    this.#policy.onFrequency(ackElicitingThreshold, maxAckDelay, reorderingThreshold);
  }

  onDeadline(): void {
    this.due = true;
    this.deadline = NEVER;
  }

  onAckSent(now: Micros): void {
    this.due = false;
    this.unacknowledged = false;
    this.deadline = NEVER;
    this.#lowestUnsaid = NEVER;
    this.#policy.onAckSent(now);
  }

  /** The peer has our ACK up to here: ranges below need not be said again, but for what came after it had left. RFC 9000 §13.2.4. */
  onAckAcked(largestInAck: number): void {
    const below = Math.min(largestInAck, this.#lowestUnsaid);
    while (this.ranges.count > 1 && this.ranges.end(0) <= below) this.#forgetFirst();
  }

  #forgetFirst(): void {
    this.#floor = Math.max(this.#floor, this.ranges.end(0));
    this.ranges.dropFirst();
    while (this.#refused.count > 0 && this.#refused.end(0) <= this.#floor) this.#refused.dropFirst();
  }
}
