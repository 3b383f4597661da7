/** What the headers of a datagram's packets say to somebody without keys. RFC 8999 §5.1, RFC 9000 §17, RFC 9369 §3.2. */

export type PacketKind = 'initial' | '0-rtt' | 'handshake' | 'retry' | 'version-negotiation' | '1-rtt';

export interface SeenPacket {
  readonly kind: PacketKind;
  /** 0 with a short header, which has none. */
  readonly version: number;
  /** Connection IDs in hex. Where a short header's destination ends is not to be seen: its first four octets stand for it. */
  readonly destination: string;
  readonly source: string;
  readonly tokenOctets: number;
  readonly octets: number;
}

const LONG_HEADER = 0x80;
const FIXED_BIT = 0x40;
const SHORT_ID_OCTETS = 4;
export const VERSION_1 = 0x00000001;
export const VERSION_2 = 0x6b3343cf;

const KINDS_OF_VERSION_1: readonly PacketKind[] = ['initial', '0-rtt', 'handshake', 'retry'];
const KINDS_OF_VERSION_2: readonly PacketKind[] = ['retry', 'initial', '0-rtt', 'handshake'];

/** RFC 9000 §15: versions that no server speaks, to see whether it says so. */
export const isReserved = (version: number): boolean => (version & 0x0f0f0f0f) === 0x0a0a0a0a;

/** The packets of a datagram, as far as they can be told; of other protocols, none. */
export function packetsIn(datagram: Uint8Array): SeenPacket[] {
  const packets: SeenPacket[] = [];
  const cursor = { at: 0 };
  while (cursor.at < datagram.length) {
    const start = cursor.at;
    try {
      const packet = (datagram[start] & LONG_HEADER) === 0 ? shortPacket(datagram, cursor) : longPacket(datagram, cursor);
      if (packet === undefined) break;
      packets.push(packet);
    } catch (error) {
      if (error instanceof RangeError) break; // it ends within a header
      throw error;
    }
  }
  return packets;
}

interface Cursor {
  at: number;
}

function shortPacket(datagram: Uint8Array, cursor: Cursor): SeenPacket | undefined {
  const { at } = cursor;
  cursor.at = datagram.length;
  // padding behind the last packet; a fixed bit of 0 alone does not make it that (RFC 9287)
  if ((datagram[at] & FIXED_BIT) === 0 && datagram.subarray(at).every((octet) => octet === 0)) return undefined;
  const destination = hex(datagram.subarray(at + 1, at + 1 + SHORT_ID_OCTETS));
  return { kind: '1-rtt', version: 0, destination, source: '', tokenOctets: 0, octets: datagram.length - at };
}

function longPacket(datagram: Uint8Array, cursor: Cursor): SeenPacket | undefined {
  const start = cursor.at;
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  const version = view.getUint32(start + 1);
  cursor.at = start + 5;
  const destination = hex(take(datagram, cursor, view.getUint8(cursor.at++)));
  const source = hex(take(datagram, cursor, view.getUint8(cursor.at++)));
  const kind = kindOf(datagram[start], version);
  let tokenOctets = 0;
  if (kind === 'initial') {
    tokenOctets = readVarint(view, cursor);
    cursor.at += tokenOctets;
  }
  if (kind === 'retry' || kind === 'version-negotiation') cursor.at = datagram.length;
  else {
    const length = readVarint(view, cursor);
    take(datagram, cursor, length);
  }
  return { kind, version, destination, source, tokenOctets, octets: cursor.at - start };
}

function kindOf(firstOctet: number, version: number): PacketKind {
  if (version === 0) return 'version-negotiation';
  // what is not ours to know looks like version 1 here: a client that asks for a reserved version writes it so
  return (version === VERSION_2 ? KINDS_OF_VERSION_2 : KINDS_OF_VERSION_1)[(firstOctet >> 4) & 3];
}

function take(datagram: Uint8Array, cursor: Cursor, length: number): Uint8Array {
  if (cursor.at + length > datagram.length) throw new RangeError('beyond the datagram');
  cursor.at += length;
  return datagram.subarray(cursor.at - length, cursor.at);
}

/** RFC 9000 §16, saturating: lengths are compared with a datagram's. */
function readVarint(view: DataView, cursor: Cursor): number {
  const octets = 1 << (view.getUint8(cursor.at) >> 6);
  let value = view.getUint8(cursor.at) & 0x3f;
  for (let i = 1; i < octets; i++) value = value * 256 + view.getUint8(cursor.at + i);
  cursor.at += octets;
  return value;
}

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');
