import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { developmentCertificate, toPem } from '@quiclab/crypto/node';
import type { Micros } from '@quiclab/sansio';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  /** What Chromium's --ignore-certificate-errors-spki-list takes. */
  readonly publicKeyHash: string;
}

/** A certificate for localhost and 127.0.0.1 as PEM files, made by our own stack: that the others take it is part of the test. */
export function makeCertificate(directory: string, now: Micros): CertificateFiles {
  const made = developmentCertificate(now);
  const cert = join(directory, 'certificate.pem');
  const key = join(directory, 'key.pem');
  writeFileSync(cert, toPem('CERTIFICATE', made.certificate));
  writeFileSync(key, toPem('PRIVATE KEY', made.privateKey));
  return { cert, key, publicKeyHash: made.spkiSha256Base64 };
}
