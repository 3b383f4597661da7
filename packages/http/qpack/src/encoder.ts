import { ByteWriter } from '@quiclab/bytes';
import { type Indexing, usualIndexing } from '@quiclab/hpack';
import { DynamicTable, ENTRY_OVERHEAD } from '@quiclab/hpack/dynamic-table';
import { writeInteger } from '@quiclab/hpack/integer';
import { isSensitive, type Line } from '@quiclab/hpack/sensitive';
import { writeString } from '@quiclab/hpack/string';
import { QPACK_DECODER_STREAM_ERROR, QpackError } from './errors.ts';
import { InstructionReader } from './instructions.ts';
import { STATIC_NAMES } from './static-table.ts';

export interface QpackEncoderOptions {
  /** Octets that our table never passes, however many the peer allows. Default 0: there is none. */
  readonly maxTableCapacity?: number;
  /** Sections with references that the peer has not acknowledged: beyond that sections have none. Default 1,000. */
  readonly maxOutstanding?: number;
  readonly indexing?: (name: string, value: string) => Indexing;
}

/** A section that the peer has not acknowledged: what it needs, and the oldest line that it refers to. */
interface Outstanding {
  readonly required: number;
  readonly oldest: number;
}

/** The newest line of a name, and of each value with it. */
interface Known {
  newest: number;
  readonly values: Map<string, number>;
}

/** What a line of a section becomes: a reference to the static table, to the dynamic one, or a literal. */
const STATIC = 0;
const DYNAMIC = 1;
const LITERAL = 2;
const NEVER_INDEXED = 3;

/**
 * Writes field sections, and inserts into the peer's table what will come again. RFC 9204 §2.1. A section refers to lines that the peer may
 * not have yet only where as many streams as it allows may wait for them.
 */
export class QpackEncoder {
  readonly #ownMaximum: number;
  readonly #maxOutstanding: number;
  readonly #indexing: (name: string, value: string) => Indexing;
  readonly #table = new DynamicTable(0);
  readonly #known = new Map<string, Known>();
  readonly #inserting = ByteWriter.growable(256); // instructions that were not taken yet
  readonly #answers = new InstructionReader(QPACK_DECODER_STREAM_ERROR);
  readonly #outstanding = new Map<number, Outstanding[]>(); // by stream, the oldest first
  #sections = 0; // outstanding
  #maxEntries = 0;
  #capacity = 0; // to be set before the first insertion
  #maxBlocked = 0; // streams that may wait
  #received = 0; // Known Received Count
  #plan: number[] = []; // of the section under way: a kind and a number for each line

  constructor(options: QpackEncoderOptions = {}) {
    this.#ownMaximum = options.maxTableCapacity ?? 0;
    this.#maxOutstanding = options.maxOutstanding ?? 1_000;
    this.#indexing = options.indexing ?? usualIndexing;
  }

  /** The peer's settings are there: SETTINGS_QPACK_MAX_TABLE_CAPACITY, SETTINGS_QPACK_BLOCKED_STREAMS. RFC 9204 §5. */
  allow(maxTableCapacity: number, blockedStreams: number): void {
    this.#maxEntries = Math.floor(maxTableCapacity / ENTRY_OVERHEAD);
    this.#capacity = Math.min(maxTableCapacity, this.#ownMaximum);
    this.#maxBlocked = blockedStreams;
  }

  /**
   * Writes one encoded field section. Names and values are one character for each octet; others throw RangeError.
   * @param stream  that it will go on, all of it and in order. What `takeInstructions` gives then goes before it
   * @param insert  whether instructions can leave
   */
  encode(writer: ByteWriter, fields: readonly Line[], stream = 0, insert = false): void {
    const { required, oldest } = this.#choose(fields, stream, insert);
    const base = this.#table.inserted; // nothing is inserted after what is referred to
    writeInteger(writer, 0, 8, required === 0 ? 0 : (required % (2 * this.#maxEntries)) + 1); // §4.5.1.1
    writeInteger(writer, 0, 7, required === 0 ? 0 : base - required);
    for (let i = 0; i < fields.length; i++) this.#write(writer, fields[i]!, this.#plan[2 * i]!, this.#plan[2 * i + 1]!, base);
    if (required === 0) return;
    const before = this.#outstanding.get(stream);
    if (before === undefined) this.#outstanding.set(stream, [{ required, oldest }]);
    else before.push({ required, oldest });
    this.#sections++;
  }

  /** What there is to say on our encoder stream since the last call, the caller's to keep; undefined: nothing. RFC 9204 §4.3. */
  takeInstructions(): Uint8Array | undefined {
    const inserting = this.#inserting;
    if (inserting.position === 0) return undefined;
    const taken = inserting.written().slice();
    inserting.position = 0;
    return taken;
  }

  /** The next octets of the peer's decoder stream. RFC 9204 §4.4. */
  receiveDecoderStream(octets: Uint8Array): void {
    const answers = this.#answers;
    answers.feed(octets);
    for (let first = answers.next(); first >= 0; first = answers.next()) {
      const value = answers.integer(first, first >= 0b1000_0000 ? 7 : 6);
      if (value < 0) {
        answers.keep();
        return;
      }
      if (first >= 0b1000_0000) this.#acknowledged(value);
      else if (first >= 0b0100_0000) this.#cancelled(value);
      else this.#increment(value);
    }
  }

  // --- what becomes of each line ----------------------------------------------------------------------------------------

  #choose(fields: readonly Line[], stream: number, insert: boolean): Outstanding {
    this.#plan = [];
    let required = 0;
    let oldest = Number.POSITIVE_INFINITY;
    const useTable = this.#capacity > 0 && this.#sections < this.#maxOutstanding;
    let mayWait = -1; // not asked yet; it costs a look at all that is outstanding
    for (const line of fields) {
      const [name, value] = line;
      const indexing = isSensitive(line) ? 'never' : this.#indexing(name, value);
      const fixed = STATIC_NAMES.get(name);
      if (indexing === 'never') {
        this.#plan.push(NEVER_INDEXED, fixed?.name ?? -1);
        continue;
      }
      const whole = fixed?.lines.get(value);
      if (whole !== undefined) {
        this.#plan.push(STATIC, whole);
        continue;
      }
      let number = useTable ? this.#known.get(name)?.values.get(value) : undefined;
      if (number === undefined && useTable && insert && indexing === 'index') number = this.#insert(line, fixed?.name, oldest);
      if (number !== undefined && number >= this.#received) {
        if (mayWait < 0) mayWait = this.#mayWait(stream) ? 1 : 0;
        if (mayWait === 0) number = undefined;
      }
      if (number === undefined) {
        this.#plan.push(LITERAL, fixed?.name ?? -1);
        continue;
      }
      this.#plan.push(DYNAMIC, number);
      required = Math.max(required, number + 1);
      oldest = Math.min(oldest, number);
    }
    return { required, oldest };
  }

  /** Whether the peer lets this stream wait for insertions: it may already, or fewer may than it allows. RFC 9204 §2.1.2. */
  #mayWait(stream: number): boolean {
    let waiting = 0;
    for (const [id, sections] of this.#outstanding)
      if (sections.some(({ required }) => required > this.#received)) {
        if (id === stream) return true;
        waiting++;
      }
    return waiting < this.#maxBlocked;
  }

  #write(writer: ByteWriter, [name, value]: Line, kind: number, index: number, base: number): void {
    if (kind === STATIC)
      writeInteger(writer, 0b1100_0000, 6, index); // §4.5.2
    else if (kind === DYNAMIC) writeInteger(writer, 0b1000_0000, 6, base - 1 - index);
    else {
      if (index >= 0)
        writeInteger(writer, kind === NEVER_INDEXED ? 0b0111_0000 : 0b0101_0000, 4, index); // §4.5.4
      else writeString(writer, kind === NEVER_INDEXED ? 0b0011_0000 : 0b0010_0000, 3, name); // §4.5.6
      writeString(writer, 0, 7, value);
    }
  }

  // --- the table --------------------------------------------------------------------------------------------------------

  /** Inserts a line, if it is worth it and there is or can be made room. Its number; undefined: it is not in. @param oldest  of the section under way */
  #insert(line: Line, staticName: number | undefined, oldest: number): number | undefined {
    const [name, value] = line;
    const table = this.#table;
    const size = name.length + value.length + ENTRY_OVERHEAD;
    if (size * 4 > this.#capacity * 3) return undefined; // what would push out nearly all stays outside
    const writer = this.#inserting;
    const before = { position: writer.position, capacity: table.capacity };
    if (table.capacity !== this.#capacity) {
      writeInteger(writer, 0b0010_0000, 5, this.#capacity); // §4.3.1
      table.capacity = this.#capacity;
    }
    if (!this.#hasRoom(size, oldest)) return undefined;
    const named = this.#known.get(name)?.newest;
    try {
      if (staticName !== undefined) writeInteger(writer, 0b1100_0000, 6, staticName);
      else if (named !== undefined) writeInteger(writer, 0b1000_0000, 6, table.inserted - 1 - named);
      else writeString(writer, 0b0100_0000, 5, name);
      writeString(writer, 0, 7, value);
    } catch (error) {
      writer.position = before.position; // a character is no octet: what was not said was not done
      table.capacity = before.capacity;
      throw error;
    }
    const number = table.inserted;
    table.insert(line, this.#onEvicted);
    const known = this.#known.get(name); // asked anew: it may have been evicted just now
    if (known === undefined) this.#known.set(name, { newest: number, values: new Map([[value, number]]) });
    else {
      known.newest = number;
      known.values.set(value, number);
    }
    return number;
  }

  /** Whether a line fits once those have gone that may: they are known to be there, and no section that may still be read refers to them. RFC 9204 §2.1.1. */
  #hasRoom(size: number, oldest: number): boolean {
    const table = this.#table;
    let room = table.capacity - table.size;
    if (room >= size) return true;
    let limit = Math.min(this.#received, oldest);
    for (const sections of this.#outstanding.values()) for (const section of sections) limit = Math.min(limit, section.oldest);
    for (let number = table.inserted - table.count; room < size; number++) {
      if (number >= limit) return false;
      const [name, value] = table.numbered(number);
      room += name.length + value.length + ENTRY_OVERHEAD;
    }
    return true;
  }

  readonly #onEvicted = (line: Line, number: number): void => {
    const known = this.#known.get(line[0])!;
    if (known.newest === number) this.#known.delete(line[0]);
    else if (known.values.get(line[1]) === number) known.values.delete(line[1]);
  };

  // --- what the peer says -----------------------------------------------------------------------------------------------

  /** Section Acknowledgment. RFC 9204 §4.4.1. */
  #acknowledged(stream: number): void {
    const sections = this.#outstanding.get(stream);
    if (sections === undefined) throw refused(`a Section Acknowledgment of stream ${stream}, and no section of it waits for one`);
    this.#received = Math.max(this.#received, sections.shift()!.required);
    this.#sections--;
    if (sections.length === 0) this.#outstanding.delete(stream);
  }

  /** Stream Cancellation. RFC 9204 §4.4.2. */
  #cancelled(stream: number): void {
    this.#sections -= this.#outstanding.get(stream)?.length ?? 0;
    this.#outstanding.delete(stream);
  }

  /** Insert Count Increment. RFC 9204 §4.4.3. */
  #increment(by: number): void {
    if (by === 0) throw refused('an Insert Count Increment of 0');
    if (this.#received + by > this.#table.inserted)
      throw refused(`an Insert Count Increment to ${this.#received + by}, and ${this.#table.inserted} were inserted`);
    this.#received += by;
  }
}

const refused = (why: string): QpackError => new QpackError(QPACK_DECODER_STREAM_ERROR, why);
