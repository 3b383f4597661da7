import { RangeSet } from '@quiclab/bytes';
import { MAX_SACK_BLOCKS, type Segment } from '../segment/segment.ts';
import { sequenceOf } from '../segment/sequence.ts';

/** What has arrived beyond a hole, and what of it to tell first: the block that the last segment fell into, then those before it. RFC 2018 §4. */
export class OutOfOrder {
  readonly #ranges = new RangeSet();
  /** A position within each block that was told of, the latest first. */
  readonly #recent: number[] = [];
  #duplicateStart = -1;
  #duplicateEnd = -1;

  get count(): number {
    return this.#ranges.count;
  }

  add(start: number, end: number): void {
    this.#ranges.add(start, end);
    this.#recent.unshift(start);
    if (this.#recent.length > MAX_SACK_BLOCKS * 2) this.#recent.pop();
  }

  /** Everything below is in order now. */
  settle(next: number): void {
    while (this.#ranges.count > 0 && this.#ranges.start(0) < next) {
      if (this.#ranges.end(0) > next) {
        this.#ranges.remove(0, next);
        break;
      }
      this.#ranges.dropFirst();
    }
    if (this.#ranges.count === 0) this.#recent.length = 0;
  }

  has(start: number, end: number): boolean {
    return this.#ranges.hasAll(start, end);
  }

  /** This has come twice: told once, with the next acknowledgement. RFC 2883. */
  onDuplicate(start: number, end: number): void {
    this.#duplicateStart = start;
    this.#duplicateEnd = end;
  }

  get hasDuplicate(): boolean {
    return this.#duplicateStart >= 0;
  }

  /** There is something to say that an acknowledgement alone does not. */
  get isOwed(): boolean {
    return this.#ranges.count > 0 || this.#duplicateStart >= 0;
  }

  /** Writes as many blocks as fit, and takes back the duplicate that it tells of. @param base  sequence number of position 0 */
  write(segment: Segment, base: number, most: number): void {
    segment.sackCount = 0;
    if (this.#duplicateStart >= 0) {
      this.#put(segment, base, this.#duplicateStart, this.#duplicateEnd);
      const within = this.#indexOf(this.#duplicateStart);
      if (within >= 0) this.#put(segment, base, this.#ranges.start(within), this.#ranges.end(within));
      this.#duplicateStart = -1;
    }
    const firstBlock = segment.sackCount;
    for (let i = 0; i < this.#recent.length && segment.sackCount < most; i++) {
      const at = this.#indexOf(this.#recent[i]!);
      if (at < 0) {
        this.#recent.splice(i--, 1);
        continue;
      }
      const start = sequenceOf(base, this.#ranges.start(at));
      let told = false;
      for (let j = Math.max(0, firstBlock - 1); j < segment.sackCount; j++) told ||= segment.sackStarts[j] === start;
      if (!told) this.#put(segment, base, this.#ranges.start(at), this.#ranges.end(at));
    }
  }

  #put(segment: Segment, base: number, start: number, end: number): void {
    const at = segment.sackCount++;
    segment.sackStarts[at] = sequenceOf(base, start);
    segment.sackEnds[at] = sequenceOf(base, end);
  }

  /** The index of the range that holds a position, or -1. */
  #indexOf(position: number): number {
    const at = this.#ranges.firstEndingAfter(position);
    return at < this.#ranges.count && this.#ranges.start(at) <= position ? at : -1;
  }
}
