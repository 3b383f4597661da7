import { type Cipher, type CipherGCMTypes, createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import type { Aead, BlockCipher, CipherSuite, HeaderMask } from '../provider.ts';

const TAG_LENGTH = 16;
const TAG = { authTagLength: TAG_LENGTH } as const;

// The types know GCM and ChaCha20-Poly1305 apart; the calls are the same.
const AEAD_NAMES: Readonly<Record<CipherSuite, CipherGCMTypes>> = {
  TLS_AES_128_GCM_SHA256: 'aes-128-gcm',
  TLS_AES_256_GCM_SHA384: 'aes-256-gcm',
  TLS_CHACHA20_POLY1305_SHA256: 'chacha20-poly1305' as CipherGCMTypes,
};

export const nodeAead = (suite: CipherSuite, key: Uint8Array): Aead => new NodeAead(AEAD_NAMES[suite], key);

/** A cipher object for each packet: Node has no way to give one a new nonce. That, not the cipher, is most of the cost. */
class NodeAead implements Aead {
  readonly #name: CipherGCMTypes;
  readonly #key: KeyObject;

  constructor(name: CipherGCMTypes, key: Uint8Array) {
    this.#name = name;
    this.#key = createSecretKey(key);
  }

  seal(nonce: Uint8Array, bytes: Uint8Array, headerStart: number, payloadStart: number, payloadEnd: number): void {
    const cipher = createCipheriv(this.#name, this.#key, nonce, TAG);
    cipher.setAAD(bytes.subarray(headerStart, payloadStart));
    if (payloadEnd > payloadStart) bytes.set(cipher.update(bytes.subarray(payloadStart, payloadEnd)), payloadStart);
    cipher.final(); // both are stream ciphers: no octet is left over
    bytes.set(cipher.getAuthTag(), payloadEnd);
  }

  open(nonce: Uint8Array, bytes: Uint8Array, headerStart: number, payloadStart: number, end: number): number {
    const payloadEnd = end - TAG_LENGTH;
    if (payloadEnd < payloadStart) return -1;
    const decipher = createDecipheriv(this.#name, this.#key, nonce, TAG);
    decipher.setAAD(bytes.subarray(headerStart, payloadStart));
    decipher.setAuthTag(bytes.subarray(payloadEnd, end));
    const plaintext = decipher.update(bytes.subarray(payloadStart, payloadEnd));
    try {
      decipher.final();
    } catch {
      return -1;
    }
    bytes.set(plaintext, payloadStart);
    return payloadEnd;
  }
}

export function nodeHeaderMask(suite: CipherSuite, key: Uint8Array): HeaderMask {
  if (suite === 'TLS_CHACHA20_POLY1305_SHA256') return new ChaChaMask(key);
  return new AesMask(suite === 'TLS_AES_128_GCM_SHA256' ? 'aes-128-ecb' : 'aes-256-ecb', key);
}

/** RFC 9001 §5.4.3. In ECB mode blocks do not depend on each other, so that one cipher object serves for as long as the key. */
class AesMask implements HeaderMask {
  readonly #cipher: Cipher;

  constructor(name: string, key: Uint8Array) {
    this.#cipher = createCipheriv(name, key, null).setAutoPadding(false);
  }

  write(sample: Uint8Array, mask: Uint8Array): void {
    const block = this.#cipher.update(sample);
    for (let i = 0; i < 5; i++) mask[i] = block[i];
  }
}

/** AES-128 on single blocks. */
export function nodeBlock(key: Uint8Array): BlockCipher {
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  const decipher = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  return {
    encrypt: (block) => block.set(cipher.update(block)),
    decrypt: (block) => block.set(decipher.update(block)),
  };
}

const FIVE_ZEROS = new Uint8Array(5);

/** RFC 9001 §5.4.4. The sample is counter and nonce, in just the layout that OpenSSL takes as an IV. */
class ChaChaMask implements HeaderMask {
  readonly #key: KeyObject;

  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key);
  }

  write(sample: Uint8Array, mask: Uint8Array): void {
    mask.set(createCipheriv('chacha20', this.#key, sample).update(FIVE_ZEROS));
  }
}
