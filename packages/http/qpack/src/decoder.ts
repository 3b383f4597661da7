import { ByteReader, ByteWriter } from '@quiclab/bytes';
import { DynamicTable, ENTRY_OVERHEAD } from '@quiclab/hpack/dynamic-table';
import { HUFFMAN_INVALID } from '@quiclab/hpack/huffman';
import { INTEGER_OVERFLOW, readInteger, writeInteger } from '@quiclab/hpack/integer';
import { type Line, markSensitive } from '@quiclab/hpack/sensitive';
import { StringReader } from '@quiclab/hpack/string';
import { QPACK_DECOMPRESSION_FAILED, QPACK_ENCODER_STREAM_ERROR, QpackError } from './errors.ts';
import { InstructionReader } from './instructions.ts';
import { STATIC_TABLE } from './static-table.ts';

const NOTHING = new Uint8Array(0);

/** What `decode` answers for a section that refers to lines which are not inserted yet. RFC 9204 §2.1.2. */
export const BLOCKED = 'blocked';

/** Reads field sections, and the table that they refer to. RFC 9204 §2.2. How many may wait is the caller's to limit: it keeps them. */
export class QpackDecoder {
  readonly #maxFieldSectionSize: number;
  readonly #maxTableCapacity: number;
  readonly #maxEntries: number;
  readonly #table = new DynamicTable(0);
  readonly #reader = new ByteReader(NOTHING);
  readonly #strings = new StringReader();
  readonly #instructions = new InstructionReader(QPACK_ENCODER_STREAM_ERROR);
  readonly #answers = ByteWriter.growable(64);
  #told = 0; // insertions that the peer was told of
  #required = 0; // of the section under way: Required Insert Count, and Base
  #base = 0;

  /**
   * @param maxFieldSectionSize  what SETTINGS_MAX_FIELD_SECTION_SIZE counts: names, values, and 32 for each line
   * @param maxTableCapacity     SETTINGS_QPACK_MAX_TABLE_CAPACITY: octets that the peer's lines may take here, counted so
   */
  constructor(maxFieldSectionSize = Number.MAX_SAFE_INTEGER, maxTableCapacity = 0) {
    this.#maxFieldSectionSize = maxFieldSectionSize;
    this.#maxTableCapacity = maxTableCapacity;
    this.#maxEntries = Math.floor(this.#maxTableCapacity / ENTRY_OVERHEAD);
  }

  /** Octets that the table holds now. */
  get tableSize(): number {
    return this.#table.size;
  }

  /**
   * Decodes one whole field section; the octets are not kept. RFC 9204 §4.5.
   * @param stream  the one that it came on, for the acknowledgment
   * @returns the lines, one character for each octet; undefined where they pass the size limit; BLOCKED: to be asked again after `receiveEncoderStream`
   * @throws QpackError QPACK_DECOMPRESSION_FAILED
   */
  decode(section: Uint8Array, stream = 0): Line[] | undefined | typeof BLOCKED {
    const reader = this.#reader;
    reader.reset(section);
    this.#prefix();
    if (this.#required > this.#table.inserted) {
      reader.reset(NOTHING);
      return BLOCKED;
    }
    const fields = this.#lines();
    reader.reset(NOTHING); // lets go of the section
    if (this.#required > 0) writeInteger(this.#answers, 0b1000_0000, 7, stream); // Section Acknowledgment, §4.4.1
    return fields;
  }

  #lines(): Line[] | undefined {
    const reader = this.#reader;
    const fields: Line[] = [];
    let size = 0;
    while (reader.remaining > 0) {
      const line = this.#line(reader.uint8());
      size += line[0].length + line[1].length + ENTRY_OVERHEAD;
      if (size > this.#maxFieldSectionSize) return undefined; // no state hangs on the rest: sections do not change the table
      fields.push(line);
    }
    return fields;
  }

  /** Nothing more of this stream will be decoded, though more of it may come, or have come. RFC 9204 §2.2.2.2. */
  abandon(stream: number): void {
    if (this.#maxTableCapacity > 0) writeInteger(this.#answers, 0b0100_0000, 6, stream); // Stream Cancellation, §4.4.2
  }

  /** What there is to say on our decoder stream since the last call, the caller's to keep; undefined: nothing. RFC 9204 §4.4. */
  takeAnswers(): Uint8Array | undefined {
    const answers = this.#answers;
    if (answers.position === 0) return undefined;
    const taken = answers.written().slice();
    answers.position = 0;
    return taken;
  }

  /** The next octets of the peer's encoder stream. RFC 9204 §4.3. Returns whether lines came into the table. */
  receiveEncoderStream(octets: Uint8Array): boolean {
    const instructions = this.#instructions;
    instructions.feed(octets);
    for (let first = instructions.next(); first >= 0; first = instructions.next())
      if (!this.#instruction(first)) {
        instructions.keep();
        break;
      }
    const more = this.#table.inserted - this.#told;
    if (more > 0) writeInteger(this.#answers, 0, 6, more); // Insert Count Increment, §4.4.3
    this.#told = this.#table.inserted;
    return more > 0;
  }

  /** False: it is not whole yet, and nothing was done. */
  #instruction(first: number): boolean {
    if (first >= 0b0100_0000) {
      if (this.#table.capacity < ENTRY_OVERHEAD) throw inserting(`an insertion into a table of ${this.#table.capacity} octets`);
      return first >= 0b1000_0000 ? this.#withNameOf(first) : this.#withName(first); // §4.3.2, §4.3.3
    }
    const value = this.#instructions.integer(first, 5);
    if (value < 0) return false;
    if (first >= 0b0010_0000)
      this.#setCapacity(value); // §4.3.1
    else this.#insert(this.#relative(value)); // §4.3.4
    return true;
  }

  #withNameOf(first: number): boolean {
    const instructions = this.#instructions;
    const index = instructions.integer(first, 6);
    if (index < 0) return false;
    const named = (first & 0b0100_0000) === 0 ? this.#relative(index) : STATIC_TABLE[index];
    if (named === undefined) throw inserting(`static index ${index}, and the table has ${STATIC_TABLE.length} lines`);
    const at = instructions.position;
    if (!instructions.pass(-1, 7, this.#table.capacity)) return false;
    this.#insert([named[0], instructions.text(at, -1, 7)]);
    return true;
  }

  #withName(first: number): boolean {
    const instructions = this.#instructions;
    const name = instructions.position;
    if (!instructions.pass(first, 5, this.#table.capacity)) return false;
    const value = instructions.position;
    if (!instructions.pass(-1, 7, this.#table.capacity)) return false;
    this.#insert([instructions.text(name, first, 5), instructions.text(value, -1, 7)]);
    return true;
  }

  #setCapacity(capacity: number): void {
    if (capacity > this.#maxTableCapacity) throw inserting(`a capacity of ${capacity}, and it may be ${this.#maxTableCapacity}`);
    this.#table.capacity = capacity;
    this.#table.evictDown(capacity);
  }

  /** A line of the table by its index on the encoder stream: 0 is the newest. RFC 9204 §3.2.5. */
  #relative(index: number): Line {
    const { count, inserted } = this.#table;
    if (index >= count) throw inserting(`index ${index}, and the table has ${count} lines`);
    return this.#table.numbered(inserted - 1 - index);
  }

  /** RFC 9204 §3.2.2. */
  #insert(line: Line): void {
    const size = line[0].length + line[1].length + ENTRY_OVERHEAD;
    if (size > this.#table.capacity) throw inserting(`a line of ${size} octets into a table of ${this.#table.capacity}`);
    this.#table.insert(line);
  }

  /** RFC 9204 §4.5.1. */
  #prefix(): void {
    this.#required = this.#insertCount(this.#integer(this.#reader.uint8(), 8));
    const first = this.#reader.uint8();
    const delta = this.#integer(first, 7);
    this.#base = first < 0x80 ? this.#required + delta : this.#required - delta - 1;
    if (this.#base < 0) throw failed('its Base is negative');
  }

  /** RFC 9204 §4.5.1.1. */
  #insertCount(encoded: number): number {
    if (encoded === 0) return 0;
    const range = 2 * this.#maxEntries;
    if (encoded > range) throw failed(`an Encoded Insert Count of ${encoded}, with a table of ${this.#maxTableCapacity} octets`);
    const most = this.#table.inserted + this.#maxEntries;
    const wrapped = Math.floor(most / range) * range;
    let count = wrapped + encoded - 1;
    if (count > most) {
      if (count <= range) throw failed('an Encoded Insert Count that stands for none');
      count -= range;
    }
    if (count === 0) throw failed('an Encoded Insert Count that stands for 0');
    return count;
  }

  #line(first: number): Line {
    if (first >= 0b1000_0000) {
      const index = this.#integer(first, 6);
      return (first & 0b0100_0000) === 0 ? this.#entry(this.#base - 1 - index) : staticLine(index); // §4.5.2
    }
    if (first >= 0b0100_0000) {
      const index = this.#integer(first, 4);
      const named = (first & 0b0001_0000) === 0 ? this.#entry(this.#base - 1 - index) : staticLine(index); // §4.5.4
      return this.#literal(named[0], (first & 0b0010_0000) !== 0);
    }
    if (first >= 0b0010_0000) return this.#literal(this.#string(first, 3), (first & 0b0001_0000) !== 0); // §4.5.6
    if (first >= 0b0001_0000) return this.#entry(this.#base + this.#integer(first, 4)); // §4.5.3
    return this.#literal(this.#entry(this.#base + this.#integer(first, 3))[0], (first & 0b0000_1000) !== 0); // §4.5.5
  }

  #literal(name: string, never: boolean): Line {
    const line: Line = [name, this.#string(this.#reader.uint8(), 7)];
    return never ? markSensitive(line) : line;
  }

  /** A line of the dynamic table; it must be below what the section says that it needs. RFC 9204 §2.2.3. */
  #entry(number: number): Line {
    const { inserted, count } = this.#table;
    if (number >= this.#required) throw failed(`line ${number} of the dynamic table, and it needs ${this.#required}`);
    if (number < inserted - count) throw failed(`line ${number} of the dynamic table, which is not there any more`);
    return this.#table.numbered(number);
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
const inserting = (why: string): QpackError => new QpackError(QPACK_ENCODER_STREAM_ERROR, `an instruction for the dynamic table: ${why}`);
