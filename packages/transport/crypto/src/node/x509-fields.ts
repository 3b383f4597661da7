import { fromLatin1 } from '@quiclab/bytes';
import { type Micros, SECOND } from '@quiclab/sansio';
import { BIT_STRING, BOOLEAN, explicit, GENERALIZED_TIME, INTEGER, implicit, OCTET_STRING, OID, SEQUENCE, UTC_TIME } from './der.ts';

/** What Node's X509Certificate does not tell, or only as text. */
export interface CertificateFields {
  /** Name, as DER; a view of the certificate's octets, as are the key identifiers. */
  readonly subject: Uint8Array;
  /** Both ends are valid themselves (RFC 5280 §4.1.2.5). */
  readonly notBefore: Micros;
  readonly notAfter: Micros;
  /** Dotted OID, as are the others here. */
  readonly signatureAlgorithm: string;
  readonly criticalExtensions: readonly string[];
  readonly hasBasicConstraints: boolean;
  /** How many intermediate certificates may be below this one; infinite where basicConstraints sets no limit (RFC 5280 §4.2.1.9). */
  readonly pathLength: number;
  /** Without the extension, everything is allowed (RFC 5280 §4.2.1.3). */
  readonly maySignHandshakes: boolean;
  readonly maySignCertificates: boolean;
  /** The purposes of extKeyUsage; undefined where it is missing, and any will do (RFC 5280 §4.2.1.12). */
  readonly purposes: readonly string[] | undefined;
  readonly subjectKeyId: Uint8Array | undefined;
  readonly authorityKeyId: Uint8Array | undefined;
}

// RFC 5280 §4.2.1
export const SUBJECT_KEY_ID = '2.5.29.14';
export const KEY_USAGE = '2.5.29.15';
export const SUBJECT_ALT_NAME = '2.5.29.17';
export const BASIC_CONSTRAINTS = '2.5.29.19';
export const CERTIFICATE_POLICIES = '2.5.29.32';
export const AUTHORITY_KEY_ID = '2.5.29.35';
export const EXT_KEY_USAGE = '2.5.29.37';

/** One value of a DER encoding, and a cursor over those inside it. Throws Error at anything that does not fit. */
class DerValue {
  readonly tag: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
  #next: number;

  constructor(bytes: Uint8Array, start: number, limit: number) {
    if (start + 2 > limit) throw new Error(`DER value at ${start} is cut off`);
    this.bytes = bytes;
    this.start = start;
    this.tag = bytes[start];
    let length = bytes[start + 1];
    let at = start + 2;
    if (length >= 0x80) {
      const size = length & 0x7f;
      if (size === 0 || size > 3 || at + size > limit) throw new Error(`DER length at ${start + 1} is malformed`);
      length = 0;
      for (let i = 0; i < size; i++) length = length * 256 + bytes[at++];
    }
    if (at + length > limit) throw new Error(`DER value at ${start} is cut off`);
    this.contentStart = at;
    this.end = at + length;
    this.#next = at;
  }

  get content(): Uint8Array {
    return this.bytes.subarray(this.contentStart, this.end);
  }

  get more(): boolean {
    return this.#next < this.end;
  }

  /** The next value inside, which must have this tag. */
  take(tag: number): DerValue {
    const value = new DerValue(this.bytes, this.#next, this.end);
    if (value.tag !== tag) throw new Error(`DER tag at ${value.start} is ${value.tag}, not ${tag}`);
    this.#next = value.end;
    return value;
  }

  /** The next value inside, if it has this tag. */
  takeOptional(tag: number): DerValue | undefined {
    return this.more && this.bytes[this.#next] === tag ? this.take(tag) : undefined;
  }

  nextTag(): number {
    return this.more ? this.bytes[this.#next] : -1;
  }
}

const outer = (bytes: Uint8Array): DerValue => new DerValue(bytes, 0, bytes.length);

/** Throws Error where the octets are not a certificate, whole and nothing behind it, or where an extension that is read here is malformed. */
export function certificateFields(certificate: Uint8Array): CertificateFields {
  const whole = outer(certificate);
  if (whole.end !== certificate.length) throw new Error(`${certificate.length - whole.end} octets follow the certificate`);
  const signed = whole.take(SEQUENCE);
  const signatureAlgorithm = oidText(whole.take(SEQUENCE).take(OID));

  signed.takeOptional(explicit(0)); // version
  signed.take(INTEGER); // serial number
  signed.take(SEQUENCE); // signature algorithm once more; OpenSSL compares them
  signed.take(SEQUENCE); // issuer
  const validity = signed.take(SEQUENCE);
  const notBefore = takeTime(validity);
  const notAfter = takeTime(validity);
  const subject = signed.take(SEQUENCE);
  signed.take(SEQUENCE); // public key
  signed.takeOptional(implicit(1)); // unique identifiers, of which nobody knows a use
  signed.takeOptional(implicit(2));

  const criticalExtensions: string[] = [];
  const values = new Map<string, DerValue>();
  const list = signed.takeOptional(explicit(3))?.take(SEQUENCE);
  while (list?.more) {
    const extension = list.take(SEQUENCE);
    const id = oidText(extension.take(OID));
    if (values.has(id)) throw new Error(`extension ${id} is there twice`); // RFC 5280 §4.2
    if (extension.takeOptional(BOOLEAN)?.content[0]) criticalExtensions.push(id);
    values.set(id, outer(extension.take(OCTET_STRING).content));
  }

  const basicConstraints = values.get(BASIC_CONSTRAINTS);
  const keyUsage = values.get(KEY_USAGE);
  const extKeyUsage = values.get(EXT_KEY_USAGE);
  return {
    subject: certificate.subarray(subject.start, subject.end),
    notBefore,
    notAfter,
    signatureAlgorithm,
    criticalExtensions,
    hasBasicConstraints: basicConstraints !== undefined,
    pathLength: basicConstraints === undefined ? Number.POSITIVE_INFINITY : pathLength(basicConstraints),
    maySignHandshakes: keyUsage === undefined || hasBit(keyUsage, 0),
    maySignCertificates: keyUsage === undefined || hasBit(keyUsage, 5),
    purposes: extKeyUsage && oids(extKeyUsage),
    subjectKeyId: values.get(SUBJECT_KEY_ID)?.content,
    authorityKeyId: values.get(AUTHORITY_KEY_ID)?.takeOptional(implicit(0))?.content,
  };
}

function pathLength(basicConstraints: DerValue): number {
  basicConstraints.takeOptional(BOOLEAN);
  const limit = basicConstraints.takeOptional(INTEGER);
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  let length = 0;
  for (const octet of limit.content) length = length * 256 + octet;
  return length;
}

/** Bits are counted from the most significant of the first octet, after the one that says how many are unused. */
function hasBit(bits: DerValue, bit: number): boolean {
  if (bits.tag !== BIT_STRING) throw new Error('keyUsage is not a bit string');
  return ((bits.content[1 + (bit >>> 3)] ?? 0) & (0x80 >>> (bit & 7))) !== 0;
}

function oids(list: DerValue): string[] {
  const found: string[] = [];
  while (list.more) found.push(oidText(list.take(OID)));
  return found;
}

function oidText(value: DerValue): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of value.content) {
    arc = arc * 128 + (octet & 0x7f);
    if (octet >= 0x80) continue;
    if (arcs.length === 0) {
      const first = Math.min(2, Math.floor(arc / 40));
      arcs.push(first, arc - first * 40);
    } else arcs.push(arc);
    arc = 0;
  }
  return arcs.join('.');
}

/** UTCTime YYMMDDhhmmssZ or GeneralizedTime YYYYMMDDhhmmssZ: RFC 5280 §4.1.2.5 allows no other forms. */
function takeTime(validity: DerValue): Micros {
  const value = validity.take(validity.nextTag() === GENERALIZED_TIME ? GENERALIZED_TIME : UTC_TIME);
  const text = fromLatin1(value.content);
  const match = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (match === null) throw new Error(`'${text.slice(0, 20)}' is not a time`);
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number);
  const century = match[1].length === 4 ? 0 : year < 50 ? 2000 : 1900;
  const date = new Date(0);
  date.setUTCFullYear(century + year, month - 1, day); // unlike Date.UTC, takes the years below 100 as they are
  date.setUTCHours(hour, minute, second);
  return (date.getTime() / 1000) * SECOND;
}
