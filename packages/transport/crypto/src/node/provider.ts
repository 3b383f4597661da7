import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { CryptoProvider } from '../provider.ts';
import { nodeAead, nodeBlock, nodeHeaderMask } from './aead.ts';
import { checkChain } from './check-chain.ts';
import { nodeKeyExchange } from './key-exchange.ts';
import { octets } from './octets.ts';
import { nodeSigner } from './signatures.ts';

/** The provider port on `node:crypto`. Stateless: one for the whole process. */
export const nodeProvider: CryptoProvider = {
  confidential: true,
  digest: (hash, data) => octets(createHash(hash).update(data).digest()),
  hmac: (hash, key, data) => octets(createHmac(hash, key).update(data).digest()),
  aead: nodeAead,
  headerMask: nodeHeaderMask,
  block: nodeBlock,
  keyExchange: nodeKeyExchange,
  signer: nodeSigner,
  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  checkChain,
};
