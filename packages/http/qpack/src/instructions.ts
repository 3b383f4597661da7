import { ByteReader, ByteWriter } from '@quiclab/bytes';
import { HUFFMAN_INVALID } from '@quiclab/hpack/huffman';
import { INTEGER_OVERFLOW, readInteger } from '@quiclab/hpack/integer';
import { StringReader } from '@quiclab/hpack/string';
import { QpackError } from './errors.ts';

const NOTHING = new Uint8Array(0);

/**
 * Reads the instructions of a peer's encoder or decoder stream, however they are cut into pieces. Only the beginning of the instruction
 * that is not whole is kept. RFC 9204 §4.3, §4.4.
 */
export class InstructionReader {
  readonly #code: number;
  readonly #reader = new ByteReader(NOTHING);
  readonly #strings = new StringReader();
  #kept: Uint8Array = NOTHING;
  #start = 0; // of the instruction under way

  /** @param code  what is thrown where an instruction is none */
  constructor(code: number) {
    this.#code = code;
  }

  /** The next octets of the stream. Call `next` until it answers -1. */
  feed(octets: Uint8Array): void {
    if (this.#kept.length === 0) this.#reader.reset(octets);
    else {
      const writer = ByteWriter.growable(this.#kept.length + octets.length);
      writer.octets(this.#kept);
      writer.octets(octets);
      this.#reader.reset(writer.written());
      this.#kept = NOTHING;
    }
    this.#start = 0;
  }

  /** The first octet of the next instruction; -1: there is none. */
  next(): number {
    const reader = this.#reader;
    this.#start = reader.position;
    return reader.remaining === 0 ? -1 : reader.uint8();
  }

  /** The rest of it is not here yet: keeps what is. */
  keep(): void {
    this.#kept = this.#reader.bytes.slice(this.#start);
    this.#reader.reset(NOTHING);
  }

  /** An integer whose first octet was read; -1: it is not whole yet. */
  integer(first: number, prefix: number): number {
    const value = readInteger(this.#reader, first, prefix);
    if (this.#reader.overrun) return -1;
    if (value === INTEGER_OVERFLOW) throw new QpackError(this.#code, 'an integer in an instruction has more than 62 bits');
    return value;
  }

  /**
   * Passes over a string literal. False: it is not whole yet.
   * @param first  its first octet; -1: that is the next one
   * @param most   octets that it may have, decoded
   */
  pass(first: number, prefix: number, most: number): boolean {
    const reader = this.#reader;
    const octet = first < 0 ? reader.uint8() : first;
    if (reader.overrun) return false;
    const length = this.integer(octet, prefix);
    if (length < 0) return false;
    // no octet takes more than 30 bits in Huffman code: what is longer stands for more (RFC 7541 Appendix B)
    if (length > 4 * most) throw new QpackError(this.#code, `a string of ${length} octets for a table of ${most}`);
    if (length > reader.remaining) return false;
    reader.skip(length);
    return true;
  }

  /** Where the reader is: `text` goes back to it. */
  get position(): number {
    return this.#reader.position;
  }

  /** The string literal that begins at the position, whole: one character for each octet. @param first  as in `pass` */
  text(position: number, first: number, prefix: number): string {
    const reader = this.#reader;
    const { bytes } = reader;
    const end = reader.position;
    reader.position = position;
    const octet = first < 0 ? reader.uint8() : first;
    const length = readInteger(reader, octet, prefix);
    const start = reader.position;
    const measured = this.#strings.measure(bytes, start, start + length, (octet & (1 << prefix)) !== 0);
    reader.position = end;
    if (measured === HUFFMAN_INVALID) throw new QpackError(this.#code, 'a string in an instruction is not in Huffman code');
    return this.#strings.text();
  }
}
