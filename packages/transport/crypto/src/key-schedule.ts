import { fromHex } from '@quiclab/bytes';
import { hashLength, hkdfExpandLabel, hkdfExtract } from './hkdf.ts';
import type { CipherSuite, CryptoProvider, HashName } from './provider.ts';

/** What one version of QUIC derives its keys with; other versions must differ in all of it (RFC 9001 §9.6). */
export interface VersionLabels {
  readonly initialSalt: Uint8Array;
  readonly key: string;
  readonly iv: string;
  readonly hp: string;
  readonly ku: string;
  readonly retryKey: Uint8Array;
  readonly retryNonce: Uint8Array;
}

const VERSIONS: ReadonlyMap<number, VersionLabels> = new Map([
  [
    0x00000001, // RFC 9001 §5.1, §5.2, §5.8, §6.1
    {
      initialSalt: fromHex('38762cf7f55934b34d179ae6a4c80cadccbb7f0a'),
      key: 'quic key',
      iv: 'quic iv',
      hp: 'quic hp',
      ku: 'quic ku',
      retryKey: fromHex('be0c690b9f66575a1d766b54e368c84e'),
      retryNonce: fromHex('461599d35d632bf2239825bb'),
    },
  ],
  [
    0x6b3343cf, // RFC 9369 §3.3
    {
      initialSalt: fromHex('0dede3def700a6db819381be6e269dcbf9bd2ed9'),
      key: 'quicv2 key',
      iv: 'quicv2 iv',
      hp: 'quicv2 hp',
      ku: 'quicv2 ku',
      retryKey: fromHex('8fb4b01b56ac48e260fbcbcead7ccc92'),
      retryNonce: fromHex('d86969bc2d7c6d9990efb04a'),
    },
  ],
]);

/** @throws RangeError for a version that is neither 1 nor 2: whoever asks for keys has chosen the version before */
export function versionLabels(version: number): VersionLabels {
  const labels = VERSIONS.get(version);
  if (labels === undefined) throw new RangeError(`QUIC version 0x${version.toString(16)} has no key schedule here`);
  return labels;
}

interface Suite {
  readonly hash: HashName;
  readonly keyLength: number;
  readonly confidentialityLimit: number;
  readonly integrityLimit: number;
}

const SUITES: Readonly<Record<CipherSuite, Suite>> = {
  TLS_AES_128_GCM_SHA256: { hash: 'sha256', keyLength: 16, confidentialityLimit: 2 ** 23, integrityLimit: 2 ** 52 },
  TLS_AES_256_GCM_SHA384: { hash: 'sha384', keyLength: 32, confidentialityLimit: 2 ** 23, integrityLimit: 2 ** 52 },
  // more than there are packet numbers (2^62, and ours end at 2^53): never reached
  TLS_CHACHA20_POLY1305_SHA256: { hash: 'sha256', keyLength: 32, confidentialityLimit: Number.MAX_SAFE_INTEGER, integrityLimit: 2 ** 36 },
};

/** The hash of a cipher suite's key schedule. */
export const suiteHash = (suite: CipherSuite): HashName => SUITES[suite].hash;

/** Octets of an AEAD key, and of a header protection key (RFC 9001 §5.1). */
export const suiteKeyLength = (suite: CipherSuite): number => SUITES[suite].keyLength;

/** Packets that one set of keys may seal before they must be updated (RFC 9001 §6.6, with packets up to 2^16 octets). */
export const confidentialityLimit = (suite: CipherSuite): number => SUITES[suite].confidentialityLimit;

/** Packets that may fail to open in the life of a connection, over all keys, before it must be closed (RFC 9001 §6.6). */
export const integrityLimit = (suite: CipherSuite): number => SUITES[suite].integrityLimit;

const EMPTY = new Uint8Array(0);

/** The secrets that Initial packets are protected with; anyone who sees the client's first packet can derive them. RFC 9001 §5.2. */
export function initialSecrets(
  provider: CryptoProvider,
  version: number,
  destinationConnectionId: Uint8Array,
): { readonly client: Uint8Array; readonly server: Uint8Array } {
  const initial = hkdfExtract(provider, 'sha256', versionLabels(version).initialSalt, destinationConnectionId);
  return {
    client: hkdfExpandLabel(provider, 'sha256', initial, 'client in', EMPTY, 32),
    server: hkdfExpandLabel(provider, 'sha256', initial, 'server in', EMPTY, 32),
  };
}

/** The secret of the next key phase. Its packet keys change, the header protection key stays. RFC 9001 §6.1. */
export function nextSecret(provider: CryptoProvider, suite: CipherSuite, secret: Uint8Array, version: number): Uint8Array {
  const hash = suiteHash(suite);
  return hkdfExpandLabel(provider, hash, secret, versionLabels(version).ku, EMPTY, hashLength(hash));
}
