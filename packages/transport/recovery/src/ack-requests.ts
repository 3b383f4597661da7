import type { RttView } from '@quiclab/congestion';
import { type Micros, NEVER } from '@quiclab/sansio';

/** What an ACK_FREQUENCY frame asks of a peer. draft-ietf-quic-ack-frequency §4. */
export interface AckRequest {
  /** So many ack-eliciting packets may go unanswered; an ACK answers the next. */
  readonly ackElicitingThreshold: number;
  readonly maxAckDelay: Micros;
  /** A gap so far back is told at once; 0: none is. */
  readonly reorderingThreshold: number;
}

/** The sender, when an ACK has come. One object, filled anew for each. */
export interface AckRequester {
  /** The congestion window, in packets. */
  readonly window: number;
  readonly inSlowStart: boolean;
  readonly rtt: RttView;
  /** As its loss detector says; Infinity: packets prove no loss. */
  readonly packetThreshold: number;
  /** The peer holds ACKs back for so long at least. */
  readonly minAckDelay: Micros;
}

/** How a sender wants its packets acknowledged, where the peer lets it say so. draft-ietf-quic-ack-frequency §8, §9. */
export interface AckRequests {
  /** What to ask for now; undefined: what the peer does, `current`, is good enough. Asked once in a round trip at most. */
  request(sender: AckRequester, current: AckRequest): AckRequest | undefined;
  /** Whether a probe says that it wants its ACK at once (IMMEDIATE_ACK). §7. */
  readonly immediateForProbes: boolean;
}

export interface AcksPerRoundTripOptions {
  /** So many ACKs for a window of packets, and in a round trip, at least. Default 8: where a window just fills the path, fewer leave it idle while they wait. */
  readonly acks?: number;
  /** And one for so many packets, however large the window is. Default 64. */
  readonly mostPackets?: number;
}

/** What is asked for differs by so much before it is worth a frame. */
const WORTH_SAYING = 1 / 4;

/**
 * An ACK for each eighth of a window, and after an eighth of a round trip, once slow start is over (§8.1, §8.1.1); gaps are told when
 * they are wide enough to prove a loss (§9).
 */
export function acksPerRoundTrip(options: AcksPerRoundTripOptions = {}): AckRequests {
  const { acks = 8, mostPackets = 64 } = options;
  return {
    immediateForProbes: true,
    request(sender, current) {
      const slow = sender.inSlowStart; // there a window grows by what is acknowledged, and by no more at once than one ACK says
      if (slow && current.ackElicitingThreshold <= 1) return undefined;
      const packets = slow ? 2 : Math.max(2, Math.min(mostPackets, Math.floor(sender.window / acks)));
      const wanted: AckRequest = {
        ackElicitingThreshold: packets - 1,
        maxAckDelay: Math.max(sender.minAckDelay, Math.ceil(sender.rtt.smoothed / acks)),
        reorderingThreshold: reorderingThreshold(sender),
      };
      const differs =
        isFar(wanted.ackElicitingThreshold, current.ackElicitingThreshold) ||
        isFar(wanted.maxAckDelay, current.maxAckDelay) ||
        wanted.reorderingThreshold !== current.reorderingThreshold;
      return differs ? wanted : undefined;
    },
  };
}

/** Asks for nothing. */
export const noAckRequests: AckRequests = { request: () => undefined, immediateForProbes: false };

/** §9: the loss detector's; but where the peer's timer is coarser than a round trip, only gaps told at once are told in time (§8.1). */
function reorderingThreshold({ packetThreshold, rtt, minAckDelay }: AckRequester): number {
  if (packetThreshold === NEVER) return 0;
  return rtt.smoothed < minAckDelay ? 1 : packetThreshold;
}

const isFar = (wanted: number, current: number): boolean => Math.abs(wanted - current) > WORTH_SAYING * current;
