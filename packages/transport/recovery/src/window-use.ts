import type { Micros } from '@quiclab/sansio';

/**
 * Whether a sender fills its window (RFC 9002 §7.8). One that keeps data back for other reasons (the peer's credit, its own
 * buffer, a socket that takes so much a turn) is never seen to run out of things to say, and its window would grow without
 * end on acknowledgements that say nothing about the path. What was in flight at most, over two round trips, tells: since
 * the window doubles in one of slow start, half of it is use enough.
 */
export class WindowUse {
  #most = 0;
  #mostBefore = 0; // in the round trip before
  #roundBegan: Micros = 0;

  onSent(bytesInFlight: number): void {
    if (bytesInFlight > this.#most) this.#most = bytesInFlight;
  }

  /** @param largestSentAt  when the newest packet acknowledged left: later than the round trip began, it ends it */
  onAcked(now: Micros, largestSentAt: Micros, bytesInFlight: number): void {
    if (largestSentAt <= this.#roundBegan) return;
    this.#mostBefore = this.#most;
    this.#most = bytesInFlight;
    this.#roundBegan = now;
  }

  underused(window: number): boolean {
    return 2 * Math.max(this.#most, this.#mostBefore) < window;
  }

  /** Another path. */
  reset(): void {
    this.#most = 0;
    this.#mostBefore = 0;
    this.#roundBegan = 0;
  }
}
