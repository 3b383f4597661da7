const EMPTY = new Uint8Array(0);

/** Pieces below this are put together: each would cost more than it holds. */
const SMALL = 1_024;
/** A view keeps the whole array that it is of; where that is so many times larger, the piece is copied. */
const PINNED = 8;
const LARGEST_TAIL = 16_384;

/**
 * Content that came and was not read. Pieces are kept as views of what the transport gave, small ones are put together, so that
 * what is kept stays in proportion to what flow control let come, however it was cut.
 */
export class Inbox {
  /** Octets here. */
  buffered = 0;
  #pieces: Uint8Array[] = [];
  #first = 0;
  #tail: Uint8Array = EMPTY; // the array of the last piece, where that is one of ours
  #used = 0;

  keep(piece: Uint8Array): void {
    this.buffered += piece.length;
    if (piece.length >= SMALL && piece.length * PINNED >= piece.buffer.byteLength) {
      this.#pieces.push(piece);
      this.#tail = EMPTY;
      return;
    }
    const used = this.#used;
    if (this.#tail.length > 0 && used + piece.length <= this.#tail.length) {
      this.#tail.set(piece, used);
      this.#used = used + piece.length;
      const last = this.#pieces[this.#pieces.length - 1]!;
      this.#pieces[this.#pieces.length - 1] = this.#tail.subarray(used - last.length, this.#used);
      return;
    }
    // alone it is copied as it is; the more there is that nobody reads, the more room the next ones get
    const room = this.#first === this.#pieces.length ? piece.length : Math.min(LARGEST_TAIL, 2 * this.buffered);
    this.#tail = new Uint8Array(Math.max(piece.length, room));
    this.#tail.set(piece);
    this.#used = piece.length;
    this.#pieces.push(this.#tail.subarray(0, piece.length));
  }

  /** The next content; undefined where none is here. */
  take(): Uint8Array | undefined {
    if (this.#first === this.#pieces.length) return undefined;
    const piece = this.#pieces[this.#first]!;
    this.#pieces[this.#first++] = EMPTY;
    this.buffered -= piece.length;
    if (this.#first === this.#pieces.length) this.#empty();
    else if (this.#first >= 64 && 2 * this.#first >= this.#pieces.length) {
      this.#pieces = this.#pieces.slice(this.#first); // a reader that never catches up
      this.#first = 0;
    }
    return piece;
  }

  /** Throws away what is here; returns how many octets that were. */
  clear(): number {
    const octets = this.buffered;
    this.buffered = 0;
    this.#empty();
    return octets;
  }

  #empty(): void {
    this.#pieces = [];
    this.#first = 0;
    this.#tail = EMPTY;
    this.#used = 0;
  }
}
