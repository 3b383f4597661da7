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
  #finished: boolean; // the transport knows of the end
  #full: boolean; // the transport took less than it was given, and will say when there is room
  #waiting: Uint8Array[];
  #head: number;

  constructor(transport: ByteStream) {
    this.offset = 0;
    this.taken = 0;
    this.open = true;
    this.#transport = transport;
    this.#started = false;
    this.#finished = false;
    this.#full = false;
    this.#waiting = [];
    this.#head = 0;
  }

  /** The transport takes octets from now on. */
  start(now: Micros): void {
    this.#started = true;
    this.flush(now);
  }

  /** The transport takes nothing now. */
  get blocked(): boolean {
    return !this.#started || this.#full;
  }

  /** The transport has everything, the end included, or all was given up. */
  get done(): boolean {
    return this.#finished;
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
    const taken = this.#give(now, octets);
    this.offset += taken;
    return taken;
  }

  /** The transport may take more. */
  flush(now: Micros): void {
    if (!this.#started) return;
    this.#full = false;
    while (this.#head < this.#waiting.length) {
      const next = this.#waiting[this.#head]!;
      const taken = this.#give(now, next);
      if (taken < next.length) {
        this.#waiting[this.#head] = next.subarray(taken);
        return;
      }
      this.#head++;
    }
    this.#waiting = [];
    this.#head = 0;
    if (!this.open && !this.#finished) this.#end(now);
  }

  /** Nothing follows what is laid out. */
  finish(now: Micros): void {
    if (!this.open) return;
    this.open = false;
    if (this.#started && this.#head === this.#waiting.length) this.#end(now);
  }

  /** Forgets what waits. */
  giveUp(): void {
    this.open = false;
    this.#finished = true;
    this.#waiting = [];
    this.#head = 0;
  }

  #give(now: Micros, octets: Uint8Array): number {
    const taken = this.#transport.write(now, octets);
    this.taken += taken;
    this.#full = taken < octets.length;
    return taken;
  }

  #end(now: Micros): void {
    this.#finished = true;
    this.#transport.finish(now);
  }
}
