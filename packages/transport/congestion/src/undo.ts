import type { Micros } from '@quiclab/sansio';

/** A reduction of the window that might turn out to have been a mistake, and what it was before. */
export interface Reduction {
  /** It answers the loss of packets that left later than this, */
  readonly after: Micros;
  /** and until it was made. */
  readonly madeAt: Micros;
  readonly window: number;
  readonly slowStartThreshold: number;
  /** Puts the growth of the window back to where it was. */
  readonly restore: () => void;
  /** Octets declared lost and not arrived since. */
  missing: number;
}

const MOST_REDUCTIONS = 4;

/**
 * Keeps the state before each of the last reductions, and gives it back once everything whose loss caused the reduction has
 * arrived after all. RFC 9438 §4.9.2. As long as one packet stays lost, so does the reduction.
 */
export class Undo {
  readonly #reductions: Reduction[] = [];

  onReduction(reduction: Reduction): void {
    this.#reductions.push(reduction);
    if (this.#reductions.length > MOST_REDUCTIONS) this.#reductions.shift();
  }

  /** More is missing of a period whose loss was answered already. */
  onFurtherLoss(bytes: number, sentAt: Micros): void {
    const reduction = this.#reductions[this.#indexOf(sentAt)];
    if (reduction !== undefined) reduction.missing += bytes;
  }

  /** Returns the reduction to take back, if it was the last one: a later one takes over what the window was before both. */
  onSpuriousLoss(bytes: number, sentAt: Micros): Reduction | undefined {
    const index = this.#indexOf(sentAt);
    const reduction = this.#reductions[index];
    if (reduction === undefined) return undefined;
    reduction.missing -= bytes;
    if (reduction.missing > 0) return undefined;
    this.#reductions.splice(index, 1);
    const later = this.#reductions[index];
    if (later === undefined) return reduction;
    this.#reductions[index] = { ...reduction, madeAt: later.madeAt, missing: later.missing };
    return undefined;
  }

  /** There was congestion for certain: nothing is taken back any more. */
  forget(): void {
    this.#reductions.length = 0;
  }

  #indexOf(sentAt: Micros): number {
    for (let i = this.#reductions.length - 1; i >= 0; i--) {
      const { after, madeAt } = this.#reductions[i]!;
      if (sentAt > after && sentAt <= madeAt) return i;
    }
    return -1;
  }
}
