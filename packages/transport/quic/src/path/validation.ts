import { sameBytes } from '@quiclab/bytes';
import { type Micros, NEVER, type Random } from '@quiclab/sansio';
import { LIMITS } from '../limits.ts';

const MAX_CHALLENGES = LIMITS.challenges.value;

/** Whether the peer can be reached at an address: asked by PATH_CHALLENGE, answered by PATH_RESPONSE. RFC 9000 §8.2. */
export class PathValidation {
  /** A challenge is to be sent. */
  pending: boolean;
  /** When to ask again, or to give up. */
  deadline: Micros;
  /** A challenge left in a small datagram: that large ones pass is not known yet. RFC 9000 §8.2.1. */
  small: boolean;
  readonly #random: Random;
  readonly #sent: Uint8Array[];
  #interval: Micros;
  #running: boolean;

  constructor(random: Random) {
    this.pending = false;
    this.deadline = NEVER;
    this.small = false;
    this.#random = random;
    this.#sent = [];
    this.#interval = 0;
    this.#running = false;
  }

  get running(): boolean {
    return this.#running;
  }

  /** @param interval  the larger of the probe timeouts of this path and of a new one: after three of them it has failed (§8.2.4) */
  start(interval: Micros): void {
    this.#running = true;
    this.#interval = interval;
    this.#sent.length = 0;
    this.small = false;
    this.pending = true;
  }

  /** Eight unpredictable octets, for a challenge that leaves now. */
  challenge(now: Micros): Uint8Array {
    const data = new Uint8Array(8);
    this.#random.fill(data);
    this.#sent.push(data);
    this.pending = false;
    this.deadline = now + this.#interval;
    return data;
  }

  /** Whether this answers one of ours, on whatever path it came. RFC 9000 §8.2.3. */
  onResponse(data: Uint8Array): boolean {
    if (!this.#running || !this.#sent.some((one) => sameBytes(one, data))) return false;
    this.stop();
    return true;
  }

  /** True: no answer came, and none is waited for any more. */
  onDeadline(): boolean {
    this.deadline = NEVER;
    if (this.#sent.length < MAX_CHALLENGES) {
      this.pending = true;
      return false;
    }
    this.stop();
    return true;
  }

  stop(): void {
    this.#running = false;
    this.pending = false;
    this.deadline = NEVER;
    this.#sent.length = 0;
  }
}
