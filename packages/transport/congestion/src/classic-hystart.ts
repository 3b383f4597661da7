import { MILLISECOND, type Micros, NEVER } from '@quiclab/sansio';
import type { SlowStartExit } from './hystart.ts';
import type { AckSummary } from './port.ts';

/** Datagrams: smaller windows are not looked at. */
const LOW_WINDOW = 16;
const ACK_DELTA: Micros = 2 * MILLISECOND;
const MIN_SAMPLES = 8;
const MIN_THRESHOLD: Micros = 4 * MILLISECOND;
const MAX_THRESHOLD: Micros = 16 * MILLISECOND;
const THRESHOLD_DIVISOR = 8;
/** What acknowledgements of large segments may add to a train, at most; at the rates of a first slow start it is always that. */
const SEGMENT_DELAY: Micros = MILLISECOND;

/**
 * HyStart, as it was before RFC 9406 and as Linux has it with CUBIC (Ha and Rhee, "Taming the elephants"; tcp_cubic.c): slow start is over
 * at once when a round trip is longer by an eighth than the least there was, or when acknowledgements that follow each other closely
 * go on for half of it. For senders without a pacer. Windows below sixteen datagrams are not looked at, so several small
 * connections fill a queue that each of them would have noticed.
 */
export class ClassicHyStart implements SlowStartExit {
  #roundEnd = 0;
  #roundBegan: Micros = 0;
  #lastAckAt: Micros = 0;
  #minRtt: Micros = NEVER;
  #currentRoundMinRtt: Micros = NEVER;
  #samples = 0;

  growth(ackedBytes: number): number {
    return ackedBytes;
  }

  onAck(now: Micros, ack: AckSummary, datagrams: number): boolean {
    const rtt = now - ack.largestSentAt;
    this.#minRtt = Math.min(this.#minRtt, rtt);
    if (ack.priorDelivered >= this.#roundEnd) {
      this.#roundEnd = ack.delivered;
      this.#roundBegan = now;
      this.#lastAckAt = now;
      this.#currentRoundMinRtt = NEVER;
      this.#samples = 0;
    }
    if (datagrams < LOW_WINDOW) return false;
    return this.#trainIsLong(now) || this.#isLater(rtt);
  }

  #trainIsLong(now: Micros): boolean {
    if (now - this.#lastAckAt > ACK_DELTA) return false;
    this.#lastAckAt = now;
    return now - this.#roundBegan > (this.#minRtt + SEGMENT_DELAY) / 2;
  }

  #isLater(rtt: Micros): boolean {
    this.#currentRoundMinRtt = Math.min(this.#currentRoundMinRtt, rtt);
    if (this.#samples < MIN_SAMPLES) {
      this.#samples++;
      return false;
    }
    const threshold = Math.max(MIN_THRESHOLD, Math.min(this.#minRtt / THRESHOLD_DIVISOR, MAX_THRESHOLD));
    return this.#currentRoundMinRtt > this.#minRtt + threshold;
  }
}
