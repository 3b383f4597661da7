import type { ByteWriter } from '@quiclab/bytes';
import { DEFAULT_TABLE_SIZE, DynamicTable, ENTRY_OVERHEAD } from './dynamic-table.ts';
import { writeInteger } from './integer.ts';
import { isSensitive, type Line } from './sensitive.ts';
import { STATIC_NAMES, STATIC_TABLE } from './static-table.ts';
import { type HuffmanUse, writeString } from './string.ts';

/**
 * What becomes of a line that no table has: it goes into the dynamic table, it does not, or no hop may ever put it there.
 * RFC 7541 §6.2, §7.1.
 */
export type Indexing = 'index' | 'plain' | 'never';

/** Values that are another one in most messages would only push out what comes again. */
const PASSING: ReadonlySet<string> = new Set([
  ':path',
  'age',
  'content-length',
  'content-range',
  'date',
  'etag',
  'if-modified-since',
  'if-none-match',
  'last-modified',
  'location',
]);

/** What can be guessed at octet by octet, if it shares a table with what an attacker sends. RFC 7541 §7.1. */
const SECRET: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization']);

/** A cookie has to be long for guessing it to be hopeless, RFC 7541 §7.1.3; the RFC gives no number. */
const GUESSABLE = 20;

/** The usual choice. Cookies are indexed, as long ones come with every request and cannot be guessed. */
export function usualIndexing(name: string, value: string): Indexing {
  if (SECRET.has(name)) return 'never';
  if ((name === 'cookie' || name === 'set-cookie') && value.length < GUESSABLE) return 'never';
  return PASSING.has(name) ? 'plain' : 'index';
}

export interface HpackEncoderOptions {
  /** Octets of the dynamic table that both ends begin with. Default 4,096, as in HTTP/2. */
  readonly tableSize?: number;
  /** Octets that our table never passes, however many the peer allows. Default 4,096. */
  readonly maxTableSize?: number;
  readonly indexing?: (name: string, value: string) => Indexing;
  readonly huffman?: HuffmanUse;
}

/** The newest entry of a name, and of each value with it. */
interface Known {
  newest: number;
  readonly values: Map<string, number>;
}

/** Writes field blocks. RFC 7541 §6. They must reach the peer in the order in which they were written, and all of them. */
export class HpackEncoder {
  readonly #ownMaximum: number;
  readonly #indexing: (name: string, value: string) => Indexing;
  readonly #huffman: HuffmanUse;
  readonly #table: DynamicTable;
  readonly #known = new Map<string, Known>();
  #lowest: number; // table size to be said first, where it was lower in between
  #target: number;

  constructor(options: HpackEncoderOptions = {}) {
    const size = options.tableSize ?? DEFAULT_TABLE_SIZE;
    this.#ownMaximum = options.maxTableSize ?? DEFAULT_TABLE_SIZE;
    this.#indexing = options.indexing ?? usualIndexing;
    this.#huffman = options.huffman ?? 'shorter';
    this.#table = new DynamicTable(size);
    this.#target = Math.min(size, this.#ownMaximum);
    this.#lowest = this.#target;
  }

  /** Octets that the table holds now. */
  get tableSize(): number {
    return this.#table.size;
  }

  /** The peer's decoder allows so much; said by the next block. RFC 7541 §4.2. */
  setMaxTableSize(octets: number): void {
    this.#target = Math.min(octets, this.#ownMaximum);
    this.#lowest = Math.min(this.#lowest, this.#target);
  }

  /** Writes one field block. Names and values are one character for each octet; others throw RangeError. */
  encode(writer: ByteWriter, fields: readonly Line[]): void {
    this.#resize(writer);
    for (const line of fields) this.#line(writer, line);
  }

  /** RFC 7541 §4.2: the smallest size since the last block, then the one that holds. */
  #resize(writer: ByteWriter): void {
    const table = this.#table;
    if (this.#lowest < table.capacity) this.#update(writer, this.#lowest);
    if (this.#target !== table.capacity) this.#update(writer, this.#target);
    this.#lowest = this.#target;
  }

  #update(writer: ByteWriter, size: number): void {
    this.#table.capacity = size;
    this.#table.evictDown(size, this.#onEvicted);
    writeInteger(writer, 0b0010_0000, 5, size); // §6.3
  }

  #line(writer: ByteWriter, line: Line): void {
    const [name, value] = line;
    const indexing = isSensitive(line) ? 'never' : this.#indexing(name, value);
    const fixed = STATIC_NAMES.get(name);
    const known = this.#known.get(name);
    if (indexing !== 'never') {
      const index = fixed?.lines.get(value) ?? this.#dynamicIndex(known?.values.get(value));
      if (index !== undefined) {
        writeInteger(writer, 0b1000_0000, 7, index); // §6.1
        return;
      }
    }
    const size = name.length + value.length + ENTRY_OVERHEAD;
    const insert = indexing === 'index' && size * 4 <= this.#table.capacity * 3; // what would push out nearly all stays outside
    const [flags, prefix] = insert ? WITH_INDEXING : indexing === 'never' ? NEVER_INDEXED : WITHOUT_INDEXING;
    const nameIndex = fixed?.name ?? this.#dynamicIndex(known?.newest) ?? 0;
    writeInteger(writer, flags, prefix, nameIndex);
    if (nameIndex === 0) writeString(writer, 0, 7, name, this.#huffman);
    writeString(writer, 0, 7, value, this.#huffman);
    if (insert) this.#insert(line);
  }

  #dynamicIndex(number: number | undefined): number | undefined {
    return number === undefined ? undefined : STATIC_TABLE.length + this.#table.inserted - number;
  }

  #insert(line: Line): void {
    const [name, value] = line;
    const number = this.#table.inserted;
    if (!this.#table.insert(line, this.#onEvicted)) return;
    const known = this.#known.get(name); // asked anew: it may have been evicted just now
    if (known === undefined) this.#known.set(name, { newest: number, values: new Map([[value, number]]) });
    else {
      known.newest = number;
      known.values.set(value, number);
    }
  }

  readonly #onEvicted = (line: Line, number: number): void => {
    const known = this.#known.get(line[0])!;
    if (known.newest === number) this.#known.delete(line[0]);
    else if (known.values.get(line[1]) === number) known.values.delete(line[1]);
  };
}

// RFC 7541 §6.2.1, §6.2.2, §6.2.3
const WITH_INDEXING = [0b0100_0000, 6] as const;
const WITHOUT_INDEXING = [0, 4] as const;
const NEVER_INDEXED = [0b0001_0000, 4] as const;
