import { hkdfExpandLabel } from './hkdf.ts';
import { suiteHash, suiteKeyLength, versionLabels } from './key-schedule.ts';
import type { Aead, CipherSuite, CryptoProvider, HeaderMask } from './provider.ts';

/** Octets that sealing adds to a payload, for every AEAD that QUIC uses. */
export const TAG_LENGTH = 16;
/** Octets of ciphertext that header protection looks at (RFC 9001 §5.4.2). */
export const SAMPLE_LENGTH = 16;

const NONCE_LENGTH = 12;
const LONGEST_PACKET_NUMBER = 4;

/** Header protection (RFC 9001 §5.4). One for each direction and encryption level; it survives key updates. */
export class HeaderProtector {
  readonly #mask: HeaderMask;
  readonly #sample: Uint8Array;
  readonly #maskOctets: Uint8Array;

  constructor(mask: HeaderMask) {
    this.#mask = mask;
    this.#sample = new Uint8Array(SAMPLE_LENGTH);
    this.#maskOctets = new Uint8Array(1 + LONGEST_PACKET_NUMBER);
  }

  /**
   * Masks the first octet and the packet number of a sealed packet in place.
   * @param packetNumberOffset  where the packet number starts in `bytes`; the sample starts four octets later, whatever its length
   */
  protect(bytes: Uint8Array, packetStart: number, packetNumberOffset: number, packetNumberLength: number): void {
    if (packetNumberOffset + LONGEST_PACKET_NUMBER + SAMPLE_LENGTH > bytes.length) {
      throw new RangeError(`no room for a sample after the packet number at ${packetNumberOffset} of ${bytes.length} octets`);
    }
    const mask = this.#maskFor(bytes, packetNumberOffset);
    bytes[packetStart] ^= mask[0] & maskedBits(bytes[packetStart]);
    for (let i = 0; i < packetNumberLength; i++) bytes[packetNumberOffset + i] ^= mask[1 + i];
  }

  /**
   * Unmasks the first octet and the packet number in place.
   * @returns length of the packet number, 1 to 4; 0, and nothing changed, where there is no whole sample before `end`
   */
  unprotect(bytes: Uint8Array, packetStart: number, packetNumberOffset: number, end: number): number {
    if (packetNumberOffset + LONGEST_PACKET_NUMBER + SAMPLE_LENGTH > end) return 0;
    const mask = this.#maskFor(bytes, packetNumberOffset);
    const first = bytes[packetStart] ^ (mask[0] & maskedBits(bytes[packetStart]));
    bytes[packetStart] = first;
    const packetNumberLength = (first & 0x03) + 1;
    for (let i = 0; i < packetNumberLength; i++) bytes[packetNumberOffset + i] ^= mask[1 + i];
    return packetNumberLength;
  }

  #maskFor(bytes: Uint8Array, packetNumberOffset: number): Uint8Array {
    const sample = this.#sample; // copying sixteen octets is cheaper than making a view of them
    const from = packetNumberOffset + LONGEST_PACKET_NUMBER;
    for (let i = 0; i < SAMPLE_LENGTH; i++) sample[i] = bytes[from + i];
    this.#mask.write(sample, this.#maskOctets);
    return this.#maskOctets;
  }
}

/** RFC 9001 §5.4.1: four bits of a long header's first octet are masked, five of a short one's; the form bit itself never is. */
const maskedBits = (first: number): number => ((first & 0x80) !== 0 ? 0x0f : 0x1f);

/** Packet protection (RFC 9001 §5.3): one AEAD key and IV, for one direction of one key phase. */
export class PacketProtector {
  readonly #aead: Aead;
  readonly #iv: Uint8Array;
  readonly #nonce: Uint8Array;

  constructor(aead: Aead, iv: Uint8Array) {
    this.#aead = aead;
    this.#iv = iv;
    this.#nonce = new Uint8Array(NONCE_LENGTH);
    this.#nonce.set(iv);
  }

  /**
   * Seals the payload at [payloadStart, payloadEnd) in place; the tag goes to the 16 octets that follow. The header, which is
   * authenticated, is [packetStart, payloadStart), not yet masked. No packet number may be used twice, and none beyond 2^53.
   * @throws RangeError where there is no room for the tag
   */
  seal(bytes: Uint8Array, packetStart: number, payloadStart: number, payloadEnd: number, packetNumber: number): void {
    if (payloadEnd + TAG_LENGTH > bytes.length) {
      throw new RangeError(`no room for the tag after a payload that ends at ${payloadEnd} of ${bytes.length} octets`);
    }
    this.#setNonce(packetNumber);
    this.#aead.seal(this.#nonce, bytes, packetStart, payloadStart, payloadEnd);
  }

  /**
   * Opens what was sealed at [payloadStart, end) in place; the header is [packetStart, payloadStart), unmasked.
   * @returns the end of the plaintext, which starts at payloadStart; -1, and nothing changed, when it is not authentic
   */
  open(bytes: Uint8Array, packetStart: number, payloadStart: number, end: number, packetNumber: number): number {
    if (end - payloadStart < TAG_LENGTH) return -1;
    this.#setNonce(packetNumber);
    return this.#aead.open(this.#nonce, bytes, packetStart, payloadStart, end);
  }

  /** RFC 9001 §5.3: the IV, with the packet number in network order exclusive-ored into its end. */
  #setNonce(packetNumber: number): void {
    const nonce = this.#nonce;
    const iv = this.#iv;
    const high = Math.floor(packetNumber / 0x1_0000_0000);
    nonce[4] = iv[4] ^ (high >>> 24);
    nonce[5] = iv[5] ^ (high >>> 16);
    nonce[6] = iv[6] ^ (high >>> 8);
    nonce[7] = iv[7] ^ high;
    const low = packetNumber >>> 0;
    nonce[8] = iv[8] ^ (low >>> 24);
    nonce[9] = iv[9] ^ (low >>> 16);
    nonce[10] = iv[10] ^ (low >>> 8);
    nonce[11] = iv[11] ^ low;
  }
}

/** All that protects packets of one direction at one encryption level. */
export interface TrafficKeys {
  readonly header: HeaderProtector;
  readonly packet: PacketProtector;
}

const EMPTY = new Uint8Array(0);

/** The keys that a traffic secret stands for. RFC 9001 §5.1. */
export function trafficKeys(provider: CryptoProvider, suite: CipherSuite, secret: Uint8Array, version: number): TrafficKeys {
  const key = hkdfExpandLabel(provider, suiteHash(suite), secret, versionLabels(version).hp, EMPTY, suiteKeyLength(suite));
  return {
    header: new HeaderProtector(provider.headerMask(suite, key)),
    packet: packetProtector(provider, suite, secret, version),
  };
}

/** Packet keys alone, for the next key phase: header protection keeps its first key (RFC 9001 §6.1). */
export function packetProtector(provider: CryptoProvider, suite: CipherSuite, secret: Uint8Array, version: number): PacketProtector {
  const hash = suiteHash(suite);
  const labels = versionLabels(version);
  const key = hkdfExpandLabel(provider, hash, secret, labels.key, EMPTY, suiteKeyLength(suite));
  const iv = hkdfExpandLabel(provider, hash, secret, labels.iv, EMPTY, NONCE_LENGTH);
  return new PacketProtector(provider.aead(suite, key), iv);
}

/**
 * The tag that ends a Retry packet: nothing secret, but only who saw the Initial can make it. RFC 9001 §5.8.
 * @param retryWithoutTag  the Retry packet up to where its tag goes
 */
export function retryIntegrityTag(
  provider: CryptoProvider,
  version: number,
  originalDestinationId: Uint8Array,
  retryWithoutTag: Uint8Array,
): Uint8Array {
  const labels = versionLabels(version);
  const end = 1 + originalDestinationId.length + retryWithoutTag.length;
  const pseudoPacket = new Uint8Array(end + TAG_LENGTH);
  pseudoPacket[0] = originalDestinationId.length;
  pseudoPacket.set(originalDestinationId, 1);
  pseudoPacket.set(retryWithoutTag, 1 + originalDestinationId.length);
  provider.aead('TLS_AES_128_GCM_SHA256', labels.retryKey).seal(labels.retryNonce, pseudoPacket, 0, end, end); // no plaintext, all header
  return pseudoPacket.slice(end);
}
