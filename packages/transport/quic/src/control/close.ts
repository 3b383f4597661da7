import { fromUtf8, utf8 } from '@quiclab/bytes';
import { Space } from '@quiclab/recovery';
import { FrameType, TransportErrorCode, writeApplicationClose, writeConnectionClose } from '@quiclab/wire';
import type { CloseCause } from '../errors.ts';
import type { PacketBuilder } from '../packet/builder.ts';

/** Octets of a reason phrase that we send; more would not fit beside the rest. */
const MAX_REASON = 256;
/** Type, code, frame type and reason length at their largest. */
const OVERHEAD = 1 + 8 + 8 + 2;

/** Writes CONNECTION_CLOSE as this space may carry it. RFC 9000 §10.2.3, §19.19. */
export function writeClose(packet: PacketBuilder, cause: CloseCause): void {
  if (cause.kind !== 'local-application' && cause.kind !== 'local-transport') return;
  const room = packet.remaining - OVERHEAD;
  if (room < 0) return;
  // what went wrong within us is nobody's business but our caller's
  const internal = cause.kind === 'local-transport' && cause.code === TransportErrorCode.INTERNAL_ERROR;
  const reason = internal ? NO_REASON : shortened(utf8(cause.reason), Math.min(MAX_REASON, room));
  if (cause.kind === 'local-transport') {
    writeConnectionClose(packet.writer, cause.code, cause.frameType, reason);
    packet.logClose(FrameType.CONNECTION_CLOSE, cause.code);
  } else if (packet.space.index === Space.APPLICATION) {
    writeApplicationClose(packet.writer, cause.code, reason);
    packet.logClose(FrameType.CONNECTION_CLOSE_APP, cause.code);
  } else {
    // RFC 9000 §10.2.3: what an application says is not shown to whoever can read Initial and Handshake packets
    writeConnectionClose(packet.writer, TransportErrorCode.APPLICATION_ERROR, 0, NO_REASON);
    packet.logClose(FrameType.CONNECTION_CLOSE, TransportErrorCode.APPLICATION_ERROR);
  }
}

/** What the peer's CONNECTION_CLOSE says. */
export function peerClose(type: number, code: number, frameType: number, reason: Uint8Array): CloseCause {
  return type === FrameType.CONNECTION_CLOSE_APP
    ? { kind: 'peer-application', code, reason: fromUtf8(reason) }
    : { kind: 'peer-transport', code, reason: fromUtf8(reason), frameType };
}

/** Cut off between characters: what begins with the bits 10 goes on with one. */
function shortened(text: Uint8Array, most: number): Uint8Array {
  let end = Math.min(most, text.length);
  if (end < text.length) while (end > 0 && (text[end]! & 0xc0) === 0x80) end--;
  return text.subarray(0, end);
}

const NO_REASON = new Uint8Array(0);
