import type { Random } from '@quiclab/sansio';

/**
 * The second-most significant bit of a packet, which is 1 in QUIC, so that others could come to rely on it. Towards a peer that
 * says that it does not, it is drawn for each packet. RFC 9287.
 */
export class QuicBit {
  /** The peer has sent grease_quic_bit in this handshake, and we are asked to grease. */
  greased: boolean;
  readonly #random: Random;
  #drawn: number;
  #left: number;

  constructor(random: Random) {
    this.greased = false;
    this.#random = random;
    this.#drawn = 0;
    this.#left = 0;
  }

  /** Whether the next packet is to have a 0. */
  clears(): boolean {
    if (!this.greased) return false;
    if (this.#left === 0) {
      this.#drawn = this.#random.uint32();
      this.#left = 32;
    }
    this.#left--;
    return ((this.#drawn >>> this.#left) & 1) === 0;
  }
}
