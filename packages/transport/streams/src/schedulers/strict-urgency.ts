import type { StreamId, StreamPriority, StreamScheduler } from '../scheduler.ts';
import { Member, Roster } from './roster.ts';
import { roundRobinByByte } from './round-robin.ts';
import { sequential } from './sequential.ts';
import { nearestUrgency, URGENCIES } from './urgency.ts';

/**
 * What RFC 9218 §10 recommends to servers; packets are shared. The most urgent streams first. Among those of one urgency the
 * ones that are not incremental go one after the other, by stream ID, and the incremental ones share by octets. Where there
 * are both, the first in line gets one half and the incremental ones together the other: §10 wants no starvation there, and
 * leaves the way to us.
 *
 * Starvation otherwise is what is asked for: as long as a more urgent stream has something to send, or an earlier one in the
 * line of its urgency, a stream waits.
 * @param quantum  octets for which an incremental stream has its turn
 */
export function strictUrgency(quantum = 1_200): StreamScheduler {
  return new StrictUrgency(quantum);
}

/** The ready streams of one urgency. */
class Level {
  readonly line = sequential();
  readonly circle: StreamScheduler;
  /**
   * Octets that the line was given beyond the circle while both had something to send. Kept when one of them runs dry: it
   * never exceeds what fits into a packet, and a stream that is written a packet at a time gains nothing by it.
   */
  ahead = 0;

  constructor(quantum: number) {
    this.circle = roundRobinByByte(quantum);
  }

  next(): StreamId {
    const first = this.line.next();
    const turn = this.circle.next();
    if (first < 0) return turn;
    return turn < 0 || this.ahead <= 0 ? first : turn;
  }

  onSent(id: StreamId, incremental: boolean, bytes: number): void {
    if (this.line.next() >= 0 && this.circle.next() >= 0) this.ahead += incremental ? -bytes : bytes;
    this.lane(incremental).onSent(id, bytes);
  }

  lane(incremental: boolean): StreamScheduler {
    return incremental ? this.circle : this.line;
  }
}

/** Where a ready stream waits. */
class Place extends Member {
  urgency = 0;
  incremental = false;
}

class StrictUrgency implements StreamScheduler {
  readonly sharesPackets = true;
  readonly #quantum: number;
  readonly #places = new Roster(() => new Place());
  /** By urgency; made when the first stream of it comes. */
  readonly #levels: (Level | undefined)[] = new Array(URGENCIES).fill(undefined);
  /** Ready streams, by urgency. */
  readonly #counts = new Uint32Array(URGENCIES);
  /** Bit n: streams of urgency n are ready. */
  #occupied = 0;

  constructor(quantum: number) {
    roundRobinByByte(quantum); // refuses what it does not take now, not with the first stream
    this.#quantum = quantum;
  }

  onReady(id: StreamId, priority: StreamPriority): void {
    const urgency = nearestUrgency(priority.urgency);
    const { incremental } = priority;
    const before = this.#places.get(id);
    if (before !== undefined) {
      if (before.urgency === urgency && before.incremental === incremental) return;
      this.onNotReady(id);
    }
    const place = this.#places.enter(id);
    place.urgency = urgency;
    place.incremental = incremental;
    const level = (this.#levels[urgency] ??= new Level(this.#quantum));
    level.lane(incremental).onReady(id, priority);
    this.#counts[urgency]!++;
    this.#occupied |= 1 << urgency;
  }

  onNotReady(id: StreamId): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    const { urgency, incremental } = place;
    this.#places.leave(place);
    this.#levels[urgency]!.lane(incremental).onNotReady(id);
    if (--this.#counts[urgency]! === 0) this.#occupied &= ~(1 << urgency);
  }

  next(): StreamId {
    return this.#occupied === 0 ? -1 : this.#first().next();
  }

  onSent(id: StreamId, bytes: number): void {
    if (this.next() === id) this.#first().onSent(id, this.#places.get(id)!.incremental, bytes);
  }

  onPacketDone(): void {}

  /** The most urgent level that has a ready stream. */
  #first(): Level {
    return this.#levels[31 - Math.clz32(this.#occupied & -this.#occupied)]!;
  }
}
