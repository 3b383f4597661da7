import { cbrt, MILLISECOND, type Micros, NEVER, SECOND } from '@quiclab/sansio';
import { type CongestionAvoidance, LossBased, type LossBasedOptions } from './loss-based.ts';
import type { CongestionController, RttView } from './port.ts';

/**
 * CUBIC as Linux computes it (tcp_cubic.c), for comparisons with it: windows are whole datagrams, rounded down; what a Reno would have adds
 * 8/15 of a datagram per round trip for ever, where RFC 9438 §4.3 goes on with a whole one; and the target is looked at when the window has
 * changed, or after a 32nd of a second. It tells at windows of ten datagrams, as losses of a percent leave them.
 * Slow start ends by `hyStart: 'classic'`, unless told otherwise.
 */
export const wholeCubic = (options: LossBasedOptions): CongestionController =>
  new LossBased({ hyStart: 'classic', ...options }, new WholeIncrease(options));

/** Of 1,024. */
const BETA = 717;
const C = 0.4;
/** Datagrams acknowledged, per datagram of the window, for which Reno's has one more. */
const RENO_STEP = 15 / 8;
const STALE: Micros = 31_250;
/** Without an earlier congestion, a round trip adds a twentieth at least. */
const MOST_ACKS_AT_FIRST = 20;

/** Windows and counts are datagrams. */
class WholeIncrease implements CongestionAvoidance {
  #maxDatagramSize: number;
  #state = {
    /** Of the window before the last congestion; 0 before any. */
    plateau: 0,
    origin: 0,
    timeToOrigin: 0,
    /** NEVER: a stage begins with the next acknowledgement. */
    epoch: NEVER as Micros,
    reno: 0,
    /** Acknowledged, and not counted for Reno yet. */
    acked: 0,
    lastWindow: -1,
    lookedAt: 0 as Micros,
    /** So many acknowledged make the window one larger; and how many have been. */
    acksForOne: 0,
    acksSoFar: 0,
    octets: 0,
  };

  constructor({ maxDatagramSize }: LossBasedOptions) {
    this.#maxDatagramSize = maxDatagramSize;
  }

  begin(): void {}

  grow(now: Micros, octets: number, ackedBytes: number, rtt: RttView): number {
    const state = this.#state;
    const window = Math.max(1, Math.floor(octets / this.#maxDatagramSize + 0.001));
    state.octets += ackedBytes;
    const acked = Math.floor(state.octets / this.#maxDatagramSize);
    state.octets -= acked * this.#maxDatagramSize;
    state.acked += acked;
    if (state.lastWindow !== window || now - state.lookedAt > STALE) this.#look(now, window, rtt.min);
    let grown = window;
    if (state.acksSoFar >= state.acksForOne) {
      state.acksSoFar = 0;
      grown++;
    }
    state.acksSoFar += acked;
    const more = Math.floor(state.acksSoFar / state.acksForOne);
    state.acksSoFar -= more * state.acksForOne;
    return Math.max(octets, (grown + more) * this.#maxDatagramSize);
  }

  #look(now: Micros, window: number, minRtt: Micros): void {
    const state = this.#state;
    if (state.epoch === NEVER || now !== state.lookedAt) {
      state.lastWindow = window;
      state.lookedAt = now;
      if (state.epoch === NEVER) this.#beginStage(now, window);
      const seconds = (now - state.epoch + minRtt) / SECOND - state.timeToOrigin;
      const away = Math.floor(C * Math.abs(seconds * seconds * seconds));
      const target = seconds < 0 ? state.origin - away : state.origin + away;
      state.acksForOne = target > window ? Math.floor(window / (target - window)) : 100 * window;
      if (state.plateau === 0) state.acksForOne = Math.min(state.acksForOne, MOST_ACKS_AT_FIRST);
    }
    const step = Math.max(1, Math.floor(window * RENO_STEP));
    while (state.acked > step) {
      state.acked -= step;
      state.reno++;
    }
    if (state.reno > window) state.acksForOne = Math.min(state.acksForOne, Math.floor(window / (state.reno - window)));
    state.acksForOne = Math.max(2, state.acksForOne);
  }

  #beginStage(now: Micros, window: number): void {
    const state = this.#state;
    state.epoch = now;
    state.reno = window;
    state.acked = 0;
    const below = state.plateau - window;
    state.origin = below > 0 ? state.plateau : window;
    state.timeToOrigin = below > 0 ? cbrt(below / C) : 0;
  }

  reduce(octets: number): number {
    const state = this.#state;
    const window = Math.floor(octets / this.#maxDatagramSize + 0.001);
    state.plateau = window < state.plateau ? Math.floor((window * (1_024 + BETA)) / 2_048) : window;
    state.epoch = NEVER;
    return Math.max(2, Math.floor((window * BETA) / 1_024)) * this.#maxDatagramSize;
  }

  /** Linux moves its epoch only for pauses in which nothing was in flight; so short ones as here are of a stage's time. */
  onPause(duration: Micros): void {
    if (duration > 200 * MILLISECOND && this.#state.epoch < NEVER) this.#state.epoch += duration;
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
}
