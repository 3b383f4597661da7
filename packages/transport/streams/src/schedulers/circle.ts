import type { StreamId } from '../scheduler.ts';
import { Member, Roster } from './roster.ts';

/** A ready stream in the circle of ready streams. */
export class Seat extends Member {
  /** Octets it may still send in this turn; below zero it has sent some of its next one. */
  allowance = 0;
  next: Seat = this;
  previous: Seat = this;
}

/** The ready streams in a circle, and whose turn it is. A stream that becomes ready sits down where the round ends. */
export class Circle {
  /** Meaningless when `count` is 0. */
  turn: Seat = new Seat();
  readonly #seats = new Roster(() => new Seat());

  get count(): number {
    return this.#seats.count;
  }

  has(id: StreamId): boolean {
    return this.#seats.get(id) !== undefined;
  }

  add(id: StreamId): Seat {
    const seat = this.#seats.enter(id);
    seat.allowance = 0;
    if (this.count === 1) {
      seat.next = seat.previous = seat;
      this.turn = seat;
    } else {
      const last = this.turn.previous;
      seat.next = this.turn;
      seat.previous = last;
      last.next = seat;
      this.turn.previous = seat;
    }
    return seat;
  }

  /** Returns whether it was this stream's turn, which is then the next one's. */
  remove(id: StreamId): boolean {
    const seat = this.#seats.get(id);
    if (seat === undefined) return false;
    this.#seats.leave(seat);
    seat.previous.next = seat.next;
    seat.next.previous = seat.previous;
    if (seat !== this.turn) return false;
    this.turn = seat.next;
    return true;
  }
}
