import type { StreamId, StreamPriority, StreamScheduler } from '../scheduler.ts';
import { Circle } from './circle.ts';

/**
 * Ready streams in turn, each until the packet is full; what one leaves free of a packet is the next one's, and that was its
 * turn. Nobody starves: among n ready streams each is in every nth packet. Priorities are not looked at.
 */
export function roundRobinByPacket(): StreamScheduler {
  return new ByPacket();
}

/**
 * Ready streams in turn, each for `quantum` octets; packets are shared. What a stream was given beyond its quantum is
 * taken off its next turn, so that shares come out even to the octet: deficit round robin. Nobody starves. Priorities are
 * not looked at.
 * @param quantum  octets; much below a packet's size it costs steps: one for each quantum that was sent
 */
export function roundRobinByByte(quantum = 1_200): StreamScheduler {
  if (!(quantum >= 1)) throw new RangeError(`a quantum of ${quantum} octets: it must be at least 1`);
  return new ByByte(quantum);
}

class ByPacket implements StreamScheduler {
  readonly sharesPackets = true;
  readonly #ready = new Circle();
  #served = false; // the stream whose turn it is has something in the packet being filled

  onReady(id: StreamId, _priority: StreamPriority): void {
    if (!this.#ready.has(id)) this.#ready.add(id);
  }

  onNotReady(id: StreamId): void {
    if (this.#ready.remove(id)) this.#served = false;
  }

  next(): StreamId {
    return this.#ready.count === 0 ? -1 : this.#ready.turn.id;
  }

  onSent(id: StreamId, _bytes: number): void {
    if (this.next() === id) this.#served = true;
  }

  onPacketDone(): void {
    if (this.#served) this.#ready.turn = this.#ready.turn.next;
    this.#served = false;
  }
}

class ByByte implements StreamScheduler {
  readonly sharesPackets = true;
  readonly #ready = new Circle();
  readonly #quantum: number;

  constructor(quantum: number) {
    this.#quantum = quantum;
  }

  onReady(id: StreamId, _priority: StreamPriority): void {
    if (this.#ready.has(id)) return;
    const seat = this.#ready.add(id);
    if (this.#ready.count === 1) seat.allowance = this.#quantum;
  }

  onNotReady(id: StreamId): void {
    if (this.#ready.remove(id)) this.#begin();
  }

  next(): StreamId {
    return this.#ready.count === 0 ? -1 : this.#ready.turn.id;
  }

  onSent(id: StreamId, bytes: number): void {
    if (this.next() !== id) return;
    this.#ready.turn.allowance -= bytes;
    if (this.#ready.turn.allowance > 0) return;
    this.#ready.turn = this.#ready.turn.next;
    this.#begin();
  }

  onPacketDone(): void {}

  /** Gives the stream whose turn it is its quantum; one that has overdrawn it sits the round out. */
  #begin(): void {
    if (this.#ready.count === 0) return;
    this.#ready.turn.allowance += this.#quantum;
    while (this.#ready.turn.allowance <= 0) {
      this.#ready.turn = this.#ready.turn.next;
      this.#ready.turn.allowance += this.#quantum;
    }
  }
}
