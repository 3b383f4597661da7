import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { latin1 } from '@quiclab/bytes';
import { type Micros, type Random, SECOND } from '@quiclab/sansio';
import {
  BOOLEAN,
  der,
  derBitString,
  derInteger,
  derOid,
  derTime,
  derUtf8,
  explicit,
  INTEGER,
  implicit,
  NULL,
  OCTET_STRING,
  SEQUENCE,
  SET,
} from './der.ts';
import { ipOctets } from './ip-octets.ts';
import { octets } from './octets.ts';
import { privateKeyOf, readPrivateKey } from './private-keys.ts';
import { systemRandom } from './system-random.ts';
import {
  AUTHORITY_KEY_ID,
  BASIC_CONSTRAINTS,
  certificateFields,
  EXT_KEY_USAGE,
  KEY_USAGE,
  SUBJECT_ALT_NAME,
  SUBJECT_KEY_ID,
} from './x509-fields.ts';

export interface CertificateAndKey {
  /** DER. */
  readonly certificate: Uint8Array;
  /** PKCS#8, DER. */
  readonly privateKey: Uint8Array;
}

export interface MadeCertificate extends CertificateAndKey {
  /** The hash of the public key, as Chromium's --ignore-certificate-errors-spki-list takes it. */
  readonly spkiSha256Base64: string;
}

export interface CertificateOptions {
  /** DNS names and literal IP addresses. The first is the common name too; with `ca`, it is nothing else. */
  readonly names: readonly string[];
  readonly keyType: 'p256' | 'p384' | 'ed25519' | 'rsa';
  readonly notBefore: Micros;
  readonly notAfter: Micros;
  /** Who signs; without one, the certificate signs itself. */
  readonly issuer?: CertificateAndKey;
  /** Whether it may issue others. Default false. */
  readonly ca?: boolean;
  /** How many intermediate CAs may be below this one (RFC 5280 §4.2.1.9); any number without it. */
  readonly pathLength?: number;
  /** Where the serial number and Ed25519 keys come from: with it, those certificates are the same to the octet. Other keys and signatures are never repeated. */
  readonly random?: Random;
  /** Octets that the certificate is filled up to by a private extension, so that a chain has the size of a real one. ECDSA signatures vary by two or three. */
  readonly padTo?: number;
}

/**
 * Makes a key and a certificate for it (RFC 5280), for tests, simulations and development. 'rsa' has 2048 bits, and takes its time.
 * @throws Error for names that are none
 */
export function makeCertificate(options: CertificateOptions): MadeCertificate {
  if (options.names.length === 0) throw new Error('a certificate needs at least one name');
  const random = options.random ?? systemRandom;
  const privateKey = makeKey(options.keyType, random);
  const publicKey = exportSpki(privateKey);
  const serial = new Uint8Array(16);
  random.fill(serial);
  serial[0] = (serial[0] & 0x7f) | 0x40; // positive, and of one length (RFC 5280 §4.1.2.2)

  const subject = distinguishedName(options.names[0]);
  const issuerFields = options.issuer && certificateFields(options.issuer.certificate);
  const issuerKeyId = issuerFields === undefined ? keyId(publicKey) : issuerFields.subjectKeyId;
  const signingKey = options.issuer === undefined ? privateKey : readPrivateKey(options.issuer.privateKey);
  const algorithm = signatureAlgorithm(signingKey);
  const validity = der(SEQUENCE, derTime(options.notBefore), derTime(options.notAfter));
  const extensions = [
    ...usage(options),
    extension(SUBJECT_KEY_ID, false, der(OCTET_STRING, keyId(publicKey))),
    ...(issuerKeyId === undefined ? [] : [extension(AUTHORITY_KEY_ID, false, der(SEQUENCE, der(implicit(0), issuerKeyId)))]),
    ...(options.ca ? [] : [extension(SUBJECT_ALT_NAME, false, der(SEQUENCE, ...options.names.map(generalName)))]),
  ];

  const build = (...more: Uint8Array[]): Uint8Array => {
    const toBeSigned = der(
      SEQUENCE,
      der(explicit(0), der(INTEGER, Uint8Array.of(2))), // version 3
      derInteger(serial),
      algorithm.identifier,
      issuerFields?.subject ?? subject,
      validity,
      subject,
      publicKey,
      der(explicit(3), der(SEQUENCE, ...extensions, ...more)),
    );
    return der(SEQUENCE, toBeSigned, algorithm.identifier, derBitString(sign(algorithm.hash, toBeSigned, signingKey)));
  };

  return {
    certificate: padded(build, options.padTo ?? 0),
    privateKey: octets(privateKey.export({ format: 'der', type: 'pkcs8' })),
    spkiSha256Base64: createHash('sha256').update(publicKey).digest('base64'),
  };
}

const DAY = 86_400 * SECOND;

/**
 * A certificate for this machine's own names, to develop with: ECDSA, which browsers ask for, and short-lived enough for
 * WebTransport's serverCertificateHashes (at most 14 days). @param names  others that it is for as well
 */
export const developmentCertificate = (now: Micros, names: readonly string[] = []): MadeCertificate =>
  makeCertificate({
    names: [...new Set(['localhost', '127.0.0.1', '::1', ...names])],
    keyType: 'p256',
    notBefore: now - 3600 * SECOND, // clocks differ
    notAfter: now + 13 * DAY,
  });

function makeKey(keyType: CertificateOptions['keyType'], random: Random): KeyObject {
  switch (keyType) {
    case 'p256':
      return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
    case 'p384':
      return generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey;
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    case 'ed25519': {
      const seed = new Uint8Array(32);
      random.fill(seed);
      return privateKeyOf('Ed25519', seed);
    }
  }
}

const exportSpki = (privateKey: KeyObject): Uint8Array => octets(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));

/** RFC 7093 §2, method 4: any octets that tell keys apart will do. */
const keyId = (spki: Uint8Array): Uint8Array => createHash('sha256').update(spki).digest().subarray(0, 20);

interface SignatureAlgorithm {
  readonly identifier: Uint8Array;
  readonly hash: 'sha256' | 'sha384' | null;
}

function signatureAlgorithm(key: KeyObject): SignatureAlgorithm {
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return { identifier: der(SEQUENCE, derOid('1.3.101.112')), hash: null };
    case 'rsa':
      return { identifier: der(SEQUENCE, derOid('1.2.840.113549.1.1.11'), der(NULL)), hash: 'sha256' };
    case 'ec':
      return key.asymmetricKeyDetails?.namedCurve === 'secp384r1'
        ? { identifier: der(SEQUENCE, derOid('1.2.840.10045.4.3.3')), hash: 'sha384' }
        : { identifier: der(SEQUENCE, derOid('1.2.840.10045.4.3.2')), hash: 'sha256' };
    default:
      throw new Error(`a key of type ${key.asymmetricKeyType} issues no certificates here`);
  }
}

/** A common name has at most 64 characters (RFC 5280 A.1). Nobody matches hosts against it; people read it. */
const distinguishedName = (name: string): Uint8Array => {
  const commonName = der(SEQUENCE, derOid('2.5.4.3'), derUtf8(name.slice(0, 64)));
  return der(SEQUENCE, der(SET, commonName));
};

/** RFC 5280 §4.2.1.6 */
function generalName(name: string): Uint8Array {
  const address = ipOctets(name);
  if (address !== undefined) return der(implicit(7), address);
  if (!/^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(name)) throw new Error(`'${name}' is neither a DNS name in ASCII nor an IP address`);
  return der(implicit(2), latin1(name));
}

const TRUE = der(BOOLEAN, Uint8Array.of(0xff));

const extension = (id: string, critical: boolean, value: Uint8Array): Uint8Array =>
  der(SEQUENCE, derOid(id), ...(critical ? [TRUE] : []), der(OCTET_STRING, value));

/** basicConstraints and keyUsage: a CA signs certificates and revocation lists; a server signs handshakes, and says it is one. */
const usage = ({ ca, pathLength }: CertificateOptions): Uint8Array[] =>
  ca
    ? [
        extension(
          BASIC_CONSTRAINTS,
          true,
          der(SEQUENCE, TRUE, ...(pathLength === undefined ? [] : [derInteger(Uint8Array.of(pathLength))])),
        ),
        extension(KEY_USAGE, true, derBitString(Uint8Array.of(0x06), 1)),
      ]
    : [
        extension(BASIC_CONSTRAINTS, true, der(SEQUENCE)),
        extension(KEY_USAGE, true, derBitString(Uint8Array.of(0x80), 7)),
        extension(EXT_KEY_USAGE, false, der(SEQUENCE, derOid('1.3.6.1.5.5.7.3.1'))),
      ];

/** An OID under the enterprise number that is reserved for examples (RFC 5612). */
const PADDING = '1.3.6.1.4.1.32473.1';

/** Builds with as many octets of padding as bring the certificate to `size`; lengths grow along, so the first guess is corrected. */
function padded(build: (...more: Uint8Array[]) => Uint8Array, size: number): Uint8Array {
  let certificate = build();
  let padding = size - certificate.length;
  for (let i = 0; i < 4 && padding > 0 && certificate.length !== size; i++) {
    certificate = build(extension(PADDING, false, new Uint8Array(padding)));
    padding -= certificate.length - size;
  }
  return certificate;
}
