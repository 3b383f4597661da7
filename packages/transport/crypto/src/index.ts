export {
  type Aead,
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
