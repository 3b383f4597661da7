import type { CipherSuite, KeyExchangeGroup } from '@quiclab/crypto';

/** RFC 9846 §4. */
export const HandshakeType = {
  CLIENT_HELLO: 1,
  SERVER_HELLO: 2,
  NEW_SESSION_TICKET: 4,
  END_OF_EARLY_DATA: 5,
  ENCRYPTED_EXTENSIONS: 8,
  CERTIFICATE: 11,
  CERTIFICATE_REQUEST: 13,
  CERTIFICATE_VERIFY: 15,
  FINISHED: 20,
  KEY_UPDATE: 24,
  MESSAGE_HASH: 254,
} as const;

const HANDSHAKE_NAMES: Readonly<Record<number, string>> = {
  1: 'ClientHello',
  2: 'ServerHello',
  4: 'NewSessionTicket',
  5: 'EndOfEarlyData',
  8: 'EncryptedExtensions',
  11: 'Certificate',
  13: 'CertificateRequest',
  15: 'CertificateVerify',
  20: 'Finished',
  24: 'KeyUpdate',
};

/** What a message is called, for reasons that people read. */
export const messageName = (type: number): string => HANDSHAKE_NAMES[type] ?? `message of type ${type}`;

export const TLS_12 = 0x0303;
export const TLS_13 = 0x0304;

const SUITE_CODES: Readonly<Record<CipherSuite, number>> = {
  TLS_AES_128_GCM_SHA256: 0x1301,
  TLS_AES_256_GCM_SHA384: 0x1302,
  TLS_CHACHA20_POLY1305_SHA256: 0x1303,
};
const GROUP_CODES: Readonly<Record<KeyExchangeGroup, number>> = { secp256r1: 0x0017, x25519: 0x001d };

/** RFC 9846 §B.4. */
export const suiteCode = (suite: CipherSuite): number => SUITE_CODES[suite];

/** The suite with this code; undefined for one that is not spoken here. */
export const suiteOf = (code: number): CipherSuite | undefined =>
  (Object.keys(SUITE_CODES) as CipherSuite[]).find((suite) => SUITE_CODES[suite] === code);

/** RFC 9846 §4.2.7. */
export const groupCode = (group: KeyExchangeGroup): number => GROUP_CODES[group];

/** What a peer's key share in this group must measure (RFC 9846 §4.2.8.2): an X25519 value, or an uncompressed point. */
export const keyShareLength = (group: KeyExchangeGroup): number => (group === 'x25519' ? 32 : 65);

/** RFC 9846 §4.2.3. */
export const SignatureScheme = {
  RSA_PKCS1_SHA256: 0x0401,
  ECDSA_SECP256R1_SHA256: 0x0403,
  RSA_PKCS1_SHA384: 0x0501,
  ECDSA_SECP384R1_SHA384: 0x0503,
  RSA_PKCS1_SHA512: 0x0601,
  RSA_PSS_RSAE_SHA256: 0x0804,
  RSA_PSS_RSAE_SHA384: 0x0805,
  RSA_PSS_RSAE_SHA512: 0x0806,
  ED25519: 0x0807,
} as const;

/** Schemes that may sign a CertificateVerify here, preferred first. */
export const HANDSHAKE_SCHEMES: readonly number[] = [
  SignatureScheme.ECDSA_SECP256R1_SHA256,
  SignatureScheme.ED25519,
  SignatureScheme.RSA_PSS_RSAE_SHA256,
  SignatureScheme.ECDSA_SECP384R1_SHA384,
  SignatureScheme.RSA_PSS_RSAE_SHA384,
  SignatureScheme.RSA_PSS_RSAE_SHA512,
];

/** Offered after those: PKCS #1 v1.5 still signs certificates, but never a handshake (RFC 9846 §4.2.3). */
export const CERTIFICATE_ONLY_SCHEMES: readonly number[] = [
  SignatureScheme.RSA_PKCS1_SHA256,
  SignatureScheme.RSA_PKCS1_SHA384,
  SignatureScheme.RSA_PKCS1_SHA512,
];
