import { type Micros, NEVER } from '@quiclab/sansio';
import type { Data } from './qlog-frames.ts';
import { type Level, type Phase, type RttView, SPACES, type WriteEvent } from './qlog-values.ts';

/** Recovery's events of one connection: metrics as they change, the controller's phase, the loss detection timer. RFC 9002 §5 to §7. */
export class RecoveryEvents {
  readonly #write: WriteEvent;
  #metrics: Data = {}; // as last logged: only what has changed is logged again
  #metricsPath = 0;
  #phase = '';
  #timer: { readonly kind: 'loss' | 'probe'; readonly level: Level } = { kind: 'probe', level: 'initial' };

  constructor(write: WriteEvent) {
    this.#write = write;
  }

  updated(
    now: Micros,
    path: number,
    window: number,
    bytesInFlight: number,
    rate: number,
    rtt: RttView,
    phase: Phase,
    ptoCount: number,
    threshold: number,
  ): void {
    const known = rtt.latest > 0;
    this.#updateMetrics(now, path, {
      min_rtt: known ? rtt.min / 1_000 : undefined,
      smoothed_rtt: known ? rtt.smoothed / 1_000 : undefined,
      latest_rtt: known ? rtt.latest / 1_000 : undefined,
      rtt_variance: known ? rtt.variation / 1_000 : undefined,
      pto_count: ptoCount,
      congestion_window: window,
      bytes_in_flight: bytesInFlight,
      ssthresh: threshold, // not said while it is infinite
      pacing_rate: Math.round(rate * 8), // bits per second
    });
    if (phase === this.#phase) return;
    const old = this.#phase === '' ? undefined : this.#phase.replace(/-/g, '_');
    this.#write(now, 'congestion_state_updated', { old, new: phase.replace(/-/g, '_') }, path);
    this.#phase = phase;
  }

  timerSet(now: Micros, kind: 'loss' | 'probe', level: Level, deadline: Micros): void {
    const { kind: kindBefore, level: levelBefore } = this.#timer;
    if (deadline === NEVER) this.#timerEvent(now, kindBefore, levelBefore, 'cancelled');
    else this.#timerEvent(now, kind, level, 'set', Math.max(0, deadline - now) / 1_000);
    this.#timer = { kind, level };
  }

  timerExpired(now: Micros, kind: 'loss' | 'probe', level: Level): void {
    this.#timerEvent(now, kind, level, 'expired');
  }

  #timerEvent(now: Micros, kind: 'loss' | 'probe', level: Level, event_type: string, delta?: number): void {
    const timer_type = kind === 'loss' ? 'ack' : 'pto'; // the draft's words for RFC 9002 §6.1.2 and §6.2
    this.#write(now, 'timer_updated', { timer_type, packet_number_space: SPACES[level], event_type, delta });
  }

  #updateMetrics(now: Micros, path: number, metrics: Data): void {
    if (path !== this.#metricsPath) {
      this.#metrics = {};
      this.#metricsPath = path;
    }
    const changed = Object.entries(metrics).filter(([name, value]) => Number.isFinite(value) && this.#metrics[name] !== value);
    if (changed.length === 0) return;
    const data = Object.fromEntries(changed);
    this.#metrics = { ...this.#metrics, ...data };
    this.#write(now, 'recovery_metrics_updated', data, path);
  }
}
