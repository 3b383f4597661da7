import { createPrivateKey, type KeyObject } from 'node:crypto';

type Curve = 'Ed25519' | 'X25519';

/** RFC 8410 §7, as octets: everything of the PKCS#8 structure that comes before the 32 octets of the key. */
const PREFIXES: Readonly<Record<Curve, Buffer>> = {
  Ed25519: Buffer.from('302e020100300506032b657004220420', 'hex'),
  X25519: Buffer.from('302e020100300506032b656e04220420', 'hex'),
};
const KEY_LENGTH = 32;

/**
 * A key of RFC 8410 by its private octets. A JWK must name its public key, which is what we are about to compute. Node reads the private
 * part and does not look at the public one; that takes a tenth of what the DER of PKCS#8 takes. Whether it is still so is tried once,
 * on RFC 7748 §6.1.
 */
export function privateKeyOf(curve: Curve, key: Uint8Array): KeyObject {
  jwkIgnoresPublicKey ??= tryJwk();
  return jwkIgnoresPublicKey ? fromJwk(curve, key) : fromDer(Buffer.concat([PREFIXES[curve], key]));
}

/** A private key as PKCS#8. Those of Ed25519 go the short way. */
export function readPrivateKey(pkcs8: Uint8Array): KeyObject {
  const prefix = PREFIXES.Ed25519;
  const short = pkcs8.length === prefix.length + KEY_LENGTH && prefix.compare(pkcs8, 0, prefix.length) === 0;
  return short ? privateKeyOf('Ed25519', pkcs8.subarray(prefix.length)) : fromDer(Buffer.from(pkcs8));
}

const fromDer = (pkcs8: Buffer): KeyObject => createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });

function fromJwk(crv: Curve, key: Uint8Array): KeyObject {
  return createPrivateKey({ key: { kty: 'OKP', crv, d: Buffer.from(key).toString('base64url'), x: NO_PUBLIC_KEY }, format: 'jwk' });
}

const NO_PUBLIC_KEY = Buffer.alloc(KEY_LENGTH).toString('base64url');

let jwkIgnoresPublicKey: boolean | undefined;

function tryJwk(): boolean {
  const scalar = Buffer.from('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a', 'hex');
  const publicKey = '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a';
  try {
    const { x } = fromJwk('X25519', scalar).export({ format: 'jwk' });
    return Buffer.from(x!, 'base64url').toString('hex') === publicKey;
  } catch {
    return false;
  }
}
