import {
  type CipherSuite,
  type CryptoProvider,
  hashLength,
  hkdfExpandLabel,
  PacketProtector,
  suiteHash,
  suiteKeyLength,
} from '@quiclab/crypto';
import type { Level } from '../port.ts';

const EMPTY = new Uint8Array(0);
const IV_LENGTH = 12;

/** Records that one key of AES-GCM may seal: 2^24.5, rounded down (RFC 9846 §5.5). ChaCha20's end lies beyond the sequence numbers. */
const AES_LIMIT = 23_726_566;
/** RFC 9846 §4.6.3: no further than this, whoever asks. */
const LAST_GENERATION = 2 ** 48 - 1;

/** The protection of records in one direction at one level: keys, and the number of the next record (RFC 9846 §5.2, §5.3). */
export class RecordKeys {
  readonly level: Level;
  /** How often the keys were updated. */
  generation: number;
  /** Records under the present keys. */
  sequence: number;
  readonly #provider: CryptoProvider;
  readonly #suite: CipherSuite;
  #secret: Uint8Array;
  #protector: PacketProtector;

  constructor(provider: CryptoProvider, suite: CipherSuite, level: Level, secret: Uint8Array) {
    this.level = level;
    this.generation = 0;
    this.sequence = 0;
    this.#provider = provider;
    this.#suite = suite;
    this.#secret = secret;
    this.#protector = protectorOf(provider, suite, secret);
  }

  /** Records that these keys may seal before they must be updated, or the connection must end. */
  get limit(): number {
    return this.#suite === 'TLS_CHACHA20_POLY1305_SHA256' ? Number.MAX_SAFE_INTEGER : AES_LIMIT;
  }

  /** Seals [payloadStart, payloadEnd) in place, with the header before it; the tag goes behind it. */
  seal(octets: Uint8Array, start: number, payloadStart: number, payloadEnd: number): void {
    this.#protector.seal(octets, start, payloadStart, payloadEnd, this.sequence++);
  }

  /** @returns the end of the plaintext, which starts at payloadStart; -1, and nothing changed, when it is not authentic */
  open(octets: Uint8Array, start: number, payloadStart: number, end: number): number {
    const plaintextEnd = this.#protector.open(octets, start, payloadStart, end, this.sequence);
    if (plaintextEnd >= 0) this.sequence++;
    return plaintextEnd;
  }

  get canUpdate(): boolean {
    return this.generation < LAST_GENERATION;
  }

  /** RFC 9846 §7.2: the next secret, and its keys; sequence numbers begin again. */
  update(): void {
    const hash = suiteHash(this.#suite);
    this.#secret = hkdfExpandLabel(this.#provider, hash, this.#secret, 'traffic upd', EMPTY, hashLength(hash));
    this.#protector = protectorOf(this.#provider, this.#suite, this.#secret);
    this.generation++;
    this.sequence = 0;
  }
}

/** RFC 9846 §7.3. The nonce of a record is made as that of a QUIC packet is (§5.3). */
function protectorOf(provider: CryptoProvider, suite: CipherSuite, secret: Uint8Array): PacketProtector {
  const hash = suiteHash(suite);
  const key = hkdfExpandLabel(provider, hash, secret, 'key', EMPTY, suiteKeyLength(suite));
  const iv = hkdfExpandLabel(provider, hash, secret, 'iv', EMPTY, IV_LENGTH);
  return new PacketProtector(provider.aead(suite, key), iv);
}
