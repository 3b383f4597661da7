import { createECDH, createPrivateKey, createPublicKey, diffieHellman, type ECDH, type KeyObject } from 'node:crypto';
import type { Random } from '@quiclab/sansio';
import type { KeyExchangeGroup, KeyShare } from '../provider.ts';
import { octets } from './octets.ts';

export const nodeKeyExchange = (group: KeyExchangeGroup, random: Random): KeyShare =>
  group === 'x25519' ? new X25519Share(random) : new P256Share(random);

class X25519Share implements KeyShare {
  readonly publicKey: Uint8Array;
  readonly #privateKey: KeyObject;

  constructor(random: Random) {
    const scalar = new Uint8Array(32);
    random.fill(scalar);
    this.#privateKey = x25519PrivateKey(scalar);
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

function x25519FromJwk(scalar: Uint8Array): KeyObject {
  const d = Buffer.from(scalar).toString('base64url');
  return createPrivateKey({ key: { kty: 'OKP', crv: 'X25519', d, x: NO_PUBLIC_KEY }, format: 'jwk' });
}

/** RFC 8410 §7, as octets: everything of the PKCS#8 structure that comes before the scalar. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

const x25519FromDer = (scalar: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, scalar]), format: 'der', type: 'pkcs8' });

const NO_PUBLIC_KEY = Buffer.alloc(32).toString('base64url');

/**
 * A JWK must name its public key, which is what we are about to compute. Node reads the private part and does not look at the
 * public one; that takes a tenth of what the DER of PKCS#8 takes. Whether it is still so is tried once, on RFC 7748 §6.1.
 */
function x25519PrivateKey(scalar: Uint8Array): KeyObject {
  jwkIgnoresPublicKey ??= tryJwk();
  return jwkIgnoresPublicKey ? x25519FromJwk(scalar) : x25519FromDer(scalar);
}

let jwkIgnoresPublicKey: boolean | undefined;

function tryJwk(): boolean {
  const scalar = Buffer.from('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a', 'hex');
  const publicKey = '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a';
  try {
    return Buffer.from(x25519PublicOctets(x25519FromJwk(scalar))).toString('hex') === publicKey;
  } catch {
    return false;
  }
}

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
