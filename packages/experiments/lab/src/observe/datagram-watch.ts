import { LinkObserver } from '@quiclab/impair';
import type { PacketView } from '@quiclab/quic';
import type { SegmentView } from '@quiclab/tcp';

/**
 * One direction of a path, and what enters it: whoever overrides this is told of each packet or segment of a datagram when it leaves, and
 * then, as any observer of a link, that the datagram has entered. Views are valid during the call only.
 */
export abstract class DatagramWatch extends LinkObserver {
  /** Of QUIC; several may share the datagram. @param _connection  its number in the run's notes */
  packetLeft(_connection: number, _packet: PacketView): void {}
  segmentLeft(_connection: number, _segment: SegmentView): void {}
}
