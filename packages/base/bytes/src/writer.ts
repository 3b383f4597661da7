import { varintSize } from './varint.ts';

/**
 * Writes octets from the front of a stretch it is given. Writing past its end throws RangeError: whoever writes has
 * asked `remaining` before, so this is a mistake of ours. A growable writer takes a larger array instead.
 */
export class ByteWriter {
  bytes: Uint8Array;
  position: number;
  end: number;
  readonly #growable: boolean;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length, growable = false) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
    this.#growable = growable;
  }

  /** A writer that owns its octets and grows them; `written()` gives them. For messages, not for packets. */
  static growable(capacity = 256): ByteWriter {
    return new ByteWriter(new Uint8Array(capacity), 0, capacity, true);
  }

  /** Starts over on other octets. */
  reset(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  uint8(value: number): void {
    if (this.position + 1 > this.end) this.#make(1);
    this.bytes[this.position++] = value;
  }

  uint16(value: number): void {
    if (this.position + 2 > this.end) this.#make(2);
    const p = this.position;
    this.bytes[p] = value >>> 8;
    this.bytes[p + 1] = value;
    this.position = p + 2;
  }

  uint24(value: number): void {
    if (this.position + 3 > this.end) this.#make(3);
    const p = this.position;
    this.bytes[p] = value >>> 16;
    this.bytes[p + 1] = value >>> 8;
    this.bytes[p + 2] = value;
    this.position = p + 3;
  }

  /** The low 32 bits; one above 2^31 may as well come as the signed number of the same bits, which costs V8 no box. */
  uint32(value: number): void {
    if (this.position + 4 > this.end) this.#make(4);
    const p = this.position;
    this.bytes[p] = value >>> 24;
    this.bytes[p + 1] = value >>> 16;
    this.bytes[p + 2] = value >>> 8;
    this.bytes[p + 3] = value;
    this.position = p + 4;
  }

  /** A QUIC variable-length integer in its shortest form (RFC 9000 §16). The value must be below 2^53. */
  varint(value: number): void {
    if (value < 0x40) this.uint8(value);
    else if (value < 0x4000) this.uint16(value | 0x4000);
    else if (value < 0x4000_0000) this.uint32(value | 0x8000_0000);
    else {
      this.uint32(Math.floor(value / 0x1_0000_0000) | 0xc000_0000);
      this.uint32(value | 0);
    }
  }

  /** A variable-length integer in exactly `size` octets (1, 2, 4 or 8), longer than need be where the value is not known yet. */
  varintOfSize(value: number, size: number): void {
    if (size < varintSize(value)) throw new RangeError(`${value} does not fit a variable-length integer of ${size} octets`);
    if (size === 1) this.uint8(value);
    else if (size === 2) this.uint16(value | 0x4000);
    else if (size === 4) this.uint32(value | 0x8000_0000);
    else {
      this.uint32(Math.floor(value / 0x1_0000_0000) | 0xc000_0000);
      this.uint32(value | 0);
    }
  }

  /** Copies the octets in. */
  octets(source: Uint8Array): void {
    if (this.position + source.length > this.end) this.#make(source.length);
    this.bytes.set(source, this.position);
    this.position += source.length;
  }

  zeros(length: number): void {
    if (this.position + length > this.end) this.#make(length);
    this.bytes.fill(0, this.position, this.position + length);
    this.position += length;
  }

  /** Writes a length of `size` octets (1, 2 or 3), then what `body` writes, and sets the length afterwards (TLS vectors). */
  vector(size: 1 | 2 | 3, body: () => void): void {
    const at = this.position;
    this.zeros(size);
    body();
    const length = this.position - at - size;
    if (length >= 1 << (8 * size)) throw new RangeError(`a vector of ${length} octets does not fit a length of ${size}`);
    for (let i = 0; i < size; i++) this.bytes[at + i] = length >>> (8 * (size - 1 - i));
  }

  /** What was written so far, as a view; a copy is the caller's business. */
  written(from = 0): Uint8Array {
    return this.bytes.subarray(from, this.position);
  }

  #make(room: number): void {
    if (!this.#growable) throw new RangeError(`writing ${room} octets at ${this.position} passes the end at ${this.end}`);
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.position + room));
    larger.set(this.bytes.subarray(0, this.position));
    this.bytes = larger;
    this.end = larger.length;
  }
}
