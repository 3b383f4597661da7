import type { Micros } from '@quiclab/sansio';
import { Observer } from '@quiclab/tcp';
import type { SenderCurves } from '../flows/curves.ts';

/** The same of a TCP sender. One that does not pace has no pacing rate. */
export class TcpSenderCurves extends Observer {
  readonly #curves: SenderCurves;

  constructor(curves: SenderCurves) {
    super();
    this.#curves = curves;
  }

  override recoveryUpdated(...told: Parameters<Observer['recoveryUpdated']>): void {
    const [now, window, bytesInFlight, rtt, phase, threshold, rate] = told;
    const { window: windows, threshold: thresholds, inFlight, pacingRate, phases, latestRtt, smoothedRtt, minRtt } = this.#curves;
    windows.add(now, window);
    if (Number.isFinite(threshold)) thresholds.add(now, threshold);
    inFlight.add(now, bytesInFlight);
    if (phase !== phases[phases.length - 1]?.phase) phases.push({ at: now, phase });
    if (rtt.latest === 0) return; // not known yet
    if (rate > 0) pacingRate.add(now, rate);
    latestRtt.add(now, rtt.latest);
    smoothedRtt.add(now, rtt.smoothed);
    minRtt.add(now, rtt.min);
  }
  override streamLost(now: Micros): void {
    this.#curves.lost.push(now);
  }
  override streamSpurious(now: Micros): void {
    this.#curves.spurious.push(now);
  }
  override timeout(now: Micros, kind: Parameters<Observer['timeout']>[1]): void {
    if (kind === 'retransmission' || kind === 'tail-probe') this.#curves.timeouts.push(now);
  }
}
