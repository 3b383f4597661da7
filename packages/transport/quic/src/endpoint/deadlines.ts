import { type Micros, NEVER } from '@quiclab/sansio';
import type { Connection } from '../connection/connection.ts';

/** The connections' deadlines as a heap: the least is known at once, and changing one costs the logarithm of how many there are. */
export class Deadlines {
  readonly #heap: Connection[] = [];

  get least(): Micros {
    return this.#heap[0]?.heapDeadline ?? NEVER;
  }
  get first(): Connection | undefined {
    return this.#heap[0];
  }

  set(connection: Connection, deadline: Micros): void {
    if (connection.heapDeadline === deadline && connection.heapIndex >= 0) return;
    connection.heapDeadline = deadline;
    if (deadline === NEVER) {
      this.remove(connection);
      return;
    }
    if (connection.heapIndex < 0) {
      connection.heapIndex = this.#heap.length;
      this.#heap.push(connection);
    }
    this.#settle(connection);
  }

  remove(connection: Connection): void {
    const index = connection.heapIndex;
    connection.heapIndex = -1;
    if (index < 0) return;
    const last = this.#heap.pop()!;
    if (last === connection) return;
    last.heapIndex = index;
    this.#heap[index] = last;
    this.#settle(last);
  }

  #settle(connection: Connection): void {
    const heap = this.#heap;
    let index = connection.heapIndex;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.heapDeadline <= connection.heapDeadline) break;
      this.#put(heap[parent]!, index);
      index = parent;
    }
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.heapDeadline < heap[child]!.heapDeadline) child++;
      if (heap[child]!.heapDeadline >= connection.heapDeadline) break;
      this.#put(heap[child]!, index);
      index = child;
    }
    this.#put(connection, index);
  }

  #put(connection: Connection, index: number): void {
    this.#heap[index] = connection;
    connection.heapIndex = index;
  }
}
