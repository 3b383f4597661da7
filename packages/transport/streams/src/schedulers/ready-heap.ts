import { Member } from './roster.ts';

/** A ready stream in a heap. */
export class HeapEntry extends Member {
  /** The least comes first; among equals the lowest ID. Change it through `move`. */
  key = 0;
  /** Where it is in the heap; the heap's business. */
  at = -1;
}

/** A binary heap whose entries know where they are, so that any of them can leave or move in O(log n). */
export class ReadyHeap<E extends HeapEntry> {
  readonly #heap: E[] = [];

  get count(): number {
    return this.#heap.length;
  }

  /** undefined when there is none. */
  get first(): E | undefined {
    return this.#heap[0];
  }

  add(entry: E): void {
    entry.at = this.#heap.length;
    this.#heap.push(entry);
    this.#rise(entry);
  }

  remove(entry: E): void {
    const last = this.#heap.pop()!;
    if (last === entry) return;
    last.at = entry.at;
    this.#heap[last.at] = last;
    this.#settle(last);
  }

  move(entry: E, key: number): void {
    entry.key = key;
    this.#settle(entry);
  }

  #settle(entry: E): void {
    const { at } = entry;
    this.#rise(entry);
    if (entry.at === at) this.#sink(entry);
  }

  #rise(entry: E): void {
    const heap = this.#heap;
    let { at } = entry;
    while (at > 0) {
      const parent = heap[(at - 1) >>> 1]!;
      if (isBefore(parent, entry)) break;
      const up = parent.at;
      heap[at] = parent;
      parent.at = at;
      at = up;
    }
    heap[at] = entry;
    entry.at = at;
  }

  #sink(entry: E): void {
    const heap = this.#heap;
    const { length } = heap;
    let { at } = entry;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= length) break;
      if (down + 1 < length && isBefore(heap[down + 1]!, heap[down]!)) down++;
      const child = heap[down]!;
      if (isBefore(entry, child)) break;
      heap[at] = child;
      child.at = at;
      at = down;
    }
    heap[at] = entry;
    entry.at = at;
  }
}

const isBefore = (a: HeapEntry, b: HeapEntry): boolean => a.key < b.key || (a.key === b.key && a.id < b.id);
