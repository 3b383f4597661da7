import type { CongestionController, LossBasedOptions, Pacer } from '@quiclab/congestion';
import type { Address, Micros, Random } from '@quiclab/sansio';
import { UsageError } from './errors.ts';
import type { ConnectionFacts, Observer } from './observer.ts';

/** Everything about a connection that is a number or a switch. Each has its unit, default and section. Defaults are Linux's where the RFCs leave a choice. */
export interface TcpConfig {
  /**
   * Octets of the largest segment that we take and send, options not counted: what the MSS option says. Default 1,460. With `timestamps`
   * a segment carries twelve octets of data less. RFC 9293 §3.7.1, RFC 6691.
   */
  readonly maxSegmentSize: number;
  /** Segments that may leave before anything is acknowledged, but no more than the larger of 14,600 octets and two segments. Default 10. RFC 6928 §2. */
  readonly initialWindow: number;
  /** Offered to the peer, and used where it offers them, too. Defaults true. RFC 7323, RFC 2018. */
  readonly timestamps: boolean;
  readonly windowScaling: boolean;
  readonly sack: boolean;
  /** Tell of what came twice. Default true. RFC 2883. */
  readonly dsack: boolean;
  /** How long an acknowledgement may be held back, µs. Default 40 ms. RFC 9293 §3.8.6.3 allows 500 ms. */
  readonly ackDelay: Micros;
  /** So many full segments are acknowledged at once. Default 2. RFC 5681 §4.2. */
  readonly ackEvery: number;
  /** So many segments at the beginning are acknowledged at once, each. Default 0. */
  readonly quickAcks: number;
  /** A small segment waits while another small one is unacknowledged. Default false, as with TCP_NODELAY. RFC 9293 §3.7.4, in Minshall's variant. */
  readonly nagle: boolean;
  /** Probe for the loss of the tail before the retransmission timer would. Default true. RFC 8985 §7. */
  readonly tailLossProbes: boolean;
  /** How long a peer may hold back the acknowledgement of a lone segment, which a tail loss probe waits for, µs. Default 200 ms. RFC 8985 §7.2. */
  readonly peerAckDelay: Micros;
  /** The retransmission timeout while no round trip was measured, µs. Default 1 s. RFC 6298 §2.1. */
  readonly initialRto: Micros;
  /** It is never shorter, µs. Default 200 ms; RFC 6298 §2.4 has 1 s. */
  readonly minRto: Micros;
  /** So much at least it lies above the smoothed round trip, µs. Default 200 ms, as Linux has it; RFC 6298 §2.3 has the clock's granularity. */
  readonly rtoMargin: Micros;
  /** Nor longer, doubled or not, µs. Default 120 s. RFC 6298 §2.5. */
  readonly maxRto: Micros;
  /**
   * What makes a window one that is used, and may grow: something to say when the acknowledgement comes ('now'); or that it was full at
   * some time in the last round trip, or in slow start half of it ('round'), as in Linux. Default 'now'. RFC 2861, RFC 7661.
   */
  readonly windowUse: 'now' | 'round';
  /** After an expiry new data goes first, to learn whether it was spurious. Default true. RFC 5682. */
  readonly forwardRto: boolean;
  /** How often the same is sent again before the peer is given up: a SYN, a SYN-ACK, anything else. Defaults 6, 5, 15. RFC 9293 §3.8.3. */
  readonly synRetries: number;
  readonly synAckRetries: number;
  readonly retries: number;
  /** Whether a peer that was silent for `keepAliveTime` is asked if it is still there. Default false. RFC 9293 §3.8.4. */
  readonly keepAlive: boolean;
  /** How long it may be silent, µs; how long after a probe without an answer the next one leaves, µs; how many of them are sent before it is given up. Defaults 2 h, 75 s, 9. */
  readonly keepAliveTime: Micros;
  readonly keepAliveInterval: Micros;
  readonly keepAliveProbes: number;
  /** How long TIME-WAIT lasts, µs. Default 60 s. RFC 9293 §3.6.1 has four minutes. */
  readonly timeWait: Micros;
  /** Octets held for sending, unsent or unacknowledged; `write` takes no more. Default 2 MiB. */
  readonly sendBuffer: number;
  /** Of those, octets that may wait to be sent for the first time. Default: as many. Few make an application choose late what goes next. */
  readonly sendAhead: number;
  /** Octets held for the application, in order or not: the window to begin with. Default 65,535. */
  readonly receiveBuffer: number;
  /** What it may grow to, as the application takes octets faster than it allows. Default 6 MiB. */
  readonly maxReceiveBuffer: number;
  /** Connections whose handshake is not complete that a listening port holds. Default 1,000. */
  readonly maxHalfOpen: number;
  /** Connections that an endpoint holds in all, those in TIME-WAIT included. Default 20,000. */
  readonly maxConnections: number;
}

export const defaultTcpConfig: TcpConfig = {
  maxSegmentSize: 1_460,
  initialWindow: 10,
  timestamps: true,
  windowScaling: true,
  sack: true,
  dsack: true,
  ackDelay: 40_000,
  ackEvery: 2,
  quickAcks: 0,
  nagle: false,
  tailLossProbes: true,
  peerAckDelay: 200_000,
  initialRto: 1_000_000,
  minRto: 200_000,
  rtoMargin: 200_000,
  maxRto: 120_000_000,
  windowUse: 'now',
  forwardRto: true,
  synRetries: 6,
  synAckRetries: 5,
  retries: 15,
  keepAlive: false,
  keepAliveTime: 7_200_000_000,
  keepAliveInterval: 75_000_000,
  keepAliveProbes: 9,
  timeWait: 60_000_000,
  sendBuffer: 2 << 20,
  sendAhead: Number.MAX_SAFE_INTEGER,
  receiveBuffer: 65_535,
  maxReceiveBuffer: 6 << 20,
  maxHalfOpen: 1_000,
  maxConnections: 20_000,
};

const WHOLE = Number.MAX_SAFE_INTEGER;
const MOST_SCALED = 65_535 * 2 ** 14;
type NumericOption = { [K in keyof TcpConfig]-?: TcpConfig[K] extends number ? K : never }[keyof TcpConfig];

const BOUNDS: readonly (readonly [NumericOption, number, number])[] = [
  ['maxSegmentSize', 64, 65_475],
  ['initialWindow', 1, 1_000],
  ['ackDelay', 0, 500_000],
  ['ackEvery', 1, 1_000],
  ['quickAcks', 0, WHOLE],
  ['peerAckDelay', 0, WHOLE],
  ['initialRto', 1_000, WHOLE],
  ['minRto', 1_000, WHOLE],
  ['rtoMargin', 1_000, WHOLE],
  ['maxRto', 1_000_000, WHOLE],
  ['synRetries', 0, 100],
  ['synAckRetries', 0, 100],
  ['retries', 0, 100],
  ['keepAliveTime', 1_000_000, WHOLE],
  ['keepAliveInterval', 1_000_000, WHOLE],
  ['keepAliveProbes', 2, 100],
  ['timeWait', 0, WHOLE],
  ['sendBuffer', 1, WHOLE],
  ['sendAhead', 1, WHOLE],
  ['receiveBuffer', 1, MOST_SCALED],
  ['maxReceiveBuffer', 1, MOST_SCALED],
  ['maxHalfOpen', 1, WHOLE],
  ['maxConnections', 1, WHOLE],
];

/** Fills in what is not given and refuses what makes no sense, naming the option. */
export function tcpConfig(options: Partial<TcpConfig> = {}, base: TcpConfig = defaultTcpConfig): TcpConfig {
  const config = { ...base, ...options };
  for (const [name, least, most] of BOUNDS) {
    const value = config[name];
    if (!Number.isInteger(value) || value < least || value > most)
      throw new UsageError(`${name} is ${value}; it must be a whole number from ${least} to ${most}`);
  }
  return config;
}

/** What a controller or pacer may know of the connection it is made for, once its handshake is done. */
export interface PathFacts {
  readonly local: Address;
  readonly remote: Address;
  /** Octets of data in a full segment. */
  readonly maxSegmentSize: number;
  /** Octets that may leave before anything is acknowledged: fewer than usual after a handshake that lost segments. RFC 6928 §2. */
  readonly initialWindow: number;
  readonly config: TcpConfig;
}

/** Everything that an experiment can replace. Bytes in flight are octets of data here, and a datagram is a full segment's worth of them. */
export interface Policies {
  readonly random: Random;
  congestion(path: PathFacts): CongestionController;
  pacer(path: PathFacts): Pacer;
  /** One for each connection. */
  observer(connection: ConnectionFacts): Observer;
}

/** What makes a loss-based controller one of TCP: for `cubic` and `newReno`. */
export const lossBasedOptions = (path: PathFacts): LossBasedOptions => ({
  maxDatagramSize: path.maxSegmentSize,
  initialWindow: { bytes: path.initialWindow },
  lossWindow: path.maxSegmentSize,
  idleRestart: true,
  timeoutMargin: path.config.rtoMargin,
});
