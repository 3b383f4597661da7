import { MILLISECOND, type Micros, NEVER } from '@quiclab/sansio';
import type { AckSummary } from './port.ts';

/** When the first slow start of a connection is over, as its round trips tell. */
export interface SlowStartExit {
  /** Octets by which the window grows for so many acknowledged. */
  growth(ackedBytes: number): number;
  /**
   * Takes a round trip. True: slow start is over.
   * @param datagrams  the window, in those of full size
   */
  onAck(now: Micros, ack: AckSummary, datagrams: number): boolean;
}

const MIN_RTT_THRESH: Micros = 4 * MILLISECOND;
const MAX_RTT_THRESH: Micros = 16 * MILLISECOND;
const MIN_RTT_DIVISOR = 8;
const N_RTT_SAMPLE = 8;
const CSS_GROWTH_DIVISOR = 4;
const CSS_ROUNDS = 5;

/**
 * HyStart++, RFC 9406: slow start that ends when round trips become longer, before the queue overflows. A first rise makes it
 * conservative (CSS); only if the rise lasts for five rounds was it the queue, and not jitter. For the first slow start of a
 * connection; later ones know their threshold.
 *
 * A round ends with the first packet acknowledged that left after the round had begun: `priorDelivered` tells that without
 * packet numbers. RFC 9406's limit L on the growth of one ACK is infinite, as it is for senders that pace.
 */
export class HyStart implements SlowStartExit {
  /** Octets that must have been delivered before a packet left for its ACK to begin a new round. */
  #roundEnd = 0;
  #currentRoundMinRtt: Micros = NEVER;
  #lastRoundMinRtt: Micros = NEVER;
  #samples = 0;
  /** The least round trip of the round that began CSS; NEVER outside it. */
  #baselineMinRtt: Micros = NEVER;
  #cssRounds = 0;

  get conservative(): boolean {
    return this.#baselineMinRtt < NEVER;
  }

  /** Octets by which the window grows for so many acknowledged. §4.3. */
  growth(ackedBytes: number): number {
    return this.conservative ? ackedBytes / CSS_GROWTH_DIVISOR : ackedBytes;
  }

  /** Takes a round trip. True: slow start is over. §4.3. */
  onAck(now: Micros, ack: AckSummary): boolean {
    if (ack.priorDelivered >= this.#roundEnd) {
      this.#roundEnd = ack.delivered;
      this.#lastRoundMinRtt = this.#currentRoundMinRtt;
      this.#currentRoundMinRtt = NEVER;
      this.#samples = 0;
      // the round in the middle of which CSS began counts, whole or not
      if (this.conservative && ++this.#cssRounds >= CSS_ROUNDS) return true;
    }
    this.#currentRoundMinRtt = Math.min(this.#currentRoundMinRtt, now - ack.largestSentAt);
    if (++this.#samples < N_RTT_SAMPLE) return false;
    if (this.conservative) {
      if (this.#currentRoundMinRtt < this.#baselineMinRtt) this.#baselineMinRtt = NEVER; // it was jitter: slow start goes on
    } else if (this.#lastRoundMinRtt < NEVER && this.#currentRoundMinRtt >= this.#lastRoundMinRtt + this.#threshold()) {
      this.#baselineMinRtt = this.#currentRoundMinRtt;
      this.#cssRounds = 0;
    }
    return false;
  }

  #threshold(): Micros {
    return Math.max(MIN_RTT_THRESH, Math.min(Math.ceil(this.#lastRoundMinRtt / MIN_RTT_DIVISOR), MAX_RTT_THRESH));
  }
}
