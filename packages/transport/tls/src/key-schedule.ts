import { type CipherSuite, type CryptoProvider, type HashName, hashLength, hkdfExpandLabel, hkdfExtract, suiteHash } from '@quiclab/crypto';

const EMPTY = new Uint8Array(0);

/**
 * The chain of secrets of a handshake (RFC 9846 §7.1). It stands at the Early Secret first, is moved on to the Handshake
 * Secret, then to the Main Secret; what is derived hangs on where it stands.
 */
export class KeySchedule {
  readonly suite: CipherSuite;
  readonly hash: HashName;
  readonly #provider: CryptoProvider;
  readonly #zeros: Uint8Array;
  #secret: Uint8Array;

  /** @param psk  of the session that is resumed; without one, zeros take its place */
  constructor(provider: CryptoProvider, suite: CipherSuite, psk?: Uint8Array) {
    this.suite = suite;
    this.hash = suiteHash(suite);
    this.#provider = provider;
    this.#zeros = new Uint8Array(hashLength(this.hash));
    this.#secret = hkdfExtract(provider, this.hash, this.#zeros, psk ?? this.#zeros);
  }

  /** From the Early Secret to the Handshake Secret. */
  enterHandshake(sharedSecret: Uint8Array): void {
    this.#moveOn(sharedSecret);
  }

  /** From the Handshake Secret to the Main Secret. */
  enterMain(): void {
    this.#moveOn(this.#zeros);
  }

  /** Derive-Secret with the hash of the messages in question: 'c e traffic', 's ap traffic', 'res master', … */
  derive(label: string, transcriptHash: Uint8Array): Uint8Array {
    return this.#expand(this.#secret, label, transcriptHash);
  }

  /** verify_data of a Finished message (RFC 9846 §4.4.4). @param baseKey  the sender's handshake traffic secret */
  verifyData(baseKey: Uint8Array, transcriptHash: Uint8Array): Uint8Array {
    const finishedKey = this.#expand(baseKey, 'finished', EMPTY);
    return this.#provider.hmac(this.hash, finishedKey, transcriptHash);
  }

  /**
   * Proves that whoever sent a ClientHello has the key of the session it offers (RFC 9846 §4.2.11.2). At the Early Secret.
   * @param truncatedHash  of the messages so far, the ClientHello without its binders included
   */
  binder(truncatedHash: Uint8Array): Uint8Array {
    return this.verifyData(this.derive('res binder', this.#provider.digest(this.hash, EMPTY)), truncatedHash);
  }

  #moveOn(input: Uint8Array): void {
    const salt = this.#expand(this.#secret, 'derived', this.#provider.digest(this.hash, EMPTY));
    this.#secret = hkdfExtract(this.#provider, this.hash, salt, input);
  }

  #expand(secret: Uint8Array, label: string, context: Uint8Array): Uint8Array {
    return hkdfExpandLabel(this.#provider, this.hash, secret, label, context, this.#zeros.length);
  }
}

/** The key of one ticket, from the connection's resumption secret ('res master') and the ticket's nonce (RFC 9846 §4.6.1). */
export function resumptionKey(provider: CryptoProvider, suite: CipherSuite, secret: Uint8Array, nonce: Uint8Array): Uint8Array {
  const hash = suiteHash(suite);
  return hkdfExpandLabel(provider, hash, secret, 'resumption', nonce, hashLength(hash));
}
