import { ByteReader } from '@quiclab/bytes';
import { DEFAULT_TABLE_SIZE, DynamicTable, ENTRY_OVERHEAD } from './dynamic-table.ts';
import { HpackError } from './errors.ts';
import { HUFFMAN_INVALID } from './huffman.ts';
import { INTEGER_OVERFLOW, readInteger } from './integer.ts';
import { type Line, markSensitive } from './sensitive.ts';
import { STATIC_TABLE } from './static-table.ts';
import { StringReader } from './string.ts';

/**
 * Reads field blocks. RFC 7541 §3, §6. What it keeps is bounded by the table size, what it makes of a block by the limit: octets beyond it
 * are counted, not kept, and of a block that passes it only what the table needs is looked at.
 */
export class HpackDecoder {
  readonly #maxFieldSectionSize: number;
  readonly #reader = new ByteReader(new Uint8Array(0));
  readonly #strings = new StringReader();
  readonly #table: DynamicTable;
  #maxTableSize: number;
  #lowestMaxTableSize: number; // since the last block: the next one has to say that it keeps to this, if the table is larger
  #fields: Line[] = [];
  #size = 0;

  /**
   * @param maxFieldSectionSize  names, values and 32 for each line, as SETTINGS_MAX_HEADER_LIST_SIZE counts
   * @param tableSize            octets of the dynamic table that both ends begin with
   */
  constructor(maxFieldSectionSize = Number.MAX_SAFE_INTEGER, tableSize = DEFAULT_TABLE_SIZE) {
    this.#maxFieldSectionSize = maxFieldSectionSize;
    this.#table = new DynamicTable(tableSize);
    this.#maxTableSize = tableSize;
    this.#lowestMaxTableSize = tableSize;
  }

  /** Octets that the table holds now. */
  get tableSize(): number {
    return this.#table.size;
  }

  /**
   * The peer's encoder knows that it may use so much from its next block on: SETTINGS_HEADER_TABLE_SIZE is acknowledged. If its table
   * is larger, the block has to begin with an update that makes it so small. RFC 7541 §4.2, RFC 9113 §4.3.1.
   */
  setMaxTableSize(octets: number): void {
    this.#maxTableSize = octets;
    this.#lowestMaxTableSize = Math.min(this.#lowestMaxTableSize, octets);
  }

  /**
   * Decodes one whole field block; the octets are not kept. RFC 7541 §3.1.
   * @returns the lines, one character for each octet; undefined where they pass the limit. The table is up to date in either case
   * @throws HpackError  the connection cannot go on
   */
  decode(block: Uint8Array): Line[] | undefined {
    const reader = this.#reader;
    reader.reset(block);
    this.#fields = [];
    this.#size = 0;
    this.#updates();
    while (reader.remaining > 0) this.#line(reader.uint8());
    const fields = this.#fields;
    this.#fields = [];
    reader.reset(NOTHING); // lets go of the block
    return this.#size > this.#maxFieldSectionSize ? undefined : fields;
  }

  /** Dynamic table size updates stand at the beginning of a block, and nowhere else. RFC 7541 §4.2, §6.3. */
  #updates(): void {
    const reader = this.#reader;
    const table = this.#table;
    let owed = table.capacity > this.#lowestMaxTableSize;
    while (reader.remaining > 0 && (reader.bytes[reader.position]! & 0b1110_0000) === 0b0010_0000) {
      const size = this.#integer(reader.uint8(), 5);
      if (size > this.#maxTableSize) throw failed(`a table of ${size} octets, and it may have ${this.#maxTableSize}`);
      table.capacity = size;
      table.evictDown(size);
      if (size <= this.#lowestMaxTableSize) owed = false;
    }
    if (owed) throw failed(`the table of ${table.capacity} octets had to come down to ${this.#lowestMaxTableSize} first, and did not`);
    this.#lowestMaxTableSize = this.#maxTableSize;
  }

  #line(first: number): void {
    if (first >= 0b1000_0000) {
      this.#add(this.#entry(this.#integer(first, 7))); // RFC 7541 §6.1
      return;
    }
    const indexing = first >= 0b0100_0000; // §6.2.1
    if (!indexing && first >= 0b0010_0000) throw failed('a table size update after a field line');
    const index = this.#integer(first, indexing ? 6 : 4);
    let name = '';
    let nameLength: number;
    if (index > 0) {
      name = this.#entry(index)[0];
      nameLength = name.length;
    } else {
      nameLength = this.#string();
      if (this.#wanted(nameLength, indexing)) name = this.#strings.text();
    }
    const valueLength = this.#string();
    const length = nameLength + valueLength;
    if (!this.#wanted(length, indexing)) {
      this.#size += length + ENTRY_OVERHEAD;
      if (indexing) this.#table.evictDown(0); // too large for the table: which is empty now (§4.4)
      return;
    }
    const line: Line = [name, this.#strings.text()];
    this.#add(line);
    if (indexing) this.#table.insert(line);
    else if (first >= 0b0001_0000) markSensitive(line); // §6.2.3
  }

  /** Whether a line with so many octets of name and value is to be kept: as part of the section, or of the table. */
  #wanted(length: number, indexing: boolean): boolean {
    const size = length + ENTRY_OVERHEAD;
    return this.#size + size <= this.#maxFieldSectionSize || (indexing && size <= this.#table.capacity);
  }

  #add(line: Line): void {
    this.#size += line[0].length + line[1].length + ENTRY_OVERHEAD;
    if (this.#size <= this.#maxFieldSectionSize) this.#fields.push(line);
    else this.#fields = []; // refused: what was decoded so far is of no use
  }

  /** RFC 7541 §2.3.3. */
  #entry(index: number): Line {
    if (index === 0) throw failed('index 0'); // RFC 7541 §6.1
    if (index <= STATIC_TABLE.length) return STATIC_TABLE[index - 1]!;
    const table = this.#table;
    const back = index - STATIC_TABLE.length; // 1 is the newest
    if (back > table.count) throw failed(`index ${index}, and the tables have ${STATIC_TABLE.length} and ${table.count} lines`);
    return table.numbered(table.inserted - back);
  }

  #integer(first: number, prefix: number): number {
    const value = readInteger(this.#reader, first, prefix);
    if (this.#reader.overrun) throw failed('it ends within an integer');
    if (value === INTEGER_OVERFLOW) throw failed('an integer has more than 62 bits');
    return value;
  }

  /** Passes over a string literal and returns how long it is decoded; its text is asked of `#strings`, before the next one is read. */
  #string(): number {
    const reader = this.#reader;
    const first = reader.uint8();
    const length = this.#integer(first, 7);
    if (length > reader.remaining) throw failed(`a string of ${length} octets, and ${reader.remaining} are left`);
    const start = reader.position;
    reader.skip(length);
    const decoded = this.#strings.measure(reader.bytes, start, start + length, first >= 0b1000_0000);
    if (decoded === HUFFMAN_INVALID) throw failed('a string is not in Huffman code');
    return decoded;
  }
}

const NOTHING = new Uint8Array(0);

const failed = (why: string): HpackError => new HpackError(`a field block cannot be decoded: ${why}`);
