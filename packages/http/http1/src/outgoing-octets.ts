import type { ByteStream, Micros } from '@quiclab/sansio';

/** Our direction of the stream: what is laid out leaves in order, and what the transport does not take yet waits here. */
export class OutgoingOctets {
  /** Octets laid out so far, and how many of them the transport has taken. */
  offset: number;
  taken: number;
  /** Neither finished nor given up; an end that waits for octets before it counts as finished. */
  open: boolean;

  readonly #transport: ByteStream;
  #started: boolean;
  #waiting: Uint8Array[];
  #head: number;

  constructor(transport: ByteStream) {
    this.offset = 0;
    this.taken = 0;
    this.open = true;
    this.#transport = transport;
    this.#started = false;
    this.#waiting = [];
    this.#head = 0;
  }

  /** The transport takes octets from now on. */
  start(now: Micros): void {
    this.#started = true;
    this.flush(now);
  }

  /** Something waits for the transport. */
  get blocked(): boolean {
    return !this.#started || this.#head < this.#waiting.length;
  }

  /** Lays octets out, whether the transport takes them now or not; they must not change. */
  write(now: Micros, octets: Uint8Array): void {
    if (!this.open) return;
    const taken = this.offer(now, octets);
    if (taken === octets.length) return;
    this.offset += octets.length - taken;
    this.#waiting.push(octets.subarray(taken));
  }

  /** Lays out what the transport takes now. Returns how many octets that were. */
  offer(now: Micros, octets: Uint8Array): number {
    if (!this.open || this.blocked) return 0;
    const taken = this.#transport.write(now, octets);
    this.offset += taken;
    this.taken += taken;
    return taken;
  }

  /** The transport may take more. */
  flush(now: Micros): void {
    if (!this.#started || this.#head === this.#waiting.length) return;
    while (this.#head < this.#waiting.length) {
      const next = this.#waiting[this.#head]!;
      const taken = this.#transport.write(now, next);
      this.taken += taken;
      if (taken < next.length) {
        this.#waiting[this.#head] = next.subarray(taken);
        return;
      }
      this.#head++;
    }
    this.#waiting = [];
    this.#head = 0;
    if (!this.open) this.#transport.finish(now);
  }

  /** Nothing follows what is laid out. */
  finish(now: Micros): void {
    if (!this.open) return;
    this.open = false;
    if (!this.blocked) this.#transport.finish(now);
  }

  /** Forgets what waits. */
  giveUp(): void {
    this.open = false;
    this.#waiting = [];
    this.#head = 0;
  }
}
