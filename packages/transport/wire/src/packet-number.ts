import type { ByteWriter } from '@quiclab/bytes';

/**
 * How many octets a packet number needs so that the peer can expand it. RFC 9000 §17.1, Appendix A.2.
 * @param largestAcked  largest packet number that the peer has acknowledged in this space; -1 before the first
 */
export function packetNumberLength(packetNumber: number, largestAcked: number): 1 | 2 | 3 | 4 {
  // the field must hold twice the numbers that are out, so n octets serve 2^(8n-1) of them
  const unacknowledged = packetNumber - largestAcked;
  if (unacknowledged <= 0x80) return 1;
  if (unacknowledged <= 0x8000) return 2;
  if (unacknowledged <= 0x80_0000) return 3;
  return 4;
}

/**
 * The packet number nearest to the next expected one that ends in the octets received. RFC 9000 Appendix A.3.
 * @param largestReceived  largest packet number of an authentic packet in this space; -1 before the first
 * @param truncated        value of the packet number field
 * @param length           octets of that field, 1 to 4
 * @returns a number from 0 to 2^53 - 1
 */
export function expandPacketNumber(largestReceived: number, truncated: number, length: number): number {
  const expected = largestReceived + 1;
  const window = WINDOW[length]!;
  const half = window / 2;
  const candidate = expected - (expected % window) + truncated; // no bit operations: numbers pass 2^32
  if (candidate <= expected - half && candidate <= Number.MAX_SAFE_INTEGER - window) return candidate + window;
  if (candidate > expected + half && candidate >= window) return candidate - window;
  return candidate;
}

const WINDOW = [0, 0x100, 0x1_0000, 0x100_0000, 0x1_0000_0000];

/** The packet number field, 1 to 4 octets, header protection removed. The caller has seen that the octets are there. RFC 9000 §17.1. */
export function readPacketNumber(bytes: Uint8Array, offset: number, length: number): number {
  let value = 0;
  for (let i = 0; i < length; i++) value = value * 0x100 + bytes[offset + i]!;
  return value;
}

/** The lowest `length` octets of a packet number. */
export function writePacketNumber(w: ByteWriter, packetNumber: number, length: number): void {
  const low = packetNumber >>> 0; // modulo 2^32, also for what is larger
  if (length === 1) w.uint8(low & 0xff);
  else if (length === 2) w.uint16(low & 0xffff);
  else if (length === 3) w.uint24(low & 0xff_ffff);
  else w.uint32(low);
}
