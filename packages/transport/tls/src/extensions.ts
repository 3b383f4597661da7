import { ByteReader, type ByteWriter } from '@quiclab/bytes';
import { Alert } from './alerts.ts';
import { decodeError, illegalParameter, vector16 } from './decoding.ts';
import { TlsAlert } from './port.ts';

/** RFC 9846 §4.2; RFC 9001 §8.2 for quic_transport_parameters. */
export const ExtensionType = {
  SERVER_NAME: 0,
  STATUS_REQUEST: 5,
  SUPPORTED_GROUPS: 10,
  SIGNATURE_ALGORITHMS: 13,
  ALPN: 16,
  SIGNED_CERTIFICATE_TIMESTAMP: 18,
  PADDING: 21,
  PRE_SHARED_KEY: 41,
  EARLY_DATA: 42,
  SUPPORTED_VERSIONS: 43,
  COOKIE: 44,
  PSK_KEY_EXCHANGE_MODES: 45,
  CERTIFICATE_AUTHORITIES: 47,
  OID_FILTERS: 48,
  POST_HANDSHAKE_AUTH: 49,
  SIGNATURE_ALGORITHMS_CERT: 50,
  KEY_SHARE: 51,
  QUIC_TRANSPORT_PARAMETERS: 57,
} as const;

/** The messages that carry extensions, as RFC 9846 §4.2 abbreviates them. */
export type ExtensionHome = 'CH' | 'SH' | 'HRR' | 'EE' | 'CT' | 'CR' | 'NST';

/** Where an extension may appear: the rows of the table in RFC 9846 §4.2 that this package recognizes. */
const HOMES: ReadonlyMap<number, readonly ExtensionHome[]> = new Map<number, readonly ExtensionHome[]>([
  [ExtensionType.SERVER_NAME, ['CH', 'EE', 'CR']],
  [ExtensionType.STATUS_REQUEST, ['CH', 'CR', 'CT']],
  [ExtensionType.SUPPORTED_GROUPS, ['CH', 'EE']],
  [ExtensionType.SIGNATURE_ALGORITHMS, ['CH', 'CR']],
  [ExtensionType.ALPN, ['CH', 'EE']],
  [ExtensionType.SIGNED_CERTIFICATE_TIMESTAMP, ['CH', 'CR', 'CT']],
  [ExtensionType.PADDING, ['CH']],
  [ExtensionType.PRE_SHARED_KEY, ['CH', 'SH']],
  [ExtensionType.EARLY_DATA, ['CH', 'EE', 'NST']],
  [ExtensionType.SUPPORTED_VERSIONS, ['CH', 'SH', 'HRR']],
  [ExtensionType.COOKIE, ['CH', 'HRR']],
  [ExtensionType.PSK_KEY_EXCHANGE_MODES, ['CH']],
  [ExtensionType.CERTIFICATE_AUTHORITIES, ['CH', 'CR']],
  [ExtensionType.OID_FILTERS, ['CR']],
  [ExtensionType.POST_HANDSHAKE_AUTH, ['CH']],
  [ExtensionType.SIGNATURE_ALGORITHMS_CERT, ['CH', 'CR']],
  [ExtensionType.KEY_SHARE, ['CH', 'SH', 'HRR']],
  [ExtensionType.QUIC_TRANSPORT_PARAMETERS, ['CH', 'EE']],
]);

/** Extension data by type, in the order of the message. */
export type Extensions = ReadonlyMap<number, Uint8Array>;

/** Parses what fills an extensions vector. A second extension of one type is an illegal_parameter (RFC 9846 §4.2). */
export function decodeExtensions(octets: Uint8Array, what: string): Extensions {
  const reader = new ByteReader(octets);
  const extensions = new Map<number, Uint8Array>();
  while (reader.remaining > 0) {
    const type = reader.uint16();
    const data = vector16(reader);
    if (reader.overrun) throw decodeError(`${what}: an extension ends early`);
    if (extensions.has(type)) throw illegalParameter(`${what}: extension ${type} appears twice`);
    extensions.set(type, data);
  }
  return extensions;
}

export function encodeExtensions(writer: ByteWriter, extensions: Extensions): void {
  writer.vector(2, () => {
    for (const [type, data] of extensions) {
      writer.uint16(type);
      writer.vector(2, () => writer.octets(data));
    }
  });
}

/** An extension that is known, and known to belong elsewhere, is an illegal_parameter (RFC 9846 §4.2). */
export function checkHomes(extensions: Extensions, home: ExtensionHome, what: string): void {
  for (const type of extensions.keys()) {
    const homes = HOMES.get(type);
    if (homes !== undefined && !homes.includes(home)) throw illegalParameter(`${what} must not have extension ${type}`);
  }
}

/** An answer that was not asked for is an unsupported_extension; only the cookie of a HelloRetryRequest comes unasked (RFC 9846 §4.2). */
export function checkSolicited(extensions: Extensions, offered: Extensions, what: string): void {
  for (const type of extensions.keys()) {
    if (!offered.has(type)) throw new TlsAlert(Alert.UNSUPPORTED_EXTENSION, `${what} answers extension ${type}, which was not offered`);
  }
}

/** The data of an extension that must be there; missing_extension otherwise (RFC 9846 §9.2). */
export function requireExtension(extensions: Extensions, type: number, what: string): Uint8Array {
  const data = extensions.get(type);
  if (data === undefined) throw new TlsAlert(Alert.MISSING_EXTENSION, `${what} lacks extension ${type}`);
  return data;
}
