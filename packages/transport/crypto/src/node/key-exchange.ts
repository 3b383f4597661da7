import { createECDH, createPublicKey, diffieHellman, type ECDH, type KeyObject } from 'node:crypto';
import type { Random } from '@quiclab/sansio';
import type { KeyExchangeGroup, KeyShare } from '../provider.ts';
import { octets } from './octets.ts';
import { privateKeyOf } from './private-keys.ts';

export const nodeKeyExchange = (group: KeyExchangeGroup, random: Random): KeyShare =>
  group === 'x25519' ? new X25519Share(random) : new P256Share(random);

class X25519Share implements KeyShare {
  readonly publicKey: Uint8Array;
  readonly #privateKey: KeyObject;

  constructor(random: Random) {
    const scalar = new Uint8Array(32);
    random.fill(scalar);
    this.#privateKey = privateKeyOf('X25519', scalar);
    this.publicKey = x25519PublicOctets(this.#privateKey);
  }

  agree(peer: Uint8Array): Uint8Array {
    if (peer.length !== 32) throw new Error(`an X25519 key share has 32 octets, not ${peer.length}`);
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: Buffer.from(peer).toString('base64url') }, format: 'jwk' });
    // RFC 8446 §7.4.2: an all-zero secret must be refused. OpenSSL does so itself; whether it does is not left to its version.
    const secret = diffieHellman({ privateKey: this.#privateKey, publicKey });
    let sum = 0;
    for (const octet of secret) sum |= octet;
    if (sum === 0) throw new Error('this X25519 key share gives an all-zero secret');
    return octets(secret);
  }
}

const x25519PublicOctets = (key: KeyObject): Uint8Array => octets(Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url'));

/** The order of P-256: private keys are at least 1 and below it (FIPS 186-4 D.1.2.3). */
const P256_ORDER = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');

class P256Share implements KeyShare {
  readonly publicKey: Uint8Array;
  readonly #ecdh: ECDH;

  constructor(random: Random) {
    const scalar = Buffer.alloc(32);
    do random.fill(scalar);
    while (scalar.compare(P256_ORDER) >= 0 || scalar.every((octet) => octet === 0));
    this.#ecdh = createECDH('prime256v1');
    this.#ecdh.setPrivateKey(scalar);
    this.publicKey = octets(this.#ecdh.getPublicKey());
  }

  agree(peer: Uint8Array): Uint8Array {
    // RFC 8446 §4.2.8.2: uncompressed points only, and they must lie on the curve, which OpenSSL checks
    if (peer.length !== 65 || peer[0] !== 4)
      throw new Error(`a secp256r1 key share is an uncompressed point of 65 octets, not ${peer.length}`);
    return octets(this.#ecdh.computeSecret(peer));
  }
}
