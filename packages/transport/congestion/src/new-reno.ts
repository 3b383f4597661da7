import type { Micros } from '@quiclab/sansio';
import type { AckSummary, CongestionController, LossSummary } from './port.ts';

export interface NewRenoOptions {
  /** Octets of UDP payload. */
  readonly maxDatagramSize: number;
  /** Default: ten datagrams, but at most 14,720 octets or two datagrams (RFC 9002 §7.2). */
  readonly initialWindow?: { readonly packets: number } | { readonly bytes: number };
  /** Octets, below which the window never falls. Default: two datagrams. */
  readonly minimumWindow?: number;
  /** kLossReductionFactor. Default 1/2. */
  readonly lossReductionFactor?: number;
}

/** RFC 9002 §7.2: ten datagrams, while limiting it to the larger of 14,720 octets or two datagrams. */
export const initialWindow = (maxDatagramSize: number): number => Math.min(10 * maxDatagramSize, Math.max(14_720, 2 * maxDatagramSize));

/** The controller of RFC 9002 §7 and Appendix B. */
export const newReno = (options: NewRenoOptions): CongestionController => new NewReno(options);

const NOT_IN_RECOVERY = -1; // an instant before all others: virtual time begins at 0

class NewReno implements CongestionController {
  readonly pacingRate = 0;
  readonly #initialWindow: NewRenoOptions['initialWindow'];
  readonly #minimumWindow: number | undefined;
  readonly #lossReductionFactor: number;
  #maxDatagramSize: number;
  /** With its fraction: in congestion avoidance most ACKs add less than an octet per packet. */
  #window: number;
  #slowStartThreshold = Number.POSITIVE_INFINITY;
  /** When the last recovery period began. A packet sent later, once acknowledged, ends it. */
  #recoveryStart: Micros = NOT_IN_RECOVERY;
  #inRecovery = false;
  /** When persistent congestion was last established. */
  #collapsedAt: Micros = NOT_IN_RECOVERY;
  /** Nothing has changed the window yet, so a new datagram size gives a new initial window. */
  #untouched = true;

  constructor(options: NewRenoOptions) {
    this.#maxDatagramSize = options.maxDatagramSize;
    this.#initialWindow = options.initialWindow;
    this.#minimumWindow = options.minimumWindow;
    this.#lossReductionFactor = options.lossReductionFactor ?? 1 / 2;
    this.#window = this.#windowToBeginWith();
  }

  get congestionWindow(): number {
    return Math.floor(this.#window);
  }

  get phase(): 'slow-start' | 'congestion-avoidance' | 'recovery' {
    if (this.#inRecovery) return 'recovery';
    return this.#window < this.#slowStartThreshold ? 'slow-start' : 'congestion-avoidance';
  }

  onPacketSent(): void {}

  /** Appendix B.5. The octets of one ACK are counted together: all of them or none were sent after recovery began. */
  onAck(now: Micros, ack: AckSummary): void {
    if (ack.largestSentAt <= this.#recoveryStart) return; // no growth within a recovery period
    this.#inRecovery = false;
    if (now === this.#collapsedAt) return; // §7.6.3 ends at the minimum window: the ACK that brought it there does not raise it
    if (ack.appLimited || ack.ackedBytes === 0) return; // §7.8: a window that is not used proves nothing
    this.#untouched = false;
    let ackedBytes = ack.ackedBytes;
    if (this.#window < this.#slowStartThreshold) {
      const growth = Math.min(ackedBytes, this.#slowStartThreshold - this.#window);
      this.#window += growth;
      ackedBytes -= growth;
    }
    this.#window += (this.#maxDatagramSize * ackedBytes) / this.#window;
  }

  /** Appendix B.8. */
  onLoss(now: Micros, loss: LossSummary): void {
    this.#onCongestion(now, loss.largestSentAt);
    if (!loss.persistent) return;
    this.#window = this.#leastWindow(); // §7.6.2: as TCP does on a retransmission timeout, and in slow start from there
    this.#recoveryStart = NOT_IN_RECOVERY;
    this.#inRecovery = false;
    this.#collapsedAt = now;
  }

  /** Appendix B.7: a mark weighs as much as a loss. */
  onEcnMarks(now: Micros, _newMarks: number, largestSentAt: Micros): void {
    this.#onCongestion(now, largestSentAt);
  }

  onSpuriousLoss(): void {} // RFC 9002 takes nothing back

  onMaxDatagramSize(bytes: number): void {
    this.#maxDatagramSize = bytes;
    if (this.#untouched) this.#window = this.#windowToBeginWith();
    else this.#window = Math.max(this.#window, this.#leastWindow());
  }

  /** Appendix B.6: once for each round trip. */
  #onCongestion(now: Micros, sentAt: Micros): void {
    if (sentAt <= this.#recoveryStart) return;
    this.#untouched = false;
    this.#recoveryStart = now;
    this.#inRecovery = true;
    this.#slowStartThreshold = this.#window * this.#lossReductionFactor;
    this.#window = Math.max(this.#slowStartThreshold, this.#leastWindow());
  }

  #leastWindow(): number {
    return this.#minimumWindow ?? 2 * this.#maxDatagramSize;
  }

  #windowToBeginWith(): number {
    const given = this.#initialWindow;
    if (given === undefined) return initialWindow(this.#maxDatagramSize);
    return 'bytes' in given ? given.bytes : given.packets * this.#maxDatagramSize;
  }
}
