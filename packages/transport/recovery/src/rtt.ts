import type { RttView } from '@quiclab/congestion';
import type { Micros } from '@quiclab/sansio';

/** RFC 9002 §6.2.2: used until a sample is taken, which makes the first probe timeout 999 ms. */
export const INITIAL_RTT: Micros = 333_000;

/**
 * The round-trip time of one path, RFC 9002 §5. Whole microseconds: divisions round up, so that timers made from these
 * values are never early, and so that multiples of 8 µs stay exact (one sample R: variation R/2; two: 3R/8).
 */
export class RttEstimator implements RttView {
  hasSample = false;
  /** When the first sample was taken; persistent congestion looks only at packets sent later (RFC 9002 §7.6.2). */
  firstSampleAt: Micros = 0;
  latest: Micros = 0;
  smoothed: Micros;
  variation: Micros;
  min: Micros = 0;

  constructor(initialRtt: Micros = INITIAL_RTT) {
    this.smoothed = initialRtt;
    this.variation = Math.ceil(initialRtt / 2);
  }

  /** Takes a sample. @param ackDelay as the peer reported it, limited to its max_ack_delay once the handshake is confirmed (§5.3) */
  sample(now: Micros, latest: Micros, ackDelay: Micros): void {
    this.latest = latest;
    if (!this.hasSample) {
      this.hasSample = true;
      this.firstSampleAt = now;
      this.min = latest;
      this.smoothed = latest;
      this.variation = Math.ceil(latest / 2);
      return;
    }
    this.min = Math.min(this.min, latest);
    const adjusted = latest >= this.min + ackDelay ? latest - ackDelay : latest; // a delay that leads below the minimum is not believed
    // the variation first, against the smoothed RTT before this sample: Appendix A.7, as in RFC 6298
    this.variation = Math.ceil((3 * this.variation + Math.abs(this.smoothed - adjusted)) / 4);
    this.smoothed = Math.ceil((7 * this.smoothed + adjusted) / 8);
  }

  /** RFC 9002 §5.2: the old minimum says nothing about the path after persistent congestion. */
  onPersistentCongestion(): void {
    if (this.hasSample) this.min = this.latest;
  }

  /** Forgets everything: a new path (RFC 9000 §9.4). */
  reset(initialRtt: Micros = INITIAL_RTT): void {
    this.hasSample = false;
    this.firstSampleAt = 0;
    this.latest = 0;
    this.min = 0;
    this.smoothed = initialRtt;
    this.variation = Math.ceil(initialRtt / 2);
  }
}
