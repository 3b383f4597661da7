import { list, record, type Unknowns } from '../recorded/qlog-file.ts';
import { shortName } from './describe.ts';
import type { Log, LogEvent } from './log.ts';

/** What two events may differ in and be the same. */
export interface Sameness {
  readonly ignoreTime: boolean;
  readonly ignoreIds: boolean;
}

/** Members that are times, or rates made of them. */
const TIMES = new Set('ack_delay delta min_rtt smoothed_rtt latest_rtt rtt_variance pacing_rate arrives_in took'.split(' '));
/** Members that another run between the same programs has otherwise: connection IDs, tokens, addresses, entropy. */
const IDS = new Set(
  (
    'scid dcid src_cid dst_cid connection_id connection_ids original_destination_connection_id initial_source_connection_id ' +
    'retry_source_connection_id stateless_reset_token token ip_v4 ip_v6 port_v4 port_v6 src_ip dst_ip src_port dst_port group_id'
  ).split(' '),
);
/** And those of some events and frames alone. */
const IDS_OF: Readonly<Record<string, readonly string[]>> = {
  connection_id_updated: ['old', 'new'],
  path_challenge: ['data'],
  path_response: ['data'],
};

/** A log as it is compared. */
export interface ComparedLog {
  readonly events: readonly LogEvent[];
  /** By event: equal where two are the same. */
  readonly keys: readonly string[];
}

/** @param packetsOnly  what is in both dialects: packets and their frames */
export function compared({ events }: Log, { ignoreTime, ignoreIds }: Sameness, packetsOnly: boolean): ComparedLog {
  const kept: LogEvent[] = [];
  const keys: string[] = [];
  const isLeftOut = (key: string, owner: string): boolean =>
    (ignoreTime && TIMES.has(key)) || (ignoreIds && (IDS.has(key) || (IDS_OF[owner]?.includes(key) ?? false)));
  for (const event of events) {
    const name = shortName(event.name);
    if (packetsOnly && !IN_BOTH.has(name)) continue;
    const data = packetsOnly ? packetAlone(event.data) : event.data;
    const text = stable(data, name, isLeftOut);
    // of round trips and nothing else
    if (text === '{}' && Object.keys(data).length > 0) continue;
    kept.push(event);
    keys.push(`${ignoreTime ? '' : event.time} ${packetsOnly ? name : event.name} ${text}`);
  }
  return { events: kept, keys };
}

const IN_BOTH = new Set(['packet_sent', 'packet_received', 'packet_lost']);

const CARRIES_DATA = new Set(['stream', 'crypto', 'datagram']);

/** What both dialects say of a packet, in one way. */
function packetAlone({ header, frames, raw, trigger }: Unknowns): Unknowns {
  const { packet_type, packet_number } = record(header);
  return {
    packet_type,
    packet_number,
    trigger,
    length: record(raw).length,
    frames: list(frames)
      .map(record)
      .map(({ frame_type, stream_id, offset, fin, maximum, limit, sequence_number, acked_ranges, length, raw: octets }) => ({
        ...{ frame_type, stream_id, offset, fin, maximum, limit, sequence_number, acked_ranges },
        length: CARRIES_DATA.has(String(frame_type)) ? (length ?? record(octets).length) : undefined,
      })),
  };
}

/** JSON with keys in order, without what counts for nothing. @param owner  the event or frame that has the members */
function stable(value: unknown, owner: string, isLeftOut: (key: string, owner: string) => boolean): string {
  if (Array.isArray(value)) return `[${value.map((one) => stable(one, owner, isLeftOut)).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const map = value as Unknowns;
  const own = typeof map.frame_type === 'string' ? map.frame_type : owner;
  const members = Object.keys(map)
    .filter((key) => map[key] !== undefined && !isLeftOut(key, own))
    .sort()
    .map((key) => `${JSON.stringify(key)}:${stable(map[key], own, isLeftOut)}`);
  return `{${members.join()}}`;
}
