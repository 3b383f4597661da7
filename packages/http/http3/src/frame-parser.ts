const EMPTY = new Uint8Array(0);

/**
 * Finds frames in a stream that comes in pieces of any size. RFC 9114 §7.1. Of a frame that is not whole it keeps the numbers
 * read so far and never the payload: that is taken, or skipped, as it comes.
 */
export class FrameParser {
  type: number;
  /** Of the framing that names one (`./single`), else -1. */
  exchange: number;
  /** Payload octets of the frame whose header was read last; saturating at 2^53 - 1, like every varint. */
  length: number;
  headerLength: number;
  /** Payload octets not taken yet. */
  remaining: number;
  /** Where in the stream the frame began. */
  start: number;

  #chunk: Uint8Array;
  #at: number;
  #consumed: number; // octets of the stream before #chunk[#at]
  readonly #namesExchange: boolean;
  #field: number; // 0: the type comes next, 1: the exchange, 2: the length
  #missing: number; // octets that the number being read still lacks
  #value: number;

  /** @param namesExchange  whether an exchange stands between type and length */
  constructor(namesExchange = false) {
    this.type = 0;
    this.exchange = -1;
    this.length = 0;
    this.headerLength = 0;
    this.remaining = 0;
    this.start = 0;
    this.#chunk = EMPTY;
    this.#at = 0;
    this.#consumed = 0;
    this.#namesExchange = namesExchange;
    this.#field = 0;
    this.#missing = 0;
    this.#value = 0;
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
    return this.remaining === 0 && this.#field === 0 && this.#missing === 0;
  }

  /** Reads on in a frame header; true when it is complete. The payload before it must have been used up. */
  readHeader(): boolean {
    while (this.#at < this.#chunk.length) {
      const octet = this.#chunk[this.#at++]!;
      if (this.#missing === 0) {
        if (this.#field === 0) this.start = this.#consumed;
        this.#missing = (1 << (octet >>> 6)) - 1;
        this.#value = octet & 0x3f;
      } else {
        this.#missing--;
        this.#value = this.#value * 256 + octet;
      }
      this.#consumed++;
      if (this.#missing > 0) continue;
      const value = Math.min(this.#value, Number.MAX_SAFE_INTEGER);
      if (this.#field === 0) {
        this.type = value;
        this.#field = this.#namesExchange ? 1 : 2;
        continue;
      }
      if (this.#field === 1) {
        this.exchange = value;
        this.#field = 2;
        continue;
      }
      this.#field = 0;
      this.length = value;
      this.remaining = value;
      this.headerLength = this.#consumed - this.start;
      return true;
    }
    return false;
  }

  /** A view of payload that is here, possibly not all of it, possibly nothing. */
  take(): Uint8Array {
    const length = Math.min(this.remaining, this.available);
    const view = this.#chunk.subarray(this.#at, this.#at + length);
    this.#use(length);
    return view;
  }

  /** Passes over payload that is here. */
  skip(): void {
    this.#use(Math.min(this.remaining, this.available));
  }

  #use(length: number): void {
    this.#at += length;
    this.#consumed += length;
    this.remaining -= length;
    if (this.#at === this.#chunk.length) this.feed(EMPTY); // lets go of the piece
  }
}
