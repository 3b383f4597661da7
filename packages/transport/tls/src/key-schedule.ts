import { type CipherSuite, type CryptoProvider, type HashName, hashLength, hkdfExpandLabel, hkdfExtract, suiteHash } from '@quiclab/crypto';

/**
 * The chain of secrets of a handshake without a pre-shared key (RFC 9846 §7.1). It stands at the Early Secret first,
 * is moved on to the Handshake Secret, then to the Main Secret; what is derived hangs on where it stands.
 */
export class KeySchedule {
  readonly suite: CipherSuite;
  readonly hash: HashName;
  readonly #provider: CryptoProvider;
  readonly #zeros: Uint8Array;
  #secret: Uint8Array;

  constructor(provider: CryptoProvider, suite: CipherSuite) {
    this.suite = suite;
    this.hash = suiteHash(suite);
    this.#provider = provider;
    this.#zeros = new Uint8Array(hashLength(this.hash));
    this.#secret = hkdfExtract(provider, this.hash, this.#zeros, this.#zeros);
  }

  /** From the Early Secret to the Handshake Secret. */
  enterHandshake(sharedSecret: Uint8Array): void {
    this.#moveOn(sharedSecret);
  }

  /** From the Handshake Secret to the Main Secret. */
  enterMain(): void {
    this.#moveOn(this.#zeros);
  }

  /** Derive-Secret with the hash of the messages in question: 'c hs traffic', 's ap traffic', 'exp master', … */
  derive(label: string, transcriptHash: Uint8Array): Uint8Array {
    return this.#expand(this.#secret, label, transcriptHash);
  }

  /** verify_data of a Finished message (RFC 9846 §4.4.4). @param baseKey  the sender's handshake traffic secret */
  verifyData(baseKey: Uint8Array, transcriptHash: Uint8Array): Uint8Array {
    const finishedKey = this.#expand(baseKey, 'finished', new Uint8Array(0));
    return this.#provider.hmac(this.hash, finishedKey, transcriptHash);
  }

  #moveOn(input: Uint8Array): void {
    const salt = this.#expand(this.#secret, 'derived', this.#provider.digest(this.hash, new Uint8Array(0)));
    this.#secret = hkdfExtract(this.#provider, this.hash, salt, input);
  }

  #expand(secret: Uint8Array, label: string, context: Uint8Array): Uint8Array {
    return hkdfExpandLabel(this.#provider, this.hash, secret, label, context, this.#zeros.length);
  }
}
