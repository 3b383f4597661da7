import { ByteReader, ByteWriter, fromLatin1, latin1 } from '@quiclab/bytes';
import { decodeError, expectEnd, illegalParameter, uint16List, vector8, vector16 } from './decoding.ts';

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = ByteWriter.growable(64);
  write(writer);
  return writer.written();
}

/** supported_groups and signature_algorithms (RFC 9846 §4.2.7, §4.2.3): 16-bit code points after a 16-bit length. */
export const encodeCodePoints = (values: readonly number[]): Uint8Array =>
  written((w) =>
    w.vector(2, () => {
      for (const value of values) w.uint16(value);
    }),
  );

export function decodeCodePoints(data: Uint8Array, what: string): readonly number[] {
  const reader = new ByteReader(data);
  const list = vector16(reader);
  expectEnd(reader, what);
  return uint16List(list, what);
}

/** supported_versions of a ClientHello (RFC 9846 §4.2.1). */
export const encodeSupportedVersions = (versions: readonly number[]): Uint8Array =>
  written((w) =>
    w.vector(1, () => {
      for (const version of versions) w.uint16(version);
    }),
  );

export function decodeSupportedVersions(data: Uint8Array): readonly number[] {
  const reader = new ByteReader(data);
  const list = vector8(reader);
  expectEnd(reader, 'supported_versions');
  return uint16List(list, 'supported_versions');
}

/** One code point: the version selected by a ServerHello, or the group asked for by a HelloRetryRequest. */
export const encodeCodePoint = (value: number): Uint8Array => written((w) => w.uint16(value));

export function decodeCodePoint(data: Uint8Array, what: string): number {
  const reader = new ByteReader(data);
  const value = reader.uint16();
  expectEnd(reader, what);
  return value;
}

/** RFC 9846 §4.2.8. */
export interface KeyShareEntry {
  readonly group: number;
  readonly keyExchange: Uint8Array;
}

function writeKeyShare(writer: ByteWriter, entry: KeyShareEntry): void {
  writer.uint16(entry.group);
  writer.vector(2, () => writer.octets(entry.keyExchange));
}

function readKeyShare(reader: ByteReader): KeyShareEntry {
  const group = reader.uint16();
  const keyExchange = vector16(reader);
  if (keyExchange.length === 0) throw decodeError('key_share: an empty share');
  return { group, keyExchange };
}

export const encodeClientKeyShares = (entries: readonly KeyShareEntry[]): Uint8Array =>
  written((w) =>
    w.vector(2, () => {
      for (const entry of entries) writeKeyShare(w, entry);
    }),
  );

/** The shares of a ClientHello; there may be none (then the client asks for a HelloRetryRequest), and one for each group. */
export function decodeClientKeyShares(data: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const outer = new ByteReader(data);
  const list = vector16(outer);
  expectEnd(outer, 'key_share');
  const reader = new ByteReader(list);
  const shares = new Map<number, Uint8Array>();
  while (reader.remaining > 0) {
    const entry = readKeyShare(reader);
    if (shares.has(entry.group)) throw illegalParameter(`key_share: two shares for group ${entry.group}`);
    shares.set(entry.group, entry.keyExchange);
  }
  expectEnd(reader, 'key_share');
  return shares;
}

export const encodeServerKeyShare = (entry: KeyShareEntry): Uint8Array => written((w) => writeKeyShare(w, entry));

export function decodeServerKeyShare(data: Uint8Array): KeyShareEntry {
  const reader = new ByteReader(data);
  const entry = readKeyShare(reader);
  expectEnd(reader, 'key_share');
  return entry;
}

/** ALPN (RFC 7301 §3.1): protocol names of 1 to 255 octets, each character one octet. */
export const encodeProtocols = (protocols: readonly string[]): Uint8Array =>
  written((w) =>
    w.vector(2, () => {
      for (const protocol of protocols) w.vector(1, () => w.octets(latin1(protocol)));
    }),
  );

export function decodeProtocols(data: Uint8Array): readonly string[] {
  const outer = new ByteReader(data);
  const list = vector16(outer);
  expectEnd(outer, 'ALPN');
  if (list.length === 0) throw decodeError('ALPN: an empty list');
  const reader = new ByteReader(list);
  const protocols: string[] = [];
  while (reader.remaining > 0) {
    const name = vector8(reader);
    if (name.length === 0) throw decodeError('ALPN: an empty name');
    protocols.push(fromLatin1(name));
  }
  expectEnd(reader, 'ALPN');
  return protocols;
}

const HOST_NAME = 0;

/** server_name of a ClientHello (RFC 6066 §3): one host name in ASCII, without the trailing dot. */
export const encodeServerName = (host: string): Uint8Array =>
  written((w) =>
    w.vector(2, () => {
      w.uint8(HOST_NAME);
      w.vector(2, () => w.octets(latin1(host)));
    }),
  );

/** The host name, or '' where only names of other types are given. */
export function decodeServerName(data: Uint8Array): string {
  const outer = new ByteReader(data);
  const list = vector16(outer);
  expectEnd(outer, 'server_name');
  if (list.length === 0) throw decodeError('server_name: an empty list');
  const reader = new ByteReader(list);
  let host = '';
  while (reader.remaining > 0) {
    const type = reader.uint8();
    const name = vector16(reader);
    if (name.length === 0) throw decodeError('server_name: an empty name');
    if (type !== HOST_NAME) continue;
    if (host !== '') throw illegalParameter('server_name: two host names');
    if (!name.every((octet) => octet > 0x20 && octet < 0x7f)) throw illegalParameter('server_name: not a host name');
    host = fromLatin1(name);
  }
  expectEnd(reader, 'server_name');
  return host;
}

/** cookie (RFC 9846 §4.2.2): at least one octet. */
export const encodeCookie = (cookie: Uint8Array): Uint8Array => written((w) => w.vector(2, () => w.octets(cookie)));

export function decodeCookie(data: Uint8Array): Uint8Array {
  const reader = new ByteReader(data);
  const cookie = vector16(reader);
  expectEnd(reader, 'cookie');
  if (cookie.length === 0) throw decodeError('cookie: empty');
  return cookie;
}
