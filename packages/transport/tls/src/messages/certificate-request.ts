import { ByteReader } from '@quiclab/bytes';
import { HandshakeType } from '../code-points.ts';
import { expectEnd, vector8, vector16 } from '../decoding.ts';
import { decodeExtensions, type Extensions, encodeExtensions } from '../extensions.ts';
import { encodeMessage } from '../message-buffer.ts';

/** RFC 9846 §4.3.2. */
export interface CertificateRequest {
  readonly context: Uint8Array;
  readonly extensions: Extensions;
}

export const encodeCertificateRequest = (request: CertificateRequest): Uint8Array =>
  encodeMessage(HandshakeType.CERTIFICATE_REQUEST, (w) => {
    w.vector(1, () => w.octets(request.context));
    encodeExtensions(w, request.extensions);
  });

export function decodeCertificateRequest(body: Uint8Array): CertificateRequest {
  const reader = new ByteReader(body);
  const context = vector8(reader);
  const extensions = vector16(reader);
  expectEnd(reader, 'CertificateRequest');
  return { context, extensions: decodeExtensions(extensions, 'CertificateRequest') };
}
