import { SentSegment } from './sent-segment.ts';

/**
 * What was sent and is not acknowledged in a row, ascending and without gaps, in a ring of pooled records; and those of it that
 * are in flight, in the order in which they left (RFC 8985 §6.2 needs no other).
 */
export class SegmentLog {
  #ring: SentSegment[] = Array.from({ length: 16 }, () => new SentSegment());
  #head = 0;
  #count = 0;
  /** The earliest and the latest of those in flight. */
  earliest: SentSegment | undefined = undefined;
  latest: SentSegment | undefined = undefined;

  get count(): number {
    return this.#count;
  }

  /** The nth, from the lowest. */
  at(index: number): SentSegment {
    return this.#ring[(this.#head + index) & (this.#ring.length - 1)]!;
  }

  /** A record behind all others. */
  add(start: number, end: number, fin: boolean): SentSegment {
    if (this.#count === this.#ring.length) this.#grow();
    const segment = this.at(this.#count++);
    segment.reset(start, end, fin);
    return segment;
  }

  /** The lowest is acknowledged. It is good until the next `add`. */
  dropFirst(): void {
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#count--;
  }

  /** The index of the first that ends above the position; `count` where there is none. */
  indexOf(position: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle).end <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** A copy has left: behind all others in time. */
  launch(segment: SentSegment): void {
    if (segment === this.latest) return;
    this.land(segment);
    segment.earlier = this.latest;
    if (this.latest === undefined) this.earliest = segment;
    else this.latest.later = segment;
    this.latest = segment;
  }

  /** It is in flight again as if nothing had been said of it: where it belongs. */
  relaunch(segment: SentSegment): void {
    let before = this.latest;
    while (before !== undefined && before.order > segment.order) before = before.earlier;
    segment.earlier = before;
    segment.later = before === undefined ? this.earliest : before.later;
    if (segment.later === undefined) this.latest = segment;
    else segment.later.earlier = segment;
    if (before === undefined) this.earliest = segment;
    else before.later = segment;
  }

  /** It is not in flight any more. */
  land(segment: SentSegment): void {
    const { earlier, later } = segment;
    if (earlier !== undefined) earlier.later = later;
    else if (this.earliest === segment) this.earliest = later;
    if (later !== undefined) later.earlier = earlier;
    else if (this.latest === segment) this.latest = earlier;
    segment.earlier = undefined;
    segment.later = undefined;
  }

  #grow(): void {
    const old = this.#ring;
    const count = this.#count;
    this.#ring = Array.from({ length: old.length * 2 }, (_, i) =>
      i < count ? old[(this.#head + i) & (old.length - 1)]! : new SentSegment(),
    );
    this.#head = 0;
  }
}
