import type { Recovery } from '@quiclab/recovery';
import type { Micros } from '@quiclab/sansio';
import type { TransportParameters } from '@quiclab/wire';
import type { Policies, TransportConfig } from '../config.ts';
import type { AckFrequency } from '../control/ack-frequency.ts';
import type { Datagrams } from '../control/datagrams.ts';
import type { HandshakeDone } from '../control/handshake-done.ts';
import type { NewToken } from '../control/new-token.ts';
import type { Ping } from '../control/ping.ts';
import type { LocalIds } from '../ids/local-ids.ts';
import type { PeerIds } from '../ids/peer-ids.ts';
import type { Observer } from '../observer.ts';
import type { QuicBit } from '../packet/quic-bit.ts';
import type { ReusedPacketView } from '../packet/view.ts';
import type { Budget } from '../path/budget.ts';
import type { Path } from '../path/path.ts';
import type { Paths } from '../path/paths.ts';
import type { PacketSpace } from '../space/space.ts';
import type { ConnectionCredit } from '../streams/connection-credit.ts';
import type { StreamFrames } from '../streams/stream-frames.ts';
import type { StreamSender } from '../streams/stream-sender.ts';
import type { StreamTable } from '../streams/stream-table.ts';
import type { EventQueue } from './event-queue.ts';
import type { CryptoHandshake } from './handshake.ts';
import type { Idle } from './idle.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Counters } from './statistics.ts';
import type { Versions } from './versions.ts';
import type { Watch } from './watch.ts';

/**
 * The parts of a connection, each the owner of one subject. Receiving hands frames to them, sending asks them for frames.
 * A class with its fields one by one, as they are read for every packet: a literal with a getter is a hash table to V8.
 */
export class Parts {
  readonly side: 'client' | 'server';
  readonly versions: Versions;
  readonly policies: Policies;
  readonly config: TransportConfig;
  /** Destination connection ID of the client's first Initial, before any Retry. */
  originalDestination: Uint8Array;
  /** At a client: another such ID, for another attempt. */
  readonly newDestination: () => Uint8Array;
  readonly observer: Observer;
  /** Whether anybody watches: what only an observer needs is not made for nobody. */
  readonly observed: boolean;
  readonly watch: Watch;
  readonly view: ReusedPacketView;
  readonly events: EventQueue;
  readonly spaces: readonly PacketSpace[];
  readonly recovery: Recovery;
  readonly paths: Paths;
  readonly budget: Budget;
  readonly quicBit: QuicBit;
  readonly localIds: LocalIds;
  readonly peerIds: PeerIds;
  readonly lifecycle: Lifecycle;
  readonly idle: Idle;
  readonly handshake: CryptoHandshake;
  readonly handshakeDone: HandshakeDone;
  readonly newToken: NewToken;
  readonly ping: Ping;
  readonly ackFrequency: AckFrequency;
  readonly datagrams: Datagrams;
  readonly retry: RetryState;
  readonly table: StreamTable;
  readonly streams: StreamFrames;
  readonly sender: StreamSender;
  readonly credit: ConnectionCredit;
  readonly counters: Counters;
  /** What the peer said; the defaults until it did. */
  peerParameters: TransportParameters;

  constructor(parts: Omit<Parts, 'path'>) {
    this.side = parts.side;
    this.versions = parts.versions;
    this.policies = parts.policies;
    this.config = parts.config;
    this.originalDestination = parts.originalDestination;
    this.newDestination = parts.newDestination;
    this.observer = parts.observer;
    this.observed = parts.observed;
    this.watch = parts.watch;
    this.view = parts.view;
    this.events = parts.events;
    this.spaces = parts.spaces;
    this.recovery = parts.recovery;
    this.paths = parts.paths;
    this.budget = parts.budget;
    this.quicBit = parts.quicBit;
    this.localIds = parts.localIds;
    this.peerIds = parts.peerIds;
    this.lifecycle = parts.lifecycle;
    this.idle = parts.idle;
    this.handshake = parts.handshake;
    this.handshakeDone = parts.handshakeDone;
    this.newToken = parts.newToken;
    this.ping = parts.ping;
    this.ackFrequency = parts.ackFrequency;
    this.datagrams = parts.datagrams;
    this.retry = parts.retry;
    this.table = parts.table;
    this.streams = parts.streams;
    this.sender = parts.sender;
    this.credit = parts.credit;
    this.counters = parts.counters;
    this.peerParameters = parts.peerParameters;
  }

  /** The active one of the paths. */
  get path(): Path {
    return this.paths.active;
  }
}

/** Address validation by a token, seen from the handshake. RFC 9000 §8.1. */
export interface RetryState {
  /** What a client's Initials carry: from a Retry, or from an earlier connection; empty for none. */
  token: Uint8Array;
  /** The source connection ID of the Retry, where there was one: the peer must say the same (§7.3). */
  source: Uint8Array | undefined;
  /** At a server: makes the token of the client's next connection. */
  readonly nextToken: (now: Micros) => Uint8Array;
}
