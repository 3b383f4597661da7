import { ByteReader } from '@quiclab/bytes';
import { HandshakeType } from '../code-points.ts';
import { decodeError, expectEnd, uint16List, vector8, vector16 } from '../decoding.ts';
import { decodeExtensions, type Extensions, encodeExtensions } from '../extensions.ts';
import { encodeMessage } from '../message-buffer.ts';

/** RFC 9846 §4.1.2. */
export interface ClientHello {
  readonly legacyVersion: number;
  readonly random: Uint8Array;
  readonly legacySessionId: Uint8Array;
  readonly cipherSuites: readonly number[];
  readonly legacyCompressionMethods: Uint8Array;
  readonly extensions: Extensions;
}

export const encodeClientHello = (hello: ClientHello): Uint8Array =>
  encodeMessage(HandshakeType.CLIENT_HELLO, (w) => {
    w.uint16(hello.legacyVersion);
    w.octets(hello.random);
    w.vector(1, () => w.octets(hello.legacySessionId));
    w.vector(2, () => {
      for (const suite of hello.cipherSuites) w.uint16(suite);
    });
    w.vector(1, () => w.octets(hello.legacyCompressionMethods));
    encodeExtensions(w, hello.extensions);
  });

/** Syntax only; what the values must be depends on the version, which is an extension. Views of `body`. */
export function decodeClientHello(body: Uint8Array): ClientHello {
  const reader = new ByteReader(body);
  const legacyVersion = reader.uint16();
  const random = reader.take(32);
  const legacySessionId = vector8(reader);
  const suites = vector16(reader);
  const legacyCompressionMethods = vector8(reader);
  // before TLS 1.3 there could be no extensions at all; then the version check has the last word
  const extensions = !reader.overrun && reader.remaining === 0 ? new Uint8Array(0) : vector16(reader);
  expectEnd(reader, 'ClientHello');
  if (legacySessionId.length > 32) throw decodeError(`ClientHello: a legacy_session_id of ${legacySessionId.length} octets`);
  if (legacyCompressionMethods.length === 0) throw decodeError('ClientHello: no legacy_compression_methods');
  return {
    legacyVersion,
    random,
    legacySessionId,
    cipherSuites: uint16List(suites, 'ClientHello cipher_suites'),
    legacyCompressionMethods,
    extensions: decodeExtensions(extensions, 'ClientHello'),
  };
}
