import type { LinkPacket } from '@quiclab/impair';
import { Observer, type PacketView } from '@quiclab/quic';
import { type Micros, SECOND } from '@quiclab/sansio';
import { LinkLog } from '../worlds/links.ts';

/** A value over time, as a step: instant, value, instant, value … Only changes are noted; of one instant the last. */
export class Curve {
  readonly points: number[] = [];

  add(now: Micros, value: number): void {
    const { points } = this;
    const { length } = points;
    if (length > 0 && points[length - 1] === value) return;
    if (length > 0 && points[length - 2] === now) points[length - 1] = value;
    else points.push(now, value);
  }
}

/** What a sender's observer is told of window, flight, pacing and round trips, and what befell its packets. */
export class SenderCurves extends Observer {
  readonly window = new Curve();
  readonly threshold = new Curve();
  readonly inFlight = new Curve();
  readonly pacingRate = new Curve();
  readonly latestRtt = new Curve();
  readonly smoothedRtt = new Curve();
  readonly minRtt = new Curve();
  /** When packets were declared lost; when one that had been arrived after all; when probe timeouts went off. */
  readonly lost: Micros[] = [];
  readonly spurious: Micros[] = [];
  readonly timeouts: Micros[] = [];
  /** When which phase began. */
  readonly phases: { readonly at: Micros; readonly phase: string }[] = [];
  readonly #lostNumbers = new Set<string>();

  override recoveryUpdated(...told: Parameters<Observer['recoveryUpdated']>): void {
    const [now, _path, window, bytesInFlight, rate, rtt, phase, _ptoCount, threshold] = told;
    this.window.add(now, window);
    if (Number.isFinite(threshold)) this.threshold.add(now, threshold);
    this.inFlight.add(now, bytesInFlight);
    if (phase !== this.phases[this.phases.length - 1]?.phase) this.phases.push({ at: now, phase });
    if (rtt.latest === 0) return; // not known yet
    this.pacingRate.add(now, rate);
    this.latestRtt.add(now, rtt.latest);
    this.smoothedRtt.add(now, rtt.smoothed);
    this.minRtt.add(now, rtt.min);
  }
  override packetLost(now: Micros, { level, packetNumber }: PacketView): void {
    this.lost.push(now);
    this.#lostNumbers.add(`${level}/${packetNumber}`);
  }
  override packetsAcked(now: Micros, level: PacketView['level'], packetNumbers: readonly number[]): void {
    if (this.#lostNumbers.size === 0) return;
    for (const number of packetNumbers) if (this.#lostNumbers.has(`${level}/${number}`)) this.spurious.push(now);
  }
  override probeTimeout(now: Micros): void {
    this.timeouts.push(now);
  }
}

/** At a receiver: octets of the stream that have arrived, of whatever place in it. */
export class ArrivalCurve extends Observer {
  readonly arrived = new Curve();
  #octets = 0;

  override streamArrived(now: Micros, _id: number, _offset: number, length: number): void {
    this.#octets += length;
    this.arrived.add(now, this.#octets);
  }
}

/** How many packets wait for the link, as those that enter it find it. */
export class QueueCurve extends LinkLog {
  readonly waiting = new Curve();

  override entered(now: Micros, packet: LinkPacket, waiting: number, waitingBytes: number): void {
    super.entered(now, packet, waiting, waitingBytes);
    this.waiting.add(now, waiting);
  }
}

/** Octets per second over steps of so many µs, from octets so far. The first step is the one in which the first of them came. */
export function rateOf({ points }: Curve, step: Micros, until: Micros): number[] {
  const rates = new Curve();
  let before = 0;
  let octets = 0;
  let i = 0;
  for (let from = points.length === 0 ? until : Math.floor(points[0]! / step) * step; from < until; from += step) {
    for (; i < points.length && points[i]! < from + step; i += 2) octets = points[i + 1]!;
    rates.add(from, Math.round(((octets - before) * SECOND) / step));
    before = octets;
  }
  return rates.points;
}

/**
 * Few enough points to draw, and the same picture: of those in one of `buckets` equal spans of time the first, the least, the
 * greatest and the last, in their order (as M4 does it: Jugel et al., VLDB 2014). A curve with no more than four for each span stays as it is.
 */
export function thinned({ points }: { readonly points: readonly number[] }, until: Micros, buckets: number): readonly number[] {
  if (points.length <= 8 * buckets) return points;
  const kept: number[] = [];
  for (let i = 0; i < points.length; ) {
    const bucket = Math.floor((points[i]! * buckets) / until);
    const first = i;
    let least = i;
    let greatest = i;
    for (; i < points.length && Math.floor((points[i]! * buckets) / until) === bucket; i += 2) {
      if (points[i + 1]! < points[least + 1]!) least = i;
      if (points[i + 1]! > points[greatest + 1]!) greatest = i;
    }
    for (const at of [...new Set([first, least, greatest, i - 2])].sort((a, b) => a - b)) kept.push(points[at]!, points[at + 1]!);
  }
  return kept;
}
