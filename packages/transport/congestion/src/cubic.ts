import { cbrt, type Micros, SECOND } from '@quiclab/sansio';
import { type CongestionAvoidance, LossBased, type LossBasedOptions } from './loss-based.ts';
import type { CongestionController, RttView } from './port.ts';

export interface CubicOptions extends LossBasedOptions {
  /** Whether a flow whose window met congestion earlier than the last time gives up more than its share (RFC 9438 §4.7). Default true. */
  readonly fastConvergence?: boolean;
  /** Default true: RFC 9406. */
  readonly hyStart?: boolean | 'classic';
}

/** CUBIC, RFC 9438, with HyStart++ (RFC 9406): how the window grows hangs on the time since the last congestion, not on round trips. */
export const cubic = (options: CubicOptions): CongestionController =>
  new LossBased({ ...options, hyStart: options.hyStart ?? true }, new CubicIncrease(options));

/** What a window is multiplied by on congestion. §4.6. */
const BETA = 0.7;
/** Datagrams per second cubed. §5.1. */
const C = 0.4;
/** Datagrams per round trip that a flow with this BETA must add to do as well as Reno with 1 and 1/2. §4.3. */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);
/** A round trip adds half of the window at most. §4.2. */
const MOST_GROWTH = 1.5;

/** The variables of §4.1.2: windows in octets with their fraction, times in µs. */
interface CubicState {
  /** W_max: where the plateau is. 0 before the first. */
  plateau: number;
  /** cwnd_prior: the window when the threshold was last set. 0 before that. */
  prior: number;
  /** W_est: the window that Reno would have. */
  reno: number;
  /** K: from the beginning of the stage until the plateau. */
  timeToPlateau: Micros;
  /** t_epoch, moved on by the time for which the window was not used. */
  epoch: Micros;
}

class CubicIncrease implements CongestionAvoidance {
  readonly #fastConvergence: boolean;
  #maxDatagramSize: number;
  #state: CubicState = { plateau: 0, prior: 0, reno: 0, timeToPlateau: 0, epoch: 0 };

  constructor(options: CubicOptions) {
    this.#fastConvergence = options.fastConvergence ?? true;
    this.#maxDatagramSize = options.maxDatagramSize;
  }

  begin(now: Micros, window: number, after: 'slow-start' | 'recovery'): void {
    const state = this.#state;
    state.epoch = now;
    state.reno = window;
    // §4.8, §4.10: after a slow start nothing is known of a plateau, so it is here. Nor may one lie below a window held up by its minimum.
    if (after === 'slow-start' || state.plateau < window) state.plateau = window;
    if (state.prior === 0) state.prior = window;
    state.timeToPlateau = Math.round(SECOND * cbrt((state.plateau - window) / (C * this.#maxDatagramSize)));
  }

  grow(now: Micros, window: number, ackedBytes: number, rtt: RttView): number {
    const state = this.#state;
    // §4.3: beyond the window before the reduction, Reno grows by a datagram per round trip, and so does this
    const alpha = state.reno < state.prior ? ALPHA : 1;
    state.reno += (alpha * this.#maxDatagramSize * ackedBytes) / window;
    const elapsed = now - state.epoch;
    if (this.#windowAt(elapsed) < state.reno) return Math.max(window, state.reno);
    // §4.4, §4.5: concave below the plateau, convex above it; the same step
    const target = Math.max(window, Math.min(this.#windowAt(elapsed + rtt.smoothed), MOST_GROWTH * window));
    return Math.min(target, window + ((target - window) * ackedBytes) / window);
  }

  reduce(window: number): number {
    const state = this.#state;
    state.plateau = this.#fastConvergence && window < state.plateau ? (window * (1 + BETA)) / 2 : window;
    state.prior = window;
    return window * BETA;
  }

  /** §4.2, §5.8: time in which the window was not used is not elapsed time. */
  onPause(duration: Micros): void {
    this.#state.epoch += duration;
  }

  checkpoint(): () => void {
    const before = { ...this.#state };
    return () => {
      this.#state = before;
    };
  }

  onMaxDatagramSize(bytes: number): void {
    this.#maxDatagramSize = bytes;
  }

  /** W_cubic, Figure 1 of §4.2. */
  #windowAt(elapsed: Micros): number {
    const seconds = (elapsed - this.#state.timeToPlateau) / SECOND;
    return C * this.#maxDatagramSize * seconds * seconds * seconds + this.#state.plateau;
  }
}
