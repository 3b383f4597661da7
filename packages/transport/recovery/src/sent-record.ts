import { type Micros, NEVER } from '@quiclab/sansio';
import type { SentPacket, Space } from './ports.ts';

/** What became of a packet. */
export const PacketState = { FREE: 0, OUTSTANDING: 1, ACKED: 2, LOST: 3 } as const;
export type PacketState = (typeof PacketState)[keyof typeof PacketState];

/**
 * One sent packet, RFC 9002 Appendix A.1.1. Records are pooled: whoever builds a packet fills the first group, recovery
 * the rest, and a record taken from `acked` or `lost` is good until the next packet is sent in its space.
 */
export class SentRecord implements SentPacket {
  // filled by the sender before `sent`
  packetNumber = -1;
  /** The whole QUIC packet, header and tag included. */
  bytes = 0;
  ackEliciting = false;
  /** Whether it counts as in flight: it holds something other than ACK and CONNECTION_CLOSE frames. */
  inFlight = false;
  /** The sender's own tag, for example to tell 0-RTT from 1-RTT; recovery does not read it. */
  level = 0;
  /** The sender's own tag for the datagram that carried it; recovery does not read it. */
  datagram = -1;
  /** The sender's own tag for the path that it left on; recovery does not read it, and counts changes of path itself. */
  path = 0;
  /** The ECN bits that it left with; recovery does not read them. */
  ecn = 0;
  /** The sender's own tag: a probe has said its frames again, in a packet that is outstanding behind it; recovery does not read it. */
  repeated = false;
  /** What the packet carried, as numbers that the sender understands. Empty when a record is handed out. */
  readonly frames: number[] = [];
  /** Larger than what the path is known to carry: that it is lost says nothing of congestion. RFC 9000 §14.4. */
  mtuProbe = false;
  /** It left on another path than the one that is recovered: the window has it in flight, so that there is a limit to them, and that is all. RFC 9000 §9.4. */
  elsewhere = false;

  // filled by recovery
  state: PacketState = PacketState.FREE;
  space: Space = 0;
  sentAt: Micros = 0;
  /** Counts changes of path: only packets of the present one touch window and RTT (RFC 9000 §9.4). */
  pathId = 0;
  /** Which threshold declared it lost; of no meaning unless it is. */
  lostBy: 'packets' | 'time' = 'packets';
  lostAt: Micros = NEVER;
  /** Delivery-rate sampling: what was delivered when it left, and when that was; the start of its flight; in flight with it. */
  delivered = 0;
  deliveredAt: Micros = 0;
  firstSentAt: Micros = 0;
  inFlightAtSend = 0;
  appLimited = false;
  /** Neighbours among the outstanding packets of the space, by packet number. */
  previous: SentRecord | undefined = undefined;
  next: SentRecord | undefined = undefined;

  /** For the next packet: the sender's group as it was at first. */
  clear(): void {
    this.packetNumber = -1;
    this.bytes = 0;
    this.ackEliciting = false;
    this.inFlight = false;
    this.level = 0;
    this.datagram = -1;
    this.ecn = 0;
    this.repeated = false;
    this.mtuProbe = false;
    this.elsewhere = false;
    while (this.frames.length > 0) this.frames.pop(); // `length = 0` would give the memory back
    this.state = PacketState.FREE;
  }

  /** That it is lost is no sign of congestion on this path. */
  get explores(): boolean {
    return this.mtuProbe || this.elsewhere;
  }
}
