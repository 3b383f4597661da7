import type { RttView } from '@quiclab/congestion';
import type { Ecn, Micros } from '@quiclab/sansio';

/** The three packet number spaces (RFC 9000 §12.3), as indexes. */
export const Space = { INITIAL: 0, HANDSHAKE: 1, APPLICATION: 2 } as const;
export type Space = (typeof Space)[keyof typeof Space];
export const SPACES = [Space.INITIAL, Space.HANDSHAKE, Space.APPLICATION] as const;

export interface SentPacket {
  readonly packetNumber: number;
  readonly sentAt: Micros;
  /** Octets that count as in flight: the whole QUIC packet. */
  readonly bytes: number;
  readonly ackEliciting: boolean;
  readonly inFlight: boolean;
}

/** Sent in one space, in flight, and neither acknowledged nor lost; ascending by packet number, and so by time. */
export interface SentPackets {
  /** -1 before the first. */
  readonly largestAcked: number;
  oldest(): SentPacket | undefined;
  /** The next one still outstanding above this packet number. */
  after(packetNumber: number): SentPacket | undefined;
  /** Takes it out of what is outstanding. `by` is for those who watch: which threshold it passed. */
  declareLost(packetNumber: number, by: 'packets' | 'time'): void;
}

/** RFC 9002 §6.1. */
export interface LossDetector {
  /** So many packets behind the largest acknowledged is lost, as things are; Infinity: packets alone prove nothing. */
  readonly packetThreshold: number;
  /** Declares what is lost by now; returns when to look again, or NEVER. */
  detect(now: Micros, sent: SentPackets, rtt: RttView): Micros;
  /** A packet declared lost is acknowledged after all. @param largestAcked  with that ACK: so far behind it came, or, where ACKs are few, less */
  onSpuriousLoss(packet: SentPacket, largestAcked: number, now: Micros): void;
}

/** RFC 9002 §6.2. */
export interface ProbePolicy {
  /** Time after the last ack-eliciting packet, never below the timer granularity of 1 ms. `maxAckDelay` is 0 in Initial and Handshake. */
  timeout(rtt: RttView, maxAckDelay: Micros, ptoCount: number): Micros;
  /** How many ack-eliciting datagrams a probe sends. RFC 9002 §6.2.4. */
  datagrams(ptoCount: number): number;
}

/** RFC 9000 §13.2. A new packet came: by when must an ACK leave? */
export interface AckPolicy {
  /** `now`, later, or NEVER; the earliest answer since the last ACK holds. `inOrder`: it follows the largest received without a gap. */
  onPacket(now: Micros, packetNumber: number, ackEliciting: boolean, inOrder: boolean, ecn: Ecn): Micros;
  onAckSent(now: Micros): void;
  /** The peer asks for other ACKs: draft-ietf-quic-ack-frequency §4. @param maxAckDelay  none may be held back longer, whatever `onPacket` says */
  onFrequency(ackElicitingThreshold: number, maxAckDelay: Micros, reorderingThreshold: number): void;
}
