import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MadeCertificate, makeCertificate, toPem } from '@quiclab/crypto/node';
import { type Micros, SECOND } from '@quiclab/sansio';

export interface CertificateFiles {
  /** What the server sends. */
  readonly cert: string;
  readonly key: string;
  /** What the client trusts. */
  readonly ca: string;
  /** What Chromium's --ignore-certificate-errors-spki-list takes. */
  readonly publicKeyHash: string;
}

/** Certificates as PEM files, made by our own stack: that the others take them is part of the test. */
export function makeCertificates(directory: string, now: Micros): { readonly short: CertificateFiles; readonly long: CertificateFiles } {
  return {
    short: written(directory, 'short', shortChain(now)),
    long: written(directory, 'long', longChain(now)),
  };
}

const DAY = 86_400 * SECOND;
const NAMES = ['localhost', '127.0.0.1', '::1'];

const validity = (now: Micros) => ({ notBefore: now - 3600 * SECOND, notAfter: now + 13 * DAY, keyType: 'p256' }) as const;

/** A leaf, and the root that signed it. */
function shortChain(now: Micros): MadeCertificate[] {
  const root = makeCertificate({ ...validity(now), names: ['quiclab test root'], ca: true });
  return [makeCertificate({ ...validity(now), names: NAMES, issuer: root }), root];
}

/** A leaf, what signed it, and the root: the first two are sent, and take more than 7,500 octets. */
function longChain(now: Micros): MadeCertificate[] {
  const root = makeCertificate({ ...validity(now), names: ['quiclab test root'], ca: true });
  const authority = { names: ['quiclab test authority'], ca: true, pathLength: 0, issuer: root, padTo: 3_900 };
  const middle = makeCertificate({ ...validity(now), ...authority });
  return [makeCertificate({ ...validity(now), names: NAMES, issuer: middle, padTo: 3_900 }), middle, root];
}

/** The last of the chain is what clients trust, and is not sent. */
function written(directory: string, name: string, chain: readonly MadeCertificate[]): CertificateFiles {
  const file = (what: string) => join(directory, `${name}-${what}.pem`);
  writeFileSync(
    file('chain'),
    chain
      .slice(0, -1)
      .map(({ certificate }) => toPem('CERTIFICATE', certificate))
      .join(''),
  );
  writeFileSync(file('key'), toPem('PRIVATE KEY', chain[0].privateKey));
  writeFileSync(file('root'), toPem('CERTIFICATE', chain.at(-1)!.certificate));
  return { cert: file('chain'), key: file('key'), ca: file('root'), publicKeyHash: chain[0].spkiSha256Base64 };
}
