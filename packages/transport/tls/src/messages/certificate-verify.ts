import { ByteReader, concat, latin1 } from '@quiclab/bytes';
import { HandshakeType } from '../code-points.ts';
import { expectEnd, vector16 } from '../decoding.ts';
import { encodeMessage } from '../message-buffer.ts';

/** RFC 9846 §4.4.3. */
export interface CertificateVerify {
  readonly scheme: number;
  readonly signature: Uint8Array;
}

export const encodeCertificateVerify = (verify: CertificateVerify): Uint8Array =>
  encodeMessage(HandshakeType.CERTIFICATE_VERIFY, (w) => {
    w.uint16(verify.scheme);
    w.vector(2, () => w.octets(verify.signature));
  });

export function decodeCertificateVerify(body: Uint8Array): CertificateVerify {
  const reader = new ByteReader(body);
  const scheme = reader.uint16();
  const signature = vector16(reader);
  expectEnd(reader, 'CertificateVerify');
  return { scheme, signature };
}

const SERVER_PREFIX = concat(new Uint8Array(64).fill(0x20), latin1('TLS 1.3, server CertificateVerify'), new Uint8Array(1));

/** What a server signs: the hash of the transcript up to its Certificate, behind padding and a name that no other protocol signs. */
export const serverSignedContent = (transcriptHash: Uint8Array): Uint8Array => concat(SERVER_PREFIX, transcriptHash);
