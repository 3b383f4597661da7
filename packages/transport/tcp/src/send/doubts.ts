import type { Micros } from '@quiclab/sansio';

const MOST = 512;

/**
 * What was declared lost, was sent again, and has arrived: which of the copies did? If both, a DSACK tells of the second (RFC 2883).
 * Of more than 512 the oldest is forgotten; its loss then counts as one.
 */
export class Doubts {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #sentAt: Micros[] = [];

  /** @param sentAt  when that copy had left which was declared lost */
  add(start: number, end: number, sentAt: Micros): void {
    if (this.#starts.length === MOST) this.#remove(0);
    this.#starts.push(start);
    this.#ends.push(end);
    this.#sentAt.push(sentAt);
  }

  /** It came twice. Returns when the copy had left that was declared lost, or -1 where there was no doubt. */
  settle(start: number, end: number): Micros {
    const at = this.#starts.lastIndexOf(start);
    if (at < 0 || this.#ends[at] !== end) return -1;
    const sentAt = this.#sentAt[at]!;
    this.#remove(at);
    return sentAt;
  }

  #remove(at: number): void {
    this.#starts.splice(at, 1);
    this.#ends.splice(at, 1);
    this.#sentAt.splice(at, 1);
  }
}
