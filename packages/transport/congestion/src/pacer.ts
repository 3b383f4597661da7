import { MILLISECOND, type Micros, SECOND } from '@quiclab/sansio';
import type { CongestionController, Pacer, RttView } from './port.ts';

/**
 * Octets per second for a pacer: what the controller asks for, else N × window / smoothed RTT (RFC 9002 §7.7) with N = 2 in slow
 * start, since the window doubles within the round, and 1.25 later, so that a varying RTT leaves no window unused. Whole, rounded
 * up; 0, which means no pacing, while the RTT is 0.
 */
export function pacingRate(controller: CongestionController, rtt: RttView): number {
  if (controller.pacingRate > 0) return Math.ceil(controller.pacingRate);
  if (rtt.smoothed <= 0) return 0;
  const gain = controller.phase === 'slow-start' ? 2 : 1.25;
  return Math.ceil((gain * controller.congestionWindow * SECOND) / rtt.smoothed);
}

export interface TokenPacerOptions {
  /** Octets of UDP payload. */
  readonly maxDatagramSize: number;
  /** Octets that may leave at once at the very beginning. Default: ten datagrams, the initial window (RFC 9002 §7.7). */
  readonly initialBurst?: number;
  /** After that a burst covers so much time and one datagram more, at least two. Default 2 ms, the least that a driver's timers can tell apart. */
  readonly burstTime?: Micros;
}

/** A leaky bucket (RFC 9002 §7.7). Rates are whole octets per second, so that nothing is rounded: credit is counted in octets × µs. */
export const tokenPacer = (options: TokenPacerOptions): Pacer => new TokenPacer(options);

/** Everything at once: what the window allows leaves in one burst. */
export const unpaced: Pacer = {
  earliest: (now: Micros): Micros => now,
  onSent(): void {},
  onMaxDatagramSize(): void {},
};

class TokenPacer implements Pacer {
  #datagram: number;
  readonly #burstTime: Micros;
  /** In millionths of an octet, which is what a rate of one octet per second brings in a microsecond. May be below zero. */
  #credit: number;
  #at: Micros = 0;
  #started = false;

  constructor(options: TokenPacerOptions) {
    this.#datagram = options.maxDatagramSize * SECOND;
    this.#burstTime = options.burstTime ?? 2 * MILLISECOND;
    this.#credit = (options.initialBurst ?? 10 * options.maxDatagramSize) * SECOND;
  }

  earliest(now: Micros, bytes: number, rate: number): Micros {
    if (rate <= 0) return now;
    const burst = this.#burst(rate);
    const missing = Math.min(bytes * SECOND, burst) - this.#creditAt(now, rate, burst);
    return missing <= 0 ? now : now + Math.ceil(missing / rate);
  }

  onSent(now: Micros, bytes: number, rate: number): void {
    const burst = this.#burst(rate);
    // what leaves unasked, such as probes, is paid back, but never for longer than a burst
    this.#credit = Math.max(this.#creditAt(now, rate, burst) - bytes * SECOND, -burst);
    this.#at = now;
    this.#started = true;
  }

  onMaxDatagramSize(bytes: number): void {
    this.#datagram = bytes * SECOND;
  }

  /** The datagram more is what was left when the last burst ended: cut off, it would be missing from the rate. */
  #burst(rate: number): number {
    return this.#datagram + Math.max(this.#datagram, this.#burstTime * rate);
  }

  #creditAt(now: Micros, rate: number, burst: number): number {
    if (!this.#started || this.#credit >= burst) return this.#credit; // the initial burst may be larger than later ones
    const elapsed = now - this.#at;
    return elapsed * rate >= burst - this.#credit ? burst : this.#credit + elapsed * rate;
  }
}
