import { type Micros, NEVER } from '@quiclab/sansio';
import type { CloseCause } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { EventQueue } from './event-queue.ts';
import type { Watch } from './watch.ts';

export type LifecycleState = 'open' | 'closing' | 'draining' | 'drained';

/**
 * From the first packet to the last. RFC 9000 §10.
 * - open: everything may be sent
 * - closing: we closed; CONNECTION_CLOSE is all that we say, and again when packets still come, ever more rarely
 * - draining: the peer closed, or it is too late to say anything: we are silent
 * - drained: three probe timeouts later, or at once after a timeout: the endpoint forgets the connection
 */
export class Lifecycle {
  state: LifecycleState;
  /** A CONNECTION_CLOSE is to be sent. */
  closeDue: boolean;
  cause: CloseCause | undefined;
  deadline: Micros;
  readonly #events: EventQueue;
  readonly #watch: Watch;
  #datagramsSinceClose: number;
  #answerAfter: number;

  constructor(events: EventQueue, watch: Watch) {
    this.state = 'open';
    this.closeDue = false;
    this.cause = undefined;
    this.deadline = NEVER;
    this.#events = events;
    this.#watch = watch;
    this.#datagramsSinceClose = 0;
    this.#answerAfter = 1;
  }

  get open(): boolean {
    return this.state === 'open';
  }
  /** Nothing that comes matters any more; while closing, the peer's own CONNECTION_CLOSE still does. */
  get silent(): boolean {
    return this.state === 'draining' || this.state === 'drained';
  }

  /** We close. RFC 9000 §10.2.1. */
  close(now: Micros, cause: CloseCause, probeTimeout: Micros): void {
    if (this.state !== 'open') return;
    this.#end('closing', cause);
    this.closeDue = true;
    this.deadline = now + 3 * probeTimeout;
  }

  /** The peer closed, or reset us. RFC 9000 §10.2.2, §10.3. */
  drain(now: Micros, cause: CloseCause, probeTimeout: Micros): void {
    if (this.state === 'draining' || this.state === 'drained') return;
    if (this.state === 'open') this.#end('draining', cause);
    else this.state = 'draining';
    this.closeDue = false;
    this.deadline = Math.min(this.deadline, now + 3 * probeTimeout);
  }

  /** Over at once and without a word: idle timeout, handshake timeout. RFC 9000 §10.1. */
  expire(cause: CloseCause): void {
    if (this.state === 'open') this.#end('drained', cause);
    this.state = 'drained';
    this.closeDue = false;
    this.deadline = NEVER;
  }

  /** Something comes; if we have closed, whoever sent it does not know: the first is answered, then the second after that, the fourth … RFC 9000 §10.2.1. */
  onDatagram(): void {
    if (this.state !== 'closing' || ++this.#datagramsSinceClose < this.#answerAfter) return;
    this.#datagramsSinceClose = 0;
    this.#answerAfter *= LIMITS.closeAnswers.value;
    this.closeDue = true;
  }

  onDeadline(): void {
    this.state = 'drained';
    this.closeDue = false;
    this.deadline = NEVER;
  }

  #end(state: Exclude<LifecycleState, 'open'>, cause: CloseCause): void {
    this.state = state;
    this.cause = cause;
    this.#events.push({ type: 'closed', cause });
    this.#watch.observer.ended(this.#watch.now, state, cause);
  }
}
