import type { StreamId, StreamPriority, StreamScheduler } from '../scheduler.ts';
import { HeapEntry, ReadyHeap } from './ready-heap.ts';
import { Roster } from './roster.ts';

/**
 * The lowest stream ID first until it has nothing to send; packets are shared. Priorities are not looked at. A stream that
 * never runs dry starves all with higher IDs.
 */
export function sequential(): StreamScheduler {
  return new Sequential();
}

class Sequential implements StreamScheduler {
  readonly sharesPackets = true;
  readonly #entries = new Roster(() => new HeapEntry());
  readonly #heap = new ReadyHeap<HeapEntry>();

  onReady(id: StreamId, _priority: StreamPriority): void {
    if (this.#entries.get(id) !== undefined) return;
    const entry = this.#entries.enter(id);
    entry.key = id;
    this.#heap.add(entry);
  }

  onNotReady(id: StreamId): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.leave(entry);
    this.#heap.remove(entry);
  }

  next(): StreamId {
    const { first } = this.#heap;
    return first === undefined ? -1 : first.id;
  }

  onSent(_id: StreamId, _bytes: number): void {}

  onPacketDone(): void {}
}
