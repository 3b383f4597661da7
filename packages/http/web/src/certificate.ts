import { createHash, X509Certificate } from 'node:crypto';
import { developmentCertificate, readPem, toPem } from '@quiclab/crypto/node';

/** PEM as text or octets, or one certificate or key in DER. */
export type CertificateInput = string | Uint8Array;

export interface ServerCertificate {
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** PKCS#8, DER. */
  readonly privateKey: Uint8Array;
}

/** Those given, or one made on the fly for this machine's own names. @throws Error that says what is missing */
export function serverCertificate(cert: CertificateInput | undefined, key: CertificateInput | undefined, now: number): ServerCertificate {
  if (cert === undefined && key === undefined) {
    const made = developmentCertificate(now);
    return { chain: [made.certificate], privateKey: made.privateKey };
  }
  if (cert === undefined) throw new TypeError('serve: a key without its cert');
  const chain = certificates(cert);
  if (chain.length === 0) throw new TypeError('serve: cert holds no certificate');
  const privateKey = key === undefined ? pemOf(cert)?.privateKey : (pemOf(key)?.privateKey ?? (isDer(key) ? key : undefined));
  if (privateKey === undefined) throw new TypeError('serve: a cert without its private key');
  return { chain, privateKey };
}

/** All certificates in the input. */
export function certificates(input: CertificateInput): Uint8Array[] {
  return pemOf(input)?.certificates ?? [input as Uint8Array];
}

/** What a client needs to trust a server, and a browser to be told: PEM, and the hash of the public key. */
export function describeCertificate(chain: readonly Uint8Array[]): { readonly pem: string; readonly spkiSha256: string } {
  const spki = new X509Certificate(chain[0]!).publicKey.export({ format: 'der', type: 'spki' });
  return {
    pem: chain.map((certificate) => toPem('CERTIFICATE', certificate)).join(''),
    spkiSha256: createHash('sha256').update(spki).digest('base64'),
  };
}

function pemOf(input: CertificateInput): ReturnType<typeof readPem> | undefined {
  return isDer(input) ? undefined : readPem(typeof input === 'string' ? input : Buffer.from(input).toString('latin1'));
}

/** DER begins with a SEQUENCE; no text does. */
const isDer = (input: CertificateInput): input is Uint8Array => typeof input !== 'string' && input[0] === 0x30;
