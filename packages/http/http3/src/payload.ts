import { ByteWriter } from '@quiclab/bytes';
import type { FrameParser } from './frame-parser.ts';

const EMPTY = new Uint8Array(0);

/** Gathers the payload of a frame that is needed whole. Room grows with what has arrived, not with what was announced. */
export class Payload {
  #gathered: ByteWriter | undefined = undefined;

  /** The whole payload, once it is there: a view of the piece it came in where it came in one. undefined: more is needed. */
  gather(parser: FrameParser): Uint8Array | undefined {
    if (parser.remaining === 0 && this.#gathered === undefined) return EMPTY;
    if (parser.available === 0) return undefined;
    const piece = parser.take();
    if (this.#gathered === undefined) {
      if (parser.remaining === 0) return piece;
      this.#gathered = ByteWriter.growable(Math.max(256, piece.length));
    }
    this.#gathered.octets(piece);
    if (parser.remaining > 0) return undefined;
    const whole = this.#gathered.written();
    this.#gathered = undefined;
    return whole;
  }
}
