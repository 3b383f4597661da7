import type { Field, FrameObserver, MappedKind } from '@quiclab/http-semantics';
import type { Micros } from '@quiclab/sansio';
import { chunkLine, parseChunkSize } from './chunk-size.ts';
import { bad, MessageFault } from './errors.ts';
import { FieldSection } from './field-section.ts';
import type { Framing } from './framing.ts';
import type { IncomingOctets } from './incoming-octets.ts';
import { LIMITS } from './limits.ts';
import { LineReader } from './line-reader.ts';
import { parseRequestLine, parseStatusLine, REQUEST_LINE, type RequestLine, type StatusLine, tooLong } from './start-line.ts';

const EMPTY = new Uint8Array(0);

/** What was read: a head; content; a trailer section; the end of the message; the end of the stream, where a message could have begun. */
export type Step = 'starved' | 'head' | 'content' | 'trailers' | 'end' | 'closed';

type Phase = 'start-line' | 'fields' | 'framing' | 'length' | 'chunk-line' | 'chunk' | 'chunk-end' | 'trailers' | 'rest' | 'over';

/** Reads the messages of one direction, one after the other. RFC 9112 §2.2, §6, §7.1. Faults are thrown as MessageFault. */
export class MessageReader {
  /** Of the head read last: the one line or the other, and its fields as they came. */
  requestLine: RequestLine;
  statusLine: StatusLine;
  fields: readonly Field[];
  /** Whose octets these are, for the observer; to be set before a head is read. */
  exchange: number;

  readonly #server: boolean;
  readonly #input: IncomingOctets;
  readonly #maxFieldSectionSize: number;
  readonly #observer: FrameObserver | undefined;
  readonly #line: LineReader;
  #phase: Phase;
  #section: FieldSection;
  #emptyLines: number;
  #start: number; // where what is being read began
  #remaining: number; // octets of content, or of the chunk
  #content: Uint8Array;

  constructor(server: boolean, input: IncomingOctets, maxFieldSectionSize: number, observer: FrameObserver | undefined) {
    this.requestLine = { method: '', target: '', minor: 1 };
    this.statusLine = { status: 0, minor: 1 };
    this.fields = [];
    this.exchange = -1;
    this.#server = server;
    this.#input = input;
    this.#maxFieldSectionSize = maxFieldSectionSize;
    this.#observer = observer;
    this.#line = new LineReader();
    this.#phase = 'start-line';
    this.#section = new FieldSection(server, maxFieldSectionSize);
    this.#emptyLines = 0;
    this.#start = 0;
    this.#remaining = 0;
    this.#content = EMPTY;
  }

  /** Some of a head was read, but not all; half of an empty line is none. */
  get withinHead(): boolean {
    return this.#phase === 'fields' || (this.#phase === 'start-line' && this.#line.text !== '');
  }

  /** The message is read to its end. */
  get over(): boolean {
    return this.#phase === 'over';
  }

  /** Octets of content that are still announced; of what says no length, those of the chunk. */
  get remaining(): number {
    return this.#remaining;
  }

  /** What 'content' was about, as a view of what the transport gave. */
  takeContent(): Uint8Array {
    const content = this.#content;
    this.#content = EMPTY;
    return content;
  }

  /** After 'head': what follows it. */
  frame({ kind, length }: Framing): void {
    this.#remaining = 0;
    if (kind === 'length') {
      this.#phase = 'length';
      this.#remaining = length;
      this.#map(this.#input.offset, length, 0, 'data');
    } else this.#phase = kind === 'none' ? 'over' : kind === 'chunked' ? 'chunk-line' : 'rest';
  }

  /** After a message that is over: the next one. */
  next(): void {
    this.#phase = 'start-line';
    this.#emptyLines = 0;
  }

  step(now: Micros): Step {
    for (;;) {
      switch (this.#phase) {
        case 'start-line':
          if (!this.#readStartLine(now)) return this.#starved(true);
          continue;
        case 'fields':
          if (!this.#readFields(now)) return this.#starved(false);
          this.fields = this.#section.fields;
          this.#phase = 'framing';
          this.#map(this.#start, this.#input.offset - this.#start, 0, 'headers');
          return 'head';
        case 'length':
          if (!this.#input.more(now)) return this.#starved(false);
          this.#take();
          if (this.#remaining === 0) this.#phase = 'over';
          return 'content';
        case 'chunk-line':
          if (!this.#readChunkLine(now)) return this.#starved(false);
          continue;
        case 'chunk':
          if (!this.#input.more(now)) return this.#starved(false);
          this.#take();
          if (this.#remaining === 0) this.#phase = 'chunk-end';
          return 'content';
        case 'chunk-end':
          if (this.#readLine(now, 0) === 'starved') return this.#starved(false);
          this.#line.next();
          this.#phase = 'chunk-line';
          continue;
        case 'trailers': {
          if (!this.#readFields(now)) return this.#starved(false);
          this.fields = this.#section.fields;
          this.#phase = 'over';
          const trailed = this.fields.length > 0;
          this.#map(this.#start, this.#input.offset - this.#start, 0, trailed ? 'trailers' : 'end');
          return trailed ? 'trailers' : 'end';
        }
        case 'rest':
          return this.#readRest(now);
        default:
          return 'end';
      }
    }
  }

  #readStartLine(now: Micros): boolean {
    if (!this.#line.within) this.#start = this.#input.offset;
    const found = this.#line.read(now, this.#input, this.#server ? REQUEST_LINE : LIMITS.fieldLine.value);
    if (found === 'starved') return false;
    const line = this.#line.text;
    if (found === 'too-long') throw this.#server ? tooLong(line) : bad('a status line too long');
    this.#line.next();
    if (line === '') {
      if (++this.#emptyLines > LIMITS.emptyLines.value) throw bad('empty lines where a message belongs');
      return true;
    }
    if (this.#server) this.requestLine = parseRequestLine(line);
    else this.statusLine = parseStatusLine(line);
    this.#section = new FieldSection(this.#server, this.#maxFieldSectionSize);
    this.#phase = 'fields';
    return true;
  }

  /** Reads on in a field section; true at its end. */
  #readFields(now: Micros): boolean {
    for (;;) {
      const found = this.#readLine(now, LIMITS.fieldLine.value);
      if (found === 'starved') return false;
      const line = this.#line.text;
      this.#line.next();
      if (line === '') return true;
      this.#section.add(line);
    }
  }

  #readChunkLine(now: Micros): boolean {
    if (!this.#line.within) this.#start = this.#input.offset;
    const found = this.#line.read(now, this.#input, chunkLine(this.#server));
    if (found === 'starved') return false;
    const line = this.#line.text;
    this.#line.next();
    const size = parseChunkSize(line, this.#server);
    if (found === 'too-long') throw bad('a chunk size too long, or its extensions');
    if (size === 0) {
      this.#section = new FieldSection(this.#server, this.#maxFieldSectionSize);
      this.#phase = 'trailers';
      return true;
    }
    const headerLength = this.#input.offset - this.#start;
    this.#map(this.#start, headerLength + size + 2, headerLength, 'data');
    this.#remaining = size;
    this.#phase = 'chunk';
    return true;
  }

  #readLine(now: Micros, limit: number): 'line' | 'starved' {
    const found = this.#line.read(now, this.#input, limit);
    if (found === 'too-long') throw limit === 0 ? bad('a chunk longer than its size') : new MessageFault(431, 'a field line too long');
    return found;
  }

  #readRest(now: Micros): Step {
    if (!this.#input.more(now)) {
      if (!this.#input.over) return 'starved';
      this.#phase = 'over';
      return 'end';
    }
    const from = this.#input.offset;
    this.#content = this.#input.take(Number.POSITIVE_INFINITY);
    this.#map(from, this.#content.length, 0, 'data');
    return 'content';
  }

  #take(): void {
    this.#content = this.#input.take(this.#remaining);
    this.#remaining -= this.#content.length;
  }

  /** Nothing to read now; nothing ever is a fault within a message. RFC 9112 §8. */
  #starved(mayEnd: boolean): Step {
    if (!this.#input.over) return 'starved';
    if (mayEnd && !this.#line.within) return 'closed';
    throw bad('the connection ended within a message');
  }

  #map(offset: number, length: number, headerLength: number, kind: MappedKind): void {
    this.#observer?.frameMapped('received', this.exchange, 0, offset, length, headerLength, kind);
  }
}
