import type { StreamId, StreamPriority, StreamScheduler } from './scheduler.ts';

/** One stream per packet, the ready ones in turn: what a lost packet stops is one stream. Priorities are not looked at. */
export function roundRobinByPacket(): StreamScheduler {
  return new ByPacket();
}

/**
 * Ready streams in turn, each for `quantum` octets; packets are shared. What a stream was given beyond its quantum is
 * taken off its next turn, so that shares come out even to the octet. Priorities are not looked at.
 */
export function roundRobinByByte(quantum = 1_200): StreamScheduler {
  if (!(quantum >= 1)) throw new RangeError(`a quantum of ${quantum} octets: it must be at least 1`);
  return new ByByte(quantum);
}

/** The lowest stream ID first until it has nothing to send; packets are shared. Priorities are not looked at. */
export function sequential(): StreamScheduler {
  return new Sequential();
}

/** A ready stream in the circle of ready streams. */
class Seat {
  id: StreamId = -1;
  /** Octets it may still send in this turn; below zero it has sent some of its next one. */
  allowance = 0;
  next: Seat = this;
  previous: Seat = this;
}

/** The ready streams in a circle, and whose turn it is. A stream that becomes ready sits down where the round ends. */
class Circle {
  /** Meaningless when `count` is 0. */
  turn: Seat = new Seat();
  count = 0;
  readonly #seats = new Map<StreamId, Seat>();
  #free: Seat[] = [];

  has(id: StreamId): boolean {
    return this.#seats.has(id);
  }

  add(id: StreamId): Seat {
    const seat = this.#free.pop() ?? new Seat();
    seat.id = id;
    seat.allowance = 0;
    if (this.count++ === 0) {
      seat.next = seat.previous = seat;
      this.turn = seat;
    } else {
      const last = this.turn.previous;
      seat.next = this.turn;
      seat.previous = last;
      last.next = seat;
      this.turn.previous = seat;
    }
    this.#seats.set(id, seat);
    return seat;
  }

  /** Returns whether it was this stream's turn, which is then the next one's. */
  remove(id: StreamId): boolean {
    const seat = this.#seats.get(id);
    if (seat === undefined) return false;
    this.#seats.delete(id);
    this.count--;
    seat.previous.next = seat.next;
    seat.next.previous = seat.previous;
    if (this.#free.length < 64) this.#free.push(seat);
    if (seat !== this.turn) return false;
    this.turn = seat.next;
    return true;
  }
}

class ByPacket implements StreamScheduler {
  readonly sharesPackets = false;
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

/** A binary heap of IDs. One that is no longer ready stays in it until it comes up, or until the heap is mostly such IDs. */
class Sequential implements StreamScheduler {
  readonly sharesPackets = true;
  readonly #ready = new Set<StreamId>();
  readonly #inHeap = new Set<StreamId>();
  #heap: StreamId[] = [];

  onReady(id: StreamId, _priority: StreamPriority): void {
    this.#ready.add(id);
    if (this.#inHeap.has(id)) return;
    this.#inHeap.add(id);
    this.#push(id);
  }

  onNotReady(id: StreamId): void {
    this.#ready.delete(id);
    while (this.#heap.length > 0 && !this.#ready.has(this.#heap[0]!)) this.#inHeap.delete(this.#pop());
    if (this.#heap.length > 2 * this.#ready.size + 64) this.#sweep();
  }

  next(): StreamId {
    return this.#heap.length === 0 ? -1 : this.#heap[0]!; // onNotReady keeps a ready one on top
  }

  onSent(_id: StreamId, _bytes: number): void {}

  onPacketDone(): void {}

  #sweep(): void {
    this.#heap = [...this.#ready].sort((a, b) => a - b); // a sorted array is a heap
    this.#inHeap.clear();
    for (const id of this.#heap) this.#inHeap.add(id);
  }

  #push(id: StreamId): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(id);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (heap[parent]! <= id) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = id;
  }

  #pop(): StreamId {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    const length = heap.length;
    if (length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= last) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
