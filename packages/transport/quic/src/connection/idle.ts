import { type Micros, NEVER } from '@quiclab/sansio';

/** Silence has an end. RFC 9000 §10.1. */
export class Idle {
  deadline: Micros;
  #timeout: Micros;
  #sentSinceReceived: boolean;

  /** @param timeout  ours, µs; 0 for none */
  constructor(now: Micros, timeout: Micros) {
    this.#timeout = timeout;
    this.#sentSinceReceived = false;
    this.deadline = timeout === 0 ? NEVER : now + timeout;
  }

  /** The lesser of both ends' values holds; 0 is none. */
  onPeerTimeout(timeout: Micros): void {
    if (timeout > 0 && (this.#timeout === 0 || timeout < this.#timeout)) this.#timeout = timeout;
  }

  onReceived(now: Micros, probeTimeout: Micros): void {
    this.#sentSinceReceived = false;
    this.#restart(now, probeTimeout);
  }

  /** Only the first ack-eliciting packet after something came restarts the timer: the others may all be lost. */
  onAckElicitingSent(now: Micros, probeTimeout: Micros): void {
    if (this.#sentSinceReceived) return;
    this.#sentSinceReceived = true;
    this.#restart(now, probeTimeout);
  }

  #restart(now: Micros, probeTimeout: Micros): void {
    // three probe timeouts at the least, so that a packet lost is no end: RFC 9000 §10.1
    if (this.#timeout > 0) this.deadline = now + Math.max(this.#timeout, 3 * probeTimeout);
  }
}
