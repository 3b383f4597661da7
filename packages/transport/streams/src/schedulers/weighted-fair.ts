import type { StreamId, StreamPriority, StreamScheduler } from '../scheduler.ts';
import { HeapEntry, ReadyHeap } from './ready-heap.ts';
import { Roster } from './roster.ts';
import { nearestUrgency } from './urgency.ts';

/** What a stream gets in proportion to others: above 0, and finite. */
export type StreamWeight = (id: StreamId, priority: StreamPriority) => number;

export interface WeightedFairOptions {
  /**
   * Asked when a stream becomes ready, and when its priority changes meanwhile. Whoever has weights of his own finds them by
   * the ID here; it is asked for all streams, those of the HTTP mapping itself included. Default `weightByUrgency`. Anything that is no weight is a RangeError, thrown at whoever wrote to the stream.
   */
  readonly weight?: StreamWeight;
  /** Octets that are charged in advance: at least what goes into a packet, or the bound on fairness grows with that. Default 1,500. */
  readonly quantum?: number;
}

/** 128 for urgency 0, and half as much with each step down to 1 for urgency 7. Incremental or not is the same. */
export const weightByUrgency: StreamWeight = (_id, { urgency }) => 1 << (7 - nearestUrgency(urgency));

/**
 * Streams share by their weights; packets are shared. Nobody starves, whoever comes and goes: while two streams of weights
 * v and w are both ready, octets / v and octets / w never differ by more than quantum / v + quantum / w.
 *
 * Self-clocked fair queueing: each stream has its own time, which passes by octets / weight as it is served; the one whose
 * next quantum would be over first is next, and a stream that comes begins at the time of the one served last. So nothing
 * has to be remembered of a stream that has nothing to send. O(log n).
 */
export function weightedFair({ weight = weightByUrgency, quantum = 1_500 }: WeightedFairOptions = {}): StreamScheduler {
  if (!(quantum >= 1 && quantum < Infinity)) throw new RangeError(`a quantum of ${quantum} octets: it must be at least 1`);
  return new WeightedFair(weight, quantum);
}

class Share extends HeapEntry {
  urgency = 0;
  incremental = false;
  weight = 1;
  /** Its own time: up to here it was served. */
  time = 0;
}

class WeightedFair implements StreamScheduler {
  readonly sharesPackets = true;
  readonly #weigh: StreamWeight;
  readonly #quantum: number;
  readonly #shares = new Roster(() => new Share());
  readonly #heap = new ReadyHeap<Share>();
  /** Where streams that come begin: the time of the one served last. No ready stream has had more than that. */
  #time = 0;

  constructor(weigh: StreamWeight, quantum: number) {
    this.#weigh = weigh;
    this.#quantum = quantum;
  }

  onReady(id: StreamId, priority: StreamPriority): void {
    const known = this.#shares.get(id);
    if (known !== undefined && known.urgency === priority.urgency && known.incremental === priority.incremental) return;
    const weight = this.#weigh(id, priority);
    if (!(weight > 0 && weight < Infinity)) throw new RangeError(`stream ${id} has a weight of ${weight}: it must be above 0`);
    const share = known ?? this.#shares.enter(id);
    share.urgency = priority.urgency;
    share.incremental = priority.incremental;
    share.weight = weight;
    if (known !== undefined) {
      this.#heap.move(share, share.time + this.#quantum / weight);
      return;
    }
    share.time = this.#time;
    share.key = share.time + this.#quantum / weight;
    this.#heap.add(share);
  }

  onNotReady(id: StreamId): void {
    const share = this.#shares.get(id);
    if (share === undefined) return;
    this.#shares.leave(share);
    this.#heap.remove(share);
    if (this.#heap.count === 0) this.#time = 0; // whoever comes next begins together with nobody
  }

  next(): StreamId {
    const { first } = this.#heap;
    return first === undefined ? -1 : first.id;
  }

  onSent(id: StreamId, bytes: number): void {
    const { first } = this.#heap;
    if (first === undefined || first.id !== id) return;
    first.time += bytes / first.weight;
    if (first.time > this.#time) this.#time = first.time;
    this.#heap.move(first, first.time + this.#quantum / first.weight);
  }

  onPacketDone(): void {}
}
