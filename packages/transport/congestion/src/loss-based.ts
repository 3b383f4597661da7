import { MILLISECOND, type Micros, NEVER } from '@quiclab/sansio';
import { ClassicHyStart } from './classic-hystart.ts';
import { HyStart, type SlowStartExit } from './hystart.ts';
import type { AckSummary, CongestionController, LossSummary, RttView } from './port.ts';
import { ProportionalRateReduction } from './proportional-rate-reduction.ts';
import { Undo } from './undo.ts';

/** So much in datagrams, or in octets. */
export type Amount = { readonly packets: number } | { readonly bytes: number };

/** What all controllers share whose sign of congestion is loss, or a mark in its place. */
export interface LossBasedOptions {
  /** Octets of UDP payload. */
  readonly maxDatagramSize: number;
  /** Default: ten datagrams, but at most 14,720 octets or two datagrams (RFC 9002 §7.2). */
  readonly initialWindow?: Amount;
  /** Octets, below which the window never falls. Default: two datagrams. */
  readonly minimumWindow?: number;
  /** Octets that may leave after a retransmission timeout, or persistent congestion. Default: the minimum. TCP's is one segment (RFC 5681 §3.1). */
  readonly lossWindow?: number;
  /** Where the first slow start ends at the latest; HyStart++ has no part in it then. Default: nowhere. */
  readonly initialSlowStartThreshold?: Amount;
  /** Whether the first slow start ends when round trips become longer: RFC 9406, or 'classic', what was before and what Linux has. */
  readonly hyStart?: boolean | 'classic';
  /** Whether the window falls in step with what is delivered (RFC 9937), instead of at once. Default true. */
  readonly prr?: boolean;
  /** Whether a reduction is taken back when all that seemed lost arrives after all (RFC 9438 §4.9.2). Default true. */
  readonly undo?: boolean;
  /**
   * Whether the window is halved for each probe timeout without anything to send, down to the initial one (as in RFC 2861). Default
   * false: a pacer keeps what follows a pause from being a burst, which is all that RFC 9002 §7.7 asks.
   */
  readonly idleRestart?: boolean;
  /** By how much that timeout exceeds the smoothed round trip at least, µs. Default 1 ms, the timer granularity. */
  readonly timeoutMargin?: Micros;
}

/**
 * What tells loss-based controllers apart: how the window grows in congestion avoidance, and to what it falls. Windows and
 * thresholds are octets with a fraction.
 */
export interface CongestionAvoidance {
  /** A stage of congestion avoidance begins, after slow start or after a recovery period, with this window. */
  begin(now: Micros, window: number, after: 'slow-start' | 'recovery'): void;
  /** The window after an ACK that met a window in use. */
  grow(now: Micros, window: number, ackedBytes: number, rtt: RttView): number;
  /** The threshold for a window that met congestion. */
  reduce(window: number): number;
  /** For so long the window was not used, and did not grow. */
  onPause(duration: Micros): void;
  /** Remembers this moment; what it returns puts it back. */
  checkpoint(): () => void;
  onMaxDatagramSize(bytes: number): void;
}

/** RFC 9002 §7.2: ten datagrams, while limiting it to the larger of 14,720 octets or two datagrams. */
export const initialWindow = (maxDatagramSize: number): number => Math.min(10 * maxDatagramSize, Math.max(14_720, 2 * maxDatagramSize));

const NOT_IN_RECOVERY = -1; // an instant before all others: virtual time begins at 0

/**
 * RFC 9002 §7 and Appendix B around any congestion avoidance: slow start, one reduction for each round trip with loss, recovery
 * periods, persistent congestion. The octets of one ACK are counted together: all of them or none were sent after recovery began.
 */
export class LossBased implements CongestionController {
  readonly pacingRate = 0;
  readonly #options: LossBasedOptions;
  readonly #avoidance: CongestionAvoidance;
  readonly #hyStart: SlowStartExit | undefined;
  readonly #prr = new ProportionalRateReduction();
  readonly #undo = new Undo();
  #maxDatagramSize: number;
  /** With its fraction: in congestion avoidance most ACKs add less than an octet per packet. In recovery, what it is to become. */
  #window: number;
  #slowStartThreshold: number;
  /** When the last recovery period began. A packet sent later, once acknowledged, ends it. */
  #recoveryStart: Micros = NOT_IN_RECOVERY;
  #inRecovery = false;
  /** When persistent congestion was last established. */
  #collapsedAt: Micros = NOT_IN_RECOVERY;
  /** Since when the window has not grown because it was not used; NEVER while it is. */
  #pausedAt: Micros = NEVER;
  /** Nothing has changed the window yet, so a new datagram size gives a new initial window. */
  #untouched = true;
  #bytesInFlight = 0;
  #lastSentAt: Micros = 0;
  #lastAckAt: Micros = 0;
  /** The probe timeout, without the peer's delay. */
  #timeout: Micros = NEVER;

  constructor(options: LossBasedOptions, avoidance: CongestionAvoidance) {
    this.#options = options;
    this.#avoidance = avoidance;
    this.#maxDatagramSize = options.maxDatagramSize;
    this.#window = this.#windowToBeginWith();
    const threshold = options.initialSlowStartThreshold;
    this.#slowStartThreshold = threshold === undefined ? Number.POSITIVE_INFINITY : this.#octets(threshold);
    this.#hyStart = options.hyStart === 'classic' ? new ClassicHyStart() : options.hyStart === true ? new HyStart() : undefined;
  }

  get congestionWindow(): number {
    return this.#prr.active ? this.#prr.window : Math.floor(this.#window);
  }

  get phase(): 'slow-start' | 'congestion-avoidance' | 'recovery' {
    if (this.#inRecovery) return 'recovery';
    return this.#window < this.#slowStartThreshold ? 'slow-start' : 'congestion-avoidance';
  }

  get slowStartThreshold(): number {
    return Math.floor(this.#slowStartThreshold);
  }

  onPacketSent(now: Micros, bytes: number, bytesInFlight: number): void {
    if (bytesInFlight === bytes) this.#endSilence(now);
    this.#lastSentAt = now;
    this.#bytesInFlight = bytesInFlight;
    this.#prr.onSent(bytes);
  }

  /** Appendix B.5. */
  onAck(now: Micros, ack: AckSummary, rtt: RttView): void {
    this.#lastAckAt = now;
    this.#bytesInFlight = ack.bytesInFlight;
    this.#timeout = rtt.smoothed + Math.max(4 * rtt.variation, this.#options.timeoutMargin ?? MILLISECOND);
    if (ack.largestSentAt <= this.#recoveryStart) {
      this.#reduceGradually(now, ack); // no growth within a recovery period
      return;
    }
    if (this.#inRecovery) this.#leaveRecovery(now);
    if (now === this.#collapsedAt) return; // §7.6.3 ends at the minimum window: the ACK that brought it there does not raise it
    const initial = this.#slowStartThreshold === Number.POSITIVE_INFINITY;
    if (initial && this.#hyStart?.onAck(now, ack, this.#window / this.#maxDatagramSize) === true) {
      this.#slowStartThreshold = this.#window;
      this.#avoidance.begin(now, this.#window, 'slow-start');
    }
    if (ack.ackedBytes === 0) return;
    if (ack.appLimited) {
      this.#pausedAt = Math.min(this.#pausedAt, now); // §7.8: a window that is not used proves nothing
      return;
    }
    if (this.#pausedAt < NEVER) {
      this.#avoidance.onPause(now - this.#pausedAt);
      this.#pausedAt = NEVER;
    }
    this.#untouched = false;
    const ackedBytes = this.#window < this.#slowStartThreshold ? this.#growInSlowStart(now, ack.ackedBytes) : ack.ackedBytes;
    if (ackedBytes > 0) this.#window = this.#avoidance.grow(now, this.#window, ackedBytes, rtt);
  }

  /** Appendix B.8. */
  onLoss(now: Micros, loss: LossSummary): void {
    this.#bytesInFlight = loss.bytesInFlight;
    if (loss.timeout === true && this.#collapsedAt > this.#lastAckAt) {
      this.#restart(now); // RFC 5681 §3.1: nothing was heard since the last timeout, which has set the threshold
      return;
    }
    if (loss.largestSentAt <= this.#recoveryStart) {
      this.#undo.onFurtherLoss(loss.lostBytes, loss.largestSentAt);
      if (this.#prr.active) this.#prr.onDelivered(0, loss.bytesInFlight, false, this.#maxDatagramSize);
    } else {
      if (this.#options.undo !== false) {
        this.#undo.onReduction({
          after: this.#recoveryStart,
          madeAt: now,
          window: this.#window,
          slowStartThreshold: this.#slowStartThreshold,
          restore: this.#avoidance.checkpoint(),
          missing: loss.lostBytes,
        });
      }
      this.#enterRecovery(now, loss.bytesInFlight + loss.lostBytes);
    }
    if (loss.timeout === true) this.#restart(now);
    if (loss.persistent) this.#collapse(now);
  }

  /** Appendix B.7: a mark weighs as much as a loss, and is never a mistake. */
  onEcnMarks(now: Micros, _newMarks: number, largestSentAt: Micros): void {
    this.#undo.forget();
    if (largestSentAt > this.#recoveryStart) this.#enterRecovery(now, this.#bytesInFlight);
  }

  /** RFC 9438 §4.9.2. */
  onSpuriousLoss(_now: Micros, bytes: number, sentAt: Micros): void {
    const reduction = this.#undo.onSpuriousLoss(bytes, sentAt);
    if (reduction === undefined || this.#window >= reduction.window) return;
    this.#window = reduction.window;
    this.#slowStartThreshold = reduction.slowStartThreshold;
    reduction.restore();
    this.#recoveryStart = reduction.after; // what is lost from now on is answered, however early it was sent
    this.#inRecovery = false;
    this.#prr.end();
  }

  onMaxDatagramSize(bytes: number): void {
    this.#maxDatagramSize = bytes;
    this.#avoidance.onMaxDatagramSize(bytes);
    if (this.#untouched) this.#window = this.#windowToBeginWith();
    else this.#window = Math.max(this.#window, this.#leastWindow());
  }

  /** Appendix B.6: once for each round trip. @param flight what was in flight, the lost included */
  #enterRecovery(now: Micros, flight: number): void {
    const before = this.congestionWindow;
    this.#untouched = false;
    this.#recoveryStart = now;
    this.#inRecovery = true;
    this.#slowStartThreshold = Math.max(this.#avoidance.reduce(this.#window), this.#leastWindow());
    this.#window = this.#slowStartThreshold;
    if (this.#options.prr === false) return;
    this.#prr.begin(this.#window, flight, before, this.#leastWindow());
    this.#prr.onDelivered(0, this.#bytesInFlight, false, this.#maxDatagramSize);
  }

  #reduceGradually(now: Micros, ack: AckSummary): void {
    if (!this.#prr.active) return;
    if (now === this.#recoveryStart && ack.lostBytes > 0) this.#prr.enlargeFlight(ack.ackedBytes);
    this.#prr.onDelivered(ack.ackedBytes, ack.bytesInFlight, ack.lostBytes === 0, this.#maxDatagramSize);
  }

  #leaveRecovery(now: Micros): void {
    this.#inRecovery = false;
    this.#prr.end();
    this.#avoidance.begin(now, this.#window, 'recovery');
    this.#pausedAt = NEVER;
  }

  /** §7.6.2: as TCP does on a retransmission timeout, and in slow start from there. */
  #collapse(now: Micros): void {
    this.#restart(now);
    this.#recoveryStart = NOT_IN_RECOVERY;
    this.#undo.forget();
  }

  /** RFC 5681 §3.1: slow start again. What was sent before does not raise the window, and its loss has been answered. */
  #restart(now: Micros): void {
    this.#window = Math.min(this.#window, this.#options.lossWindow ?? this.#leastWindow());
    this.#recoveryStart = now - 1; // what leaves in this instant leaves after it
    this.#inRecovery = false;
    this.#collapsedAt = now;
    this.#prr.end();
  }

  /** Returns what of the octets is left for congestion avoidance. §7.3.1. */
  #growInSlowStart(now: Micros, ackedBytes: number): number {
    const initial = this.#slowStartThreshold === Number.POSITIVE_INFINITY;
    const growth = initial && this.#hyStart !== undefined ? this.#hyStart.growth(ackedBytes) : ackedBytes;
    const room = this.#slowStartThreshold - this.#window;
    this.#window += Math.min(growth, room);
    if (growth < room) return 0;
    this.#avoidance.begin(now, this.#window, 'slow-start');
    return growth - room;
  }

  /** The first packet after a time with nothing in flight. */
  #endSilence(now: Micros): void {
    if (now > this.#lastAckAt) this.#pausedAt = Math.min(this.#pausedAt, this.#lastAckAt);
    if (this.#options.idleRestart !== true || this.#inRecovery) return;
    const least = Math.min(this.#window, this.#windowToBeginWith());
    for (let idle = now - this.#lastSentAt; idle > this.#timeout && this.#window > least; idle -= this.#timeout) {
      this.#slowStartThreshold = Math.max(this.#slowStartThreshold, (3 / 4) * this.#window);
      this.#window = Math.max(this.#window / 2, least);
    }
  }

  #leastWindow(): number {
    return this.#options.minimumWindow ?? 2 * this.#maxDatagramSize;
  }

  #windowToBeginWith(): number {
    const given = this.#options.initialWindow;
    return given === undefined ? initialWindow(this.#maxDatagramSize) : this.#octets(given);
  }

  #octets(amount: Amount): number {
    return 'bytes' in amount ? amount.bytes : amount.packets * this.#maxDatagramSize;
  }
}
