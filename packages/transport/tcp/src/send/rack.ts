import { type Micros, NEVER } from '@quiclab/sansio';
import type { SegmentLog } from './segment-log.ts';
import type { SentSegment } from './sent-segment.ts';

const DUPLICATE_THRESHOLD = 3;
const ROUNDS_REMEMBERED = 16;

/**
 * RACK, RFC 8985 §6: a segment is lost when one that left later has arrived, and a reordering window has passed since. It looks at
 * when copies left, so that retransmissions and the tail are found missing like everything else. Of two that left in one instant the
 * order is known here, and need not be guessed from sequence numbers as in §6.2: repairs follow new data as often as they lead it.
 */
export class Rack {
  /** Of the copy that left last among those that have arrived: the how manieth it was, and how long it took there and back. 0: none has. */
  order = 0;
  rtt: Micros = 0;
  reorderingSeen = false;
  #highest = 0; // the end of the highest that has arrived: RACK.fack
  #multiplier = 1;
  #roundsLeft = ROUNDS_REMEMBERED;
  #roundEnd = -1; // of the round trip in which a DSACK has widened the window; -1: none has

  /**
   * A segment has arrived, as an acknowledgement says for the first time; those of one acknowledgement in ascending order. §6.2, steps 2 and 3.
   * @param isOriginal  the timestamp echoed tells that it was not the last copy
   */
  onDelivered(now: Micros, segment: SentSegment, isOriginal: boolean, minRtt: Micros): void {
    const retransmitted = segment.transmissions > 1;
    if (segment.end > this.#highest) this.#highest = segment.end;
    else if (segment.end < this.#highest && !retransmitted) this.reorderingSeen = true;
    const rtt = now - segment.sentAt;
    if (retransmitted && (isOriginal || rtt < minRtt)) return; // it is an earlier copy that has arrived
    this.rtt = rtt;
    if (segment.order > this.order) this.order = segment.order;
  }

  /** What had been found lost was only late: as good a sign of reordering as any. */
  onMistake(): void {
    this.reorderingSeen = true;
  }

  /** Something that was sent again had arrived: the window was too short. Once for each round trip. §6.2, step 4. */
  onDuplicate(una: number, next: number): void {
    if (this.#roundEnd >= 0 && una < this.#roundEnd) return;
    this.#roundEnd = next;
    this.#multiplier++;
    this.#roundsLeft = ROUNDS_REMEMBERED;
  }

  /** After sixteen recoveries without one the window is as short as ever. */
  onRecovered(): void {
    if (--this.#roundsLeft > 0) return;
    this.#multiplier = 1;
    this.#roundsLeft = ROUNDS_REMEMBERED;
  }

  /** RACK.reo_wnd. While no reordering was seen, three that have arrived beyond a hole are reason enough. §6.2, step 4. */
  reorderingWindow(inRecovery: boolean, sackedSegments: number, minRtt: Micros, smoothed: Micros): Micros {
    if (!this.reorderingSeen && (inRecovery || sackedSegments >= DUPLICATE_THRESHOLD)) return 0;
    return Math.min(this.#multiplier * Math.ceil(minRtt / 4), smoothed);
  }

  /** Fills `lost` with what is, and returns when to look again. §6.2, step 5. */
  detect(now: Micros, log: SegmentLog, window: Micros, lost: SentSegment[]): Micros {
    let again = -1;
    for (let segment = log.earliest; segment !== undefined && segment.order < this.order; segment = segment.later) {
      const deadline = segment.sentAt + this.rtt + window;
      if (deadline <= now) lost.push(segment);
      else again = Math.max(again, deadline);
    }
    return again < 0 ? NEVER : again;
  }
}
