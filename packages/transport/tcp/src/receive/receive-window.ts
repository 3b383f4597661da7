import type { Micros } from '@quiclab/sansio';

const SEGMENTS_AHEAD = 16;

/**
 * What the peer may send, RFC 9293 §3.8.6.2.2: the right edge moves on by a segment at least, never back. The buffer grows where the
 * application takes so much within a round trip that the sender's window, which may double in the next, would not fit.
 */
export class ReceiveWindow {
  /** The peer may send positions below. */
  edge: number;
  buffer: number;
  readonly #most: number;
  readonly #maxSegmentSize: number;
  #roundBegan: Micros = -1;
  #readThen = 0;
  #readBefore = 0; // within the round trip before

  constructor(buffer: number, most: number, maxSegmentSize: number) {
    this.edge = buffer;
    this.buffer = buffer;
    this.#most = Math.max(buffer, most);
    this.#maxSegmentSize = maxSegmentSize;
  }

  /** Octets to announce beyond `next`. @param readOffset  all below was taken by the application */
  open(next: number, readOffset: number): number {
    const edge = readOffset + this.buffer;
    if (edge - this.edge >= Math.min(this.#maxSegmentSize, this.buffer / 2)) this.edge = edge;
    return Math.max(0, this.edge - next);
  }

  /** What went out says so much at least: a scaled window is rounded up. */
  onAnnounced(edge: number): void {
    if (edge > this.edge) this.edge = edge;
  }

  /** The application has read up to here. @param roundTrip  0: not known yet */
  onRead(now: Micros, readOffset: number, roundTrip: Micros): void {
    if (this.#roundBegan < 0) {
      this.#roundBegan = now;
      this.#readThen = readOffset;
      return;
    }
    if (roundTrip === 0 || now - this.#roundBegan < roundTrip) return;
    const read = readOffset - this.#readThen;
    let wanted = 2 * read + SEGMENTS_AHEAD * this.#maxSegmentSize;
    if (read > this.#readBefore && this.#readBefore > 0) wanted += Math.floor((2 * wanted * (read - this.#readBefore)) / this.#readBefore);
    this.buffer = Math.max(this.buffer, Math.min(wanted, this.#most));
    this.#readBefore = read;
    this.#readThen = readOffset;
    this.#roundBegan = now;
  }
}
