/**
 * Reads a stretch of octets from the front. Reading past its end gives zeros and sets `overrun`, once and for good: a
 * decoder reads what it expects and looks at `overrun` when it is done, and garbage costs no exception.
 */
export class ByteReader {
  bytes: Uint8Array;
  position: number;
  end: number;
  overrun: boolean;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
    this.overrun = false;
  }

  /** Starts over on other octets, so that one reader serves a connection's whole life. */
  reset(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
    this.overrun = false;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  uint8(): number {
    if (this.position >= this.end) return this.#fail();
    return this.bytes[this.position++]!;
  }

  uint16(): number {
    if (this.end - this.position < 2) return this.#fail();
    const p = this.position;
    this.position = p + 2;
    return (this.bytes[p]! << 8) | this.bytes[p + 1]!;
  }

  uint24(): number {
    if (this.end - this.position < 3) return this.#fail();
    const p = this.position;
    this.position = p + 3;
    return (this.bytes[p]! << 16) | (this.bytes[p + 1]! << 8) | this.bytes[p + 2]!;
  }

  uint32(): number {
    if (this.end - this.position < 4) return this.#fail();
    const b = this.bytes;
    const p = this.position;
    this.position = p + 4;
    return ((b[p]! << 24) | (b[p + 1]! << 16) | (b[p + 2]! << 8) | b[p + 3]!) >>> 0;
  }

  /**
   * A QUIC variable-length integer (RFC 9000 §16). Values from 2^53 on saturate at `Number.MAX_SAFE_INTEGER`: right for
   * limits, and for offsets it fails safely.
   */
  varint(): number {
    const p = this.position;
    if (p >= this.end) return this.#fail();
    const b = this.bytes;
    const first = b[p]!;
    if (first < 0x40) {
      this.position = p + 1;
      return first;
    }
    if (first < 0x80) {
      if (this.end - p < 2) return this.#fail();
      this.position = p + 2;
      return ((first & 0x3f) << 8) | b[p + 1]!;
    }
    if (first < 0xc0) {
      if (this.end - p < 4) return this.#fail();
      this.position = p + 4;
      return (((first & 0x3f) << 24) | (b[p + 1]! << 16) | (b[p + 2]! << 8) | b[p + 3]!) >>> 0;
    }
    if (this.end - p < 8) return this.#fail();
    this.position = p + 8;
    const high = (((first & 0x3f) << 24) | (b[p + 1]! << 16) | (b[p + 2]! << 8) | b[p + 3]!) >>> 0;
    const low = ((b[p + 4]! << 24) | (b[p + 5]! << 16) | (b[p + 6]! << 8) | b[p + 7]!) >>> 0;
    return high >= 0x20_0000 ? Number.MAX_SAFE_INTEGER : high * 0x1_0000_0000 + low;
  }

  /** A view of the next octets; an empty view, and `overrun`, where there are not so many. */
  take(length: number): Uint8Array {
    if (length > this.end - this.position) {
      this.#fail();
      return this.bytes.subarray(this.end, this.end);
    }
    const from = this.position;
    this.position = from + length;
    return this.bytes.subarray(from, from + length);
  }

  skip(length: number): void {
    if (length > this.end - this.position) this.#fail();
    else this.position += length;
  }

  #fail(): number {
    this.overrun = true;
    this.position = this.end;
    return 0;
  }
}
