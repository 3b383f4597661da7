import type { Clock, Micros } from '@quiclab/sansio';

/** A clock that keeps what it told last. What is noted without being told a time is noted at that instant, as in virtual time: never after what it causes. */
export class ToldClock implements Clock {
  last: Micros;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.last = clock.now();
  }

  now(): Micros {
    this.last = this.#clock.now();
    return this.last;
  }
}
