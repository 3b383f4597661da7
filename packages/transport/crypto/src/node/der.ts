/** Just enough DER (ITU-T X.690) to write a certificate: a value is made inside out, as octets. */

import { concat, latin1, utf8 } from '@quiclab/bytes';
import { MILLISECOND, type Micros } from '@quiclab/sansio';

export const BOOLEAN = 0x01;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const NULL = 0x05;
export const OID = 0x06;
export const UTF8_STRING = 0x0c;
export const UTC_TIME = 0x17;
export const GENERALIZED_TIME = 0x18;
export const SEQUENCE = 0x30;
export const SET = 0x31;
/** Context-specific tags: [n] around a value, or [n] in place of a primitive value's own tag. */
export const explicit = (n: number): number => 0xa0 | n;
export const implicit = (n: number): number => 0x80 | n;

/** A tag, the length of what follows, and what follows. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of contents) length += part.length;
  if (length < 0x80) return concat(Uint8Array.of(tag, length), ...contents);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest & 0xff);
  return concat(Uint8Array.of(tag, 0x80 | octets.length, ...octets), ...contents);
}

export function derOid(dotted: string): Uint8Array {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  const octets: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const digits = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left & 0x7f));
    octets.push(...digits);
  }
  return der(OID, Uint8Array.from(octets));
}

/** A non-negative integer, from its octets in network order without leading zeros. */
export const derInteger = (octets: Uint8Array): Uint8Array =>
  octets.length > 0 && octets[0] < 0x80 ? der(INTEGER, octets) : der(INTEGER, Uint8Array.of(0), octets);

/** A bit string of whole octets, or with the last `unused` bits left out. */
export const derBitString = (octets: Uint8Array, unused = 0): Uint8Array => der(BIT_STRING, Uint8Array.of(unused), octets);

export const derUtf8 = (text: string): Uint8Array => der(UTF8_STRING, utf8(text));

/** Whole seconds; the years that two digits stand for are 1950 to 2049 (RFC 5280 §4.1.2.5). */
export function derTime(at: Micros): Uint8Array {
  const date = new Date(Math.floor(at / MILLISECOND));
  const year = date.getUTCFullYear();
  if (Number.isNaN(year) || year < 0 || year > 9999) throw new RangeError(`${at} µs since 1970 is no time that a certificate can carry`);
  const digits = date.toISOString().replace(/[-T:]|\.\d+/g, '');
  return year >= 1950 && year < 2050 ? der(UTC_TIME, latin1(digits.slice(2))) : der(GENERALIZED_TIME, latin1(digits));
}
