import { ByteWriter } from '@quiclab/bytes';
import { FRAME_HEADER } from './frames.ts';

const EMPTY = new Uint8Array(0);

/**
 * Finds frames in a stream that comes in pieces of any size. RFC 9113 §4.1. Of a frame that is not whole it keeps its header; the payload
 * is taken, passed over or gathered as it comes.
 */
export class FrameParser {
  type: number;
  flags: number;
  stream: number;
  /** Payload octets of the frame whose header was read last. */
  length: number;
  /** Payload octets not taken yet. */
  remaining: number;
  /** Where in the stream the frame began. */
  start: number;

  #chunk: Uint8Array;
  #at: number;
  #consumed: number; // octets of the stream before #chunk[#at]
  readonly #header: Uint8Array; // of a header that comes in pieces
  #headerLength: number;
  #gathered: ByteWriter | undefined;

  constructor() {
    this.type = 0;
    this.flags = 0;
    this.stream = 0;
    this.length = 0;
    this.remaining = 0;
    this.start = 0;
    this.#chunk = EMPTY;
    this.#at = 0;
    this.#consumed = 0;
    this.#header = new Uint8Array(FRAME_HEADER);
    this.#headerLength = 0;
    this.#gathered = undefined;
  }

  /** The next piece; the last one must be used up. Views into it are handed out. */
  feed(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Octets of this piece not used yet. */
  get available(): number {
    return this.#chunk.length - this.#at;
  }

  /** Whether the stream could end here: no frame has begun that is not whole. */
  get betweenFrames(): boolean {
    return this.remaining === 0 && this.#headerLength === 0;
  }

  /** One octet that is no frame's: of the preface. */
  octet(): number {
    const octet = this.#chunk[this.#at]!;
    this.#use(1);
    return octet;
  }

  /** Reads on in a frame header; true when it is complete. The payload before it must have been used up. */
  readHeader(): boolean {
    let bytes = this.#chunk;
    let at = this.#at;
    if (this.#headerLength > 0 || this.available < FRAME_HEADER) {
      const part = Math.min(FRAME_HEADER - this.#headerLength, this.available);
      if (part === 0) return false;
      this.#header.set(bytes.subarray(at, at + part), this.#headerLength);
      this.#headerLength += part;
      this.#use(part);
      if (this.#headerLength < FRAME_HEADER) return false;
      this.#headerLength = 0;
      bytes = this.#header;
      at = 0;
    } else this.#use(FRAME_HEADER);
    this.start = this.#consumed - FRAME_HEADER;
    this.length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    this.remaining = this.length;
    this.type = bytes[at + 3]!;
    this.flags = bytes[at + 4]!;
    this.stream = ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!; // reserved bit: ignored
    return true;
  }

  /** A view of payload that is here, at most so much, possibly nothing. */
  take(most: number): Uint8Array {
    const length = Math.min(most, this.remaining, this.available);
    const view = this.#chunk.subarray(this.#at, this.#at + length);
    this.remaining -= length;
    this.#use(length);
    return view;
  }

  /** Passes over payload that is here, at most so much; returns how much it was. */
  skip(most: number): number {
    const length = Math.min(most, this.remaining, this.available);
    this.remaining -= length;
    this.#use(length);
    return length;
  }

  /**
   * The whole payload, once it is there: a view of the piece that it came in where it came in one. undefined: more is needed. Room grows
   * with what has arrived, not with what was announced.
   */
  gather(): Uint8Array | undefined {
    const piece = this.take(this.remaining);
    if (this.#gathered === undefined) {
      if (this.remaining === 0) return piece;
      this.#gathered = ByteWriter.growable(Math.max(256, piece.length));
    }
    this.#gathered.octets(piece);
    if (this.remaining > 0) return undefined;
    const whole = this.#gathered.written();
    this.#gathered = undefined;
    return whole;
  }

  #use(length: number): void {
    this.#at += length;
    this.#consumed += length;
    if (this.#at === this.#chunk.length) this.feed(EMPTY); // lets go of the piece
  }
}
