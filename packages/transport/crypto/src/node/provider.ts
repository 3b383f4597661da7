import { createHash, createHmac, timingSafeEqual, X509Certificate } from 'node:crypto';
import type { CryptoProvider } from '../provider.ts';
import { nodeAead, nodeHeaderMask } from './aead.ts';
import { nodeKeyExchange } from './key-exchange.ts';
import { octets } from './octets.ts';
import { NodeVerifier, nodeSigner } from './signatures.ts';

/** The provider port on `node:crypto`. Stateless: one for the whole process. */
export const nodeProvider: CryptoProvider = {
  confidential: true,
  digest: (hash, data) => octets(createHash(hash).update(data).digest()),
  hmac: (hash, key, data) => octets(createHmac(hash, key).update(data).digest()),
  aead: nodeAead,
  headerMask: nodeHeaderMask,
  keyExchange: nodeKeyExchange,
  signer: nodeSigner,
  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  checkChain: (chain) => new NodeVerifier(new X509Certificate(chain[0]).publicKey),
};
