import type { CryptoProvider } from '@quiclab/crypto';
import type { AckPolicy, Space } from '@quiclab/recovery';
import type { Level } from '@quiclab/tls';
import type { TransportConfig } from '../config.ts';
import { CryptoStream } from './crypto-stream.ts';
import { SpaceKeys } from './keys.ts';
import { ReceivedPackets } from './received.ts';

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
  nextPacketNumber: number;
  /** The largest of ours that the peer acknowledged, -1 before the first: what the length of the next packet number hangs on. */
  largestAcked: number;

  constructor(index: Space, provider: CryptoProvider, version: number, policy: AckPolicy, config: TransportConfig) {
    this.index = index;
    this.level = LEVELS[index]!;
    this.keys = new SpaceKeys(provider, version);
    this.before = undefined;
    this.early = new SpaceKeys(provider, version);
    this.received = new ReceivedPackets(policy, config.maxAckDelay);
    this.crypto = new CryptoStream(config.cryptoBuffer);
    this.nextPacketNumber = 0;
    this.largestAcked = -1;
  }
}
