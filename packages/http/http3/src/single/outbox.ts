import { Kind } from './frames.ts';

/** What an exchange has to say and has not laid out yet: whole sections and the end, and content to cut frames from. */
export class Outbox {
  readonly #kinds: number[] = [];
  readonly #octets: Uint8Array[] = [];
  #head = 0;
  /** Octets of content that wait. */
  waiting = 0;

  push(kind: number, octets: Uint8Array): void {
    this.#kinds.push(kind);
    this.#octets.push(octets);
    if (kind === Kind.DATA) this.waiting += octets.length;
  }

  get empty(): boolean {
    return this.#head === this.#kinds.length;
  }

  /** The kind of the frame that comes next. */
  get kind(): number {
    return this.#kinds[this.#head]!;
  }

  /** Takes the payload of the next frame: of content at most `room` octets, of anything else all. */
  take(room: number): Uint8Array {
    const octets = this.#octets[this.#head]!;
    const data = this.kind === Kind.DATA;
    if (data && octets.length > room) {
      this.#octets[this.#head] = octets.subarray(room);
      this.waiting -= room;
      return octets.subarray(0, room);
    }
    if (data) this.waiting -= octets.length;
    this.#head++;
    if (this.empty) this.clear();
    return octets;
  }

  clear(): void {
    this.#kinds.length = 0;
    this.#octets.length = 0;
    this.#head = 0;
    this.waiting = 0;
  }
}
