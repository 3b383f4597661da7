import { FrameType, writeHandshakeDone } from '@quiclab/wire';
import type { PacketBuilder } from '../packet/builder.ts';

/** A server says once, and again when that is lost, that the handshake is confirmed. RFC 9000 §19.20, RFC 9001 §4.1.2. */
export class HandshakeDone {
  pending = false;

  writeFrames(packet: PacketBuilder): void {
    if (!this.pending || packet.remaining < 1) return;
    writeHandshakeDone(packet.writer);
    packet.log(FrameType.HANDSHAKE_DONE, 0, 0, 0);
    this.pending = false;
  }
}
