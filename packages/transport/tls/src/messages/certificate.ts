import { ByteReader } from '@quiclab/bytes';
import { HandshakeType } from '../code-points.ts';
import { decodeError, expectEnd, vector8, vector16, vector24 } from '../decoding.ts';
import { decodeExtensions, type Extensions, encodeExtensions } from '../extensions.ts';
import { encodeMessage } from '../message-buffer.ts';

/** RFC 9846 §4.4.2. */
export interface CertificateEntry {
  /** One X.509 certificate in DER. */
  readonly data: Uint8Array;
  readonly extensions: Extensions;
}

export interface Certificate {
  readonly context: Uint8Array;
  readonly entries: readonly CertificateEntry[];
}

const NO_EXTENSIONS: Extensions = new Map();

/** @param chain  DER, leaf first; empty for a client that has none */
export const encodeCertificate = (chain: readonly Uint8Array[], context: Uint8Array = new Uint8Array(0)): Uint8Array =>
  encodeMessage(HandshakeType.CERTIFICATE, (w) => {
    w.vector(1, () => w.octets(context));
    w.vector(3, () => {
      for (const certificate of chain) {
        w.vector(3, () => w.octets(certificate));
        encodeExtensions(w, NO_EXTENSIONS);
      }
    });
  });

/** Views of `body`. */
export function decodeCertificate(body: Uint8Array): Certificate {
  const outer = new ByteReader(body);
  const context = vector8(outer);
  const list = vector24(outer);
  expectEnd(outer, 'Certificate');
  const reader = new ByteReader(list);
  const entries: CertificateEntry[] = [];
  while (reader.remaining > 0) {
    const data = vector24(reader);
    const extensions = vector16(reader);
    if (reader.overrun) throw decodeError('Certificate: an entry ends early');
    if (data.length === 0) throw decodeError('Certificate: an empty entry');
    entries.push({ data, extensions: decodeExtensions(extensions, 'Certificate') });
  }
  return { context, entries };
}
