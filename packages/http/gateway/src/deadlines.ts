import { type Micros, NEVER } from '@quiclab/sansio';

/** What may have a deadline, one at a time. */
export interface Timed {
  deadlines: { forget(item: Timed): void } | undefined;
}

/** Deadlines that are all equally far away when they are set, so that those set first come first. */
export class Deadlines<T extends Timed> {
  readonly #timeout: Micros;
  readonly #due = new Map<T, Micros>();

  constructor(timeout: Micros) {
    this.#timeout = timeout;
  }

  /** From now on, in place of any other that it has. */
  arm(item: T, now: Micros): void {
    disarm(item);
    if (this.#timeout === NEVER) return;
    item.deadlines = this;
    this.#due.set(item, now + this.#timeout);
  }

  forget(item: T): void {
    this.#due.delete(item);
    item.deadlines = undefined;
  }

  /** The next one; NEVER without any. */
  next(): Micros {
    for (const due of this.#due.values()) return due;
    return NEVER;
  }

  /** One whose time has come; it has no deadline any more. */
  overdue(now: Micros): T | undefined {
    for (const [item, due] of this.#due) {
      if (due > now) return undefined;
      this.forget(item);
      return item;
    }
    return undefined;
  }
}

export function disarm(item: Timed): void {
  item.deadlines?.forget(item);
}
