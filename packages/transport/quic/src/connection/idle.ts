import { type Micros, NEVER, SECOND } from '@quiclab/sansio';

/** Silence after which a peer is asked for a sign of life at the latest: NATs forget a UDP flow after 30 s and more. RFC 9308 §3.2. */
const LONGEST_SILENCE = 15 * SECOND;
/** And at the earliest: a peer that announces an idle timeout of a millisecond must not have us ask a thousand times a second. */
const SHORTEST_SILENCE = SECOND;

/** Silence has an end. RFC 9000 §10.1. */
export class Idle {
  deadline: Micros;
  /** When the peer is to be asked for a sign of life, so that the end does not come (RFC 9000 §10.1.2); NEVER unless that is wanted. */
  askAt: Micros;
  #kept: boolean;
  /** Asked since something came: recovery sees to it that this arrives. */
  #asked: boolean;
  #heardAt: Micros;
  #timeout: Micros;
  #sentSinceReceived: boolean;

  /** @param timeout  ours, µs; 0 for none */
  constructor(now: Micros, timeout: Micros) {
    this.#timeout = timeout;
    this.#sentSinceReceived = false;
    this.askAt = NEVER;
    this.#kept = false;
    this.#asked = false;
    this.#heardAt = now;
    this.deadline = timeout === 0 ? NEVER : now + timeout;
  }

  /** The lesser of both ends' values holds; 0 is none. */
  onPeerTimeout(timeout: Micros): void {
    if (timeout > 0 && (this.#timeout === 0 || timeout < this.#timeout)) this.#timeout = timeout;
  }

  /** Whether silence is to have no end while the peer is there. */
  keep(wanted: boolean): void {
    if (wanted === this.#kept) return;
    this.#kept = wanted;
    this.#setAsk();
  }

  /** It is time to ask. */
  onAsk(): void {
    this.#asked = true;
    this.askAt = NEVER;
  }

  onReceived(now: Micros, probeTimeout: Micros): void {
    this.#heardAt = now;
    this.#asked = false;
    if (this.#kept) this.#setAsk();
    this.#sentSinceReceived = false;
    this.#restart(now, probeTimeout);
  }

  /** Only the first ack-eliciting packet after something came restarts the timer: the others may all be lost. */
  onAckElicitingSent(now: Micros, probeTimeout: Micros): void {
    if (this.#sentSinceReceived) return;
    this.#sentSinceReceived = true;
    this.#restart(now, probeTimeout);
  }

  #setAsk(): void {
    if (!this.#kept || this.#asked) this.askAt = NEVER;
    else if (this.#timeout === 0) this.askAt = this.#heardAt + LONGEST_SILENCE;
    else this.askAt = this.#heardAt + Math.min(LONGEST_SILENCE, Math.max(SHORTEST_SILENCE, Math.ceil(this.#timeout / 2)));
  }

  #restart(now: Micros, probeTimeout: Micros): void {
    // three probe timeouts at the least, so that a packet lost is no end: RFC 9000 §10.1
    if (this.#timeout > 0) this.deadline = now + Math.max(this.#timeout, 3 * probeTimeout);
  }
}
