import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type CertificateAndKey, makeCertificate } from '@quiclab/crypto/node';

const DAY = 86_400_000_000;

/** The name that the certificate is for, and that clients check. */
export const HOST_NAME = 'localhost';
export const LOOPBACK = '127.0.0.1';

/** An ECDSA P-256 certificate that signs itself, as both worlds take it. */
export function makeIdentity(): CertificateAndKey {
  const now = Date.now() * 1000;
  return makeCertificate({ names: [HOST_NAME], keyType: 'p256', notBefore: now - DAY, notAfter: now + DAY });
}

/** The same for `node:tls`. */
export function asPem({ certificate, privateKey }: CertificateAndKey): { readonly cert: string; readonly key: string } {
  const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' });
  return { cert: certificatePem(certificate), key: key.export({ format: 'pem', type: 'pkcs8' }) as string };
}

export const certificatePem = (certificate: Uint8Array): string => new X509Certificate(certificate).toString();
