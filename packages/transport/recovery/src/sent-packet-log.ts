import { type Micros, NEVER } from '@quiclab/sansio';
import type { SentPackets, Space } from './ports.ts';
import { PacketState, SentRecord } from './sent-record.ts';

const INITIAL_SIZE = 32;
export const ACK_ONLY_SIZE = 256; // packets that nobody must acknowledge do not make the ring grow beyond this
export const MAX_SIZE = 65_536;
export const MAX_REMEMBERED = 128; // lost packets watched for a late ACK
const MAX_GAPS = 32; // stretches of skipped numbers watched for forged ACKs

const EMPTY = new SentRecord(); // in slots never used: records are made when the ring first needs them

/**
 * The sent packets of one space (RFC 9002 Appendix A.1): pooled records in a power-of-two ring indexed by packet number. The
 * outstanding ones are linked in ascending order, so that an ACK costs what it newly acknowledges, not what it spans.
 */
export class SentPacketLog implements SentPackets {
  readonly space: Space;
  largestSent = -1;
  largestAcked = -1;
  /** Outstanding and ack-eliciting. */
  ackElicitingInFlight = 0;
  /** Where `declareLost` puts records; recovery looks here after it has asked a detector. */
  readonly lost: SentRecord[] = [];
  #ring: SentRecord[] = new Array<SentRecord>(INITIAL_SIZE).fill(EMPTY);
  #spare: SentRecord | undefined = undefined;
  #head: SentRecord | undefined = undefined;
  #tail: SentRecord | undefined = undefined;
  // declared lost, in the order of that, and remembered for a while
  #lostHead: SentRecord | undefined = undefined;
  #lostTail: SentRecord | undefined = undefined;
  #remembered = 0;
  readonly #gapStarts: number[] = [];
  readonly #gapEnds: number[] = [];

  constructor(space: Space) {
    this.space = space;
  }

  /** The oldest packet in flight, for detectors and for probes. */
  oldest(): SentRecord | undefined {
    return inFlightFrom(this.#head);
  }

  /** The next packet in flight above this number. */
  after(packetNumber: number): SentRecord | undefined {
    const record = this.find(packetNumber);
    if (record !== undefined && record.state === PacketState.OUTSTANDING) return inFlightFrom(record.next);
    let next = this.#head;
    while (next !== undefined && next.packetNumber <= packetNumber) next = next.next;
    return inFlightFrom(next);
  }

  declareLost(packetNumber: number, by: 'packets' | 'time'): void {
    const record = this.find(packetNumber);
    if (record === undefined || record.state !== PacketState.OUTSTANDING) return;
    this.#unlink(record);
    record.state = PacketState.LOST;
    record.lostBy = by;
    record.lostAt = NEVER;
    this.lost.push(record);
  }

  /** The record of a packet that the ring still holds, whatever became of it. */
  find(packetNumber: number): SentRecord | undefined {
    const record = this.#ring[packetNumber & (this.#ring.length - 1)]!;
    return record.packetNumber === packetNumber ? record : undefined;
  }

  /** A clean record; the same one until it is added. */
  spare(): SentRecord {
    const record = (this.#spare ??= new SentRecord());
    record.clear();
    return record;
  }

  /** Takes a record over as outstanding. Packet numbers ascend; those passed over are remembered as never sent. */
  add(record: SentRecord): void {
    const packetNumber = record.packetNumber;
    if (packetNumber <= this.largestSent) throw new Error(`packet ${packetNumber} was sent after ${this.largestSent} in the same space`);
    if (this.largestSent >= 0 && packetNumber > this.largestSent + 1) this.#skip(this.largestSent + 1, packetNumber);
    this.largestSent = packetNumber;
    const slot = this.#vacate(packetNumber);
    const evicted = this.#ring[slot]!;
    this.#ring[slot] = record;
    if (record === this.#spare) this.#spare = undefined;
    if (evicted !== EMPTY && evicted.state !== PacketState.LOST) this.#spare ??= evicted;

    record.state = PacketState.OUTSTANDING;
    record.space = this.space;
    record.previous = this.#tail;
    record.next = undefined;
    if (this.#tail === undefined) this.#head = record;
    else this.#tail.next = record;
    this.#tail = record;
    if (record.ackEliciting) this.ackElicitingInFlight++;
  }

  /** Whether an ACK names only packets that were sent. Ranges descending, inclusive. */
  wereSent(count: number, largest: readonly number[], smallest: readonly number[]): boolean {
    if (largest[0]! > this.largestSent) return false;
    const lowest = smallest[count - 1]!;
    for (let gap = this.#gapStarts.length - 1; gap >= 0 && this.#gapEnds[gap]! > lowest; gap--) {
      for (let i = 0; i < count && largest[i]! >= this.#gapStarts[gap]!; i++) {
        if (smallest[i]! < this.#gapEnds[gap]!) return false;
      }
    }
    return true;
  }

  /** Moves what the ranges newly acknowledge into `acked`, ascending. Costs what is outstanding below the largest of them. */
  acknowledge(count: number, largest: readonly number[], smallest: readonly number[], acked: SentRecord[]): void {
    if (largest[0]! > this.largestAcked) this.largestAcked = largest[0]!;
    let record = this.#head;
    for (let i = count - 1; i >= 0 && record !== undefined; i--) {
      const from = smallest[i]!;
      const to = largest[i]!;
      while (record !== undefined && record.packetNumber < from) {
        const next: SentRecord | undefined = record.next;
        if (!record.inFlight) this.forget(record); // an ACK that was passed over: nothing hangs on it, so nobody declares it lost
        record = next;
      }
      while (record !== undefined && record.packetNumber <= to) {
        const next: SentRecord | undefined = record.next;
        this.#unlink(record);
        record.state = PacketState.ACKED;
        acked.push(record);
        record = next;
      }
    }
  }

  /** Keeps a lost packet in mind, so that a late ACK is recognised. */
  remember(now: Micros, record: SentRecord): void {
    record.lostAt = now;
    record.previous = this.#lostTail;
    record.next = undefined;
    if (this.#lostTail === undefined) this.#lostHead = record;
    else this.#lostTail.next = record;
    this.#lostTail = record;
    if (++this.#remembered > MAX_REMEMBERED) this.#dropRemembered(this.#lostHead!);
  }

  /** Moves lost packets that the ranges acknowledge after all into `late`, after dropping those lost before `since`. */
  acknowledgeLost(since: Micros, count: number, largest: readonly number[], smallest: readonly number[], late: SentRecord[]): void {
    while (this.#lostHead !== undefined && this.#lostHead.lostAt < since) this.#dropRemembered(this.#lostHead);
    for (let record = this.#lostHead; record !== undefined; ) {
      const next: SentRecord | undefined = record.next;
      if (covers(count, largest, smallest, record.packetNumber)) {
        this.#dropRemembered(record);
        record.state = PacketState.ACKED;
        late.push(record);
      }
      record = next;
    }
  }

  /** Takes an outstanding packet out without saying what became of it. */
  forget(record: SentRecord): void {
    this.#unlink(record);
    record.state = PacketState.FREE;
  }

  /** Forgets all packets, or those with one of the sender's tags. RFC 9002 §6.4. */
  clear(level = -1): void {
    for (let record = this.#head; record !== undefined; ) {
      const next: SentRecord | undefined = record.next;
      if (level < 0 || record.level === level) this.forget(record);
      record = next;
    }
    if (level < 0) while (this.#lostHead !== undefined) this.#dropRemembered(this.#lostHead);
  }

  /** The first outstanding packet, in flight or not; with its `next`, all of them. */
  first(): SentRecord | undefined {
    return this.#head;
  }

  /** When the newest acknowledged packet left that was sent at or before `time` and below `packetNumber`; -1 when none is known. */
  newestAckedBefore(time: Micros, packetNumber: number): Micros {
    for (let n = Math.min(packetNumber - 1, this.largestSent); n >= this.#lowest(); n--) {
      const record = this.find(n);
      if (record !== undefined && record.state === PacketState.ACKED && record.sentAt <= time) return record.sentAt;
    }
    return -1;
  }

  /** When the oldest ack-eliciting lost packet, but none that explores, left that was sent after `after`, at or below `packetNumber`; NEVER when none is known. */
  oldestLostAfter(after: Micros, packetNumber: number): Micros {
    let oldest = NEVER;
    for (let n = Math.min(packetNumber, this.largestSent); n >= this.#lowest(); n--) {
      const record = this.find(n);
      if (record === undefined) continue;
      if (record.sentAt <= after) break;
      if (record.state === PacketState.LOST && record.ackEliciting && !record.explores) oldest = record.sentAt;
    }
    return oldest;
  }

  #lowest(): number {
    return Math.max(0, this.largestSent - this.#ring.length + 1);
  }

  /** The slot for a number: grows the ring while a packet still outstanding is there; at the limit that packet counts as lost. */
  #vacate(packetNumber: number): number {
    let slot = packetNumber & (this.#ring.length - 1);
    let record = this.#ring[slot]!;
    while (record.state === PacketState.OUTSTANDING && this.#ring.length < (record.inFlight ? MAX_SIZE : ACK_ONLY_SIZE)) {
      this.#grow();
      slot = packetNumber & (this.#ring.length - 1);
      record = this.#ring[slot]!;
    }
    // one that was lost leaves the ring, and is remembered without it
    if (record.state === PacketState.OUTSTANDING && record.inFlight) this.declareLost(record.packetNumber, 'packets');
    else if (record.state === PacketState.OUTSTANDING) this.forget(record);
    return slot;
  }

  #grow(): void {
    const ring = new Array<SentRecord>(this.#ring.length * 2).fill(EMPTY);
    for (const record of this.#ring) if (record !== EMPTY) ring[record.packetNumber & (ring.length - 1)] = record;
    this.#ring = ring;
  }

  #skip(start: number, end: number): void {
    if (this.#gapStarts.length === MAX_GAPS) {
      this.#gapStarts.shift();
      this.#gapEnds.shift();
    }
    this.#gapStarts.push(start);
    this.#gapEnds.push(end);
  }

  #unlink(record: SentRecord): void {
    if (record.previous === undefined) this.#head = record.next;
    else record.previous.next = record.next;
    if (record.next === undefined) this.#tail = record.previous;
    else record.next.previous = record.previous;
    record.previous = undefined;
    record.next = undefined;
    if (record.ackEliciting) this.ackElicitingInFlight--;
  }

  #dropRemembered(record: SentRecord): void {
    if (record.lostAt === NEVER) return; // declared lost, and not yet taken notice of
    if (record.previous === undefined) this.#lostHead = record.next;
    else record.previous.next = record.next;
    if (record.next === undefined) this.#lostTail = record.previous;
    else record.next.previous = record.previous;
    record.previous = undefined;
    record.next = undefined;
    record.lostAt = NEVER;
    record.state = PacketState.FREE;
    this.#remembered--;
  }
}

function inFlightFrom(record: SentRecord | undefined): SentRecord | undefined {
  while (record !== undefined && !record.inFlight) record = record.next;
  return record;
}

function covers(count: number, largest: readonly number[], smallest: readonly number[], packetNumber: number): boolean {
  for (let i = 0; i < count && largest[i]! >= packetNumber; i++) if (smallest[i]! <= packetNumber) return true;
  return false;
}
