import { createPrivateKey, X509Certificate } from 'node:crypto';
import { octets } from './octets.ts';

export interface Pem {
  /** DER, in the order of the text: for a server, leaf first. */
  readonly certificates: Uint8Array[];
  /** PKCS#8, DER. */
  readonly privateKey?: Uint8Array;
}

/**
 * Reads certificates and a private key (PKCS#8, SEC 1 or PKCS#1) from PEM (RFC 7468); text around the blocks is passed over.
 * @throws Error that says what is wrong with which block
 */
export function readPem(text: string): Pem {
  const certificates: Uint8Array[] = [];
  let privateKey: Uint8Array | undefined;
  let blocks = 0;
  for (const [, label, body] of text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g)) {
    blocks++;
    if (label === 'CERTIFICATE') certificates.push(readCertificate(body, certificates.length + 1));
    else if (label.endsWith('PRIVATE KEY')) {
      if (privateKey !== undefined) throw new Error('PEM: there is more than one private key');
      privateKey = readKey(label, body);
    } // others, such as EC PARAMETERS, say nothing that the key does not
  }
  const begun = text.match(/-----BEGIN [A-Z0-9 ]+-----/g)?.length ?? 0;
  if (begun > blocks) throw new Error(`PEM: ${begun} blocks begin, but only ${blocks} are whole`);
  if (blocks === 0) throw new Error("PEM: there is no '-----BEGIN ...-----' in this text (is it DER?)");
  return privateKey === undefined ? { certificates } : { certificates, privateKey };
}

/** One block of PEM: 64 characters to a line. */
export function toPem(label: 'CERTIFICATE' | 'PRIVATE KEY', der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g);
  return `-----BEGIN ${label}-----\n${(lines ?? []).join('\n')}\n-----END ${label}-----\n`;
}

function readCertificate(body: string, position: number): Uint8Array {
  if (/[^A-Za-z0-9+/=\s]/.test(body)) throw new Error(`PEM: certificate ${position} is not base64`);
  const der = Buffer.from(body, 'base64');
  try {
    return octets(new X509Certificate(der).raw);
  } catch (error) {
    throw new Error(`PEM: certificate ${position} cannot be read: ${(error as Error).message}`);
  }
}

function readKey(label: string, body: string): Uint8Array {
  if (label === 'ENCRYPTED PRIVATE KEY' || body.includes('ENCRYPTED'))
    throw new Error('PEM: the private key is encrypted; decrypt it first (openssl pkey)');
  try {
    const key = createPrivateKey(`-----BEGIN ${label}-----${body}-----END ${label}-----\n`);
    return octets(key.export({ format: 'der', type: 'pkcs8' }));
  } catch (error) {
    throw new Error(`PEM: the ${label} cannot be read: ${(error as Error).message}`);
  }
}
