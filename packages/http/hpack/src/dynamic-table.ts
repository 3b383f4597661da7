import type { Line } from './sensitive.ts';

/** What an entry costs beyond its octets. RFC 7541 §4.1. */
export const ENTRY_OVERHEAD = 32;

/** The table size that HTTP/2 begins with, at both ends. RFC 9113 §4.3.1. */
export const DEFAULT_TABLE_SIZE = 4_096;

const NOBODY: Line = ['', ''];

/** The lines that were sent with indexing, the newest first, as many as fit. RFC 7541 §2.3.2, §4. A ring that grows with what it holds. */
export class DynamicTable {
  /** Octets of all entries, as RFC 7541 §4.1 counts. */
  size = 0;
  /** Octets that there may be: what the last size update said. */
  capacity: number;
  /** How many lines were ever inserted; the entry that was inserted as the nth, from 0, keeps this number for good. */
  inserted = 0;
  /** How many of these are still there. */
  count = 0;
  #ring: Line[] = new Array(16).fill(NOBODY);

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** The line of the entry whose number is this; it must be there. */
  numbered(number: number): Line {
    return this.#ring[number % this.#ring.length]!;
  }

  /** Makes room by letting the oldest go. RFC 7541 §4.3, §4.4. */
  evictDown(to: number, onEvicted?: (line: Line, number: number) => void): void {
    while (this.size > to) {
      const number = this.inserted - this.count;
      const slot = number % this.#ring.length;
      const line = this.#ring[slot]!;
      this.#ring[slot] = NOBODY;
      this.count--;
      this.size -= line[0].length + line[1].length + ENTRY_OVERHEAD;
      onEvicted?.(line, number);
    }
  }

  /** RFC 7541 §4.4: a line that is larger than the table empties it, and is no error. Returns whether it is in now. */
  insert(line: Line, onEvicted?: (line: Line, number: number) => void): boolean {
    const size = line[0].length + line[1].length + ENTRY_OVERHEAD;
    this.evictDown(Math.max(0, this.capacity - size), onEvicted);
    if (size > this.capacity) return false;
    if (this.count === this.#ring.length) this.#grow();
    this.#ring[this.inserted % this.#ring.length] = line;
    this.inserted++;
    this.count++;
    this.size += size;
    return true;
  }

  #grow(): void {
    const larger: Line[] = new Array(2 * this.#ring.length).fill(NOBODY);
    for (let number = this.inserted - this.count; number < this.inserted; number++) larger[number % larger.length] = this.numbered(number);
    this.#ring = larger;
  }
}
