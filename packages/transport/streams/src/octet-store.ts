const SHORT = 256; // what the first block has room for until it is asked for more: most requests are no longer
const SMALLEST = 2_048;
const LARGEST = 65_536;
const DOUBLINGS = 5; // 2, 4, 8, 16 and 32 KiB, then 64 KiB each
const GROWN = LARGEST - SMALLEST; // where the first of the largest blocks begins

/**
 * Octets by offset, in blocks whose sizes grow from 2 KiB to 64 KiB (the first begins with 256 octets): a small stream stays small,
 * and a long one costs one allocation for fifty packets. Where a block lies follows from its number alone, so finding one is arithmetic.
 * It does not know which octets are there; its owner does. A block is never used again, so views are the reader's to keep; but where the
 * owner hands out none (`reuses`), blocks go to the next store of that kind.
 */
export class OctetStore {
  readonly #reuses: boolean;
  #blocks: (Uint8Array | undefined)[] = [];
  #head = 0; // index in #blocks of the first block not released
  #first = 0; // the number of that block

  constructor(reuses = false) {
    this.#reuses = reuses;
  }

  /** Copies bytes[from, to) in. Octets below what was released are lost silently. */
  write(offset: number, bytes: Uint8Array, from: number, to: number): void {
    let at = offset;
    let next = from;
    while (next < to) {
      const number = blockNumber(at);
      const start = blockStart(number);
      const length = Math.min(to - next, start + blockSize(number) - at);
      const block = this.#obtain(number, at + length - start);
      block?.set(next === 0 && length === bytes.length ? bytes : bytes.subarray(next, next + length), at - start);
      at += length;
      next += length;
    }
  }

  /** A view of at most `maxLength` octets, to the end of the block they lie in at most. */
  view(offset: number, maxLength: number): Uint8Array {
    const number = blockNumber(offset);
    const block = this.#block(number);
    const start = offset - blockStart(number);
    return block.subarray(start, Math.min(start + maxLength, block.length));
  }

  /** Copies `length` octets out. */
  copyTo(offset: number, length: number, target: Uint8Array, at: number): void {
    const end = offset + length;
    let position = offset;
    while (position < end) {
      const piece = this.view(position, end - position);
      target.set(piece, at + position - offset);
      position += piece.length;
    }
  }

  /** Lets go of the blocks that lie wholly below. */
  release(upTo: number): void {
    const number = blockNumber(upTo);
    while (this.#first < number) {
      if (this.#head < this.#blocks.length) {
        const block = this.#blocks[this.#head];
        if (this.#reuses && block !== undefined) giveBack(block);
        this.#blocks[this.#head++] = undefined;
      } else {
        this.#first = number; // nothing was ever stored between here and there
        break;
      }
      this.#first++;
    }
    if (this.#head === this.#blocks.length) {
      this.#blocks.length = 0;
      this.#head = 0;
    } else if (this.#head >= 32 && this.#head * 2 >= this.#blocks.length) {
      this.#blocks = this.#blocks.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Octets that the blocks take. */
  get allocated(): number {
    let sum = 0;
    for (const block of this.#blocks) sum += block === undefined ? 0 : block.length;
    return sum;
  }

  /** The block of this number, with room for so many octets. */
  #obtain(number: number, room: number): Uint8Array | undefined {
    if (number < this.#first) return undefined;
    const index = this.#head + number - this.#first;
    while (this.#blocks.length <= index) this.#blocks.push(undefined);
    const block = this.#blocks[index];
    if (block !== undefined && block.length >= room) return block;
    const size = number === 0 && room <= SHORT ? SHORT : blockSize(number);
    const larger = (this.#reuses ? takeAgain(size) : undefined) ?? new Uint8Array(size);
    if (block !== undefined) {
      larger.set(block); // who has a view of the smaller one keeps it: what was written does not change
      if (this.#reuses) giveBack(block);
    }
    this.#blocks[index] = larger;
    return larger;
  }

  #block(number: number): Uint8Array {
    const block = number < this.#first ? undefined : this.#blocks[this.#head + number - this.#first];
    if (block === undefined) throw new RangeError(`no octets are stored from ${blockStart(number)} on`);
    return block;
  }
}

/** Blocks that nobody uses, by size: 256 octets, then from 2 KiB on. An allocation is zeroed, and counted by the garbage collector; these are neither. */
const free: Uint8Array[][] = Array.from({ length: 1 + DOUBLINGS + 1 }, () => []);
const MOST_FREE = 64; // of each size: 8 MB in all
const sizeClass = (size: number): number => (size === SHORT ? 0 : 1 + 31 - Math.clz32(size / SMALLEST));

const takeAgain = (size: number): Uint8Array | undefined => free[sizeClass(size)].pop();

function giveBack(block: Uint8Array): void {
  const own = free[sizeClass(block.length)];
  if (own.length < MOST_FREE) own.push(block);
}

const blockSize = (number: number): number => (number < DOUBLINGS ? SMALLEST << number : LARGEST);
const blockStart = (number: number): number =>
  number < DOUBLINGS ? (SMALLEST << number) - SMALLEST : GROWN + (number - DOUBLINGS) * LARGEST;
const blockNumber = (offset: number): number =>
  offset < GROWN ? 31 - Math.clz32(Math.floor(offset / SMALLEST) + 1) : DOUBLINGS + Math.floor((offset - GROWN) / LARGEST);
