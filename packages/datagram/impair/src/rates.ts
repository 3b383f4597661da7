import { MILLISECOND, type Micros } from '@quiclab/sansio';
import type { LinkRate } from './port.ts';

/** So many bits per second. A departure is the exact instant rounded up to whole microseconds; the exact one is carried on. */
export class FixedRate implements LinkRate {
  readonly #bitsPerSecond: number;
  #lastDeparture: Micros = -1;
  #early = 0; // how long before that instant the last packet was really gone, in µs × bit/s: a whole number

  constructor(bitsPerSecond: number) {
    if (!(bitsPerSecond > 0 && Number.isFinite(bitsPerSecond)))
      throw new RangeError(`a rate of ${bitsPerSecond} bit/s: it must be above 0`);
    this.#bitsPerSecond = bitsPerSecond;
  }

  departure(now: Micros, bytes: number): Micros {
    const rate = this.#bitsPerSecond;
    const work = bytes * 8_000_000 - (now === this.#lastDeparture ? this.#early : 0);
    const duration = Math.max(0, Math.ceil(work / rate)); // below zero: gone in the same microsecond as the one before
    this.#early = duration * rate - work;
    this.#lastDeparture = now + duration;
    return this.#lastDeparture;
  }
}

const OPPORTUNITY = 1_500;

/**
 * A recorded rate in Mahimahi's format: each number is a millisecond at which 1,500 octets may leave; several packets may
 * share them. The record starts over after its last instant. What nobody uses is gone.
 */
export class TraceRate implements LinkRate {
  readonly #instants: readonly number[]; // ms, ascending
  readonly #period: number; // ms
  #next = 0; // number of the next opportunity, counted through all laps
  #current: Micros = -1; // instant of the opportunity in use
  #left = 0; // octets of it that are left

  constructor(instants: readonly number[]) {
    let last = 0;
    for (const instant of instants) {
      if (!(Number.isInteger(instant) && instant >= last))
        throw new RangeError(`rate trace: ${instant} ms after ${last} ms; instants are whole and ascend`);
      last = instant;
    }
    if (last === 0) throw new RangeError('rate trace: there is no instant above 0 ms');
    this.#instants = instants;
    this.#period = last;
  }

  departure(now: Micros, bytes: number): Micros {
    if (this.#current < now) this.#skipTo(now);
    let missing = bytes;
    while (missing > this.#left) {
      missing -= this.#left;
      this.#current = this.#instant(this.#next++);
      this.#left = OPPORTUNITY;
    }
    this.#left -= missing;
    return this.#current;
  }

  #skipTo(now: Micros): void {
    this.#left = 0;
    const count = this.#instants.length;
    const lap = Math.max(0, Math.floor(now / MILLISECOND / this.#period) - 1);
    this.#next = Math.max(this.#next, lap * count);
    while (this.#instant(this.#next) < now) this.#next++;
  }

  #instant(number: number): Micros {
    const count = this.#instants.length;
    return (Math.floor(number / count) * this.#period + this.#instants[number % count]!) * MILLISECOND;
  }
}

/** The instants of a Mahimahi trace: one number of milliseconds on each line. */
export function parseTrace(text: string): number[] {
  const instants: number[] = [];
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return;
    if (!/^\s*\d+\s*$/.test(line)) throw new Error(`rate trace, line ${i + 1}: '${line.slice(0, 40)}' is not a number of milliseconds`);
    const instant = Number(line);
    if (instant < (instants.at(-1) ?? 0))
      throw new Error(`rate trace, line ${i + 1}: ${instant} ms comes after ${instants.at(-1)} ms; instants ascend`);
    instants.push(instant);
  });
  if (instants.length === 0) throw new Error('rate trace: it is empty');
  return instants;
}
