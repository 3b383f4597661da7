import { MAX_SACK_BLOCKS } from '../segment/segment.ts';

/** What an acknowledgement says of data beyond it, as positions that were checked; ascending. RFC 2018, RFC 2883. */
export class SackBlocks {
  count = 0;
  readonly starts: number[] = [0, 0, 0, 0];
  readonly ends: number[] = [0, 0, 0, 0];
  /** What came twice, [start, end); -1 where that is not told. */
  duplicateStart = -1;
  duplicateEnd = -1;

  clear(): void {
    this.count = 0;
    this.duplicateStart = -1;
    this.duplicateEnd = -1;
  }

  /** Takes the nth block as told. A first one below the acknowledgement, or within the second, tells of what came twice (RFC 2883 §4). */
  setDuplicate(start: number, end: number): void {
    this.duplicateStart = start;
    this.duplicateEnd = end;
  }

  add(start: number, end: number): void {
    if (this.count === MAX_SACK_BLOCKS) return;
    let at = this.count++;
    for (; at > 0 && this.starts[at - 1]! > start; at--) {
      this.starts[at] = this.starts[at - 1]!;
      this.ends[at] = this.ends[at - 1]!;
    }
    this.starts[at] = start;
    this.ends[at] = end;
  }
}
