import { concat } from '@quiclab/bytes';
import type { CryptoProvider, HashName } from '@quiclab/crypto';
import { HandshakeType } from './code-points.ts';
import { encodeMessage } from './message-buffer.ts';

/**
 * The handshake messages so far (RFC 9846 §4.1), kept as octets: which hash is meant is known only after the first
 * of them, and it is taken five times in a connection's life. The size limits of messages bound it.
 */
export class Transcript {
  readonly #provider: CryptoProvider;
  #octets: Uint8Array = new Uint8Array(0);

  constructor(provider: CryptoProvider) {
    this.#provider = provider;
  }

  add(message: Uint8Array): void {
    this.#octets = concat(this.#octets, message);
  }

  hash(hash: HashName): Uint8Array {
    return this.#provider.digest(hash, this.#octets);
  }

  /** The hash as it would be with this message, or part of one, at the end: for binders (RFC 9846 §4.2.11.2). */
  hashWith(hash: HashName, partial: Uint8Array): Uint8Array {
    return this.#provider.digest(hash, concat(this.#octets, partial));
  }

  /** Before a HelloRetryRequest is added: the first ClientHello gives way to a message_hash message with its hash (RFC 9846 §4.1). */
  replaceByHash(hash: HashName): void {
    const digest = this.hash(hash);
    this.#octets = encodeMessage(HandshakeType.MESSAGE_HASH, (w) => w.octets(digest));
  }
}
