import { cubic, tokenPacer } from '@quiclab/congestion';
import type { Http2Options } from '@quiclab/http2';
import type { Http3Options } from '@quiclab/http3';
import type { SingleOptions } from '@quiclab/http3/single';
import type { Policies as QuicPolicies, TransportConfig } from '@quiclab/quic';
import { immediateAcks, type ProbePolicy, standardProbes } from '@quiclab/recovery';
import { MILLISECOND } from '@quiclab/sansio';
import { roundRobinByPacket, type StreamScheduler, strictUrgency } from '@quiclab/streams';
import type { TcpConfig, Policies as TcpPolicies } from '@quiclab/tcp';
import type { TlsStreamOptions } from '@quiclab/tls/record';
import { RackDetector } from './rack.ts';

/** How the ends are set up, whatever the model. EXPERIMENTS §1. */
export interface Profile {
  readonly name: 'default' | 'parity' | 'kernel';
  /** At a server: whose octets are next, among QUIC's streams or the frames that share a stream. */
  scheduler(): StreamScheduler;
  readonly quic: { readonly policies: Partial<QuicPolicies>; readonly config: Partial<TransportConfig> };
  readonly tcp: { readonly policies: Partial<TcpPolicies>; readonly config: Partial<TcpConfig> };
  readonly records: Pick<TlsStreamOptions, 'maxRecord'>;
  readonly http2: Partial<
    Pick<Http2Options, 'frameSize' | 'headerTableSize' | 'streamWindow' | 'maxStreamWindow' | 'connectionWindow' | 'maxConnectionWindow'>
  >;
  readonly http3: Pick<Http3Options, 'tableCapacity' | 'blockedStreams'>;
  readonly single: Pick<SingleOptions, 'frameSize'>;
  /** What a link charges for the headers below a UDP payload; below a TCP segment eight less. */
  readonly overhead: number;
}

/**
 * What the protocols do in practice: each transport as its package has it, CUBIC with HyStart++ in both. Datagrams of 1,200 octets
 * and a pacer, a segment size of 1,460 and none. Servers send by urgency, as RFC 9218 §10 recommends, since pages have urgencies; those
 * of HTTP/2 keep what TCP has not sent at a record, as TCP_NOTSENT_LOWAT does, so that they can.
 */
export const DEFAULT_PROFILE: Profile = {
  name: 'default',
  scheduler: () => strictUrgency(),
  quic: { policies: {}, config: {} },
  tcp: { policies: {}, config: { sendAhead: 16_384 } },
  records: {},
  http2: {},
  http3: { tableCapacity: 4_096, blockedStreams: 100 }, // HTTP/2 has as large a table without a word (RFC 9113 §6.5.2)
  single: {},
  overhead: 28,
};

const DATAGRAM = 1_200;
/** Octets of a stream in a full datagram, while its offsets take four octets and its number one. */
const STREAM_OCTETS = 1_168;
/** Of a DATA frame of HTTP/2, and of a protected record. */
const FRAME_HEADER = 9;
const RECORD_OVERHEAD = 22;
const TCP_HEADER = 20; // there are no options without timestamps, but in a SYN and beside SACK
const SEGMENT = STREAM_OCTETS + FRAME_HEADER + RECORD_OVERHEAD;
/** More than any page has. */
const PLENTY = 1 << 26;
const ACK_DELAY = 25 * MILLISECOND;

/** After two round trips, as TCP probes for the loss of the tail (RFC 8985 §7.2); from then on RFC 9002's timeouts. */
const probes: ProbePolicy = {
  timeout: (rtt, maxAckDelay, ptoCount) =>
    ptoCount === 0 && rtt.latest > 0 ? 2 * rtt.smoothed : standardProbes.timeout(rtt, maxAckDelay, Math.max(0, ptoCount - 1)),
  datagrams: () => 1,
};

/**
 * Nothing differs but the order in which octets are handed on. A full packet holds the same number of octets of one exchange, whether it is a
 * QUIC packet or a TCP segment with one record and one frame in it, and takes the link as long (the link charges a segment fewer
 * octets of IP header for that). Ten packets at the beginning, the same CUBIC, the same pacer, an ACK for every packet (TCP gives one
 * while an octet is missing, RFC 5681 §4.2, which a receiver of QUIC cannot know), the same rule for what is lost, a probe after two round
 * trips; credit that never binds.
 * What stays different: handshakes; TCP's retransmission timeout, which takes all that is outstanding for lost, where QUIC probes again;
 * and where QUIC's last packet of a stream has room left, other streams fill it.
 */
export const PARITY_PROFILE: Profile = {
  name: 'parity',
  scheduler: () => roundRobinByPacket(),
  quic: {
    policies: {
      congestion: ({ maxDatagramSize }) => cubic({ maxDatagramSize }),
      pacer: ({ maxDatagramSize }) => tokenPacer({ maxDatagramSize }),
      lossDetector: () => new RackDetector(),
      probes,
      ackPolicy: () => immediateAcks,
    },
    config: {
      datagramSize: DATAGRAM,
      maxAckDelay: ACK_DELAY,
      initialMaxData: PLENTY,
      initialMaxStreamData: PLENTY,
      maxDataWindow: PLENTY,
      maxStreamDataWindow: PLENTY,
      sendBuffer: PLENTY,
      connectionSendBuffer: PLENTY,
    },
  },
  tcp: {
    policies: {
      congestion: ({ maxSegmentSize }) => cubic({ maxDatagramSize: maxSegmentSize }),
      pacer: ({ maxSegmentSize }) => tokenPacer({ maxDatagramSize: maxSegmentSize }),
    },
    config: {
      maxSegmentSize: SEGMENT,
      timestamps: false,
      ackDelay: ACK_DELAY,
      ackEvery: 1,
      peerAckDelay: 0,
      minRto: MILLISECOND,
      rtoMargin: ACK_DELAY,
      sendBuffer: PLENTY,
      sendAhead: 2 * SEGMENT,
      receiveBuffer: PLENTY,
      maxReceiveBuffer: PLENTY,
    },
  },
  records: { maxRecord: SEGMENT },
  http2: {
    frameSize: STREAM_OCTETS + FRAME_HEADER,
    headerTableSize: 0, // nor has HTTP/3 one: header sections are equally long, and wait for nothing
    streamWindow: PLENTY,
    maxStreamWindow: PLENTY,
    connectionWindow: PLENTY,
    maxConnectionWindow: PLENTY,
  },
  http3: {},
  single: { frameSize: STREAM_OCTETS },
  overhead: DATAGRAM + 28 - SEGMENT - TCP_HEADER + 8,
};
