import { describe, expect, test } from 'vitest';
import { recordsOf, richWorld } from './rich-world.ts';

// What qvis (github.com/quiclog/qvis, 72c8c4b) looks for in a trace: FileLoader, TextSequenceJSONToQlog, QlogLoaderV2 and its diagrams.

interface QvisEvent {
  readonly time: number;
  readonly name: string;
  readonly data: {
    readonly header?: { readonly packet_type: string; readonly packet_number?: number };
    readonly raw?: { readonly length: number; readonly payload_length?: number };
    readonly frames?: readonly Record<string, unknown>[];
    readonly [field: string]: unknown;
  };
}

const traces = richWorld('qvis').map(({ side, text }) => {
  const [header, ...events] = recordsOf(text);
  return { side, text, header: header!, events: events as unknown as readonly QvisEvent[] };
});
const events = traces.flatMap((trace) => trace.events);
const named = (name: string): readonly QvisEvent[] => events.filter((event) => event.name === name);
const framesOf = (type: string) => events.flatMap(({ data }) => data.frames ?? []).filter(({ frame_type }) => frame_type === type);

/** The categories and names of its QlogSchema02, and three of the draft that it is made after, which it shows by name. */
const KNOWN = [
  ...['server_listening', 'connection_started', 'connection_id_updated', 'spin_bit_updated', 'connection_state_updated'].map(
    (name) => `connectivity:${name}`,
  ),
  'connectivity:connection_closed',
  ...'parameters_set datagrams_sent datagrams_received datagram_dropped packet_sent packet_received packet_dropped packet_buffered'
    .split(' ')
    .map((name) => `transport:${name}`),
  ...'frames_processed stream_state_updated data_moved version_information alpn_information parameters_restored packets_acked'
    .split(' ')
    .map((name) => `transport:${name}`),
  'security:key_updated',
  'security:key_retired',
  ...'parameters_set metrics_updated congestion_state_updated loss_timer_updated packet_lost marked_for_retransmit'
    .split(' ')
    .map((name) => `recovery:${name}`),
];

describe('the dialect that qvis reads', () => {
  test('a file says within its first 1,024 octets what it is, and begins with a trace', () => {
    for (const { text, header, side } of traces) {
      expect(text.slice(0, 1024)).toMatch(/"qlog_version".*"qlog_format":"JSON-SEQ"/);
      expect(header).toMatchObject({
        qlog_version: '0.3',
        trace: { vantage_point: { type: side }, common_fields: { time_format: 'relative', reference_time: 0 } },
      });
    }
  });

  test('times ascend, or it would sort the trace and warn', () => {
    for (const trace of traces) {
      let before = 0;
      for (const { time } of trace.events) {
        expect(time).toBeGreaterThanOrEqual(before);
        before = time;
      }
    }
  });

  test('all events are known to it, and none is one of ours alone', () => {
    expect([...new Set(events.map(({ name }) => name))].filter((name) => !KNOWN.includes(name))).toEqual([]);
    for (const name of ['transport:packet_sent', 'transport:packet_received', 'recovery:packet_lost', 'recovery:metrics_updated'])
      expect(named(name).length).toBeGreaterThan(20);
  });

  test('packets have type, number and length; as many as in the current dialect', () => {
    const numberless = ['retry', 'version_negotiation', 'stateless_reset'];
    for (const name of ['packet_sent', 'packet_received']) {
      for (const { data } of named(`transport:${name}`)) {
        if (numberless.includes(data.header!.packet_type)) continue;
        expect(data.header!.packet_number).toBeTypeOf('number');
        // it takes the tag for a part of the payload
        expect(data.raw!.length).toBeGreaterThan(data.raw!.payload_length!);
        expect(data.raw!.payload_length!).toBeGreaterThan(16);
        expect(data).not.toHaveProperty('packet_type');
      }
      const current = richWorld('current').flatMap(({ text }) => recordsOf(text).filter((record) => record.name === `quic:${name}`));
      expect(named(`transport:${name}`).length).toBe(current.length);
    }
  });

  test('frames have their lengths and error codes beside them', () => {
    for (const type of ['stream', 'crypto', 'datagram'])
      for (const frame of framesOf(type)) expect([type, typeof frame.length, 'raw' in frame]).toEqual([type, 'number', false]);
    for (const frame of framesOf('stream')) expect([typeof frame.stream_id, typeof frame.offset]).toEqual(['number', 'number']);
    for (const frame of [...framesOf('reset_stream'), ...framesOf('stop_sending')])
      expect([typeof frame.error_code, 'error' in frame]).toEqual(['number', false]);
    const acks = named('transport:packet_received').flatMap(({ data }) =>
      (data.frames ?? []).filter(({ frame_type }) => frame_type === 'ack'),
    );
    expect(acks.length).toBeGreaterThan(100);
    for (const { acked_ranges } of acks) for (const range of acked_ranges as number[][]) expect([1, 2]).toContain(range.length);
  });

  test('parameters have an owner, and the limits that its diagrams draw', () => {
    const owners = named('transport:parameters_set').flatMap(({ data }) => (data.owner === undefined ? [] : [data]));
    expect(new Set(owners.map(({ owner }) => owner))).toEqual(new Set(['local', 'remote']));
    for (const data of owners) {
      expect(data).toMatchObject({ initial_max_data: 60_000, initial_max_stream_data_bidi_remote: 20_000, max_packet_size: 65_527 });
      expect(data).not.toHaveProperty('initiator');
    }
  });

  test('data that moves has a length, and moves something', () => {
    const moved = named('transport:data_moved');
    expect(moved.length).toBeGreaterThan(100);
    for (const { data } of moved) expect(data.length).toBeGreaterThan(0);
  });
});

test('times ascend in the current dialect, too', () => {
  for (const { text } of richWorld('current')) {
    const times = recordsOf(text).flatMap(({ time }) => (time === undefined ? [] : [time as number]));
    expect(times).toEqual([...times].sort((a, b) => a - b));
  }
});
