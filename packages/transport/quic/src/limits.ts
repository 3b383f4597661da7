import { ACK_ONLY_SIZE, MAX_GAPS_WATCHED, MAX_LOST_REMEMBERED, MAX_OUTSTANDING } from '@quiclab/recovery';
import { LEAST_PIECES, MAX_PINNED, OCTETS_PER_PIECE, OWN_SEND_BUFFER } from '@quiclab/streams';
import { MAX_CERTIFICATE_MESSAGE, MAX_CHAIN, MAX_CLIENT_HELLO, MAX_EARLY_TICKETS, MAX_SESSIONS } from '@quiclab/tls';
import { MAX_ACK_RANGES, type TransportErrorCode } from '@quiclab/wire';
import { defaultTransportConfig as defaults, type TransportConfig } from './config.ts';

/** What becomes of what is beyond a limit: the connection closes with a code, or it lives and … */
export type Beyond =
  | keyof typeof TransportErrorCode
  | 'dropped' // as if it had not come
  | 'oldest goes' // the newest is kept in its place
  | 'waits' // until there is room, or time has passed
  | 'refused' // and told so
  | 'copied'
  | 'silent end'; // the connection ends without a word

/** One thing that a peer can make us keep, or do. */
export interface Limit {
  readonly value: number;
  readonly unit: string;
  /** The option that sets it: `value` is its default. */
  readonly option?: keyof TransportConfig;
  readonly beyond: Beyond;
  readonly reason: string;
}

const option = (name: NumericOption, unit: string, beyond: Beyond, reason: string) => ({
  value: defaults[name],
  unit,
  option: name,
  beyond,
  reason,
});
type NumericOption = { [K in keyof TransportConfig]-?: TransportConfig[K] extends number ? K : never }[keyof TransportConfig];

/**
 * Everything that a peer, or somebody who is none, can make us keep or do, with where that ends. The code takes its numbers from
 * here; `limits.test.ts` goes beyond each of them, and LIMITS.md is made from it.
 */
export const LIMITS = {
  // ---- packets
  receivedRanges: {
    value: 64,
    unit: 'ranges of packet numbers in a space, and as many of packets that were refused',
    beyond: 'oldest goes',
    reason: 'each costs memory and a place in every ACK; what lies below counts as a duplicate (RFC 9000 §13.2.3)',
  },
  gapsWatched: {
    value: MAX_GAPS_WATCHED,
    unit: 'gaps between them whose width may hasten an ACK',
    beyond: 'oldest goes',
    reason: 'a peer may ask us to wait until gaps are as wide as it likes; the next ACK tells of all (draft-ietf-quic-ack-frequency §6.2)',
  },
  ackRanges: {
    value: MAX_ACK_RANGES,
    unit: 'ranges of one ACK frame',
    beyond: 'dropped',
    reason: 'those below were said before; a peer that says them again and again would make us search for nothing (RFC 9000 §19.3.1)',
  },
  undecryptablePackets: {
    value: 8,
    unit: 'packets whose keys are not there yet',
    beyond: 'dropped',
    reason: 'packets of a handshake overtake each other, but anyone can make what looks like one (RFC 9001 §5.7)',
  },
  undecryptableOctets: { value: 16_384, unit: 'octets of them', beyond: 'dropped', reason: 'they need not be small (RFC 9001 §5.7)' },
  sentPackets: {
    value: MAX_OUTSTANDING,
    unit: 'packets sent in a space and not acknowledged',
    beyond: 'oldest goes',
    reason: 'a peer that acknowledges nothing; the oldest counts as lost, and what it said is said again (RFC 9002 §6)',
  },
  sentAcks: {
    value: ACK_ONLY_SIZE,
    unit: 'packets of them that carry ACKs alone',
    beyond: 'oldest goes',
    reason: 'a peer need never acknowledge those (RFC 9000 §13.2.1)',
  },
  lostPackets: {
    value: MAX_LOST_REMEMBERED,
    unit: 'lost packets in a space that are watched for a late ACK',
    beyond: 'oldest goes',
    reason: 'spurious losses are told within three probe timeouts, or not at all',
  },

  // ---- handshake
  initialCrypto: {
    value: 20_480,
    unit: 'octets of CRYPTO data ahead of what was read, Initial',
    beyond: 'CRYPTO_BUFFER_EXCEEDED',
    reason: 'whoever sends this has shown nothing yet, and may have a forged address; one message is all that comes (RFC 9000 §7.5)',
  },
  crypto: option(
    'cryptoBuffer',
    'octets of CRYPTO data ahead of what was read, other levels',
    'CRYPTO_BUFFER_EXCEEDED',
    'no flow control keeps it in bounds; a long chain of certificates must pass (RFC 9000 §7.5)',
  ),
  cryptoPieces: {
    value: LEAST_PIECES,
    unit: 'pieces of CRYPTO data beyond a hole in a level',
    beyond: 'CRYPTO_BUFFER_EXCEEDED',
    reason: 'each costs memory and time, however small it is (RFC 9000 §7.5, §21.6)',
  },
  clientHello: {
    value: MAX_CLIENT_HELLO,
    unit: 'octets of a ClientHello',
    beyond: 'CRYPTO_ERROR',
    reason: 'it is kept whole before anything is known of the client; the largest in use with post-quantum shares have a few thousand',
  },
  certificates: {
    value: MAX_CERTIFICATE_MESSAGE,
    unit: 'octets of a Certificate message',
    beyond: 'CRYPTO_ERROR',
    reason: 'it is kept whole before it is checked; more than any real chain (RFC 9000 §21.3)',
  },
  certificateChain: {
    value: MAX_CHAIN,
    unit: 'certificates of a chain',
    beyond: 'CRYPTO_ERROR',
    reason: 'each one costs a parse, and a signature to check',
  },
  sessions: {
    value: MAX_SESSIONS,
    unit: 'sessions taken of one connection',
    beyond: 'dropped',
    reason: 'NewSessionTicket costs a server nothing, and a client opens few connections next (RFC 9001 §4.6.1)',
  },
  earlyTickets: {
    value: MAX_EARLY_TICKETS,
    unit: 'tickets remembered in an anti-replay window',
    beyond: 'refused',
    reason: 'early data of a ticket that is not remembered could come again, so it is not taken (RFC 9001 §9.2)',
  },
  handshakeTime: option(
    'handshakeTimeout',
    'µs from the first packet to a complete handshake',
    'silent end',
    'somebody who says one octet a second must not hold a connection (RFC 9000 §21.6)',
  ),
  hastened: {
    value: 8,
    unit: 'times in a connection that handshake data is said again before its probe timeout, two datagrams each',
    beyond: 'waits',
    reason:
      'two ends that cannot read each other must not go on for ever, nor anybody be made to send by packets that show nothing (RFC 9002 §6.2.3)',
  },

  // ---- the endpoint
  halfOpen: option(
    'maxHalfOpen',
    'connections whose handshake is not complete',
    'refused',
    'each one costs keys and memory before anybody has shown who he is (RFC 9000 §21.3)',
  ),
  unvalidated: option(
    'retryAbove',
    'connections of them from where on a client must show its address first',
    'refused',
    'a Retry costs nothing to keep, and who forges addresses does not see it (RFC 9000 §8.1.2, §21.3)',
  ),
  connections: option('maxConnections', 'connections', 'refused', 'their memory together (RFC 9000 §5.2.2)'),
  statelessAnswers: {
    value: 64,
    unit: 'answers without a connection that wait for a slot',
    beyond: 'dropped',
    reason: 'Version Negotiation, Retry, refusals and resets are owed to nobody (RFC 9000 §10.3, §21.11)',
  },
  usedTokens: {
    value: 100_000,
    unit: 'tokens of NEW_TOKEN remembered as used, in a day',
    beyond: 'dropped',
    reason: 'a token that is not remembered could come again, so that it proves nothing: a Retry may follow (RFC 9000 §8.1.4)',
  },
  closeAnswers: {
    value: 2,
    unit: 'times as many datagrams as for the last answer, until a closing connection answers again',
    beyond: 'dropped',
    reason: 'two that have closed must not go on for ever, nor a stranger be fed by one (RFC 9000 §10.2.1)',
  },

  // ---- connection IDs
  connectionIds: option(
    'activeConnectionIdLimit',
    "connection IDs of the peer's",
    'CONNECTION_ID_LIMIT_ERROR',
    'we say so, and the peer keeps to it (RFC 9000 §5.1.1)',
  ),
  retirements: {
    value: 4,
    unit: 'times that many IDs given back and not acknowledged',
    beyond: 'CONNECTION_ID_LIMIT_ERROR',
    reason: 'a peer can make us retire without end by Retire Prior To, and acknowledge nothing (RFC 9000 §5.1.2)',
  },
  connectionIdHistory: {
    value: 64,
    unit: 'stretches of sequence numbers of such IDs',
    beyond: 'oldest goes',
    reason: 'to know a repeated frame for one; honest numbers come without gaps, but for reordering (RFC 9000 §19.15)',
  },
  issuedConnectionIds: {
    value: 4,
    unit: 'connection IDs of ours, whatever the peer would take',
    beyond: 'refused',
    reason: 'each has an entry in the routing table (RFC 9000 §5.1.1)',
  },

  // ---- paths
  paths: {
    value: 3,
    unit: 'paths beside the one in use',
    beyond: 'oldest goes',
    reason: 'one from before, one to go to, and one that somebody tries; only an authentic packet makes one (RFC 9000 §9.3, §21.5)',
  },
  moves: {
    value: 4,
    unit: 'times in a probe timeout that a peer is followed to another address',
    beyond: 'waits',
    reason: 'each begins with a congestion window of its own; who moves with every packet would never feel one (RFC 9000 §9.3, §9.4)',
  },
  challenges: {
    value: 3,
    unit: 'PATH_CHALLENGE datagrams for one path',
    beyond: 'dropped',
    reason: 'whoever is at that address may not have asked for them (RFC 9000 §8.2.1, §21.5)',
  },
  pathResponses: {
    value: 8,
    unit: 'answers to PATH_CHALLENGE that wait',
    beyond: 'oldest goes',
    reason: 'the peer takes any of its latest; each makes a datagram of 1,200 octets (RFC 9000 §8.2.2)',
  },
  pathResponsesBeyondWindow: {
    value: 2,
    unit: 'of them beyond the congestion window, in a probe timeout',
    beyond: 'waits',
    reason: 'like probes: the path whose window is full may be the one that the peer leaves (RFC 9000 §8.2.2, RFC 9002 §7.5)',
  },

  // ---- streams
  streamsBidi: option('maxStreamsBidi', 'bidirectional streams of the peer open at once', 'STREAM_LIMIT_ERROR', 'RFC 9000 §4.6, §21.8'),
  streamsUni: option('maxStreamsUni', 'unidirectional streams of the peer open at once', 'STREAM_LIMIT_ERROR', 'RFC 9000 §4.6, §21.8'),
  streamsGivenUpAtOnce: {
    value: 1_000,
    unit: 'streams of a kind opened and reset, or stopped, at once',
    beyond: 'waits',
    reason: 'ten times what a page cancels; a request costs us more than its reset costs the peer (RFC 9000 §21.8, CVE-2023-44487)',
  },
  streamsGivenUpPerSecond: {
    value: 100,
    unit: 'streams of a kind in a second for which credit comes back after that',
    beyond: 'waits',
    reason: 'a peer that goes on so is slowed down, not cut off: MAX_STREAMS waits (RFC 9000 §4.6)',
  },
  streamData: option('initialMaxStreamData', 'octets of a stream that were not read, at first', 'FLOW_CONTROL_ERROR', 'RFC 9000 §4.1'),
  data: option('initialMaxData', 'octets of all streams that were not read, at first', 'FLOW_CONTROL_ERROR', 'RFC 9000 §4.1'),
  octetsPerPiece: {
    value: OCTETS_PER_PIECE,
    unit: 'octets of window for each piece beyond a hole, of a stream or of all',
    beyond: 'dropped',
    reason:
      'more pieces than full packets make when every other one is lost; the packet is not acknowledged and comes again (RFC 9000 §2.2, §21.6)',
  },
  leastPieces: {
    value: LEAST_PIECES,
    unit: 'pieces, however small the window is',
    beyond: 'dropped',
    reason: 'small messages have small pieces (RFC 9000 §21.6)',
  },
  pinnedOctets: {
    value: MAX_PINNED,
    unit: 'octets kept alive for each of the end of a stream',
    beyond: 'copied',
    reason: 'what an application keeps is what it pays for; a datagram is copied out of its buffer at once (RFC 9000 §21.6)',
  },
  unacknowledged: option(
    'sendBuffer',
    'octets of a stream that were written and not acknowledged',
    'refused',
    "a peer that gives no credit, or no ACK; 'stream-writable' tells when there is room (RFC 9000 §4.1, §21.6)",
  ),
  unacknowledgedOfAll: option(
    'connectionSendBuffer',
    'octets of all streams together, beyond those that each has of its own',
    'refused',
    'many requests, and no credit for any answer; who was refused gets its turn when there is room (RFC 9000 §21.6)',
  ),
  unacknowledgedOfItsOwn: {
    value: OWN_SEND_BUFFER,
    unit: 'octets of them that a stream has of its own',
    beyond: 'refused',
    reason: 'streams that cannot send must not stop those that can (RFC 9000 §2.2, §4.1)',
  },
  controlFrames: {
    value: 4,
    unit: 'frames owed about a stream: its reset, its stop, its credit, its being blocked',
    beyond: 'oldest goes',
    reason: 'each says the newest value of one thing, however often that changed (RFC 9000 §13.3)',
  },

  // ---- events that nobody polls
  datagrams: option(
    'datagramReceiveBuffer',
    'octets of DATAGRAM frames that came and were not polled, 64 more for each',
    'oldest goes',
    'no flow control keeps them in bounds (RFC 9221 §5.3)',
  ),
  tokens: {
    value: 4,
    unit: 'tokens of NEW_TOKEN that were not polled',
    beyond: 'dropped',
    reason: 'no flow control keeps them in bounds (RFC 9000 §8.1.3)',
  },
  silence: option('maxIdleTimeout', 'µs without a packet', 'silent end', 'state is not kept for who is gone (RFC 9000 §10.1)'),
} satisfies Record<string, Limit>;
