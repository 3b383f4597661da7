import type { Clock, Micros } from '@quiclab/sansio';

/** A clock that never steps, counted from the Unix epoch. */
export interface MonotonicClock extends Clock {
  /** The epoch minus the zero of the system's monotonic clock, in µs. Hand it to other processes on this machine and their instants compare. */
  readonly offset: Micros;
}

/**
 * Whole microseconds since the Unix epoch: the wall clock is read once, after that only the monotonic clock counts, so
 * that no interval is ever negative. The monotonic clock is the machine's, the same in every process.
 * @param offset  another process's `offset`; omitted, one is made from the wall clock
 */
export function monotonicClock(offset?: Micros): MonotonicClock {
  const chosen = offset ?? Date.now() * 1000 - monotonic();
  return { offset: chosen, now: () => monotonic() + chosen };
}

function monotonic(): Micros {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000_000 + Math.floor(nanoseconds / 1000);
}
