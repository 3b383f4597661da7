import { ByteReader, type ByteWriter } from '@quiclab/bytes';
import { type PacketHeader, PacketType, RETRY_TAG_LENGTH } from './header.ts';
import { longTypeBits, writeVersionAndIds } from './header-writer.ts';

/** Octets of a stateless reset token. RFC 9000 §10.3. */
export const RESET_TOKEN_LENGTH = 16;

/** Smallest datagram that a Stateless Reset may be: 38 unpredictable bits, the two fixed ones and the token. RFC 9000 §10.3. */
export const MIN_STATELESS_RESET = 21;

/**
 * Writes a Version Negotiation packet. RFC 9000 §17.2.1.
 * @param destinationId  source connection ID of the packet that is answered, up to 255 octets
 * @param sourceId       destination connection ID of that packet
 * @param unusedBits     six arbitrary bits for the first octet; the seventh, 0x40, is always set so that QUIC can be told from other protocols
 */
export function writeVersionNegotiation(
  w: ByteWriter,
  destinationId: Uint8Array,
  sourceId: Uint8Array,
  versions: readonly number[],
  unusedBits: number,
): void {
  w.uint8(0xc0 | (unusedBits & 0x3f));
  writeVersionAndIds(w, 0, destinationId, sourceId);
  for (const version of versions) w.uint32(version);
}

/**
 * The versions of a Version Negotiation packet, which are the octets from `header.packetNumberOffset` to `header.end`.
 * @returns undefined where there is none, or the last is cut short: such a packet must be ignored (RFC 8999 §6)
 */
export function readVersions(bytes: Uint8Array, start: number, end: number): number[] | undefined {
  if (end <= start || (end - start) % 4 !== 0) return undefined;
  const reader = new ByteReader(bytes, start, end);
  const versions: number[] = [];
  while (reader.remaining > 0) versions.push(reader.uint32());
  return versions;
}

/**
 * Writes a Retry packet up to the Retry Integrity Tag, whose 16 octets the caller computes and appends. RFC 9000 §17.2.5.
 * @param unusedBits  four arbitrary bits of the first octet
 */
export function writeRetry(
  w: ByteWriter,
  version: number,
  destinationId: Uint8Array,
  sourceId: Uint8Array,
  token: Uint8Array,
  unusedBits = 0,
): void {
  w.uint8(0xc0 | longTypeBits(PacketType.RETRY, version) | (unusedBits & 0x0f));
  writeVersionAndIds(w, version, destinationId, sourceId);
  w.octets(token);
}

/** Views of a Retry packet's octets. */
export interface RetryPacket {
  readonly token: Uint8Array;
  /** Retry Integrity Tag, 16 octets; RFC 9001 §5.8 says what over. */
  readonly integrityTag: Uint8Array;
  /** All of the packet before the tag: what the tag is computed over, behind the original destination connection ID. */
  readonly untagged: Uint8Array;
}

/**
 * Token and tag of the Retry packet whose header was read.
 * @returns undefined for another type of packet, and for an empty token, with which a client must discard the packet (RFC 9000 §17.2.5.2)
 */
export function readRetry(header: PacketHeader): RetryPacket | undefined {
  if (header.type !== PacketType.RETRY || header.tokenLength === 0) return undefined;
  const tag = header.end - RETRY_TAG_LENGTH;
  return {
    token: header.token,
    integrityTag: header.bytes.subarray(tag, header.end),
    untagged: header.bytes.subarray(header.start, tag),
  };
}

/**
 * Makes the next `length` octets a Stateless Reset. They hold random octets already; the first two bits and the last 16
 * octets are set. RFC 9000 §10.3.
 */
export function writeStatelessReset(w: ByteWriter, length: number, token: Uint8Array): void {
  if (length < MIN_STATELESS_RESET || length > w.remaining)
    throw new RangeError(`a Stateless Reset of ${length} octets, room for ${w.remaining}`);
  if (token.length !== RESET_TOKEN_LENGTH) throw new RangeError(`a stateless reset token of ${token.length} octets`);
  w.bytes[w.position] = 0x40 | (w.bytes[w.position]! & 0x3f);
  w.position += length - RESET_TOKEN_LENGTH;
  w.octets(token);
}
