import { type ByteWriter, varintSize } from '@quiclab/bytes';
import { longPacketTypes, PacketType } from './header.ts';
import { writePacketNumber } from './packet-number.ts';
import { isReserved, VERSION_1 } from './versions.ts';

/**
 * Writes the header of an Initial, 0-RTT or Handshake packet, packet number included, so that the payload follows at
 * `writer.position`. RFC 9000 §17.2. The two octets before the packet number are the Length field, still 0: `setLength`
 * sets it when the end of the packet is known.
 * @param token               for Initial packets; others leave it out
 * @param packetNumberLength  1 to 4; goes into the lowest bits of the first octet
 * @returns offset of the packet number
 */
export function writeLongHeader(
  w: ByteWriter,
  type: number,
  version: number,
  destinationId: Uint8Array,
  sourceId: Uint8Array,
  token: Uint8Array,
  packetNumber: number,
  packetNumberLength: number,
): number {
  w.uint8(0xc0 | longTypeBits(type, version) | (packetNumberLength - 1));
  writeVersionAndIds(w, version, destinationId, sourceId);
  if (type === PacketType.INITIAL) {
    w.varint(token.length);
    w.octets(token);
  }
  w.uint16(0x4000);
  const packetNumberOffset = w.position;
  writePacketNumber(w, packetNumber, packetNumberLength);
  return packetNumberOffset;
}

/** Octets that `writeLongHeader` writes. */
export function longHeaderSize(
  type: number,
  destinationIdLength: number,
  sourceIdLength: number,
  tokenLength: number,
  packetNumberLength: number,
): number {
  const token = type === PacketType.INITIAL ? varintSize(tokenLength) + tokenLength : 0;
  return 1 + 4 + 1 + destinationIdLength + 1 + sourceIdLength + token + 2 + packetNumberLength;
}

/**
 * Sets the Length field of a packet begun by `writeLongHeader`, two octets always. RFC 9000 §17.2.
 * @param end  end (exclusive) of the packet, AEAD tag included
 */
export function setLength(bytes: Uint8Array, packetNumberOffset: number, end: number): void {
  const length = end - packetNumberOffset;
  if (length < 0 || length > 0x3fff) throw new RangeError(`a packet of ${length} octets does not fit a length of 2 octets`);
  bytes[packetNumberOffset - 2] = 0x40 | (length >>> 8);
  bytes[packetNumberOffset - 1] = length;
}

/**
 * Writes the header of a 1-RTT packet, packet number included. RFC 9000 §17.3.1.
 * @returns offset of the packet number
 */
export function writeShortHeader(
  w: ByteWriter,
  destinationId: Uint8Array,
  packetNumber: number,
  packetNumberLength: number,
  keyPhase: 0 | 1,
  spin: 0 | 1,
): number {
  w.uint8(0x40 | (spin << 5) | (keyPhase << 2) | (packetNumberLength - 1));
  w.octets(destinationId);
  const packetNumberOffset = w.position;
  writePacketNumber(w, packetNumber, packetNumberLength);
  return packetNumberOffset;
}

/** Octets that `writeShortHeader` writes. */
export const shortHeaderSize = (destinationIdLength: number, packetNumberLength: number): number =>
  1 + destinationIdLength + packetNumberLength;

/** The Long Packet Type, in its place in the first octet. What is sent with a reserved version, to be told which are spoken, looks like version 1. */
export function longTypeBits(type: number, version: number): number {
  const bits = longPacketTypes(isReserved(version) ? VERSION_1 : version)?.indexOf(type) ?? -1;
  if (bits < 0) throw new RangeError(`version 0x${version.toString(16)} has no long header of packet type ${type} that we can write`);
  return bits << 4;
}

/** The invariant part of a long header behind the first octet. RFC 8999 §5.1. */
export function writeVersionAndIds(w: ByteWriter, version: number, destinationId: Uint8Array, sourceId: Uint8Array): void {
  w.uint32(version);
  w.uint8(destinationId.length);
  w.octets(destinationId);
  w.uint8(sourceId.length);
  w.octets(sourceId);
}
