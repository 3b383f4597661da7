import { RangeSet } from '@quiclab/bytes';
import type { Micros } from '@quiclab/sansio';
import { SegmentLog } from './segment-log.ts';
import type { SentSegment } from './sent-segment.ts';

/**
 * What was sent and is not acknowledged in a row, which of it has arrived (RFC 2018) or is lost, and how much of it is in flight: the
 * sum over all copies that are neither. RFC 6675 calls that the pipe, and counts it anew each time.
 */
export class Scoreboard {
  readonly log = new SegmentLog();
  /** SND.UNA and SND.NXT as positions. */
  una = 0;
  next = 0;
  /** Positions in flight, once for each copy. */
  bytesInFlight = 0;
  /** Segments above `una` that have arrived. */
  sackedSegments = 0;
  #copies = 0;
  readonly #sacked = new RangeSet();
  readonly #lost = new RangeSet();

  /** New positions, up to `end`; the copy that leaves with them is the caller's to `launch`. */
  add(now: Micros, end: number, fin: boolean): SentSegment {
    const segment = this.log.add(this.next, end, fin);
    segment.originalSentAt = now;
    this.next = end;
    return segment;
  }

  /** A copy has left. */
  launch(now: Micros, segment: SentSegment, timestamp: number): void {
    if (segment.lost) this.#isLostNoMore(segment);
    segment.sentAt = now;
    segment.order = ++this.#copies;
    segment.timestamp = timestamp;
    segment.transmissions++;
    segment.copies++;
    this.bytesInFlight += segment.bytes;
    this.log.launch(segment);
  }

  /** Its copies are given up. */
  lose(segment: SentSegment, byTimeout: boolean): void {
    this.#land(segment);
    segment.lost = true;
    segment.lostByTimeout = byTimeout;
    segment.lostSentAt = segment.sentAt;
    this.#lost.add(segment.start, segment.end);
  }

  /** That was a mistake: its last copy is on its way still. */
  restore(segment: SentSegment): void {
    this.#isLostNoMore(segment);
    segment.lostByTimeout = false;
    segment.lostSentAt = -1;
    segment.copies = 1;
    this.bytesInFlight += segment.bytes;
    this.log.relaunch(segment);
  }

  /** A copy has arrived. */
  deliver(segment: SentSegment): void {
    this.#land(segment);
    if (segment.lost) this.#isLostNoMore(segment);
  }

  /** All below `ack` is acknowledged; whatever lies wholly below was delivered and dropped by the caller. Returns octets of a segment that are cut off. */
  advance(ack: number): number {
    this.una = ack;
    while (this.#sacked.count > 0 && this.#sacked.end(0) <= ack) this.#sacked.dropFirst();
    if (this.#lost.count > 0) this.#lost.remove(0, ack);
    const first = this.log.count === 0 ? undefined : this.log.at(0);
    if (first === undefined || first.start >= ack) return 0;
    const octets = ack - first.start; // a part of a segment, which none of our own peers acknowledges
    this.bytesInFlight -= octets * first.copies;
    first.start = ack;
    first.bytes -= octets;
    return first.sacked ? 0 : octets;
  }

  /** The index of the first segment in [start, end) that is not known to have arrived; -1 where there is none. */
  firstMissing(start: number, end: number): number {
    const sacked = this.#sacked;
    let position = start;
    const range = sacked.firstEndingAfter(position);
    if (range < sacked.count && sacked.start(range) <= position) position = sacked.end(range);
    if (position >= end) return -1;
    return this.log.indexOf(position);
  }

  onSacked(segment: SentSegment): void {
    segment.sacked = true;
    this.sackedSegments++;
  }

  /** [start, end) was told, all of its segments are marked. */
  onBlock(start: number, end: number): void {
    this.#sacked.add(start, end);
  }

  /** Without SACK: something beyond the first has arrived. Which is not known, so it is taken to be the lowest; how much is in flight is right. */
  presumeArrived(): SentSegment | undefined {
    for (let i = 1; i < this.log.count; i++) {
      const segment = this.log.at(i);
      if (segment.copies === 0) continue;
      this.deliver(segment);
      this.onSacked(segment);
      return segment;
    }
    return undefined;
  }

  /** And that was another one: this is the first that is missing. */
  correctPresumption(): void {
    const first = this.log.count === 0 ? undefined : this.log.at(0);
    if (first === undefined || !first.sacked) return;
    first.sacked = false;
    this.sackedSegments--;
    first.copies = 1;
    this.bytesInFlight += first.bytes;
    this.log.relaunch(first);
  }

  /** The peer has thrown away what it had said had arrived. RFC 2018 §8. */
  renege(): void {
    for (let i = 0; i < this.log.count; i++) this.log.at(i).sacked = false;
    this.sackedSegments = 0;
    this.#sacked.clear();
  }

  /** The lowest that is to be sent again. */
  nextLost(): SentSegment | undefined {
    return this.#lost.count === 0 ? undefined : this.log.at(this.log.indexOf(this.#lost.start(0)));
  }

  /** The highest that is not known to have arrived. */
  highestMissing(): SentSegment | undefined {
    for (let i = this.log.count - 1; i >= 0; i--) if (!this.log.at(i).sacked) return this.log.at(i);
    return undefined;
  }

  #isLostNoMore(segment: SentSegment): void {
    segment.lost = false;
    this.#lost.remove(segment.start, segment.end);
  }

  #land(segment: SentSegment): void {
    if (segment.copies === 0) return;
    this.bytesInFlight -= segment.bytes * segment.copies;
    segment.copies = 0;
    this.log.land(segment);
  }
}
