import { Space } from '@quiclab/recovery';
import type { Micros } from '@quiclab/sansio';
import type { PacketBuilder } from '../packet/builder.ts';
import { largestDatagram } from './largest-datagram.ts';
import type { Parts } from './parts.ts';

/**
 * The order in which the parts may fill a packet. The handshake goes first, since all else hangs on it; then what lets the
 * peer go on (answers, credit, connection IDs), which is small; then datagrams, which
 * should leave as soon as possible (RFC 9221 §5); stream data last, as it takes all the room there is.
 */
export function writeInOrder(now: Micros, parts: Parts, packet: PacketBuilder): void {
  if (!packet.early) packet.space.crypto.writeFrames(packet);
  if (packet.space.index !== Space.APPLICATION) return;
  const { datagrams } = parts;
  if (datagrams.needsPacket) datagrams.writeFrames(packet, largestDatagram(parts, false));
  if (!packet.early) {
    // RFC 9000 Table 3: not in 0-RTT
    parts.handshakeDone.writeFrames(packet);
    parts.newToken.writeFrames(packet);
    parts.ackFrequency.writeFrames(now, packet, parts.path.recovery);
    parts.peerIds.writeFrames(packet);
  }
  parts.localIds.writeFrames(packet);
  parts.credit.writeFrames(now, packet, parts.path.recovery.rtt.smoothed);
  parts.table.bidi.writeFrames(now, packet);
  parts.table.uni.writeFrames(now, packet);
  parts.sender.writeControlFrames(packet);
  if (datagrams.hasToSend) datagrams.writeFrames(packet, largestDatagram(parts, false));
  parts.sender.writeStreamFrames(now, packet);
  parts.ping.writeFrames(packet);
  parts.credit.writeBlocked(packet); // what has just stopped a stream is said at once
}
