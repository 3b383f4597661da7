import type { Micros, Random } from '@quiclab/sansio';

export type HashName = 'sha256' | 'sha384';
/** The cipher suites of TLS 1.3 that QUIC may use (RFC 9001 §5.3). */
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
  /** A fresh key share. The private key is drawn from `random`. */
  keyExchange(group: KeyExchangeGroup, random: Random): KeyShare;
  /** The signer of a private key in PKCS#8. */
  signer(pkcs8: Uint8Array): Signer;
  /** Whether two secrets are equal, in constant time. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
  /**
   * Checks a certificate chain (DER, leaf first) against trusted roots, validity at `now` and the host name.
   * `trust`: extra roots (DER) beside the platform's, or 'anyone' to skip chain and name (explicit, for tests and labs).
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
  /** The shared secret. Throws CertificateError-free plain Error when the peer's share is not a valid point (or gives all zeros). */
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

export interface Aead {
  /** `out` takes payload + 16 octets, and may be where the payload lies. */
  seal(nonce: Uint8Array, header: Uint8Array, payload: Uint8Array, out: Uint8Array): void;
  /** `sealed` is payload + 16. Returns the payload, or undefined when not authentic. May decrypt in place and return a view. */
  open(nonce: Uint8Array, header: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}

/** RFC 9001 §5.4. */
export interface HeaderMask {
  /** 16 octets of sample in, 5 octets of mask out. */
  write(sample: Uint8Array, mask: Uint8Array): void;
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
