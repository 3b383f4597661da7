import { type Micros, NEVER } from '@quiclab/sansio';
import type { TcpConnection } from '../connection/connection.ts';

/** The connections' deadlines as a heap: the least is known at once, and changing one costs the logarithm of how many there are. */
export class Deadlines {
  readonly #heap: TcpConnection[] = [];

  get least(): Micros {
    return this.#heap[0]?.heapDeadline ?? NEVER;
  }
  get first(): TcpConnection | undefined {
    return this.#heap[0];
  }

  set(connection: TcpConnection, deadline: Micros): void {
    if (deadline === NEVER) {
      this.remove(connection);
      return;
    }
    if (connection.heapIndex < 0) {
      connection.heapIndex = this.#heap.length;
      this.#heap.push(connection);
    } else if (connection.heapDeadline === deadline) return;
    connection.heapDeadline = deadline;
    this.#settle(connection);
  }

  remove(connection: TcpConnection): void {
    const index = connection.heapIndex;
    connection.heapIndex = -1;
    connection.heapDeadline = NEVER;
    if (index < 0) return;
    const last = this.#heap.pop()!;
    if (last === connection) return;
    last.heapIndex = index;
    this.#heap[index] = last;
    this.#settle(last);
  }

  #settle(connection: TcpConnection): void {
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

  #put(connection: TcpConnection, index: number): void {
    this.#heap[index] = connection;
    connection.heapIndex = index;
  }
}
