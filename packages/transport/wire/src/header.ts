import { ByteReader } from '@quiclab/bytes';
import { VERSION_1, VERSION_2 } from './versions.ts';

/** Kinds of packet. The first four are the values of the Long Packet Type in version 1. RFC 9000 §17.2. */
export const PacketType = {
  INITIAL: 0,
  ZERO_RTT: 1,
  HANDSHAKE: 2,
  RETRY: 3,
  ONE_RTT: 4,
  VERSION_NEGOTIATION: 5,
  UNKNOWN_VERSION: 6,
} as const;

/** Longest connection ID in versions 1 and 2. RFC 9000 §17.2. */
export const MAX_CONNECTION_ID_LENGTH = 20;

/** Octets of the Retry Integrity Tag, the last of a Retry packet. RFC 9000 §17.2.5. */
export const RETRY_TAG_LENGTH = 16;

/**
 * Why octets are no QUIC packet that we can read: they end before the header does; the fixed bit is 0; a connection ID has
 * more than 20 octets; the token or the payload would pass the end of the datagram.
 */
export type HeaderFault = 'truncated' | 'fixed-bit' | 'cid-too-long' | 'token' | 'length';

/**
 * What can be read of a packet before its header protection is removed. One record is filled again and again; positions are
 * in `bytes`, the datagram. The views are made when asked for, each time anew, and show the datagram itself: a router that
 * compares connection IDs where they lie allocates nothing.
 */
export class PacketHeader {
  bytes: Uint8Array = EMPTY;
  /** A value of PacketType. */
  type = PacketType.UNKNOWN_VERSION as number;
  /** 0 in short headers, which have none, and in Version Negotiation packets. */
  version = 0;
  /** Where the packet starts in the datagram: its first octet. */
  start = 0;
  destinationIdStart = 0;
  destinationIdLength = 0;
  sourceIdStart = 0;
  sourceIdLength = 0;
  /** Initial: the Token field. Retry: the Retry Token. */
  tokenStart = 0;
  tokenLength = 0;
  /** Where the (masked) packet number starts; in Version Negotiation, Retry and unknown versions the first octet after what was read above, token excepted. */
  packetNumberOffset = 0;
  /** End (exclusive) of this packet; the next coalesced one starts here. For Retry, Version Negotiation, unknown versions and 1-RTT the end of the datagram. */
  end = 0;

  get destinationId(): Uint8Array {
    return view(this.bytes, this.destinationIdStart, this.destinationIdLength);
  }

  get sourceId(): Uint8Array {
    return view(this.bytes, this.sourceIdStart, this.sourceIdLength);
  }

  get token(): Uint8Array {
    return view(this.bytes, this.tokenStart, this.tokenLength);
  }
}

const EMPTY = new Uint8Array(0);

/** Long Packet Type bits to PacketType, by version. RFC 9000 §17.2, RFC 9369 §3.2. */
const TYPES_V1: readonly number[] = [PacketType.INITIAL, PacketType.ZERO_RTT, PacketType.HANDSHAKE, PacketType.RETRY];
const TYPES_V2: readonly number[] = [PacketType.RETRY, PacketType.INITIAL, PacketType.ZERO_RTT, PacketType.HANDSHAKE];

/** PacketType of each value of the Long Packet Type bits; undefined for a version whose packets this package cannot read. */
export function longPacketTypes(version: number): readonly number[] | undefined {
  return version === VERSION_1 ? TYPES_V1 : version === VERSION_2 ? TYPES_V2 : undefined;
}

function view(bytes: Uint8Array, start: number, length: number): Uint8Array {
  return length === 0 ? EMPTY : bytes.subarray(start, start + length);
}

/**
 * Reads the header of the packet at `start`, without looking below header protection. RFC 9000 §17, RFC 8999 §5.
 *
 * Of a version other than 1 and 2 only the invariants are read (UNKNOWN_VERSION). Version 2 is read whether or not the
 * endpoint speaks it: whoever answers with Version Negotiation looks at `version`, not only at `type`. Whether the payload
 * is long enough to hold a sample is the business of whoever removes the protection.
 * @param end            end (exclusive) of the datagram; nothing is read from there on
 * @param shortIdLength  length of the connection IDs that we issue: short headers do not tell it
 * @param anyQuicBit     the fixed bit may be 0, as whoever announced grease_quic_bit has to take it (RFC 9287 §3)
 * @returns '' and `into` filled, or a fault; then the rest of the datagram cannot be read and `into` means nothing. Never throws.
 */
export function readHeader(
  bytes: Uint8Array,
  start: number,
  end: number,
  shortIdLength: number,
  into: PacketHeader,
  anyQuicBit = false,
): HeaderFault | '' {
  into.bytes = bytes;
  into.start = start;
  into.end = end;
  into.tokenStart = start;
  into.tokenLength = 0;
  if (start >= end) return 'truncated';
  const first = bytes[start]!;
  if ((first & 0x80) !== 0) return readLongHeader(bytes, start, end, into, anyQuicBit);
  if ((first & 0x40) === 0 && !anyQuicBit) return 'fixed-bit';
  if (end - start < 1 + shortIdLength) return 'truncated';
  into.type = PacketType.ONE_RTT;
  into.version = 0;
  into.destinationIdStart = start + 1;
  into.destinationIdLength = shortIdLength;
  into.sourceIdStart = start;
  into.sourceIdLength = 0;
  into.packetNumberOffset = start + 1 + shortIdLength;
  return '';
}

function readLongHeader(bytes: Uint8Array, start: number, end: number, into: PacketHeader, anyQuicBit: boolean): HeaderFault | '' {
  const reader = new ByteReader(bytes, start + 1, end);
  into.version = reader.uint32();
  into.destinationIdLength = reader.uint8();
  into.destinationIdStart = reader.position;
  reader.skip(into.destinationIdLength);
  into.sourceIdLength = reader.uint8();
  into.sourceIdStart = reader.position;
  reader.skip(into.sourceIdLength);
  if (reader.overrun) return 'truncated';
  into.packetNumberOffset = reader.position;
  into.type = PacketType.VERSION_NEGOTIATION;
  if (into.version === 0) return '';
  into.type = PacketType.UNKNOWN_VERSION;
  const types = longPacketTypes(into.version);
  if (types === undefined) return '';

  const first = bytes[start]!;
  if ((first & 0x40) === 0 && !anyQuicBit) return 'fixed-bit';
  if (into.destinationIdLength > MAX_CONNECTION_ID_LENGTH || into.sourceIdLength > MAX_CONNECTION_ID_LENGTH) return 'cid-too-long';
  into.type = types[(first >>> 4) & 3]!;
  if (into.type === PacketType.RETRY) {
    if (reader.remaining < RETRY_TAG_LENGTH) return 'truncated';
    into.tokenStart = reader.position;
    into.tokenLength = reader.remaining - RETRY_TAG_LENGTH;
    return '';
  }
  if (into.type === PacketType.INITIAL) {
    into.tokenLength = reader.varint();
    into.tokenStart = reader.position;
    if (reader.overrun) return 'truncated';
    if (into.tokenLength > reader.remaining) return 'token';
    reader.skip(into.tokenLength);
  }
  const length = reader.varint();
  if (reader.overrun) return 'truncated';
  if (length > reader.remaining) return 'length';
  into.packetNumberOffset = reader.position;
  into.end = reader.position + length;
  return '';
}
