import { type Clock, type Micros, NEVER } from '@quiclab/sansio';

/** Node's timers know whole milliseconds, and wake up to 2 ms late on a machine that has other work. */
const TIMER_SLACK: Micros = 3_000;

/**
 * Calls back at an instant, within some tens of microseconds where the processor is free: a timer until 3 ms before, then
 * round after round of the event loop without sleep, in which sockets are read as well. It costs a core while something is due so soon.
 */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #at: Micros = NEVER;
  #timer: NodeJS.Timeout | undefined = undefined;
  #immediate: NodeJS.Immediate | undefined = undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Replaces what was set before; NEVER clears it. */
  set(at: Micros): void {
    if (at === this.#at) return;
    this.clear();
    this.#at = at;
    if (at !== NEVER) this.#wait();
  }

  clear(): void {
    this.#at = NEVER;
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
  }

  #wait(): void {
    const wait = this.#at - this.#clock.now();
    if (wait >= TIMER_SLACK) this.#timer = setTimeout(this.#check, Math.min(Math.floor(wait / 1000) - 2, 0x7fff_ffff));
    else this.#immediate = setImmediate(this.#check);
  }

  readonly #check = (): void => {
    if (this.#clock.now() < this.#at) {
      this.#wait();
      return;
    }
    this.#at = NEVER;
    this.#ring();
  };
}
