import type { Micros } from '@quiclab/sansio';
import { expandPacketNumber, type PacketHeader, PacketType, TransportError, TransportErrorCode } from '@quiclab/wire';
import type { DropReason } from '../errors.ts';
import type { SpaceKeys } from '../space/keys.ts';
import type { PacketSpace } from '../space/space.ts';

/** The first octet's bits that must be zero under header protection. RFC 9000 §17.2, §17.3.1. */
const RESERVED_LONG = 0x0c;
const RESERVED_SHORT = 0x18;
const KEY_PHASE = 0x04;

/** Opens one protected packet in place: header unmasking, packet number, key phase, AEAD. RFC 9001 §5. One for each connection, reused. */
export class PacketOpener {
  packetNumber: number;
  payloadStart: number;
  payloadEnd: number;

  constructor() {
    this.packetNumber = 0;
    this.payloadStart = 0;
    this.payloadEnd = 0;
  }

  /**
   * '' when the packet is authentic and new; its payload is then at [payloadStart, payloadEnd). Else why not.
   * Throws PROTOCOL_VIOLATION for reserved bits in an authentic packet.
   * @param keys         of the packet's version and type
   * @param previousFor  how long keys of the generation before stay after a key update
   */
  open(now: Micros, space: PacketSpace, keys: SpaceKeys, header: PacketHeader, bytes: Uint8Array, previousFor: Micros): DropReason | '' {
    const { start, end, packetNumberOffset } = header;
    const short = header.type === PacketType.ONE_RTT;
    if (!keys.canRead) return 'keys-unavailable';
    const length = keys.unmask(bytes, start, packetNumberOffset, end);
    if (length === 0) return 'too-short';
    let truncated = 0;
    for (let i = 0; i < length; i++) truncated = truncated * 256 + bytes[packetNumberOffset + i]!;
    const packetNumber = expandPacketNumber(space.received.largest, truncated, length);
    if (space.received.isDuplicate(packetNumber)) return 'duplicate';
    const payloadStart = packetNumberOffset + length;
    const first = bytes[start]!;
    const payloadEnd = short
      ? keys.openShort(now, bytes, start, payloadStart, end, packetNumber, (first & KEY_PHASE) === 0 ? 0 : 1, previousFor)
      : keys.openLong(bytes, start, payloadStart, end, packetNumber);
    if (payloadEnd < 0) return 'not-authentic';
    if ((first & (short ? RESERVED_SHORT : RESERVED_LONG)) !== 0)
      throw new TransportError(TransportErrorCode.PROTOCOL_VIOLATION, `reserved bits are set in ${space.level} packet ${packetNumber}`);
    this.packetNumber = packetNumber;
    this.payloadStart = payloadStart;
    this.payloadEnd = payloadEnd;
    return '';
  }
}
