import { ByteReader, fromHex, sameBytes } from '@quiclab/bytes';
import { HandshakeType } from '../code-points.ts';
import { decodeError, expectEnd, vector8, vector16 } from '../decoding.ts';
import { decodeExtensions, type Extensions, encodeExtensions } from '../extensions.ts';
import { encodeMessage } from '../message-buffer.ts';

/** RFC 9846 §4.1.3. A HelloRetryRequest is the same message with a random of its own. */
export interface ServerHello {
  readonly legacyVersion: number;
  readonly random: Uint8Array;
  readonly legacySessionIdEcho: Uint8Array;
  readonly cipherSuite: number;
  readonly legacyCompressionMethod: number;
  readonly extensions: Extensions;
}

/** SHA-256 of "HelloRetryRequest". */
export const HELLO_RETRY_RANDOM = fromHex('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c');

export const isHelloRetryRequest = (hello: ServerHello): boolean => sameBytes(hello.random, HELLO_RETRY_RANDOM);

const DOWNGRADE_TO_12 = fromHex('444f574e47524401');
const DOWNGRADE_BELOW_12 = fromHex('444f574e47524400');

/** Whether a server that knows TLS 1.3 says that it was talked into something older (RFC 9846 §4.1.3). */
export function hasDowngradeMarker(hello: ServerHello): boolean {
  const last = hello.random.subarray(24);
  return sameBytes(last, DOWNGRADE_TO_12) || sameBytes(last, DOWNGRADE_BELOW_12);
}

export const encodeServerHello = (hello: ServerHello): Uint8Array =>
  encodeMessage(HandshakeType.SERVER_HELLO, (w) => {
    w.uint16(hello.legacyVersion);
    w.octets(hello.random);
    w.vector(1, () => w.octets(hello.legacySessionIdEcho));
    w.uint16(hello.cipherSuite);
    w.uint8(hello.legacyCompressionMethod);
    encodeExtensions(w, hello.extensions);
  });

/** Syntax only. Views of `body`. */
export function decodeServerHello(body: Uint8Array): ServerHello {
  const reader = new ByteReader(body);
  const legacyVersion = reader.uint16();
  const random = reader.take(32);
  const legacySessionIdEcho = vector8(reader);
  const cipherSuite = reader.uint16();
  const legacyCompressionMethod = reader.uint8();
  // an older server may send no extensions; the version check has the last word on that
  const extensions = !reader.overrun && reader.remaining === 0 ? new Uint8Array(0) : vector16(reader);
  expectEnd(reader, 'ServerHello');
  if (legacySessionIdEcho.length > 32) throw decodeError(`ServerHello: a legacy_session_id_echo of ${legacySessionIdEcho.length} octets`);
  return {
    legacyVersion,
    random,
    legacySessionIdEcho,
    cipherSuite,
    legacyCompressionMethod,
    extensions: decodeExtensions(extensions, 'ServerHello'),
  };
}
