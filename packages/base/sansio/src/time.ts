/**
 * Whole microseconds. An instant counts from the Unix epoch (drivers: one offset for all processes of a run, plus a
 * monotonic clock); in virtual time it counts from the start of the run. Always an integer, or NEVER.
 */
export type Micros = number;

/** No deadline; compares, and takes part in `Math.min`, like any instant. */
export const NEVER: Micros = Number.POSITIVE_INFINITY;

/** One microsecond, millisecond and second as Micros. */
export const MICROSECOND: Micros = 1;
export const MILLISECOND: Micros = 1_000;
export const SECOND: Micros = 1_000_000;

/** For drivers; machines are told the time. */
export interface Clock {
  now(): Micros;
}
