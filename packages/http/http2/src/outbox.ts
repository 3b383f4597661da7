import type { Fields } from '@quiclab/http-semantics';
import { FRAME_HEADER } from './frames.ts';

/** Room for content that comes in small pieces while some still waits: they leave in one frame. */
const ROOM = 4_096;

/** A piece from so many octets on gets one of the arrays that are used again: making them, and letting go of them, costs more than filling them. */
const LARGE = 16_384;
const REUSED = FRAME_HEADER + 65_536;
const MOST_SPARE = 2;

/** Arrays that content was in, for the next. One serves a connection. */
export class SpareArrays {
  #arrays: Uint8Array[] = [];

  take(): Uint8Array {
    return this.#arrays.pop() ?? new Uint8Array(REUSED);
  }

  /** Nobody has a view of it any more. */
  give(array: Uint8Array): void {
    if (array.length === REUSED && this.#arrays.length < MOST_SPARE) this.#arrays.push(array);
  }

  clear(): void {
    this.#arrays = [];
  }
}

/** Content that waits, in [start, end). Before it there is always room for a frame header, so that a frame is one stretch of octets. */
interface Stretch {
  readonly bytes: Uint8Array;
  start: number;
  end: number;
}

interface Section {
  readonly fields: Fields;
  readonly trailing: boolean;
}

/** What an exchange has to say and has not laid out yet: field sections, and content to cut frames from. */
export class Outbox {
  /** Octets of content that wait. */
  waiting = 0;
  /** The array whose content was taken to its end by the last `takeContent`, if it was. */
  spent: Uint8Array | undefined = undefined;
  #items: (Section | Stretch)[] = [];
  #head = 0;

  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  /** Whether content comes next, and not a field section. There must be something. */
  get contentNext(): boolean {
    return 'bytes' in this.#items[this.#head]!;
  }

  pushFields(fields: Fields, trailing: boolean): void {
    this.#items.push({ fields, trailing });
  }

  /** Copies the content. */
  pushContent(data: Uint8Array, spares: SpareArrays): void {
    let rest = data;
    const last = this.empty ? undefined : this.#items[this.#items.length - 1]!;
    if (last !== undefined && 'bytes' in last) {
      const fits = Math.min(rest.length, last.bytes.length - last.end);
      last.bytes.set(rest.subarray(0, fits), last.end);
      last.end += fits;
      rest = rest.subarray(fits);
    }
    while (rest.length > 0) {
      const bytes =
        rest.length >= LARGE
          ? spares.take()
          : new Uint8Array(FRAME_HEADER + (this.waiting > 0 ? Math.max(ROOM, rest.length) : rest.length));
      const fits = Math.min(rest.length, bytes.length - FRAME_HEADER);
      bytes.set(rest.subarray(0, fits), FRAME_HEADER);
      this.#items.push({ bytes, start: FRAME_HEADER, end: FRAME_HEADER + fits });
      rest = rest.subarray(fits);
    }
    this.waiting += data.length;
  }

  takeSection(): Section {
    const section = this.#items[this.#head] as Section;
    this.#advance();
    return section;
  }

  /** Octets of content that could go into one frame now. */
  get inOneStretch(): number {
    const { start, end } = this.#items[this.#head] as Stretch;
    return end - start;
  }

  /**
   * Takes so much content, with room for a frame header before it. The room is where content was that was taken earlier: whoever takes
   * it has passed that on.
   */
  takeContent(length: number): Uint8Array {
    const stretch = this.#items[this.#head] as Stretch;
    const { start } = stretch;
    stretch.start += length;
    this.waiting -= length;
    this.spent = undefined;
    if (stretch.start === stretch.end) {
      this.spent = stretch.bytes;
      this.#advance();
    }
    return stretch.bytes.subarray(start - FRAME_HEADER, start + length);
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
    this.waiting = 0;
    this.spent = undefined;
  }

  #advance(): void {
    this.#head++;
    if (this.empty) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head >= 64) {
      this.#items = this.#items.slice(this.#head); // a writer that is never done
      this.#head = 0;
    }
  }
}
