/**
 * A set of integers kept as ascending, disjoint, non-adjacent ranges [start, end). Adding at the upper end, the usual
 * case for packet numbers and stream offsets, costs a comparison; elsewhere it is a binary search and a splice.
 */
export class RangeSet {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** How many ranges there are. */
  get count(): number {
    return this.#starts.length;
  }

  /** Start of the nth range, from the lowest. */
  start(index: number): number {
    return this.#starts[index]!;
  }

  /** End (exclusive) of the nth range, from the lowest. */
  end(index: number): number {
    return this.#ends[index]!;
  }

  /** The index of the first range that ends above `value`; `count` when there is none. */
  firstEndingAfter(value: number): number {
    return this.#firstEndingAtOrAfter(value + 1);
  }

  /** Adds [start, end). Returns how many integers were not there before. */
  add(start: number, end: number): number {
    if (start >= end) return 0;
    const starts = this.#starts;
    const ends = this.#ends;
    const last = starts.length - 1;
    if (last < 0 || start > ends[last]!) {
      starts.push(start);
      ends.push(end);
      return end - start;
    }
    if (start >= starts[last]!) {
      const before = ends[last]!;
      if (end <= before) return 0;
      ends[last] = end;
      return end - before;
    }
    const from = this.#firstEndingAtOrAfter(start); // the first range that touches or follows
    let to = from;
    let low = start;
    let high = end;
    let known = 0;
    while (to < starts.length && starts[to]! <= end) {
      low = Math.min(low, starts[to]!);
      high = Math.max(high, ends[to]!);
      known += Math.max(0, Math.min(end, ends[to]!) - Math.max(start, starts[to]!));
      to++;
    }
    starts.splice(from, to - from, low);
    ends.splice(from, to - from, high);
    return end - start - known;
  }

  /** Takes [start, end) out. Returns how many integers were there. */
  remove(start: number, end: number): number {
    if (start >= end) return 0;
    const starts = this.#starts;
    const ends = this.#ends;
    let removed = 0;
    let i = this.#firstEndingAtOrAfter(start + 1);
    while (i < starts.length && starts[i]! < end) {
      const s = starts[i]!;
      const e = ends[i]!;
      removed += Math.min(e, end) - Math.max(s, start);
      if (s < start && e > end) {
        ends[i] = start;
        starts.splice(i + 1, 0, end);
        ends.splice(i + 1, 0, e);
        return removed;
      }
      if (s < start) {
        ends[i] = start;
        i++;
      } else if (e > end) {
        starts[i] = end;
        return removed;
      } else {
        starts.splice(i, 1);
        ends.splice(i, 1);
      }
    }
    return removed;
  }

  has(value: number): boolean {
    const i = this.#firstEndingAtOrAfter(value + 1);
    return i < this.#starts.length && this.#starts[i]! <= value;
  }

  /** Whether all of [start, end) is there. */
  hasAll(start: number, end: number): boolean {
    if (start >= end) return true;
    const i = this.#firstEndingAtOrAfter(start + 1);
    return i < this.#starts.length && this.#starts[i]! <= start && this.#ends[i]! >= end;
  }

  /** Drops the lowest range. */
  dropFirst(): void {
    this.#starts.shift();
    this.#ends.shift();
  }

  clear(): void {
    this.#starts.length = 0;
    this.#ends.length = 0;
  }

  /** How many integers there are. */
  size(): number {
    let sum = 0;
    for (let i = 0; i < this.#starts.length; i++) sum += this.#ends[i]! - this.#starts[i]!;
    return sum;
  }

  #firstEndingAtOrAfter(value: number): number {
    const ends = this.#ends;
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ends[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
