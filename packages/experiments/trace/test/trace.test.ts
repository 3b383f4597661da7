import { fromHex } from '@quiclab/bytes';
import { type CloseCause, type DropReason, type FrameLog, Observer, type PacketView } from '@quiclab/quic';
import { KeyLogObserver, keyLogLine, QlogObserver, TeeObserver } from '@quiclab/trace';
import { defaultTransportParameters, FrameType } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';

type Numbers = readonly [type: number, stream: number, offset: number, size: number];

const frameLog = (...frames: readonly Numbers[]): FrameLog => ({
  length: frames.length,
  type: (i) => frames[i]![0],
  stream: (i) => frames[i]![1],
  offset: (i) => frames[i]![2],
  size: (i) => frames[i]![3],
});

const packet = (change: Partial<PacketView>): PacketView => ({
  level: 'application',
  packetNumber: 7,
  path: 0,
  datagram: 3,
  bytes: 1_200,
  ackEliciting: true,
  inFlight: true,
  sentAt: 0,
  frames: frameLog([FrameType.PING, 0, 0, 0]),
  ...change,
});

interface QlogRecord {
  readonly time: number;
  readonly name: string;
  readonly data: { readonly [field: string]: unknown };
  readonly trace?: unknown;
}

/** A trace, and its records as objects. */
function traced(reference = 1_000_000): { qlog: QlogObserver; records: () => QlogRecord[]; text: () => string } {
  const written: string[] = [];
  const qlog = new QlogObserver({
    side: 'client',
    originalId: fromHex('8394c8f03e515708'),
    write: (record) => written.push(record),
    reference,
  });
  return { qlog, text: () => written.join(''), records: () => written.map((record) => JSON.parse(record.slice(1))) };
}
const events = (act: (qlog: QlogObserver) => void): QlogRecord[] => {
  const { qlog, records } = traced();
  act(qlog);
  return records().slice(1);
};

describe('a qlog file', () => {
  test('is a JSON text sequence: every record begins with RS and ends with a line feed (RFC 7464 §2.2)', () => {
    const { qlog, text } = traced();
    qlog.handshakeState(1_000_000, 'complete', 'a\u001eb\n');
    const records = text().split('\u001e');
    expect(records.shift()).toBe('');
    expect(records).toHaveLength(3);
    for (const record of records) {
      expect(record.endsWith('}\n')).toBe(true);
      expect(() => JSON.parse(record)).not.toThrow();
    }
  });

  test('says in its first 256 octets what it is', () => {
    const { text, records } = traced();
    expect(text().slice(0, 256)).toContain('"file_schema":"urn:ietf:params:qlog:file:sequential"');
    expect(text().slice(0, 256)).toContain('"serialization_format":"application/qlog+json-seq"');
    expect(records()[0]!.trace).toEqual({
      common_fields: {
        group_id: '8394c8f03e515708',
        time_format: 'relative_to_epoch',
        reference_time: { clock_type: 'monotonic', epoch: 'unknown' },
      },
      vantage_point: { name: 'quiclab', type: 'client' },
      event_schemas: ['urn:ietf:params:qlog:events:quic-13'],
    });
  });

  test('counts milliseconds from the reference, to the microsecond', () => {
    const [a, b] = events((qlog) => {
      qlog.datagramSent(1_000_000, 0, 0, 1_200);
      qlog.datagramReceived(1_040_123, 0, 1, 99, 2);
    });
    expect(a).toEqual({ time: 0, name: 'quic:udp_datagrams_sent', data: { count: 1, raw: [{ length: 1_200 }] } });
    expect(b).toEqual({
      time: 40.123,
      name: 'quic:udp_datagrams_received',
      data: { count: 1, raw: [{ length: 99 }], ecn: ['ECT(0)'] },
      tuple: '1',
    });
  });
});

describe('events', () => {
  test('a connection starts with its identity and version', () => {
    expect(events((qlog) => qlog.started(1_000_000, 'client', fromHex('0102'), 1)).map(({ name, data }) => [name, data])).toEqual([
      ['quic:connection_started', { local: {}, remote: { connection_ids: ['0102'] } }],
      ['quic:version_information', { client_versions: ['00000001'], chosen_version: '00000001' }],
    ]);
  });

  test('parameters are set by either end', () => {
    const [event] = events((qlog) =>
      qlog.parameters(1_000_000, 'remote', { ...defaultTransportParameters, initialMaxData: 9, statelessResetToken: fromHex('00ff') }),
    );
    expect(event).toMatchObject({
      name: 'quic:parameters_set',
      data: { initiator: 'remote', initial_max_data: 9, max_ack_delay: 25, stateless_reset_token: '00ff' },
    });
    expect(event!.data).not.toHaveProperty('preferred_address');
  });

  test('packets carry header, length and frames; lost ones say why', () => {
    const view = packet({ level: 'handshake', frames: frameLog([FrameType.CRYPTO, 0, 100, 50], [FrameType.PADDING, 0, 0, 12]) });
    const frames = [
      { frame_type: 'crypto', offset: 100, raw: { length: 50 } },
      { frame_type: 'padding', raw: { payload_length: 12 } },
    ];
    const header = { packet_type: 'handshake', packet_number: 7 };
    expect(
      events((qlog) => {
        qlog.packetSent(1_000_000, view);
        qlog.packetReceived(1_000_000, view);
        qlog.packetLost(1_000_000, view, 'time');
        qlog.packetLost(1_000_000, packet({ level: 'early' }), 'packets');
      }).map(({ name, data }) => [name, data]),
    ).toEqual([
      ['quic:packet_sent', { header, raw: { length: 1_200 }, datagram_id: 3, frames }],
      ['quic:packet_received', { header, raw: { length: 1_200 }, datagram_id: 3, frames }],
      ['quic:packet_lost', { header, frames, trigger: 'time_threshold' }],
      [
        'quic:packet_lost',
        { header: { packet_type: '0RTT', packet_number: 7 }, frames: [{ frame_type: 'ping' }], trigger: 'reordering_threshold' },
      ],
    ]);
  });

  test('every frame type has its name and fields', () => {
    const numbers: Numbers[] = Object.values(FrameType).map((type) => [type, 4, 100, 3_000]);
    const [event] = events((qlog) =>
      qlog.packetSent(1_000_000, packet({ frames: frameLog(...numbers, [0x09, 8, 0, 5], [0x4041, 0, 0, 0]) })),
    );
    expect(event!.data.frames).toEqual([
      { frame_type: 'padding', raw: { payload_length: 3_000 } },
      { frame_type: 'ping' },
      { frame_type: 'ack', ack_delay: 3, largest_acknowledged: 100, range_count: 4 },
      { frame_type: 'ack', ack_delay: 3, largest_acknowledged: 100, range_count: 4 },
      { frame_type: 'reset_stream', stream_id: 4, error: 'unknown', error_code: 3_000, final_size: 100 },
      { frame_type: 'stop_sending', stream_id: 4, error: 'unknown', error_code: 3_000 },
      { frame_type: 'crypto', offset: 100, raw: { length: 3_000 } },
      { frame_type: 'new_token', token: {} },
      { frame_type: 'stream', stream_id: 4, offset: 100, raw: { length: 3_000 } },
      { frame_type: 'max_data', maximum: 100 },
      { frame_type: 'max_stream_data', stream_id: 4, maximum: 100 },
      { frame_type: 'max_streams', stream_type: 'bidirectional', maximum: 100 },
      { frame_type: 'max_streams', stream_type: 'unidirectional', maximum: 100 },
      { frame_type: 'data_blocked', limit: 100 },
      { frame_type: 'stream_data_blocked', stream_id: 4, limit: 100 },
      { frame_type: 'streams_blocked', stream_type: 'bidirectional', limit: 100 },
      { frame_type: 'streams_blocked', stream_type: 'unidirectional', limit: 100 },
      { frame_type: 'new_connection_id', sequence_number: 100 },
      { frame_type: 'retire_connection_id', sequence_number: 100 },
      { frame_type: 'path_challenge' },
      { frame_type: 'path_response' },
      { frame_type: 'connection_close', error_space: 'transport', error: 'stream_limit_error' },
      { frame_type: 'connection_close', error_space: 'application', error: 'unknown', error_code: 4 },
      { frame_type: 'handshake_done' },
      { frame_type: 'reset_stream_at', stream_id: 4, error: 'unknown', final_size: 100, reliable_size: 3_000 },
      { frame_type: 'datagram', raw: { length: 3_000 } },
      { frame_type: 'stream', stream_id: 8, offset: 0, fin: true, raw: { length: 5 } },
      { frame_type: 'unknown', frame_type_bytes: 0x4041 },
    ]);
  });

  test('metrics say what has changed, and nothing where nothing has', () => {
    const rtt = { latest: 40_000, smoothed: 41_000, variation: 500, min: 39_999 };
    expect(
      events((qlog) => {
        qlog.recoveryUpdated(1_000_000, 0, 12_000, 1_200, 1_000_000, rtt);
        qlog.recoveryUpdated(1_000_001, 0, 12_000, 1_200, 1_000_000, rtt);
        qlog.recoveryUpdated(1_000_002, 0, 12_000, 2_400, Number.POSITIVE_INFINITY, rtt);
        qlog.probeTimeout(1_000_003, 'application', 1);
      }),
    ).toEqual([
      {
        time: 0,
        name: 'quic:recovery_metrics_updated',
        data: {
          min_rtt: 39.999,
          smoothed_rtt: 41,
          latest_rtt: 40,
          rtt_variance: 0.5,
          congestion_window: 12_000,
          bytes_in_flight: 1_200,
          pacing_rate: 8_000_000,
        },
      },
      { time: 0.002, name: 'quic:recovery_metrics_updated', data: { bytes_in_flight: 2_400 } },
      {
        time: 0.003,
        name: 'quic:timer_updated',
        data: { timer_type: 'pto', packet_number_space: 'application_data', event_type: 'expired' },
      },
      { time: 0.003, name: 'quic:recovery_metrics_updated', data: { pto_count: 1 } },
    ]);
  });

  test('keys are discarded and updated for both directions, and the phase counts on', () => {
    expect(
      events((qlog) => {
        qlog.keysDiscarded(1_000_000, 'initial');
        qlog.keyUpdated(1_000_000, 'peer', 1);
        qlog.keyUpdated(1_000_000, 'local', 0);
      }).map(({ name, data }) => [name, data.key_type, data.key_phase, data.trigger]),
    ).toEqual([
      ['quic:key_discarded', 'client_initial_secret', undefined, 'tls'],
      ['quic:key_discarded', 'server_initial_secret', undefined, 'tls'],
      ['quic:key_updated', 'client_1rtt_secret', 1, 'remote_update'],
      ['quic:key_updated', 'server_1rtt_secret', 1, 'remote_update'],
      ['quic:key_updated', 'client_1rtt_secret', 2, 'local_update'],
      ['quic:key_updated', 'server_1rtt_secret', 2, 'local_update'],
    ]);
  });

  test('data moves between application and transport; handshake and drops are told', () => {
    expect(
      events((qlog) => {
        qlog.streamWritten(1_000_000, 4, 0, 10, true);
        qlog.streamRead(1_000_000, 4, 10, 20);
        qlog.handshakeState(1_000_000, 'complete', 'h3');
        qlog.handshakeState(1_000_000, 'confirmed', 'h3');
        qlog.packetDropped(1_000_000, 'not-authentic', 30);
      }).map(({ name, data }) => [name, data]),
    ).toEqual([
      [
        'quic:stream_data_moved',
        { stream_id: 4, offset: 0, from: 'application', to: 'transport', additional_info: 'fin_set', raw: { length: 10 } },
      ],
      ['quic:stream_data_moved', { stream_id: 4, offset: 10, from: 'transport', to: 'application', raw: { length: 20 } }],
      ['quic:alpn_information', { chosen_alpn: { string_value: 'h3' } }],
      ['quic:connection_state_updated', { new: 'handshake_complete' }],
      ['quic:connection_state_updated', { new: 'handshake_confirmed' }],
      ['quic:packet_dropped', { raw: { length: 30 }, details: { reason: 'not-authentic' }, trigger: 'decryption_failure' }],
    ]);
  });

  test.each<[CloseCause, Record<string, unknown>]>([
    [
      { kind: 'local-application', code: 0x100, reason: 'done' },
      { initiator: 'local', application_error: 'unknown', error_code: 0x100, reason: 'done', trigger: 'application' },
    ],
    [
      { kind: 'peer-transport', code: 0x12a, reason: '', frameType: 6 },
      { initiator: 'remote', connection_error: 'crypto_error_0x12a', reason: '', trigger: 'error' },
    ],
    [
      { kind: 'local-transport', code: 0xabcd, reason: '', frameType: 0 },
      { initiator: 'local', connection_error: 'unknown', error_code: 0xabcd, reason: '', trigger: 'error' },
    ],
    [{ kind: 'idle-timeout' }, { initiator: 'local', trigger: 'idle_timeout' }],
    [{ kind: 'stateless-reset' }, { initiator: 'remote', trigger: 'stateless_reset' }],
    [
      { kind: 'version-mismatch', offered: 1, supported: [2] },
      { initiator: 'local', reason: 'version 0x1 was offered, the server speaks 0x2', trigger: 'version_mismatch' },
    ],
  ])('a connection closes: %j', (cause, data) => {
    expect(events((qlog) => qlog.closed(1_000_000, cause))).toEqual([{ time: 0, name: 'quic:connection_closed', data }]);
  });

  test('every reason to drop has one of the triggers of the draft', () => {
    const triggers =
      'internal_error rejected unsupported invalid duplicate connection_unknown decryption_failure key_unavailable general'.split(' ');
    const reasons: DropReason[] = ['header', 'version', 'connection-id', 'keys-unavailable', 'too-short', 'duplicate', 'closing', 'retry'];
    const told = events((qlog) => {
      for (const reason of reasons) qlog.packetDropped(1_000_000, reason, 1);
    });
    expect(told).toHaveLength(reasons.length);
    for (const { data } of told) expect(triggers).toContain(data.trigger);
  });
});

test('a key log line is label, client random and secret (NSS key log)', () => {
  expect(keyLogLine('CLIENT_HANDSHAKE_TRAFFIC_SECRET', fromHex('0a0b'), fromHex('ff00'))).toBe('CLIENT_HANDSHAKE_TRAFFIC_SECRET 0a0b ff00');
  const lines: string[] = [];
  new KeyLogObserver((line) => lines.push(line)).secret('LABEL', fromHex('01'), fromHex('02'));
  expect(lines).toEqual(['LABEL 01 02\n']);
});

test('several observers are told all that one would be, in their order', () => {
  const told: string[] = [];
  const methods = Object.getOwnPropertyNames(Observer.prototype).filter((name) => name !== 'constructor');
  const listener = (name: string): Observer => {
    const observer = new Observer();
    for (const method of methods)
      Object.assign(observer, { [method]: (...values: unknown[]) => told.push(`${name} ${method} ${values.join()}`) });
    return observer;
  };
  const tee = new TeeObserver([listener('a'), listener('b')]);
  for (const method of methods) (tee as unknown as Record<string, (...values: unknown[]) => void>)[method]!(1, 2, 3);
  expect(told).toEqual(methods.flatMap((method) => [`a ${method} 1,2,3`, `b ${method} 1,2,3`]));
  expect(methods.length).toBeGreaterThan(15);
});
