import type { Micros } from '@quiclab/sansio';

/** Data, or a FIN, that was sent and is not acknowledged in a row: one record for all its copies. Pooled; see SegmentLog. */
export class SentSegment {
  /** Positions [start, end); a FIN is one of its own. */
  start = 0;
  end = 0;
  /** end - start. */
  bytes = 0;
  fin = false;
  /** When its last copy left, with which timestamp; and its first. */
  sentAt: Micros = 0;
  /** Of all copies, that was the nth: several leave in one instant. */
  order = 0;
  timestamp = 0;
  originalSentAt: Micros = 0;
  transmissions = 0;
  /** Copies that count as in flight: neither lost, nor arrived as far as anyone knows. */
  copies = 0;
  sacked = false;
  /** Declared lost, and not sent again since. */
  lost = false;
  /** The retransmission timer declared it so. */
  lostByTimeout = false;
  /** When that copy had left which was declared lost last; -1: none was. */
  lostSentAt: Micros = -1;

  // delivery-rate sampling
  delivered = 0;
  deliveredAt: Micros = 0;
  firstSentAt: Micros = 0;
  inFlightAtSend = 0;
  appLimited = false;

  /** Neighbours among those in flight, in the order in which their last copies left. */
  earlier: SentSegment | undefined = undefined;
  later: SentSegment | undefined = undefined;

  reset(start: number, end: number, fin: boolean): void {
    this.start = start;
    this.end = end;
    this.bytes = end - start;
    this.fin = fin;
    this.transmissions = 0;
    this.copies = 0;
    this.sacked = false;
    this.lost = false;
    this.lostByTimeout = false;
    this.lostSentAt = -1;
    this.earlier = undefined;
    this.later = undefined;
  }
}
