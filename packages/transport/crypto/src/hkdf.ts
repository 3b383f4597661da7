import { ByteWriter, latin1 } from '@quiclab/bytes';
import type { CryptoProvider, HashName } from './provider.ts';

/** Octets that a hash gives. */
export const hashLength = (hash: HashName): number => (hash === 'sha256' ? 32 : 48);

/** HKDF-Extract (RFC 5869 §2.2): a uniform secret from input keying material. */
export const hkdfExtract = (provider: CryptoProvider, hash: HashName, salt: Uint8Array, inputKey: Uint8Array): Uint8Array =>
  provider.hmac(hash, salt, inputKey);

/**
 * HKDF-Expand (RFC 5869 §2.3): as many octets as asked for from a secret.
 * @throws RangeError beyond 255 blocks of the hash
 */
export function hkdfExpand(provider: CryptoProvider, hash: HashName, secret: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  const blockLength = hashLength(hash);
  const blocks = Math.ceil(length / blockLength);
  if (blocks > 255) throw new RangeError(`HKDF-Expand gives at most ${255 * blockLength} octets, not ${length}`);
  const output = new Uint8Array(blocks * blockLength);
  // each block is the HMAC of the block before, the info and a counter; the first has no block before it
  const input = new Uint8Array(blockLength + info.length + 1);
  input.set(info, blockLength);
  for (let i = 0; i < blocks; i++) {
    input[input.length - 1] = i + 1;
    const block = provider.hmac(hash, secret, i === 0 ? input.subarray(blockLength) : input);
    output.set(block, i * blockLength);
    input.set(block, 0);
  }
  return output.subarray(0, length);
}

/** HKDF-Expand-Label (RFC 8446 §7.1). `label` comes without its "tls13 " prefix. */
export function hkdfExpandLabel(
  provider: CryptoProvider,
  hash: HashName,
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const name = latin1(`tls13 ${label}`);
  const info = new ByteWriter(new Uint8Array(2 + 1 + name.length + 1 + context.length));
  info.uint16(length);
  info.uint8(name.length);
  info.octets(name);
  info.uint8(context.length);
  info.octets(context);
  return hkdfExpand(provider, hash, secret, info.bytes, length);
}
