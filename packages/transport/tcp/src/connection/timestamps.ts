import { MILLISECOND, type Micros } from '@quiclab/sansio';

const LONGEST_VALID: Micros = 24 * 86_400 * 1_000_000; // RFC 7323 §5.5

/** The timestamps of one connection, in milliseconds from anywhere. RFC 7323 §3, §4, §5. */
export class Timestamps {
  /** Both ends have offered them. */
  used = false;
  /** TS.Recent: what to echo. */
  recent = 0;
  readonly #offset: number;
  #recentAt: Micros = 0;

  constructor(offset: number) {
    this.#offset = offset;
  }

  at(now: Micros): number {
    return (this.#offset + Math.floor(now / MILLISECOND)) >>> 0;
  }

  /** How long ago the echo of ours was written, in whole milliseconds, one at least. */
  since(now: Micros, echo: number): Micros {
    return Math.max(1, (this.at(now) - echo) | 0) * MILLISECOND;
  }

  /** Protection against wrapped sequence numbers: it is older than what was heard since. §5.3. */
  isOld(now: Micros, timestamp: number): boolean {
    return ((timestamp - this.recent) | 0) < 0 && now - this.#recentAt < LONGEST_VALID;
  }

  /** The peer's first, in its SYN. */
  begin(now: Micros, timestamp: number): void {
    this.used = true;
    this.recent = timestamp;
    this.#recentAt = now;
  }

  /** Of a segment that is no later than what was acknowledged last, so that the echo counts the delay of acknowledgements in. §4.3. */
  accept(now: Micros, timestamp: number): void {
    if (this.isOld(now, timestamp)) return;
    this.recent = timestamp;
    this.#recentAt = now;
  }
}
