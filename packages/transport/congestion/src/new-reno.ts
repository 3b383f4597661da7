import { type CongestionAvoidance, LossBased, type LossBasedOptions } from './loss-based.ts';
import type { CongestionController } from './port.ts';

export interface NewRenoOptions extends LossBasedOptions {
  /** kLossReductionFactor. Default 1/2. */
  readonly lossReductionFactor?: number;
  /** Default false: RFC 9002 has the plain slow start. */
  readonly hyStart?: boolean | 'classic';
}

/** The controller of RFC 9002 §7 and Appendix B. */
export const newReno = (options: NewRenoOptions): CongestionController => new LossBased(options, new AdditiveIncrease(options));

/** A datagram more for each window acknowledged, half of it on loss. §7.3.3. */
class AdditiveIncrease implements CongestionAvoidance {
  #maxDatagramSize: number;
  readonly #lossReductionFactor: number;

  constructor(options: NewRenoOptions) {
    this.#maxDatagramSize = options.maxDatagramSize;
    this.#lossReductionFactor = options.lossReductionFactor ?? 1 / 2;
  }

  begin(): void {}

  grow(_now: number, window: number, ackedBytes: number): number {
    return window + (this.#maxDatagramSize * ackedBytes) / window;
  }

  reduce(window: number): number {
    return window * this.#lossReductionFactor;
  }

  onPause(): void {}

  checkpoint(): () => void {
    return () => {};
  }

  onMaxDatagramSize(bytes: number): void {
    this.#maxDatagramSize = bytes;
  }
}
