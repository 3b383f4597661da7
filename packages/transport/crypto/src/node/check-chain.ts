import { type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { rootCertificates } from 'node:tls';
import { sameBytes } from '@quiclab/bytes';
import { MILLISECOND, type Micros, SECOND } from '@quiclab/sansio';
import { CertificateError, type Trust, type Verifier } from '../provider.ts';
import { describeKey, NodeVerifier, schemesOf } from './signatures.ts';
import {
  BASIC_CONSTRAINTS,
  CERTIFICATE_POLICIES,
  type CertificateFields,
  certificateFields,
  EXT_KEY_USAGE,
  KEY_USAGE,
  SUBJECT_ALT_NAME,
} from './x509-fields.ts';

// RFC 8446 §6.2
const BAD_CERTIFICATE = 42;
const UNSUPPORTED_CERTIFICATE = 43;
const CERTIFICATE_EXPIRED = 45;
const CERTIFICATE_UNKNOWN = 46;
const UNKNOWN_CA = 48;

/** Certificates that a peer may send, and that a path may have. Real ones have two to five. */
const LONGEST_CHAIN = 10;

interface Certificate {
  readonly x509: X509Certificate;
  readonly fields: CertificateFields;
}

/**
 * RFC 5280 §6 as far as the certificates of web servers need it: from the leaf upwards to a trusted root, each one valid at
 * `now`, signed by the next, which must be a CA and within its path length. The peer's certificates beside the leaf are
 * taken in any order, and those that lead nowhere are passed over (RFC 8446 §4.4.2). No revocation, no policies; name
 * constraints are not evaluated, and a critical extension that is not evaluated is refused.
 */
export function checkChain(chain: readonly Uint8Array[], serverName: string, now: Micros, trust: Trust): Verifier {
  if (chain.length === 0) throw new CertificateError(BAD_CERTIFICATE, 'the peer sent no certificate');
  const leaf = readCertificate(chain[0], 'the leaf certificate');
  const key = leaf.x509.publicKey;
  if (schemesOf(key).length === 0)
    throw refused(UNSUPPORTED_CERTIFICATE, leaf, `its key is of type ${describeKey(key)}, which signs no handshake here`);
  const verifier = new NodeVerifier(key);
  if (trust.verify === false) return verifier;

  if (chain.length > LONGEST_CHAIN)
    throw refused(BAD_CERTIFICATE, leaf, `its chain has ${chain.length} certificates, more than ${LONGEST_CHAIN}`);
  const others = chain.slice(1).map((der, i) => readCertificate(der, `certificate ${i + 1} of the chain`));
  const flaw = flawOf(leaf, now) ?? flawOfServer(leaf, serverName);
  if (flaw !== undefined) throw flaw;
  const roots = new Roots(trust);
  if (roots.include(leaf) && leaf.x509.subject === leaf.x509.issuer) return verifier; // a self-signed leaf that was given as `ca`
  climb(leaf, others, roots, now);
  return verifier;
}

/** Finds the way from the leaf to a root, or throws the first reason that closed it. */
function climb(leaf: Certificate, others: Certificate[], roots: Roots, now: Micros): void {
  let current = leaf;
  let intermediates = 0; // below the issuer that is looked for; self-issued ones do not count (RFC 5280 §4.2.1.9)
  for (let length = 1; length < LONGEST_CHAIN; length++) {
    let flaw: CertificateError | undefined;
    for (const root of roots.thatClaimToIssue(current)) {
      const flawOfRoot = flawOfIssuer(root, current, intermediates, now);
      if (flawOfRoot === undefined) return;
      flaw ??= flawOfRoot;
    }
    const next = others.findIndex((candidate) => {
      if (!claimsToIssue(candidate, current)) return false;
      const flawOfCandidate = flawOfIssuer(candidate, current, intermediates, now);
      flaw ??= flawOfCandidate;
      return flawOfCandidate === undefined;
    });
    if (next < 0) throw flaw ?? refused(UNKNOWN_CA, current, whyUnknown(current));
    current = others.splice(next, 1)[0]; // used once: the climb ends
    if (current.x509.subject !== current.x509.issuer) intermediates++;
  }
  throw refused(UNKNOWN_CA, leaf, `no trusted root within ${LONGEST_CHAIN} certificates`);
}

const whyUnknown = ({ x509 }: Certificate): string =>
  x509.subject === x509.issuer
    ? 'it is self-signed, and not among the trusted certificates'
    : `its issuer '${printable(x509.issuer)}' is not among the trusted certificates`;

const refused = (alert: number, certificate: Certificate, reason: string): CertificateError =>
  new CertificateError(alert, `certificate '${printable(certificate.x509.subject)}': ${reason}`);

/** Names come from the peer and go to logs and terminals. An empty one is undefined in Node. */
const printable = (name: string | undefined): string => {
  const line = (name ?? '').replaceAll('\n', ', ').replace(/[^\x20-\x7e]/g, '?');
  return line.length > 120 ? `${line.slice(0, 117)}...` : line;
};

/**
 * Certificates that peers have shown lately. Whoever opens several connections to a server is shown the same ones, and
 * reading one takes longer than to verify the handshake's signature with it.
 */
const recent: Certificate[] = [];
const MOST_RECENT = 8;

const seenLately = (octets: Uint8Array): Certificate | undefined => recent.find(({ x509 }) => sameBytes(x509.raw, octets));

function readCertificate(octets: Uint8Array, what: string): Certificate {
  const known = seenLately(octets);
  if (known !== undefined) return known;
  try {
    const x509 = new X509Certificate(octets);
    x509.publicKey; // read here, since a key that OpenSSL does not know throws
    const certificate = { x509, fields: certificateFields(octets) };
    if (recent.unshift(certificate) > MOST_RECENT) recent.pop();
    return certificate;
  } catch (error) {
    throw new CertificateError(BAD_CERTIFICATE, `${what} cannot be read: ${(error as Error).message}`);
  }
}

/** Those that are evaluated here or in X509Certificate, and certificatePolicies, which ask nothing of whoever requires no policy. */
const KNOWN_EXTENSIONS: ReadonlySet<string> = new Set([
  BASIC_CONSTRAINTS,
  KEY_USAGE,
  EXT_KEY_USAGE,
  SUBJECT_ALT_NAME,
  CERTIFICATE_POLICIES,
]);

// RFC 5280 §4.2.1.12
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_PURPOSE = '2.5.29.37.0';

/** RSA with SHA-2, PKCS#1 or PSS; ECDSA with SHA-2; Ed25519. MD5 and SHA-1 are not to be accepted any more (RFC 8446 §4.4.2.4). */
const SIGNATURE_ALGORITHMS: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.10',
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.3.101.112',
]);

/** What is wrong with any certificate of a path. */
function flawOf(certificate: Certificate, now: Micros): CertificateError | undefined {
  const { notBefore, notAfter, criticalExtensions, purposes } = certificate.fields;
  if (now < notBefore)
    return refused(CERTIFICATE_EXPIRED, certificate, `it is not valid before ${dateText(notBefore)}, and now is ${dateText(now)}`);
  if (now >= notAfter + SECOND)
    return refused(CERTIFICATE_EXPIRED, certificate, `it was valid until ${dateText(notAfter)}, and now is ${dateText(now)}`);
  const unknown = criticalExtensions.find((id) => !KNOWN_EXTENSIONS.has(id));
  if (unknown !== undefined)
    return refused(UNSUPPORTED_CERTIFICATE, certificate, `its extension ${unknown} is critical and not understood here`);
  if (purposes !== undefined && !purposes.includes(SERVER_AUTH) && !purposes.includes(ANY_PURPOSE)) {
    return refused(UNSUPPORTED_CERTIFICATE, certificate, 'its extKeyUsage does not allow authenticating a server');
  }
  return undefined;
}

/** What is wrong with the leaf: it must be for this server, and for signing (RFC 8446 §4.4.2.2). */
function flawOfServer(leaf: Certificate, serverName: string): CertificateError | undefined {
  if (!leaf.fields.maySignHandshakes) return refused(UNSUPPORTED_CERTIFICATE, leaf, 'its keyUsage does not allow signatures');
  if (isNamed(leaf.x509, serverName)) return undefined;
  const names = leaf.x509.subjectAltName;
  return refused(
    CERTIFICATE_UNKNOWN,
    leaf,
    `it is not for '${printable(serverName)}' but for ${names === undefined ? 'no host' : printable(names)}`,
  );
}

/** Only subjectAltName counts, never the common name; a wildcard stands for one whole label (RFC 9110 §4.3.4, RFC 9525 §6.3). */
function isNamed(x509: X509Certificate, serverName: string): boolean {
  if (isIP(serverName) !== 0) return !serverName.includes('%') && x509.checkIP(serverName) !== undefined;
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(serverName)) return false; // to OpenSSL, a name that starts with a dot means all that end in it
  return (
    x509.checkHost(serverName, { subject: 'never', wildcards: true, partialWildcards: false, multiLabelWildcards: false }) !== undefined
  );
}

/** Whether a certificate calls itself what another says of its issuer: the name, and the key where both identify it (RFC 5280 §4.2.1.1). */
function claimsToIssue(issuer: Certificate, issued: Certificate): boolean {
  if (issuer.x509.subject !== issued.x509.issuer) return false;
  const { subjectKeyId } = issuer.fields;
  const { authorityKeyId } = issued.fields;
  return subjectKeyId === undefined || authorityKeyId === undefined || sameBytes(subjectKeyId, authorityKeyId);
}

/** What is wrong with a certificate as the issuer of another, which it claims to be. The signature, which costs most, comes last. */
function flawOfIssuer(issuer: Certificate, issued: Certificate, intermediates: number, now: Micros): CertificateError | undefined {
  const flaw = flawOf(issuer, now);
  if (flaw !== undefined) return flaw;
  const { hasBasicConstraints, maySignCertificates, pathLength } = issuer.fields;
  if (!maySignCertificates) return refused(BAD_CERTIFICATE, issuer, 'its keyUsage does not allow signing certificates');
  if (!hasBasicConstraints || !issuer.x509.ca) return refused(BAD_CERTIFICATE, issuer, 'it issued another certificate but is no CA');
  if (intermediates > pathLength) {
    return refused(BAD_CERTIFICATE, issuer, `${intermediates} intermediate certificates are below it, and it allows ${pathLength}`);
  }
  if (!isStrong(issuer.x509.publicKey)) return refused(BAD_CERTIFICATE, issuer, `its key is of type ${describeKey(issuer.x509.publicKey)}`);
  const algorithm = issued.fields.signatureAlgorithm;
  if (!SIGNATURE_ALGORITHMS.has(algorithm))
    return refused(BAD_CERTIFICATE, issued, `its signature is of an algorithm that is not accepted, ${algorithm}`);
  if (!isSignedBy(issued.x509, issuer.x509.publicKey)) {
    return refused(BAD_CERTIFICATE, issued, `its signature does not verify with the key of '${printable(issuer.x509.subject)}'`);
  }
  return undefined;
}

/** Keys that may sign certificates: those for handshakes, and P-521. */
const isStrong = (key: KeyObject): boolean => schemesOf(key).length > 0 || key.asymmetricKeyDetails?.namedCurve === 'secp521r1';

function isSignedBy(x509: X509Certificate, key: KeyObject): boolean {
  try {
    return x509.verify(key);
  } catch {
    return false; // a key of another type than the signature's
  }
}

const dateText = (at: Micros): string => {
  const date = new Date(at / MILLISECOND);
  return Number.isNaN(date.getTime()) ? `${at} µs` : date.toISOString();
};

/** The certificates that are trusted: those given, and those that Node brings. */
class Roots {
  readonly #given: readonly Certificate[];

  constructor(trust: Trust) {
    this.#given = trust.ca === undefined ? [] : givenRoots(trust.ca);
  }

  include(certificate: Certificate): boolean {
    return this.#given.some((root) => sameBytes(root.x509.raw, certificate.x509.raw));
  }

  thatClaimToIssue(issued: Certificate): Certificate[] {
    const candidates = [...this.#given, ...(platformRoots().get(issued.x509.issuer) ?? [])];
    return candidates.filter((root) => claimsToIssue(root, issued));
  }
}

const given = new WeakMap<readonly Uint8Array[], readonly Certificate[]>();

/** Read once for each list, since a client passes the same one with every connection. */
function givenRoots(ca: readonly Uint8Array[]): readonly Certificate[] {
  let roots = given.get(ca);
  if (roots === undefined) {
    roots = ca.map((der, i) => readRoot(der, i));
    given.set(ca, roots);
  }
  return roots;
}

function readRoot(der: Uint8Array, index: number): Certificate {
  const seen = seenLately(der); // a self-signed leaf that is trusted has just been read
  if (seen !== undefined) return seen;
  try {
    return { x509: new X509Certificate(der), fields: certificateFields(der) };
  } catch (error) {
    throw new Error(`trusted certificate ${index} cannot be read: ${(error as Error).message}`); // ours, not the peer's
  }
}

let platform: Map<string, Certificate[]> | undefined;

/** By subject. Reading all of them takes a while: not before one is asked for, and once for the process. */
function platformRoots(): ReadonlyMap<string, Certificate[]> {
  if (platform !== undefined) return platform;
  platform = new Map();
  for (const pem of rootCertificates) {
    const x509 = new X509Certificate(pem);
    const root = { x509, fields: certificateFields(x509.raw) };
    const sameName = platform.get(x509.subject);
    if (sameName === undefined) platform.set(x509.subject, [root]);
    else sameName.push(root);
  }
  return platform;
}
