/** What a timer of Node takes. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Lets a peer be waited for, but not for longer than this in one go. One timer, however often waiting begins and ends. */
export class Patience {
  readonly #ms: number;
  readonly #onOver: () => void;
  #timer: NodeJS.Timeout | undefined = undefined;
  #waiting = false;
  #since = 0;

  /** @param ms  Infinity: for ever. It keeps no process running. */
  constructor(ms: number, onOver: () => void) {
    this.#ms = ms;
    this.#onOver = onOver;
  }

  /** From here on it is the peer's turn. */
  wait(): void {
    this.#waiting = true;
    this.#since = performance.now();
    if (this.#timer === undefined) this.#arm(this.#ms);
  }

  /** The peer has done something, or nobody waits any more. */
  rest(): void {
    this.#waiting = false;
  }

  /** There will be nothing more to wait for. */
  end(): void {
    this.#waiting = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(ms: number): void {
    if (ms !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(this.#onTimer, Math.min(ms, LONGEST_TIMER_MS)).unref();
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    if (!this.#waiting) return;
    const left = this.#since + this.#ms - performance.now();
    if (left > 0) this.#arm(Math.ceil(left));
    else {
      this.#waiting = false;
      this.#onOver();
    }
  };
}

export const timedOut = (what: string): DOMException => new DOMException(what, 'TimeoutError');
