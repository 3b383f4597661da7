import type { Micros, Random } from '@quiclab/sansio';

export type HashName = 'sha256' | 'sha384';
/** The cipher suites of TLS 1.3 that are offered here; QUIC may use all of them (RFC 9001 §5.3). */
export type CipherSuite = 'TLS_AES_128_GCM_SHA256' | 'TLS_AES_256_GCM_SHA384' | 'TLS_CHACHA20_POLY1305_SHA256';
export type KeyExchangeGroup = 'x25519' | 'secp256r1';

/**
 * The primitives that the key schedule, the packets and the TLS handshake are built from. Synchronous throughout:
 * behind WebCrypto's promises, packets could overtake each other inside a machine. Keys are objects made once.
 */
export interface CryptoProvider {
  /** False for null protection, which real sockets refuse. */
  readonly confidential: boolean;
  digest(hash: HashName, data: Uint8Array): Uint8Array;
  hmac(hash: HashName, key: Uint8Array, data: Uint8Array): Uint8Array;
  aead(suite: CipherSuite, key: Uint8Array): Aead;
  headerMask(suite: CipherSuite, key: Uint8Array): HeaderMask;
  /** AES-128 by itself, for what is no packet: connection IDs that load balancers read. @param key  16 octets */
  block(key: Uint8Array): BlockCipher;
  /** A fresh key share. The private key is drawn from `random`. */
  keyExchange(group: KeyExchangeGroup, random: Random): KeyShare;
  /** The signer of a private key in PKCS#8. */
  signer(pkcs8: Uint8Array): Signer;
  /** Whether two secrets are equal, in constant time. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
  /**
   * Checks a certificate chain (DER, leaf first) against trusted roots, validity at `now` and the host name.
   * `trust`: extra roots (DER) beside the platform's, or `verify: false` to skip chain and name (explicit, for tests and labs).
   * Throws CertificateError; tls makes the alert.
   */
  checkChain(chain: readonly Uint8Array[], serverName: string, now: Micros, trust: Trust): Verifier;
}

export interface Trust {
  /** DER certificates trusted as roots in addition to the platform's own. */
  readonly ca?: readonly Uint8Array[];
  /** False skips chain and host name verification; the handshake signature is verified all the same. Default true. */
  readonly verify?: boolean;
}

export interface KeyShare {
  /** X25519: 32 octets; secp256r1: 65, uncompressed point. */
  readonly publicKey: Uint8Array;
  /** The shared secret. Throws Error when the peer's share is not a valid point (or gives all zeros). */
  agree(peer: Uint8Array): Uint8Array;
}

export interface Signer {
  /** TLS SignatureScheme values that this key can make, preferred first (RFC 8446 §4.2.3). */
  readonly schemes: readonly number[];
  sign(scheme: number, message: Uint8Array): Uint8Array;
}

/** The public key of a checked leaf certificate. */
export interface Verifier {
  verify(scheme: number, message: Uint8Array, signature: Uint8Array): boolean;
}

/**
 * Authenticated encryption in place, by offsets into the caller's octets: three views for each packet would add a third to what
 * null protection costs, and a native library wants addresses anyway. The nonce has 12 octets and may be overwritten afterwards.
 */
export interface Aead {
  /** Seals [payloadStart, payloadEnd) with [headerStart, payloadStart) as associated data; the tag goes to the 16 octets at payloadEnd, which must be there. */
  seal(nonce: Uint8Array, bytes: Uint8Array, headerStart: number, payloadStart: number, payloadEnd: number): void;
  /**
   * Opens [payloadStart, end), of which the last 16 octets are the tag.
   * @returns the end of the plaintext, end - 16; -1 when not authentic, and then no octet has changed (another key may be tried)
   */
  open(nonce: Uint8Array, bytes: Uint8Array, headerStart: number, payloadStart: number, end: number): number;
}

/** The block cipher behind header protection. RFC 9001 §5.4.3, §5.4.4. */
export interface HeaderMask {
  /** 16 octets of sample in, 5 octets of mask out. Both arrays are reused by the caller. */
  write(sample: Uint8Array, mask: Uint8Array): void;
}

/** One block of 16 octets at a time, in place. */
export interface BlockCipher {
  encrypt(block: Uint8Array): void;
  decrypt(block: Uint8Array): void;
}

/** Why a certificate chain was refused; `alert` is the TLS alert that says so (RFC 8446 §6.2). */
export class CertificateError extends Error {
  readonly alert: number;
  constructor(alert: number, message: string) {
    super(message);
    this.name = 'CertificateError';
    this.alert = alert;
  }
}
