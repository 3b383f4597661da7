import { type Micros, NEVER } from '@quiclab/sansio';

/** Something that happens at an instant: a host's deadline, what is due on a link, an action. It is in the agenda once at most. */
export abstract class Entry {
  /** NEVER: it is not in the agenda. */
  time: Micros = NEVER;
  /** Entries of one instant happen in the order in which they were given that instant. */
  order = 0;
  position = -1;

  abstract happen(now: Micros): void;
}

/** What happens next: a binary heap whose entries know their place, so that moving one costs no search. */
export class Agenda {
  /** What time it is. The world sets it: to the time of what it takes out, or later. */
  now: Micros;
  readonly #heap: Entry[] = [];
  #order = 0;

  constructor(start: Micros = 0) {
    this.now = start;
  }

  /** When something happens next, or NEVER. */
  get next(): Micros {
    return this.#heap.length === 0 ? NEVER : this.#heap[0]!.time;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Puts the entry where it belongs; NEVER takes it out. The instant it has already changes nothing. */
  schedule(entry: Entry, time: Micros): void {
    if (entry.time === time) return;
    if (entry.position < 0) {
      entry.position = this.#heap.length;
      this.#heap.push(entry);
    } else if (time === NEVER) {
      this.#remove(entry);
      return;
    }
    entry.time = time;
    entry.order = this.#order++;
    this.#settle(entry);
  }

  /** Takes out what happens next; there must be something. */
  take(): Entry {
    const entry = this.#heap[0]!;
    this.#remove(entry);
    return entry;
  }

  #remove(entry: Entry): void {
    const position = entry.position;
    const last = this.#heap.pop()!;
    entry.position = -1;
    entry.time = NEVER;
    if (last === entry) return;
    this.#heap[position] = last;
    last.position = position;
    this.#settle(last);
  }

  /** Moves an entry up or down from where it is to where it belongs. */
  #settle(entry: Entry): void {
    const heap = this.#heap;
    let at = entry.position;
    while (at > 0) {
      const parent = heap[(at - 1) >>> 1]!;
      if (!before(entry, parent)) break;
      heap[at] = parent;
      const place = parent.position;
      parent.position = at;
      at = place;
    }
    for (let child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      const lower = heap[child]!;
      if (!before(lower, entry)) break;
      heap[at] = lower;
      lower.position = at;
      at = child;
    }
    heap[at] = entry;
    entry.position = at;
  }
}

const before = (a: Entry, b: Entry): boolean => a.time < b.time || (a.time === b.time && a.order < b.order);
