import type { Micros } from '@quiclab/sansio';

/**
 * Remembers which tickets brought early data, for at least `span` each, in two sets that take turns: one is filled, the
 * other is looked at until it is as old. What they hold is limited; once it is full, nothing more is admitted, because a
 * ticket that is not remembered could come again.
 */
export class UsedTickets {
  readonly #span: Micros;
  readonly #limit: number;
  #recent = new Set<string>();
  #older = new Set<string>();
  #since: Micros = 0;

  /** @param limit  tickets in each set */
  constructor(span: Micros, limit: number) {
    this.#span = span;
    this.#limit = limit;
  }

  /** True the first time. */
  claim(now: Micros, ticket: string): boolean {
    this.#turn(now);
    if (this.#recent.has(ticket) || this.#older.has(ticket) || this.#recent.size >= this.#limit) return false;
    this.#recent.add(ticket);
    return true;
  }

  #turn(now: Micros): void {
    if (now <= this.#since + this.#span) return;
    this.#older = now > this.#since + 2 * this.#span ? new Set() : this.#recent;
    this.#recent = new Set();
    this.#since = now;
  }
}
