import { fromHex } from '@quiclab/bytes';
import type { CloseCause, DropReason } from '@quiclab/quic';
import { QlogObserver } from '@quiclab/trace';
import { PacketType } from '@quiclab/wire';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Schema } from './cddl.ts';
import { recordsOf, richWorld } from './rich-world.ts';
import { checkRecord, dataTypeOf, draftSchema, hasDrafts, type QlogRecord } from './schema.ts';

// Everything that our qlog says is checked against the CDDL of the drafts' texts, which are not part of this repository.

/** All events of the draft that a trace of ours can have; those that the world below does not bring about have a `false`. */
const EVENTS: Readonly<Record<string, boolean>> = {
  connection_started: true,
  connection_closed: true,
  connection_id_updated: true,
  connection_state_updated: true,
  tuple_assigned: true,
  version_information: true,
  alpn_information: true,
  parameters_set: true,
  parameters_restored: true,
  packet_sent: true,
  packet_received: true,
  packet_dropped: true,
  packet_buffered: false,
  packets_acked: true,
  udp_datagrams_sent: true,
  udp_datagrams_received: true,
  udp_datagram_dropped: false,
  stream_state_updated: true,
  stream_data_moved: true,
  datagram_data_moved: true,
  migration_state_updated: true,
  mtu_updated: false,
  ecn_state_updated: true,
  timer_updated: true,
  key_updated: true,
  key_discarded: true,
  recovery_parameters_set: true,
  recovery_metrics_updated: true,
  congestion_state_updated: true,
  packet_lost: true,
  marked_for_retransmit: true,
};

const FRAMES = (
  'padding ping ack reset_stream reset_stream_at stop_sending crypto new_token stream max_data max_stream_data max_streams ' +
  'data_blocked stream_data_blocked streams_blocked new_connection_id retire_connection_id path_challenge path_response connection_close ' +
  'handshake_done datagram ack_frequency immediate_ack'
).split(' ');

/** What the world does not bring about: told to an observer directly. */
function rareRecords(): QlogRecord[] {
  let text = '';
  const qlog = new QlogObserver({ side: 'client', originalId: fromHex('0102030405060708'), write: (record) => void (text += record) });
  qlog.started(0, {
    side: 'client',
    originalId: fromHex('0102030405060708'),
    localId: fromHex(''),
    peerId: fromHex('0102030405060708'),
    local: { host: '', port: 0 },
    remote: { host: '::1', port: 443 },
    version: 1,
    versions: [1],
    alpn: ['h3'],
    addressValidated: true,
    maxDatagramSize: 1_200,
    initialWindow: 12_000,
    initialRtt: 333_000,
  });
  for (const type of [...Object.values(PacketType), -1]) {
    qlog.packetBuffered(1, type, 100);
    for (const reason of DROPS) qlog.packetDropped(1, reason, 100, type);
  }
  qlog.datagramReceived(1, 0, 0, 77, 3);
  qlog.packetDropped(1, 'header', 77, -1);
  for (const cause of CAUSES) qlog.ended(1, 'drained', cause);
  qlog.versionsOffered(1, [1], 0);
  qlog.pathValidation(1, 3, 'failed');
  qlog.mtuUpdated(1, 0, 1200, 1452, false);
  qlog.mtuUpdated(1, 1, 1452, 1452, true);
  return recordsOf(text);
}
const DROPS = Object.keys({
  header: 0,
  version: 0,
  'connection-id': 0,
  'keys-unavailable': 0,
  'too-short': 0,
  'not-authentic': 0,
  duplicate: 0,
  'unknown-path': 0,
  'initial-too-small': 0,
  refused: 0,
  retry: 0,
  closing: 0,
  'invalid-version-negotiation': 0,
} satisfies Record<DropReason, 0>) as DropReason[];
const CAUSES: readonly CloseCause[] = [
  { kind: 'local-application', code: 1, reason: 'a' },
  { kind: 'peer-application', code: 1, reason: '' },
  ...[0, 1, 0x0d, 0x11, 0x12a, 0xabcd].map((code) => ({ kind: 'peer-transport', code, reason: '', frameType: 6 }) as const),
  { kind: 'idle-timeout' },
  { kind: 'handshake-timeout' },
  { kind: 'stateless-reset' },
  { kind: 'path-lost' },
  { kind: 'version-mismatch', offered: 1, supported: [2] },
];

const nameOf = (record: QlogRecord): string => record.name ?? 'the header';

describe('the world', () => {
  test('has every event that we write but three, and every frame type', () => {
    const records = richWorld('current').flatMap(({ text }) => recordsOf(text));
    const seen = new Set(records.flatMap(({ name }) => (name === undefined ? [] : [String(name).slice(5)])));
    expect([...seen].sort()).toEqual(
      Object.keys(EVENTS)
        .filter((name) => EVENTS[name])
        .sort(),
    );
    const frames = new Set(
      records.flatMap(({ data }) => ((data as { frames?: { frame_type: string }[] })?.frames ?? []).map((f) => f.frame_type)),
    );
    expect([...frames].sort()).toEqual([...FRAMES].sort());
  });
});

const whereDrafts = hasDrafts ? describe : describe.skip;
whereDrafts(`the schema of the drafts${hasDrafts ? '' : ' (skipped: their texts are not in ../shared/specs)'}`, () => {
  let schema: Schema;
  let records: QlogRecord[];
  beforeAll(() => {
    schema = draftSchema();
    records = [...richWorld('current').flatMap(({ text }) => recordsOf(text)), ...rareRecords()];
  });

  test('has all events and frames that we write', () => {
    for (const name of Object.keys(EVENTS)) expect([name, dataTypeOf(schema, `quic:${name}`)]).not.toEqual([name, undefined]);
    expect(dataTypeOf(schema, 'quic:packet_imagined')).toBeUndefined();
  });

  test('every record of every trace fits', () => {
    const faults = new Set<string>();
    for (const record of records) {
      const fault = checkRecord(schema, record);
      if (fault !== '') faults.add(fault);
    }
    expect([...faults]).toEqual([]);
    expect(new Set(records.map(nameOf)).size).toBe(Object.keys(EVENTS).length + 1);
    expect(records.length).toBeGreaterThan(5_000);
  });

  /** One record of each shape. */
  const samples = (): QlogRecord[] => {
    const byShape = new Map<string, QlogRecord>();
    for (const record of records) byShape.set(`${record.name} ${JSON.stringify(shapeOf(record.data))}`, record);
    return [...byShape.values()];
  };

  test('no record fits with a member that the drafts do not know, anywhere in its data', () => {
    let tried = 0;
    for (const record of samples())
      for (const [path, changed] of variations(record, (object) => ({ ...object, surplus: 1 }))) {
        if (path.startsWith('trace.common_fields') && !path.startsWith('trace.common_fields.')) continue; // takes any
        tried++;
        expect([nameOf(record), path, checkRecord(schema, changed)]).not.toEqual([nameOf(record), path, '']);
      }
    expect(tried).toBeGreaterThan(500);
  });

  test('no record fits when any of its values is of another kind', () => {
    let tried = 0;
    for (const record of samples())
      for (const [path, changed] of values(record, [[{}]])) {
        tried++;
        expect([nameOf(record), path, checkRecord(schema, changed)]).not.toEqual([nameOf(record), path, '']);
      }
    expect(tried).toBeGreaterThan(2_000);
  });

  test('no record fits without a member that the drafts want', () => {
    const wanted: Readonly<Record<string, readonly string[]>> = {
      'quic:connection_started': ['local', 'remote'],
      'quic:connection_state_updated': ['new'],
      'quic:tuple_assigned': ['tuple_id'],
      'quic:packet_sent': ['header'],
      'quic:packet_received': ['header'],
      'quic:stream_state_updated': ['stream_id', 'new', 'stream_side'],
      'quic:migration_state_updated': ['new'],
      'quic:ecn_state_updated': ['new'],
      'quic:timer_updated': ['event_type'],
      'quic:key_updated': ['key_type'],
      'quic:key_discarded': ['key_type'],
      'quic:recovery_parameters_set': ['timer_granularity'],
      'quic:congestion_state_updated': ['new'],
      'quic:marked_for_retransmit': ['frames'],
    };
    for (const [name, members] of Object.entries(wanted))
      for (const member of members) {
        const record = records.find((one) => one.name === name)!;
        const { [member]: _, ...rest } = record.data as Record<string, unknown>;
        expect(checkRecord(schema, { ...record, data: rest })).toContain(`lacks ${member}`);
      }
  });

  test('no frame fits without its numbers', () => {
    const withFrames = records.filter(({ data }) => Array.isArray((data as { frames?: unknown })?.frames));
    for (const [type, member] of [
      ['crypto', 'offset'],
      ['stream', 'stream_id'],
      ['max_data', 'maximum'],
      ['new_connection_id', 'retire_prior_to'],
      ['reset_stream_at', 'reliable_size'],
    ] as const) {
      const frame = withFrames
        .flatMap(({ data }) => (data as { frames: Record<string, unknown>[] }).frames)
        .find((one) => one.frame_type === type)!;
      expect(schema.check('$QuicFrame', frame)).toBe('');
      const { [member]: _, ...rest } = frame;
      expect(schema.check('$QuicFrame', rest)).not.toBe('');
    }
  });

  test('no event fits under another name, or under one that there is not', () => {
    const sent = records.find(({ name }) => name === 'quic:packets_acked')!;
    expect(checkRecord(schema, { ...sent, name: 'quic:packet_sent' })).not.toBe('');
    expect(checkRecord(schema, { ...sent, name: 'quic:packets_imagined' })).toContain('no event');
    expect(checkRecord(schema, { ...sent, name: 'transport:packets_acked' })).toContain('no event');
  });
});

function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map((one) => JSON.stringify(shapeOf(one))))].sort();
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, key === 'frame_type' || key === 'packet_type' ? one : shapeOf(one)]),
  );
}

/** The record with one of its maps changed, for each of them. Beside the data anything may stand, and details may be anything. */
function* variations(
  record: QlogRecord,
  change: (object: object) => object,
  path = '',
  value: unknown = record,
): Generator<[string, QlogRecord]> {
  if (typeof value !== 'object' || value === null || path.includes('details')) return;
  const isFree = Array.isArray(value) || (path === '' && record.name !== undefined);
  if (!isFree) yield [path, replaced(record, path, change(value)) as QlogRecord];
  for (const [key, one] of Object.entries(value)) yield* variations(record, change, path === '' ? key : `${path}.${key}`, one);
}

/** The record with one of its values replaced, for each of them. */
function* values(record: QlogRecord, other: unknown, path = '', value: unknown = record): Generator<[string, QlogRecord]> {
  if (path.includes('details.') || path === 'datagram_id' || path === 'name') return; // ours, beside what the draft has; and what says which type to check
  if (path !== '') yield [path, replaced(record, path, other) as QlogRecord];
  if (typeof value !== 'object' || value === null) return;
  for (const [key, one] of Object.entries(value)) yield* values(record, other, path === '' ? key : `${path}.${key}`, one);
}

function replaced(value: unknown, path: string, by: unknown): unknown {
  if (path === '') return by;
  const [key, ...rest] = path.split('.');
  const inner = (value as Record<string, unknown>)[key!];
  const changed = replaced(inner, rest.join('.'), by);
  return Array.isArray(value) ? value.map((one, i) => (String(i) === key ? changed : one)) : { ...(value as object), [key!]: changed };
}
