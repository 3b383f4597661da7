import type { StreamId, StreamPriority, StreamScheduler } from '../scheduler.ts';
import { roundRobinByPacket } from './round-robin.ts';

/**
 * One stream per packet, in the order of another scheduler: what a lost packet stops is one stream. The price is the room
 * that the last packet of each stream has left. Takes the scheduler over.
 */
export function oneStreamPerPacket(order: StreamScheduler = roundRobinByPacket()): StreamScheduler {
  return new OneStreamPerPacket(order);
}

class OneStreamPerPacket implements StreamScheduler {
  readonly sharesPackets = false;
  readonly #order: StreamScheduler;

  constructor(order: StreamScheduler) {
    this.#order = order;
  }

  onReady(id: StreamId, priority: StreamPriority): void {
    this.#order.onReady(id, priority);
  }

  onNotReady(id: StreamId): void {
    this.#order.onNotReady(id);
  }

  next(): StreamId {
    return this.#order.next();
  }

  onSent(id: StreamId, bytes: number): void {
    this.#order.onSent(id, bytes);
  }

  onPacketDone(): void {
    this.#order.onPacketDone();
  }
}
