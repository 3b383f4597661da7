import { ByteReader } from '@quiclab/bytes';
import { HandshakeType } from '../code-points.ts';
import { expectEnd, vector16 } from '../decoding.ts';
import { decodeExtensions, type Extensions, encodeExtensions } from '../extensions.ts';
import { encodeMessage } from '../message-buffer.ts';

/** RFC 9846 §4.3.1. */
export const encodeEncryptedExtensions = (extensions: Extensions): Uint8Array =>
  encodeMessage(HandshakeType.ENCRYPTED_EXTENSIONS, (w) => encodeExtensions(w, extensions));

export function decodeEncryptedExtensions(body: Uint8Array): Extensions {
  const reader = new ByteReader(body);
  const extensions = vector16(reader);
  expectEnd(reader, 'EncryptedExtensions');
  return decodeExtensions(extensions, 'EncryptedExtensions');
}
