import { record, recordsOf, type Unknowns } from './qlog-file.ts';

export interface QlogLosses {
  /** Datagrams of this end, from 1. */
  readonly lost: number[];
  /** How many it sent. */
  readonly sent: number;
  /** How many packets it declared lost. */
  readonly declared: number;
}

/** Newer drafts' names first, then qvis's (draft-ietf-quic-qlog-quic-events). */
const SENT = ['quic:packet_sent', 'transport:packet_sent', 'packet_sent'];
const LOST = ['quic:packet_lost', 'recovery:packet_lost', 'packet_lost'];

/**
 * What a sender declared lost, by its qlog (JSON, JSON-SEQ or a record a line), as numbers of its datagrams. Where events say which datagram a packet was in
 * that is how they are counted; else packets share one that left at one instant, each in a later packet number space than the one before, and fit into
 * it together (RFC 9000 §12.2). A sender can be wrong: a packet that was only late may be among them.
 * @throws Error that names the line, or the event
 */
export function qlogLosses(text: string): QlogLosses {
  const datagrams = new Map<string, number>(); // by datagram_id
  const packets = new Map<string, number>(); // by type and number: in which datagram
  const lost = new Set<number>();
  let sent = 0;
  let declared = 0;
  let before: { readonly time: unknown; readonly level: number; readonly length: number } = { time: undefined, level: 9, length: 0 };
  for (const { event, place } of recordsOf(text)) {
    const name = String(event.name ?? '');
    if (!SENT.includes(name) && !LOST.includes(name)) continue;
    const data = record(event.data);
    const packet = packetOf(data, place);
    if (SENT.includes(name)) {
      const id = event.datagram_id ?? data.datagram_id ?? record(data.raw).datagram_id;
      const key = id === undefined ? '' : String(id);
      const length = lengthOf(data);
      const level = LEVELS.indexOf(packet.split(' ', 1)[0]!);
      const shared = event.time !== undefined && event.time === before.time && level > before.level && before.length + length <= LARGEST;
      let datagram = key === '' ? (shared ? sent : undefined) : datagrams.get(key);
      if (datagram === undefined) {
        datagram = ++sent;
        if (key !== '') datagrams.set(key, datagram);
      }
      before = { time: event.time, level, length: shared ? before.length + length : length };
      packets.set(packet, datagram);
    } else {
      const datagram = packets.get(packet);
      if (datagram === undefined) throw new Error(`qlog, ${place}: packet ${packet} is declared lost, and was not sent before`);
      declared++;
      lost.add(datagram);
    }
  }
  if (sent === 0) throw new Error('qlog: nothing is sent in it (packet_sent); it has to be the log of the end that sent what was lost');
  return { lost: [...lost].sort((a, b) => a - b), sent, declared };
}

const LEVELS: readonly string[] = ['initial', 'handshake', '1RTT'];
/** What no datagram on the Internet is larger than. */
const LARGEST = 1_500;

/** Octets of a packet, 0 where they are not known. */
function lengthOf(data: Unknowns): number {
  const length = record(data.raw).length ?? record(data.header).packet_size;
  return typeof length === 'number' ? length : 0;
}

function packetOf(data: Unknowns, place: string): string {
  const header = record(data.header);
  const type = header.packet_type ?? data.packet_type;
  const number = header.packet_number ?? data.packet_number;
  if (typeof type !== 'string' || (typeof number !== 'number' && typeof number !== 'string'))
    throw new Error(`qlog, ${place}: no header with packet_type and packet_number`);
  // 0-RTT and 1-RTT share a packet number space (RFC 9000 §12.3)
  return `${type === '0RTT' ? '1RTT' : type} ${number}`;
}
