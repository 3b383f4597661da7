import { FrameType, writePing } from '@quiclab/wire';
import type { PacketBuilder } from '../packet/builder.ts';

/** The application wants to hear from the peer, or to keep the connection from falling idle. RFC 9000 §10.1.2, §19.2. */
export class Ping {
  pending = false;

  writeFrames(packet: PacketBuilder): void {
    if (!this.pending || packet.remaining < 1) return;
    this.pending = false;
    if (packet.ackEliciting) return; // whatever else is in asks for an answer, too
    writePing(packet.writer);
    packet.log(FrameType.PING, 0, 0, 0);
  }
}
