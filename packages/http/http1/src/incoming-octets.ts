import type { ByteStream, Micros } from '@quiclab/sansio';

const EMPTY = new Uint8Array(0);

/**
 * What the peer sends, a piece at a time as the transport gives it. No more than one piece is ever held: the rest stays in the
 * transport, whose flow control holds the peer back.
 */
export class IncomingOctets {
  /** The piece under the reader; what stands before `at` was read. */
  piece: Uint8Array;
  at: number;
  /** Nothing follows the piece. */
  ended: boolean;
  readonly #transport: ByteStream;
  #before: number;

  constructor(transport: ByteStream) {
    this.piece = EMPTY;
    this.at = 0;
    this.ended = false;
    this.#transport = transport;
    this.#before = 0;
  }

  /** Where in the stream the next octet stands. */
  get offset(): number {
    return this.#before + this.at;
  }

  /** Whether there is an octet to read now. */
  more(now: Micros): boolean {
    while (this.at === this.piece.length) {
      if (this.ended) return false;
      const next = this.#transport.read(now);
      if (next === undefined) return false;
      this.#before += this.piece.length;
      this.piece = next.data;
      this.at = 0;
      this.ended = next.fin;
    }
    return true;
  }

  /** Whether everything was read, and nothing will follow. */
  get over(): boolean {
    return this.ended && this.at === this.piece.length;
  }

  /** A view of the next octets, `most` at the most, of this piece. */
  take(most: number): Uint8Array {
    const from = this.at;
    this.at = Math.min(this.piece.length, from + most);
    return this.piece.subarray(from, this.at);
  }
}
