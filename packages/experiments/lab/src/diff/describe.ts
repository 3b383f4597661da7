import { list, printable, record, type Unknowns } from '../recorded/qlog-file.ts';
import type { LogEvent } from './log.ts';

// What an event is about, in a line: what two events have in common that are the same thing, whenever they happened.

/** 'quic:packet_sent', 'transport:packet_sent' → 'packet_sent'. */
export const shortName = (name: string): string => name.slice(name.indexOf(':') + 1);

const PACKETS = new Set(['packet_sent', 'packet_received', 'packet_lost', 'packet_dropped', 'packet_buffered']);
export const isAboutPacket = ({ name }: LogEvent): boolean => PACKETS.has(shortName(name));

/** '1RTT 47'; '' where it has no number. */
export function packetOf({ data }: LogEvent): string {
  const { packet_type, packet_number } = record(data.header);
  return packet_number === undefined ? '' : `${packet_type} ${packet_number}`;
}

/** 'down:47' of an event of a link; '' else. */
export const datagramOf = ({ data }: LogEvent): string => (data.link === undefined ? '' : `${data.link}:${data.index}`);

/** Octets of a stream that a packet carries. */
export interface StreamOctets {
  readonly stream: string;
  readonly offset: number;
  readonly length: number;
}

export function streamsOf({ data }: LogEvent): StreamOctets[] {
  const octets = (from: unknown, connection = ''): StreamOctets[] =>
    list(from)
      .map(record)
      .filter(({ stream_id }) => stream_id !== undefined)
      .map((piece) => ({ stream: `${connection}${piece.stream_id}`, offset: Number(piece.offset ?? 0), length: lengthOf(piece) }));
  const frames = octets(list(data.frames).filter((frame) => record(frame).frame_type === 'stream'));
  const packets = list(data.packets)
    .map(record)
    .flatMap(({ connection, streams }) => octets(streams, connection === 0 ? '' : `${connection}/`));
  return [...frames, ...packets];
}

/** In the drafts it is in `raw`, in qlog 0.3 beside the rest. */
const lengthOf = (frame: Unknowns): number => Number(frame.length ?? record(frame.raw).length ?? 0);

const MOST = 160;

export function describeEvent(event: LogEvent): string {
  const name = shortName(event.name);
  const text = PACKETS.has(name) ? packetText(event) : datagramOf(event) !== '' ? linkText(event) : plain(event.data);
  const line = `${name} ${text}`.trim();
  return printable(line.length > MOST ? `${line.slice(0, MOST - 1)}…` : line);
}

function packetText(event: LogEvent): string {
  const { header, trigger, frames } = event.data;
  const packet = packetOf(event) || String(record(header).packet_type ?? '');
  const carried = list(frames)
    .map(record)
    .map(frameText)
    .filter((text) => text !== '');
  return `${packet}${trigger === undefined ? '' : ` (${trigger})`}${carried.length === 0 ? '' : `: ${carried.join(', ')}`}`;
}

function frameText(frame: Unknowns): string {
  const type = String(frame.frame_type ?? 'a frame');
  if (type === 'padding') return '';
  if (type === 'ack') return `ack ${rangesText(frame.acked_ranges)}`;
  if (type === 'stream') return `stream ${frame.stream_id}@${frame.offset}+${lengthOf(frame)}${frame.fin === true ? ' fin' : ''}`;
  if (type === 'crypto') return `crypto @${frame.offset}+${lengthOf(frame)}`;
  const { maximum, limit, stream_id, sequence_number } = frame;
  const number = maximum ?? limit ?? sequence_number;
  return `${type}${stream_id === undefined ? '' : ` of ${stream_id}`}${number === undefined ? '' : ` ${number}`}`;
}

/** '0–45, 47'. Ranges are pairs, or one number. */
function rangesText(ranges: unknown): string {
  return list(ranges)
    .map((range) => [...new Set(list(range))].join('–'))
    .join(' ');
}

function linkText(event: LogEvent): string {
  const { data } = event;
  const { trigger, cause, segment, old, copies, damaged } = data;
  const { flags, offset, length } = record(segment);
  const packets = list(data.packets).map(record);
  const parts = [
    ...(trigger === undefined ? [] : [`by the ${trigger}${cause === undefined || cause === trigger ? '' : ` (${cause})`}`]),
    ...(old === undefined ? [] : [`${old} to ${data.new}`]),
    ...(Number(copies ?? 1) === 1 ? [] : [`${copies} copies`]),
    ...(damaged === true ? ['damaged'] : []),
    ...packets.map(({ packet_type, packet_number }) => `${packet_type} ${packet_number}`),
    ...streamsOf(event).map(({ stream, offset: from, length: size }) => `stream ${stream}@${from}+${size}`),
    ...(segment === undefined ? [] : [`${list(flags).join()} @${offset}+${length}`]),
  ];
  return `${datagramOf(event)}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}

const plain = (data: Unknowns): string =>
  Object.entries(data)
    .map(([key, value]) => `${key} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(', ');
