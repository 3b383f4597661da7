import { type Micros, SECOND } from '@quiclab/sansio';

/** So many at once, and so many more in a second: what a peer may cost us that means nothing bad as long as it is rare. */
export class Allowance {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #since: Micros;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
    this.#since = 0;
  }

  /** Takes one. False: there is none. */
  take(now: Micros): boolean {
    if (now > this.#since) {
      this.#left = Math.min(this.#burst, this.#left + ((now - this.#since) * this.#perSecond) / SECOND);
      this.#since = now;
    }
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
