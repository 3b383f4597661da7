import type { Micros } from '@quiclab/sansio';
import type { StreamId } from '@quiclab/streams';
import type { QuicStreams } from './transport.ts';

/** Our direction of a stream: what is laid out leaves in order, and what the transport does not take yet waits here. */
export class OutgoingStream {
  readonly id: StreamId;
  /** Octets laid out so far, taken or waiting. */
  offset: number;
  /** Neither ended nor reset; an end that waits for octets before it counts as ended. */
  open: boolean;
  /** The transport has everything, the end included, or the stream was reset. */
  done: boolean;

  readonly #transport: QuicStreams;
  #waiting: Uint8Array[];
  #head: number;

  constructor(transport: QuicStreams, id: StreamId) {
    this.id = id;
    this.offset = 0;
    this.open = true;
    this.done = false;
    this.#transport = transport;
    this.#waiting = [];
    this.#head = 0;
  }

  /** How many pieces wait for the transport. */
  get waiting(): number {
    return this.#waiting.length - this.#head;
  }

  /** Something waits for the transport. */
  get blocked(): boolean {
    return this.waiting > 0;
  }

  /** Lays octets out. They are copied, except with `owned`: then they are ours and must not change. */
  write(now: Micros, octets: Uint8Array, owned = false): void {
    if (!this.open) return;
    this.offset += octets.length;
    const taken = this.blocked ? 0 : this.#transport.write(now, this.id, octets);
    if (taken < octets.length) this.#waiting.push(owned ? octets.subarray(taken) : octets.slice(taken));
  }

  /** The transport may take more. */
  flush(now: Micros): void {
    while (this.blocked && !this.done) {
      const next = this.#waiting[this.#head]!;
      const taken = this.#transport.write(now, this.id, next);
      if (taken < next.length) {
        this.#waiting[this.#head] = next.subarray(taken);
        return;
      }
      this.#head++;
    }
    this.#waiting = [];
    this.#head = 0;
    if (!this.open && !this.done) this.#end();
  }

  finish(): void {
    if (!this.open) return;
    this.open = false;
    if (!this.blocked) this.#end();
  }

  reset(code: number): void {
    if (this.done) return;
    this.open = false;
    this.done = true;
    this.#waiting = [];
    this.#head = 0;
    this.#transport.reset(this.id, code);
  }

  #end(): void {
    this.done = true;
    this.#transport.finish(this.id);
  }
}
