import type { Aead, CryptoProvider, HeaderMask } from './provider.ts';

const TAG_LENGTH = 16;

/**
 * Protection that hides nothing, for simulations that are to be fast: packets have the sizes of real ones, and the tag is a
 * checksum that notices corruption, another nonce and another key, but stops no forger. Handshake, signatures and key
 * schedule stay those of `inner`. `confidential` is false; real sockets refuse it.
 */
export const nullProtection = (inner: CryptoProvider): CryptoProvider => ({
  confidential: false,
  digest: (hash, data) => inner.digest(hash, data),
  hmac: (hash, key, data) => inner.hmac(hash, key, data),
  aead: (_suite, key) => new NullAead(key),
  headerMask: () => NO_MASK,
  block: (key) => inner.block(key),
  keyExchange: (group, random) => inner.keyExchange(group, random),
  signer: (pkcs8) => inner.signer(pkcs8),
  equal: (a, b) => inner.equal(a, b),
  checkChain: (chain, serverName, now, trust) => inner.checkChain(chain, serverName, now, trust),
});

const NO_MASK: HeaderMask = {
  write(_sample, mask) {
    for (let i = 0; i < mask.length; i++) mask[i] = 0; // five octets: a call of `fill` takes longer
  },
};

/**
 * Four lanes of 32 bits take the words of nonce, header and payload in turn. Every step is a bijection of its lane for any
 * word, and of the word for any lane: two inputs that differ in one word never give the same tag, and others almost never.
 */
class NullAead implements Aead {
  readonly #seed: Int32Array;
  readonly #sum: Int32Array;
  /** The octets that were summed last, a view of their buffer, and where they begin in it. */
  #bytes: Uint8Array;
  #view: DataView;
  #base: number;

  constructor(key: Uint8Array) {
    this.#seed = Int32Array.of(0x243f6a88, 0x05a308d3, 0x13198a2e, 0x03707344); // pi; any others would do
    this.#sum = new Int32Array(4);
    this.#bytes = key;
    this.#view = new DataView(key.buffer);
    this.#base = key.byteOffset;
    this.#checksum(NO_NONCE, key, 0, key.length, key.length);
    this.#seed.set(this.#sum);
  }

  seal(nonce: Uint8Array, bytes: Uint8Array, headerStart: number, payloadStart: number, payloadEnd: number): void {
    this.#checksum(nonce, bytes, headerStart, payloadStart, payloadEnd);
    const at = this.#base + payloadEnd;
    for (let lane = 0; lane < 4; lane++) this.#view.setInt32(at + 4 * lane, this.#sum[lane], true);
  }

  open(nonce: Uint8Array, bytes: Uint8Array, headerStart: number, payloadStart: number, end: number): number {
    const payloadEnd = end - TAG_LENGTH;
    if (payloadEnd < payloadStart) return -1;
    this.#checksum(nonce, bytes, headerStart, payloadStart, payloadEnd);
    const at = this.#base + payloadEnd;
    for (let lane = 0; lane < 4; lane++) if (this.#view.getInt32(at + 4 * lane, true) !== this.#sum[lane]) return -1;
    return payloadEnd;
  }

  /** Packets often lie in one buffer, and those that leave in one array: what it takes to read words is asked for when it changes (a view is 50 ns, `buffer` 12). */
  #turnTo(bytes: Uint8Array): void {
    if (bytes === this.#bytes) return;
    this.#bytes = bytes;
    this.#base = bytes.byteOffset;
    const { buffer } = bytes;
    if (this.#view.buffer !== buffer) this.#view = new DataView(buffer);
  }

  /** Sums nonce, header and payload, which lie one behind the other. */
  #checksum(nonce: Uint8Array, bytes: Uint8Array, headerStart: number, payloadStart: number, payloadEnd: number): void {
    this.#turnTo(bytes);
    const view = this.#view;
    const seed = this.#seed;
    let a = step(seed[0], word(nonce, 0));
    let b = step(seed[1], word(nonce, 4));
    let c = step(seed[2], word(nonce, 8));
    let d = step(step(seed[3], payloadStart - headerStart), payloadEnd - payloadStart);
    const end = this.#base + payloadEnd;
    let at = this.#base + headerStart;
    for (; at + 16 <= end; at += 16) {
      a = step(a, view.getInt32(at, true));
      b = step(b, view.getInt32(at + 4, true));
      c = step(c, view.getInt32(at + 8, true));
      d = step(d, view.getInt32(at + 12, true));
    }
    for (; at + 4 <= end; at += 4) a = step(a, view.getInt32(at, true));
    for (; at < end; at++) b = step(b, view.getUint8(at));
    const sum = this.#sum;
    sum[0] = a;
    sum[1] = b;
    sum[2] = c;
    sum[3] = d;
  }
}

const NO_NONCE = new Uint8Array(12);

const word = (bytes: Uint8Array, at: number): number => bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);

/** One round of MurmurHash3's finalizer: the product carries a difference upwards, the shift brings it down again. */
function step(lane: number, input: number): number {
  const product = Math.imul(lane ^ input, 0x85ebca6b);
  return product ^ (product >>> 15);
}
