import type { Micros } from '@quiclab/sansio';

const FINEST = 10_000;

/** How late datagrams left, in µs: exact up to 10 ms, and the largest of all. */
export class Lateness {
  readonly #counts = new Uint32Array(FINEST + 1); // the last counts everything from FINEST on
  #samples = 0;
  max: Micros = 0;

  add(late: Micros): void {
    this.#counts[Math.min(Math.max(late, 0), FINEST)]++;
    this.#samples++;
    if (late > this.max) this.max = late;
  }

  /** The least lateness that this share of the datagrams did not exceed; above 10 ms, the largest of all. 0 before the first. */
  quantile(share: number): Micros {
    const rank = Math.ceil(share * this.#samples);
    let seen = 0;
    for (let late = 0; late < FINEST; late++) {
      seen += this.#counts[late];
      if (seen >= rank) return late;
    }
    return this.max;
  }
}
