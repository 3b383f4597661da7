import { constants, type KeyObject, sign, verify } from 'node:crypto';
import type { Signer, Verifier } from '../provider.ts';
import { octets } from './octets.ts';
import { readPrivateKey } from './private-keys.ts';

interface Scheme {
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
  readonly pss: boolean;
}

/** TLS 1.3's SignatureScheme values (RFC 8446 §4.2.3) that are made and verified here. RSA with PKCS#1 padding is not among them. */
const SCHEMES: ReadonlyMap<number, Scheme> = new Map([
  [0x0403, { hash: 'sha256', pss: false }],
  [0x0503, { hash: 'sha384', pss: false }],
  [0x0807, { hash: null, pss: false }],
  [0x0804, { hash: 'sha256', pss: true }],
  [0x0805, { hash: 'sha384', pss: true }],
  [0x0806, { hash: 'sha512', pss: true }],
]);

const SMALLEST_RSA_MODULUS = 2048;

/** The schemes that a key fits, preferred first. In TLS 1.3 a curve belongs to one hash. Empty: not a key for TLS here. */
export function schemesOf(key: KeyObject): readonly number[] {
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return [0x0807];
    case 'ec':
      if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return [0x0403];
      return key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? [0x0503] : [];
    case 'rsa':
      return (key.asymmetricKeyDetails?.modulusLength ?? 0) >= SMALLEST_RSA_MODULUS ? [0x0804, 0x0805, 0x0806] : [];
    default:
      return [];
  }
}

/** What a key is, for people. */
export function describeKey(key: KeyObject): string {
  const details = key.asymmetricKeyDetails;
  const size = details?.namedCurve ?? (details?.modulusLength === undefined ? undefined : `${details.modulusLength} bits`);
  return `${key.asymmetricKeyType}${size === undefined ? '' : ` (${size})`}`;
}

const withPadding = (key: KeyObject, { pss }: Scheme) =>
  pss ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : key;

export const nodeSigner = (pkcs8: Uint8Array): Signer => new NodeSigner(readPrivateKey(pkcs8));

class NodeSigner implements Signer {
  readonly schemes: readonly number[];
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    this.schemes = schemesOf(key);
    if (this.schemes.length === 0) throw new Error(`a private key of type ${describeKey(key)} cannot sign TLS handshakes here`);
    this.#key = key;
  }

  sign(scheme: number, message: Uint8Array): Uint8Array {
    if (!this.schemes.includes(scheme))
      throw new Error(`this key (${describeKey(this.#key)}) does not make signatures of scheme 0x${scheme.toString(16)}`);
    const chosen = SCHEMES.get(scheme)!;
    return octets(sign(chosen.hash, message, withPadding(this.#key, chosen)));
  }
}

export class NodeVerifier implements Verifier {
  readonly #key: KeyObject;
  readonly #schemes: readonly number[];

  constructor(key: KeyObject) {
    this.#key = key;
    this.#schemes = schemesOf(key);
  }

  verify(scheme: number, message: Uint8Array, signature: Uint8Array): boolean {
    if (!this.#schemes.includes(scheme)) return false; // RFC 8446 §4.4.3: the scheme must fit the key
    const chosen = SCHEMES.get(scheme)!;
    try {
      return verify(chosen.hash, message, withPadding(this.#key, chosen), signature);
    } catch {
      return false; // what OpenSSL cannot even read is no signature
    }
  }
}
