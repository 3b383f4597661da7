import { ByteReader } from '@quiclab/bytes';
import { HUFFMAN_INVALID } from '@quiclab/hpack/huffman';
import { INTEGER_OVERFLOW, readInteger } from '@quiclab/hpack/integer';
import { type Line, markSensitive } from '@quiclab/hpack/sensitive';
import { StringReader } from '@quiclab/hpack/string';
import { QPACK_DECOMPRESSION_FAILED, QPACK_ENCODER_STREAM_ERROR, QpackError } from './errors.ts';
import { STATIC_TABLE } from './static-table.ts';

/** Reads field sections that refer to nothing but the static table: we announce a dynamic table of 0 (RFC 9204 §5). */
export class QpackDecoder {
  readonly #maxFieldSectionSize: number;
  readonly #reader = new ByteReader(new Uint8Array(0));
  readonly #strings = new StringReader();

  /** @param maxFieldSectionSize what SETTINGS_MAX_FIELD_SECTION_SIZE counts: names, values, and 32 for each line */
  constructor(maxFieldSectionSize = Number.MAX_SAFE_INTEGER) {
    this.#maxFieldSectionSize = maxFieldSectionSize;
  }

  /**
   * Decodes one whole field section; the octets are not kept. RFC 9204 §4.5.
   * @returns the lines, one character for each octet; undefined where they pass the size limit
   * @throws QpackError QPACK_DECOMPRESSION_FAILED
   */
  decode(section: Uint8Array): Line[] | undefined {
    const reader = this.#reader;
    reader.reset(section);
    this.#prefix();
    const fields: Line[] = [];
    let size = 0;
    while (reader.remaining > 0) {
      const line = this.#line(reader.uint8());
      size += line[0].length + line[1].length + 32;
      if (size > this.#maxFieldSectionSize) return undefined; // no state hangs on the rest: there is no dynamic table
      fields.push(line);
    }
    return fields;
  }

  /** The next octets of the peer's encoder stream (RFC 9204 §4.3). With no table there is one thing to say: its capacity is 0. */
  receiveEncoderStream(octets: Uint8Array): void {
    for (const octet of octets) {
      if (octet === 0b0010_0000) continue;
      const what = (octet & 0b1110_0000) === 0b0010_0000 ? 'a capacity above' : 'an insertion into';
      throw new QpackError(QPACK_ENCODER_STREAM_ERROR, `${what} a dynamic table of 0`);
    }
  }

  /** RFC 9204 §4.5.1. */
  #prefix(): void {
    const encodedInsertCount = this.#integer(this.#reader.uint8(), 8);
    if (encodedInsertCount !== 0) throw failed(`it needs a dynamic table (Encoded Insert Count ${encodedInsertCount}), which is 0`);
    const first = this.#reader.uint8();
    this.#integer(first, 7);
    if (first >= 0x80) throw failed('its Base is negative');
  }

  #line(first: number): Line {
    if (first >= 0b1000_0000) {
      if ((first & 0b0100_0000) === 0) throw failed('an index into the dynamic table, which is 0');
      return staticLine(this.#integer(first, 6));
    }
    if (first >= 0b0100_0000) {
      if ((first & 0b0001_0000) === 0) throw failed('a name from the dynamic table, which is 0');
      const name = staticLine(this.#integer(first, 4))[0];
      const line: Line = [name, this.#string(this.#reader.uint8(), 7)];
      return (first & 0b0010_0000) === 0 ? line : markSensitive(line);
    }
    if (first >= 0b0010_0000) {
      const name = this.#string(first, 3);
      const line: Line = [name, this.#string(this.#reader.uint8(), 7)];
      return (first & 0b0001_0000) === 0 ? line : markSensitive(line);
    }
    throw failed('a post-base index into the dynamic table, which is 0');
  }

  #integer(first: number, prefix: number): number {
    const value = readInteger(this.#reader, first, prefix);
    if (this.#reader.overrun) throw failed('it ends within an integer');
    if (value === INTEGER_OVERFLOW) throw failed('an integer has more than 62 bits');
    return value;
  }

  #string(first: number, prefix: number): string {
    const length = this.#integer(first, prefix);
    const reader = this.#reader;
    if (length > reader.remaining) throw failed(`a string of ${length} octets, and ${reader.remaining} are left`);
    const start = reader.position;
    reader.skip(length);
    const decoded = this.#strings.measure(reader.bytes, start, start + length, (first & (1 << prefix)) !== 0);
    if (decoded === HUFFMAN_INVALID) throw failed('a string is not in Huffman code');
    return this.#strings.text();
  }
}

function staticLine(index: number): Line {
  const line = STATIC_TABLE[index];
  if (line === undefined) throw failed(`index ${index}, and the static table has ${STATIC_TABLE.length} lines`);
  return line;
}

const failed = (why: string): QpackError => new QpackError(QPACK_DECOMPRESSION_FAILED, `a field section cannot be decoded: ${why}`);
