import type { RangeSet } from '@quiclab/bytes';

/** The index of the first range that ends above `value`; `count` when there is none. */
export function firstEndingAfter(ranges: RangeSet, value: number): number {
  let low = 0;
  let high = ranges.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges.end(middle) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
