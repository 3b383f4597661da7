import type { CryptoProvider } from '@quiclab/crypto';
import { type AckPolicy, Space } from '@quiclab/recovery';
import { integerBelow, type Random } from '@quiclab/sansio';
import type { Level } from '@quiclab/tls';
import type { TransportConfig } from '../config.ts';
import { LIMITS } from '../limits.ts';
import { EcnCounting } from '../path/ecn.ts';
import { CryptoStream } from './crypto-stream.ts';
import { SpaceKeys } from './keys.ts';
import { ReceivedPackets } from './received.ts';

/** A packet number is left out within so many at first, and ever more rarely; at last within so many. */
const FIRST_SKIP_WITHIN = 256;
const LAST_SKIP_WITHIN = 1 << 17;

const LEVELS: readonly Level[] = ['initial', 'handshake', 'application'];

/** A packet number space: keys, what came, what was sent, and its CRYPTO stream. RFC 9000 §12.3. */
export class PacketSpace {
  readonly index: Space;
  readonly level: Level;
  keys: SpaceKeys;
  /** Initial: of the version that the connection began with, where its server has chosen another; only to read. RFC 9369 §4.1. */
  before: SpaceKeys | undefined;
  /** Application: the keys of 0-RTT packets, which share its numbers. RFC 9001 §5.6. */
  early: SpaceKeys;
  readonly received: ReceivedPackets;
  readonly crypto: CryptoStream;
  readonly ecn: EcnCounting;
  nextPacketNumber: number;
  /** The largest of ours that the peer acknowledged, -1 before the first: what the length of the next packet number hangs on. */
  largestAcked: number;

  /** Not to be used: whoever acknowledges it acknowledges what it has not received. RFC 9000 §21.4. -1 for none. */
  skipped: number;
  readonly #random: Random;
  #skipWithin: number;

  constructor(index: Space, provider: CryptoProvider, version: number, policy: AckPolicy, config: TransportConfig, random: Random) {
    this.index = index;
    this.level = LEVELS[index]!;
    this.keys = new SpaceKeys(provider, version);
    this.before = undefined;
    this.early = new SpaceKeys(provider, version);
    this.received = new ReceivedPackets(policy, config.maxAckDelay);
    // nobody has shown yet who it is; nor does a peer of ours say more than one message here
    this.crypto = new CryptoStream(
      index === Space.INITIAL ? Math.min(config.cryptoBuffer, LIMITS.initialCrypto.value) : config.cryptoBuffer,
    );
    this.ecn = new EcnCounting();
    this.nextPacketNumber = 0;
    this.largestAcked = -1;
    this.skipped = -1;
    this.#random = random;
    this.#skipWithin = FIRST_SKIP_WITHIN;
    if (index === Space.APPLICATION) this.#chooseSkipped();
  }

  /** The next number is the one to leave out. */
  skip(): void {
    this.nextPacketNumber++;
    this.#skipWithin = Math.min(2 * this.#skipWithin, LAST_SKIP_WITHIN);
    this.#chooseSkipped();
  }

  #chooseSkipped(): void {
    this.skipped = this.nextPacketNumber + this.#skipWithin / 2 + integerBelow(this.#random, this.#skipWithin / 2);
  }
}
