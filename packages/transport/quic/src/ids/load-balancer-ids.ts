import type { BlockCipher, CryptoProvider } from '@quiclab/crypto';
import type { Random } from '@quiclab/sansio';
import { UsageError } from '../errors.ts';
import type { ConnectionIdGenerator } from './generator.ts';

/** What a server and the load balancer before it agree on. draft-ietf-quic-load-balancers. */
export interface LoadBalancerConfig {
  /** Which configuration this is, 0 to 6: the first three bits of each ID. */
  readonly id: number;
  /** Octets that are this server's, 1 at least. Not read where IDs are only decoded, but for its length. */
  readonly serverId: Uint8Array;
  /** Octets that make each ID another one, 4 at least; with the server ID up to 19. */
  readonly nonceLength: number;
  /** 16 octets, shared by load balancer and servers. Without it, whoever looks on can tell which server a connection goes to. */
  readonly key?: Uint8Array;
  /** Whether the other five bits say how long the ID is, for hardware that wants to know; else they are random. Default true. */
  readonly encodeLength?: boolean;
}

/** The first three bits of an ID that belongs to no configuration: load balancers send it where the four-tuple says. */
const UNROUTABLE = 7;
const MAX_LENGTH = 19;
const BLOCK = 16;

/**
 * Connection IDs that a load balancer can route by: first octet, then server ID and nonce, in clear or encrypted.
 * draft-ietf-quic-load-balancers. One for each server and key: two that shared both could use a nonce twice. When its nonces
 * are used up (2^32 of 4 octets) IDs are random and marked as not routable.
 */
export class LoadBalancerIds implements ConnectionIdGenerator {
  readonly length: number;
  readonly #config: LoadBalancerConfig;
  readonly #cipher: BlockCipher | undefined;
  /** With a key: counts up from a random start, so that no nonce comes twice. Empty before the first. */
  #nonce: Uint8Array;
  #noncesLeft: number;

  /** Throws UsageError for what the draft does not allow. */
  constructor(config: LoadBalancerConfig, provider: CryptoProvider) {
    const { id, serverId, nonceLength, key } = config;
    const length = serverId.length + nonceLength;
    if (!Number.isInteger(id) || id < 0 || id >= UNROUTABLE) throw new UsageError(`configuration ID ${id}; it must be from 0 to 6`);
    if (serverId.length < 1) throw new UsageError('the server ID is empty');
    if (!Number.isInteger(nonceLength) || nonceLength < 4) throw new UsageError(`nonceLength is ${nonceLength}; it must be 4 at least`);
    if (length > MAX_LENGTH) throw new UsageError(`server ID and nonce have ${length} octets together; there is room for ${MAX_LENGTH}`);
    if (key !== undefined && key.length !== BLOCK) throw new UsageError(`the key has ${key.length} octets; it must have ${BLOCK}`);
    this.length = 1 + length;
    this.#config = { ...config, serverId: serverId.slice() };
    this.#cipher = key && provider.block(key);
    this.#nonce = new Uint8Array(0);
    this.#noncesLeft = nonceLength === 4 ? 2 ** 32 : 2 ** 40;
  }

  generate(id: Uint8Array, random: Random): void {
    const { serverId, encodeLength } = this.#config;
    random.fill(id);
    const low = (encodeLength ?? true) ? this.length - 1 : id[0]! & 0x1f;
    // a nonce must not come twice, and there is no other configuration to go on with
    const routable = this.#cipher === undefined || this.#noncesLeft-- > 0;
    id[0] = ((routable ? this.#config.id : UNROUTABLE) << 5) | low;
    if (!routable) return;
    id.set(serverId, 1);
    if (this.#cipher === undefined) return; // §"Server Actions": without a key the nonce shows, and must be random
    id.set(this.#nextNonce(random), 1 + serverId.length);
    this.encrypt(id);
  }

  /** As a load balancer reads it: the server ID, or undefined for an ID that is not routable by this configuration. */
  serverIdOf(id: Uint8Array): Uint8Array | undefined {
    if (id.length < this.length || id[0]! >>> 5 !== this.#config.id) return undefined;
    const plain = id.slice(0, this.length);
    this.#decrypt(plain);
    return plain.slice(1, 1 + this.#config.serverId.length);
  }

  /** Encrypts an ID in place, all but its first octet: for a server that has put server ID and nonce there itself. */
  encrypt(id: Uint8Array): void {
    const block = id.subarray(1, this.length);
    if (this.#cipher === undefined) return;
    if (block.length === BLOCK) this.#cipher.encrypt(block);
    else feistel(this.#cipher, block, [1, 2, 3, 4]);
  }

  #decrypt(id: Uint8Array): void {
    const block = id.subarray(1, this.length);
    if (this.#cipher === undefined) return;
    if (block.length === BLOCK) this.#cipher.decrypt(block);
    else feistel(this.#cipher, block, [4, 3, 2, 1]);
  }

  #nextNonce(random: Random): Uint8Array {
    if (this.#nonce.length === 0) {
      this.#nonce = new Uint8Array(this.#config.nonceLength);
      random.fill(this.#nonce);
      return this.#nonce;
    }
    const nonce = this.#nonce;
    for (let i = nonce.length - 1; i >= 0; i--) {
      nonce[i] = (nonce[i]! + 1) & 0xff;
      if (nonce[i] !== 0) break; // no carry
    }
    return nonce;
  }
}

/** Four rounds over two halves, which share the middle octet where there is one. §"Four-Pass Encryption". */
function feistel(cipher: BlockCipher, text: Uint8Array, passes: readonly number[]): void {
  const { length } = text;
  const half = (length + 1) >>> 1;
  const odd = length % 2 === 1;
  const left = text.slice(0, half);
  const right = text.slice(length - half);
  const trim = (): void => {
    if (!odd) return;
    left[half - 1]! &= 0xf0;
    right[0]! &= 0x0f;
  };
  trim();
  for (const pass of passes) {
    const [from, to] = pass % 2 === 1 ? [left, right] : [right, left];
    const block = new Uint8Array(BLOCK);
    block.set(from);
    block[14] = length;
    block[15] = pass;
    cipher.encrypt(block);
    for (let i = 0; i < half; i++) to[i]! ^= block[i]!;
    trim();
  }
  const middle = odd ? left[half - 1]! | right[0]! : 0;
  text.set(left, 0);
  text.set(right, length - half);
  if (odd) text[half - 1] = middle;
}
