import { ByteReader } from '@quiclab/bytes';
import { Alert } from './alerts.ts';
import { TlsAlert } from './port.ts';

/** TLS's `opaque name<0..2^8-1>` (RFC 9846 §3.4): a view of the octets. */
export const vector8 = (reader: ByteReader): Uint8Array => reader.take(reader.uint8());
/** `opaque name<0..2^16-1>`. */
export const vector16 = (reader: ByteReader): Uint8Array => reader.take(reader.uint16());
/** `opaque name<0..2^24-1>`. */
export const vector24 = (reader: ByteReader): Uint8Array => reader.take(reader.uint24());

/** For what does not conform to the syntax: decode_error (RFC 9846 §6.2). */
export const decodeError = (reason: string): TlsAlert => new TlsAlert(Alert.DECODE_ERROR, reason);
/** For what conforms to the syntax, and is wrong: illegal_parameter. */
export const illegalParameter = (reason: string): TlsAlert => new TlsAlert(Alert.ILLEGAL_PARAMETER, reason);

/** For what TLS lets be, and QUIC does not: PROTOCOL_VIOLATION there. */
export const quicViolation = (reason: string): TlsAlert => new TlsAlert(Alert.ILLEGAL_PARAMETER, reason, true);

/** Throws decode_error unless the reader stands exactly at the end of what it was given. */
export function expectEnd(reader: ByteReader, what: string): void {
  if (reader.overrun) throw decodeError(`${what} ends early`);
  if (reader.remaining !== 0) throw decodeError(`${what} has ${reader.remaining} octets too many`);
}

/** A list of 16-bit code points that fills `octets`; at least one. */
export function uint16List(octets: Uint8Array, what: string): readonly number[] {
  if (octets.length === 0 || octets.length % 2 !== 0) throw decodeError(`${what}: a list of ${octets.length} octets`);
  const reader = new ByteReader(octets);
  const values: number[] = [];
  while (reader.remaining > 0) values.push(reader.uint16());
  return values;
}
