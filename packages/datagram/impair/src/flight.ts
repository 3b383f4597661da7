import { type Micros, NEVER } from '@quiclab/sansio';
import type { HeldPacket } from './packet.ts';

/** Packets on their way, by arrival; equal instants come out as they went in. A binary heap, in which the usual order costs one comparison. */
export class Flight {
  readonly #heap: HeldPacket[] = [];
  #sequence = 0;

  get count(): number {
    return this.#heap.length;
  }

  /** When the next one arrives. */
  get next(): Micros {
    return this.#heap.length === 0 ? NEVER : this.#heap[0]!.due;
  }

  add(packet: HeldPacket, due: Micros): void {
    packet.due = due;
    packet.sequence = this.#sequence++;
    const heap = this.#heap;
    let at = heap.length;
    heap.push(packet);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (heap[parent]!.due <= due) break; // the parent went in before
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = packet;
  }

  /** Takes the next one out; there must be one. */
  take(): HeldPacket {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    const length = heap.length;
    if (length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

const before = (a: HeldPacket, b: HeldPacket): boolean => a.due < b.due || (a.due === b.due && a.sequence < b.sequence);
