import { type DropKind, LinkObserver, type LinkPacket } from '@quiclab/impair';
import type { PacketView } from '@quiclab/quic';
import type { Ecn, Micros } from '@quiclab/sansio';
import type { SegmentView } from '@quiclab/tcp';
import { FrameType } from '@quiclab/wire';
import type { Data } from './qlog-frames.ts';
import { ECN, PACKET_TYPES } from './qlog-values.ts';

/** Our own events: `link-events.cddl` has them. No domain stands behind the name. */
export const LINK_EVENTS_SCHEMA = 'https://quiclab.invalid/112026/qlog/link';

export interface NetworkQlogOptions {
  /** Takes the records, as of QlogOptions. */
  readonly write: (record: string) => void;
  readonly title?: string;
  /** The instant that the trace counts from, µs. Default 0. */
  readonly reference?: Micros;
}

export interface NetworkQlog {
  readonly up: LinkQlog;
  readonly down: LinkQlog;
}

/** Writes what the two links of a path do, in the order in which it happens, as one qlog of the vantage point 'network'. */
export function networkQlog({ write, title, reference = 0 }: NetworkQlogOptions): NetworkQlog {
  const record = (value: Data): void => write(`\u001e${JSON.stringify(value)}\n`);
  record({
    file_schema: 'urn:ietf:params:qlog:file:sequential',
    serialization_format: 'application/qlog+json-seq',
    title,
    trace: {
      common_fields: { time_format: 'relative_to_epoch', reference_time: { clock_type: 'monotonic', epoch: 'unknown' } },
      vantage_point: { name: 'quiclab', type: 'network', flow: 'client' },
      event_schemas: [LINK_EVENTS_SCHEMA],
    },
  });
  const event = (now: Micros, name: string, data: Data): void => record({ time: (now - reference) / 1_000, name: `link:${name}`, data });
  return { up: new LinkQlog('up', event), down: new LinkQlog('down', event) };
}

/** What its datagrams were when they entered: told apart from what they are when they leave. */
interface Entered {
  readonly sum: number;
  ecn: Ecn;
}

/** One link of a path. Beside what any observer of a link is told, it may be told what the next datagram that enters was made of. */
export class LinkQlog extends LinkObserver {
  readonly #link: 'up' | 'down';
  readonly #event: (now: Micros, name: string, data: Data) => void;
  readonly #underWay = new Map<number, Entered>(); // by index: what is on the link
  #packets: Data[] = [];
  #segment: Data | undefined = undefined;

  constructor(link: 'up' | 'down', event: (now: Micros, name: string, data: Data) => void) {
    super();
    this.#link = link;
    this.#event = event;
  }

  /** A QUIC packet of the datagram that is to enter next. @param connection  its number, from 0 */
  packetLeft(connection: number, { level, packetNumber, frames }: PacketView): void {
    const streams: Data[] = [];
    for (let i = 0; i < frames.length; i++) {
      const type = frames.type(i);
      if ((type & ~1) !== FrameType.STREAM) continue;
      streams.push({ stream_id: frames.stream(i), offset: frames.offset(i), length: frames.size(i), fin: (type & 1) === 1 || undefined });
    }
    this.#packets.push({ connection, packet_type: PACKET_TYPES[level], packet_number: packetNumber, streams });
  }

  /** The TCP segment that is to enter next. */
  segmentLeft(connection: number, { syn, fin, rst, acknowledged, offset, length, transmission }: SegmentView): void {
    const flags = [...(syn ? ['SYN'] : []), ...(fin ? ['FIN'] : []), ...(rst ? ['RST'] : []), ...(acknowledged >= 0 ? ['ACK'] : [])];
    this.#segment = {
      connection,
      flags,
      offset: Math.max(0, offset), // a SYN stands before the first octet
      length,
      transmission,
      acknowledged: acknowledged >= 0 ? acknowledged : undefined,
    };
  }

  override entered(now: Micros, { index, protocol, size, ecn, bytes }: LinkPacket, packets: number, waiting: number): void {
    this.#underWay.set(index, { sum: sumOf(bytes), ecn });
    this.#event(now, 'datagram_enqueued', {
      link: this.#link,
      index,
      protocol,
      length: size,
      ecn: ECN[ecn],
      queue: { packets, bytes: waiting },
      packets: this.#packets.length > 0 ? this.#packets : undefined,
      segment: this.#segment,
    });
    this.#packets = [];
    this.#segment = undefined;
  }

  override marked(now: Micros, { index, ecn }: LinkPacket): void {
    const entered = this.#underWay.get(index)!;
    this.#event(now, 'datagram_marked', { link: this.#link, index, old: ECN[entered.ecn], new: ECN[ecn], trigger: 'queue' });
    entered.ecn = ecn;
  }

  override remarked(now: Micros, { index, ecn }: LinkPacket, before: Ecn): void {
    this.#event(now, 'datagram_marked', { link: this.#link, index, old: ECN[before], new: ECN[ecn], trigger: 'rewritten' });
    this.#underWay.get(index)!.ecn = ecn;
  }

  override dropped(now: Micros, { index }: LinkPacket, kind: DropKind, cause: string): void {
    this.#underWay.delete(index);
    this.#event(now, 'datagram_dropped', { link: this.#link, index, trigger: kind === 'injected' ? 'impairment' : kind, cause });
  }

  override departed(now: Micros, { index, bytes }: LinkPacket, arrivesAt: Micros, copies: number): void {
    const damaged = sumOf(bytes) !== this.#underWay.get(index)!.sum || undefined;
    this.#underWay.delete(index);
    this.#event(now, 'datagram_departed', { link: this.#link, index, arrives_in: (arrivesAt - now) / 1_000, copies, damaged });
  }

  override delivered(now: Micros, { index, enteredAt, ecn }: LinkPacket): void {
    this.#event(now, 'datagram_delivered', { link: this.#link, index, took: (now - enteredAt) / 1_000, ecn: ECN[ecn] });
  }
}

/** FNV-1a, 32 bits. */
function sumOf(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (const octet of bytes) sum = Math.imul(sum ^ octet, 0x01000193);
  return sum;
}
