import type { CongestionController, Pacer } from '@quiclab/congestion';
import type { CryptoProvider } from '@quiclab/crypto';
import type { AckPolicy, AckRequests, LossDetector, ProbePolicy, Space } from '@quiclab/recovery';
import type { Address, Micros, Random } from '@quiclab/sansio';
import type { StreamScheduler } from '@quiclab/streams';
import type { HandshakeFactory } from '@quiclab/tls';
import { VERSION_1, VERSION_2 } from '@quiclab/wire';
import { UsageError } from './errors.ts';
import type { ConnectionIdGenerator } from './ids/generator.ts';
import type { Observer } from './observer.ts';

/** Everything about a transport that is a number or a switch. Each has its unit, default and section. */
export interface TransportConfig {
  /** Silence after which a connection ends without a word, µs; 0 never. Default 30 s. RFC 9000 §10.1. */
  readonly maxIdleTimeout: Micros;
  /** A handshake that takes longer is given up, µs. Default 30 s. */
  readonly handshakeTimeout: Micros;
  /** Octets of the largest UDP payload we send; with `mtuDiscovery`, to begin with. Default 1,200, which every path carries (RFC 9000 §14). */
  readonly datagramSize: number;
  /**
   * Look for larger datagrams that a path carries (DPLPMTUD, RFC 9000 §14.3), and go back to 1,200 when it no longer does. A search
   * begins when the handshake is confirmed, the path validated and a datagram of full size was sent; its probes are PING and
   * PADDING, one at a time. How large they may be: `EndpointOptions.maxProbeSize`, the peer's max_udp_payload_size and the
   * driver's slots. Default false: what is sent stays comparable between experiments.
   */
  readonly mtuDiscovery: boolean;
  /** Octets of the largest UDP payload we say that we take. Default 65,527. RFC 9000 §18.2. */
  readonly maxUdpPayloadSize: number;
  /** Credit at the start, octets: for the connection, and for each stream. Defaults 1 MiB and 512 KiB. RFC 9000 §4.1. */
  readonly initialMaxData: number;
  readonly initialMaxStreamData: number;
  /** What these windows may grow to. Defaults 24 MiB and 16 MiB. */
  readonly maxDataWindow: number;
  readonly maxStreamDataWindow: number;
  /** Streams the peer may have open at once. Defaults 100 each. RFC 9000 §4.6. */
  readonly maxStreamsBidi: number;
  readonly maxStreamsUni: number;
  /** Octets that a stream holds for sending, unsent or unacknowledged; `write` takes no more. Default 2 MiB. */
  readonly sendBuffer: number;
  /**
   * Octets that the streams of a connection hold for sending all together, beyond the first 64 KiB of each: those are its own, so
   * that a stream goes on whatever others hold that cannot send. Beyond it `write` takes fewer, and who was refused waits in line
   * for 'stream-writable'. Default 16 MiB; never less than `sendBuffer`.
   */
  readonly connectionSendBuffer: number;
  /** Of `sendBuffer`, octets that may wait to be sent for the first time. Default: as many. Few make an application choose late what goes next. */
  readonly sendAhead: number;
  /** How long we may hold an ACK back, µs. Default 25 ms. RFC 9000 §13.2.1. */
  readonly maxAckDelay: Micros;
  /** How often ACKs come may be agreed upon: we follow the peer's ACK_FREQUENCY frames, and send our own where it does. Default false. draft-ietf-quic-ack-frequency. */
  readonly ackFrequency: boolean;
  /** With `ackFrequency`: how long we hold an ACK back at least if asked to, µs; never more than `maxAckDelay`. Default 1 ms, as fine as timers are. */
  readonly minAckDelay: Micros;
  /** RFC 9000 §18.2. Default 3: the ACK Delay field counts 8 µs. */
  readonly ackDelayExponent: number;
  /** Connection IDs of the peer's that we keep. Default 4. RFC 9000 §5.1.1. */
  readonly activeConnectionIdLimit: number;
  /** Octets of the connection IDs that we issue, 4 to 20. Default 8. */
  readonly connectionIdLength: number;
  /** At a server: where it would rather be spoken to, once the handshake is confirmed; one address of each family at most. RFC 9000 §9.6. */
  readonly preferredAddress?: { readonly ipv4?: Address; readonly ipv6?: Address };
  /** At a client: go to the server's preferred address. Default true. */
  readonly usePreferredAddress: boolean;
  /** Ask the peer not to migrate on purpose. Default false. RFC 9000 §18.2. */
  readonly disableActiveMigration: boolean;
  /** Octets of the largest DATAGRAM frame that we take, type and length included. Default 0: none; RFC 9221 §3 recommends 65,535 to who wants them. */
  readonly maxDatagramFrameSize: number;
  /** Octets of datagrams that wait to be sent, 64 more for each; `sendDatagram` takes no more. Default 64 KiB. */
  readonly datagramSendBuffer: number;
  /** The same for datagrams that came and were not polled as events: beyond it the oldest is dropped. Default 256 KiB. */
  readonly datagramReceiveBuffer: number;
  /** Whether we take RESET_STREAM_AT frames. Default false. draft-ietf-quic-reliable-stream-reset. */
  readonly resetStreamAt: boolean;
  /** Octets of CRYPTO data out of order, or of a handshake message, that we keep for each level. Default 128 KiB; RFC 9000 §7.5 asks for 4,096 at least. */
  readonly cryptoBuffer: number;
  /** Connections whose handshake is not complete that an endpoint holds; further Initials are refused. Default 1,000. */
  readonly maxHalfOpen: number;
  /** Half-open connections from which on a server under load asks for a Retry. Default 100. RFC 9000 §8.1.2. */
  readonly retryAbove: number;
  /** Connections that an endpoint holds in all. Default 10,000. */
  readonly maxConnections: number;
  /**
   * Mark what we send as ECN-capable, ECT(0), on paths that turn out to be fit for it. Default true; without effect where the system does
   * not let us set the bits, as on Node's sockets. What comes marked is reported in any case. RFC 9000 §13.4.
   */
  readonly ecn: boolean;
  /** Packets sealed with one key before we move to the next. Default 2^22, half of what AES-GCM is good for. RFC 9001 §6.6. */
  readonly packetsPerKey: number;
  /** Packets that may come and not be authentic before the connection closes; what the AEAD is good for (2^52, ChaCha20 2^36) holds all the same. Default 2^52. RFC 9001 §6.6. */
  readonly maxForgedPackets: number;
  /**
   * Versions that we speak, preferred first; each once. Default 2, then 1 (RFC 9369, RFC 9000). A client has them all available for its
   * server to choose from (RFC 9368 §2.3), and takes the first that a Version Negotiation packet lists; it begins with 1 where
   * that is among them, as every server knows it, unless a session or token is of another.
   */
  readonly versions: readonly number[];
  /** A server's: it goes on with the version that it prefers, where the client has that available. Default false: the client's stays. */
  readonly preferOwnVersion: boolean;
  /** Say now and then what means nothing, so that nobody gets used to never seeing it: a reserved transport parameter, reserved versions, any QUIC bit where the peer takes it. Default true. RFC 9000 §18.1, RFC 9287. */
  readonly grease: boolean;
  /** RTT assumed before the first sample, µs. Default 333 ms. RFC 9002 §6.2.2. */
  readonly initialRtt: Micros;
}

export const defaultTransportConfig: TransportConfig = {
  maxIdleTimeout: 30_000_000,
  handshakeTimeout: 30_000_000,
  datagramSize: 1200,
  mtuDiscovery: false,
  maxUdpPayloadSize: 65_527,
  initialMaxData: 1 << 20,
  initialMaxStreamData: 512 << 10,
  maxDataWindow: 24 << 20,
  maxStreamDataWindow: 16 << 20,
  maxStreamsBidi: 100,
  maxStreamsUni: 100,
  sendBuffer: 2 << 20,
  connectionSendBuffer: 16 << 20,
  sendAhead: 2 << 20,
  maxAckDelay: 25_000,
  ackFrequency: false,
  minAckDelay: 1_000,
  ackDelayExponent: 3,
  activeConnectionIdLimit: 4,
  connectionIdLength: 8,
  usePreferredAddress: true,
  disableActiveMigration: false,
  maxDatagramFrameSize: 0,
  datagramSendBuffer: 64 << 10,
  datagramReceiveBuffer: 256 << 10,
  resetStreamAt: false,
  cryptoBuffer: 128 << 10,
  maxHalfOpen: 1_000,
  retryAbove: 100,
  maxConnections: 10_000,
  ecn: true,
  packetsPerKey: 2 ** 22,
  maxForgedPackets: 2 ** 52,
  versions: [VERSION_2, VERSION_1],
  preferOwnVersion: false,
  grease: true,
  initialRtt: 333_000,
};

/** Fills in the defaults and refuses what RFC 9000 does not allow, naming the option. */
export function transportConfig(options: Partial<TransportConfig> = {}): TransportConfig {
  const config = { ...defaultTransportConfig, ...options };
  for (const [name, least, most] of BOUNDS) {
    const value = config[name];
    if (!Number.isInteger(value) || value < least || value > most)
      throw new UsageError(`${name} is ${value}; it must be a whole number from ${least} to ${most}`);
  }
  const { versions } = config;
  if (versions.length === 0 || new Set(versions).size < versions.length)
    throw new UsageError(`versions are ${versions}; each once, and at least one`);
  for (const version of versions)
    if (version !== VERSION_1 && version !== VERSION_2) throw new UsageError(`QUIC version 0x${version.toString(16)} is not known here`);
  return config;
}

const WHOLE = Number.MAX_SAFE_INTEGER;
type NumericOption = { [K in keyof TransportConfig]-?: TransportConfig[K] extends number ? K : never }[keyof TransportConfig];

const BOUNDS: readonly (readonly [NumericOption, number, number])[] = [
  ['maxIdleTimeout', 0, WHOLE],
  ['handshakeTimeout', 1, WHOLE],
  ['datagramSize', 1200, 65_527],
  ['maxUdpPayloadSize', 1200, 65_527],
  ['initialMaxData', 0, WHOLE],
  ['initialMaxStreamData', 0, WHOLE],
  ['maxDataWindow', 0, WHOLE],
  ['maxStreamDataWindow', 0, WHOLE],
  ['maxStreamsBidi', 0, 2 ** 48],
  ['maxStreamsUni', 0, 2 ** 48],
  ['sendBuffer', 1, WHOLE],
  ['connectionSendBuffer', 1, WHOLE],
  ['sendAhead', 1, WHOLE],
  ['maxAckDelay', 0, 16_383_000],
  ['minAckDelay', 0, 16_383_000],
  ['ackDelayExponent', 0, 20],
  ['activeConnectionIdLimit', 2, 64],
  ['connectionIdLength', 4, 20],
  ['maxDatagramFrameSize', 0, WHOLE],
  ['datagramSendBuffer', 0, WHOLE],
  ['datagramReceiveBuffer', 0, WHOLE],
  ['cryptoBuffer', 4096, WHOLE],
  ['maxHalfOpen', 1, WHOLE],
  ['retryAbove', 0, WHOLE],
  ['maxConnections', 1, WHOLE],
  ['packetsPerKey', 1, WHOLE],
  ['maxForgedPackets', 0, WHOLE],
  ['initialRtt', 1, WHOLE],
];

/** What a controller or pacer may know of the path it is made for. */
export interface PathFacts {
  readonly local: Address;
  readonly remote: Address;
  readonly maxDatagramSize: number;
}

/** Everything that an experiment can replace. */
export interface Policies {
  readonly random: Random;
  readonly crypto: CryptoProvider;
  readonly handshake: HandshakeFactory;
  /** One for each connection. */
  observer(connection: { readonly side: 'client' | 'server'; readonly originalId: Uint8Array }): Observer;
  congestion(path: PathFacts): CongestionController;
  pacer(path: PathFacts): Pacer;
  lossDetector(space: Space): LossDetector;
  readonly probes: ProbePolicy;
  ackPolicy(space: Space): AckPolicy;
  /** What we ask of the peer's ACKs, with `ackFrequency`. */
  ackRequests(): AckRequests;
  scheduler(): StreamScheduler;
}

export interface ConnectOptions {
  readonly remote: Address;
  readonly local?: Address;
  readonly serverName: string;
  readonly alpn: readonly string[];
  /** From a 'session' event of an earlier connection to this server; one that does not fit is passed over. */
  readonly session?: Uint8Array;
  /** Send what is written at once as 0-RTT, if the session allows it. It may be replayed: RFC 9001 §9.2. Default false. */
  readonly earlyData?: boolean;
  /** From a 'token' event of an earlier connection to this server. */
  readonly token?: Uint8Array;
  /**
   * The version to begin with, one of `versions`; or a reserved one (0x?a?a?a?a), to be told by Version Negotiation which the server
   * speaks. Default: that of `session` or `token`, else see `versions`. Sessions and tokens of other versions are passed over (RFC 9369 §5).
   */
  readonly version?: number;
}

export interface EndpointOptions {
  readonly policies: Policies;
  /**
   * For `mtuDiscovery`: octets of the largest UDP payload that this host sends from `local` to `remote` in one piece; no probe is larger.
   * Where the system fragments what is too large (Node's sockets), probes beyond it would arrive and mean nothing: RFC 9000 §14.
   * Default: whatever a slot of the driver holds, for a network that drops what it cannot carry.
   */
  readonly maxProbeSize?: (local: Address, remote: Address) => number;
  /** Makes the connection IDs that we issue. Default: random ones of `connectionIdLength` octets, which means nothing otherwise. */
  readonly connectionIds?: ConnectionIdGenerator;
  readonly config?: Partial<TransportConfig>;
  /** Present: connections are accepted, and these protocols are spoken, preferred first. */
  readonly accept?: {
    readonly alpn: readonly string[];
    /** When a client must prove its address by a Retry before it costs a connection: under load is from `retryAbove` on. Default 'under-load'. */
    readonly retry?: 'never' | 'always' | 'under-load';
  };
}
