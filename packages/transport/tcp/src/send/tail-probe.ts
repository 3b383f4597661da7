import { type Micros, NEVER } from '@quiclab/sansio';
import type { SackBlocks } from './sack-blocks.ts';
import type { SentSegment } from './sent-segment.ts';

/**
 * Tail loss probes, RFC 8985 §7: after two round trips of silence something is sent whose acknowledgement tells of a lost tail, long before
 * the retransmission timer would. One at a time.
 */
export class TailProbe {
  /** Must leave, whatever window and pacer say. */
  owed = false;
  /** From when the probe timeout counts; NEVER: it is not armed. */
  base: Micros = NEVER;
  /** What the last one held, and when that had left for the first time. */
  start = 0;
  end = -1;
  fin = false;
  sentAt: Micros = 0;
  #isOut = false; // TLP.end_seq is set
  #isCopy = false; // TLP.is_retrans

  /** @param allowed  SACK is there, no hole is known of, nothing is being recovered. §7.2 */
  arm(now: Micros, allowed: boolean): void {
    this.base = allowed && !this.#isOut && !this.owed ? now : NEVER;
  }

  onDue(): void {
    this.owed = true;
    this.base = NEVER;
  }

  onSent(segment: SentSegment): void {
    this.owed = false;
    this.base = NEVER;
    this.start = segment.start;
    this.end = segment.end;
    this.fin = segment.fin;
    this.sentAt = segment.originalSentAt;
    this.#isOut = true;
    this.#isCopy = segment.transmissions > 1;
  }

  /** The retransmission timer has gone off: there is no need to guess any more. */
  cancel(): void {
    this.owed = false;
    this.base = NEVER;
    this.#isOut = false;
  }

  /** This came twice because we have probed, not because we were hasty. */
  caused(blocks: SackBlocks): boolean {
    return this.#isCopy && blocks.duplicateEnd === this.end;
  }

  /** Whether it has repaired a loss in silence: it was a copy, did not come twice, and what was sent after it is acknowledged. §7.4 */
  onAck(ack: number, blocks: SackBlocks, duplicate: boolean): boolean {
    if (!this.#isOut || ack < this.end) return false;
    if (!this.#isCopy || this.caused(blocks) || (duplicate && blocks.count === 0)) {
      this.#isOut = false;
      return false;
    }
    if (ack === this.end) return false; // the original, or the copy? a DSACK, or what is acknowledged next, tells
    this.#isOut = false;
    return true;
  }
}
