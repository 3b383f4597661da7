import type { Ecn, Micros } from '@quiclab/sansio';
import type { Fate, ImpairmentMaker } from './port.ts';

/** What a link did to its nth packet. Packets that passed as they were are not recorded. */
export interface RecordedFate {
  readonly index: number;
  readonly dropped: string;
  /** How much later than the link's own delay it arrived; below zero: earlier. */
  readonly delay: Micros;
  readonly copies: number;
  readonly flipBit: number;
  /** What its ECN bits became, or -1; records made before there was this have none. */
  readonly ecn?: Ecn | -1;
}

const MOST_RECORDED = 1_000_000;

/** The fates of one link in the order in which they were judged. */
export class FateRecord {
  readonly fates: RecordedFate[] = [];
  /** False once there were more than a million: the rest is not recorded, and a replay would be another run. */
  complete = true;

  note(index: number, fate: Fate, delay: Micros): void {
    if (fate.dropped === '' && delay === 0 && fate.copies === 1 && fate.flipBit < 0 && fate.ecn < 0) return;
    if (this.fates.length >= MOST_RECORDED) this.complete = false;
    else this.fates.push({ index, dropped: fate.dropped, delay, copies: fate.copies, flipBit: fate.flipBit, ecn: fate.ecn });
  }
}

/** A record as an impairment: the nth packet meets what the nth packet met then. */
export function recorded(fates: readonly RecordedFate[]): ImpairmentMaker {
  const byIndex = new Map(fates.map((fate) => [fate.index, fate]));
  return () => ({
    judge(_now, packet, fate) {
      const then = byIndex.get(packet.index);
      if (then === undefined) return;
      fate.dropped = then.dropped;
      fate.delay += then.delay;
      fate.copies += then.copies - 1;
      if (then.ecn !== undefined && then.ecn >= 0) fate.ecn = then.ecn;
      if (then.flipBit >= 0 && packet.bytes.length > 0) fate.flipBit = then.flipBit % (packet.bytes.length * 8);
    },
  });
}
