export { hashLength, hkdfExpand, hkdfExpandLabel, hkdfExtract } from './hkdf.ts';
export { confidentialityLimit, initialSecrets, integrityLimit, nextSecret, suiteHash, suiteKeyLength } from './key-schedule.ts';
export { nullProtection } from './null-provider.ts';
export {
  HeaderProtector,
  PacketProtector,
  packetProtector,
  retryIntegrityTag,
  SAMPLE_LENGTH,
  TAG_LENGTH,
  type TrafficKeys,
  trafficKeys,
} from './packet-protection.ts';
export {
  type Aead,
  type BlockCipher,
  CertificateError,
  type CipherSuite,
  type CryptoProvider,
  type HashName,
  type HeaderMask,
  type KeyExchangeGroup,
  type KeyShare,
  type Signer,
  type Trust,
  type Verifier,
} from './provider.ts';
