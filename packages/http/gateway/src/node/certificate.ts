import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { developmentCertificate, readPem, toPem } from '@quiclab/crypto/node';

/** The certificate and the key of the gateway's listeners, for Node's TLS and for ours. */
export interface Identity {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** PKCS#8, DER. */
  readonly privateKey: Uint8Array;
  /** The hash of the public key (base64), as Chromium's --ignore-certificate-errors-spki-list takes it. */
  readonly spkiSha256: string;
  /** It was made here, and nobody knows it. */
  readonly selfSigned: boolean;
}

/** From PEM; without any, one is made for localhost, 127.0.0.1 and ::1 (ECDSA P-256, 13 days). @throws Error that says what is missing */
export function identityOf(cert: string | undefined, key: string | undefined): Identity {
  if (cert === undefined) {
    if (key !== undefined) throw new TypeError('a key without its certificate');
    const made = developmentCertificate(Date.now() * 1000);
    return describe([made.certificate], made.privateKey, true);
  }
  const { certificates, privateKey: within } = readPem(cert);
  const privateKey = key === undefined ? within : readPem(key).privateKey;
  if (certificates.length === 0) throw new TypeError('the certificate file holds no certificate');
  if (privateKey === undefined) throw new TypeError('a certificate without its private key');
  const known = new X509Certificate(certificates[0]!);
  const identity = describe(certificates, privateKey, false);
  if (!belongs(known, identity.key)) throw new TypeError('the private key is not that of the certificate');
  return identity;
}

function describe(chain: readonly Uint8Array[], privateKey: Uint8Array, selfSigned: boolean): Identity {
  const spki = new X509Certificate(chain[0]!).publicKey.export({ format: 'der', type: 'spki' });
  return {
    cert: chain.map((certificate) => toPem('CERTIFICATE', certificate)).join(''),
    key: toPem('PRIVATE KEY', privateKey),
    chain,
    privateKey,
    spkiSha256: createHash('sha256').update(spki).digest('base64'),
    selfSigned,
  };
}

const belongs = (certificate: X509Certificate, key: string): boolean => certificate.checkPrivateKey(createPrivateKey(key));
