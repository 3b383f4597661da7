import { ByteWriter, fromHex, RangeSet, utf8 } from '@quiclab/bytes';
import type { CloseCause, ConnectionFacts, DropReason, FrameLog, PacketView } from '@quiclab/quic';
import { ECN_UNSUPPORTED, NEVER } from '@quiclab/sansio';
import { QlogObserver } from '@quiclab/trace';
import {
  defaultTransportParameters,
  FrameType,
  PacketType,
  writeAck,
  writeAckFrequency,
  writeApplicationClose,
  writeConnectionClose,
  writeCryptoHeader,
  writeDataBlocked,
  writeDatagramHeader,
  writeHandshakeDone,
  writeImmediateAck,
  writeMaxData,
  writeMaxStreamData,
  writeMaxStreams,
  writeNewConnectionId,
  writeNewToken,
  writePadding,
  writePathChallenge,
  writePathResponse,
  writePing,
  writeResetStream,
  writeResetStreamAt,
  writeRetireConnectionId,
  writeStopSending,
  writeStreamDataBlocked,
  writeStreamHeader,
  writeStreamsBlocked,
} from '@quiclab/wire';
import { describe, expect, test } from 'vitest';

type Numbers = readonly [type: number, stream: number, offset: number, size: number];

const frameLog = (...frames: readonly Numbers[]): FrameLog => ({
  length: frames.length,
  type: (i) => frames[i]![0],
  stream: (i) => frames[i]![1],
  offset: (i) => frames[i]![2],
  size: (i) => frames[i]![3],
});

const packet = (change: Partial<PacketView>, write: (w: ByteWriter) => void = writePing): PacketView => {
  const w = ByteWriter.growable();
  write(w);
  return {
    level: 'application',
    packetNumber: 7,
    path: 0,
    datagram: 3,
    bytes: 1_200,
    ackEliciting: true,
    inFlight: true,
    sentAt: 0,
    version: 0,
    keyPhase: 0,
    tokenLength: 0,
    probe: false,
    mtuProbe: false,
    waited: false,
    payload: w.bytes,
    payloadStart: 0,
    payloadEnd: w.position,
    frames: frameLog([FrameType.PING, 0, 0, 0]),
    ...change,
  };
};

const FACTS: ConnectionFacts = {
  side: 'client',
  originalId: fromHex('8394c8f03e515708'),
  localId: fromHex('0a0b'),
  peerId: fromHex('8394c8f03e515708'),
  local: { host: '192.0.2.1', port: 1_000 },
  remote: { host: '2001:db8::1', port: 443 },
  version: 1,
  versions: [1, 0x6b3343cf],
  alpn: ['h3', 'hq'],
  addressValidated: false,
  maxDatagramSize: 1_200,
  initialWindow: 12_000,
  initialRtt: 333_000,
};

interface QlogRecord {
  readonly time: number;
  readonly name: string;
  readonly data: { readonly [field: string]: unknown };
  readonly trace?: unknown;
  readonly tuple?: string;
  readonly datagram_id?: number;
}

/** A trace, and its records as objects. */
function traced(
  side: 'client' | 'server' = 'client',
  reference = 1_000_000,
): { qlog: QlogObserver; records: () => QlogRecord[]; text: () => string } {
  const written: string[] = [];
  const qlog = new QlogObserver({
    side,
    originalId: fromHex('8394c8f03e515708'),
    write: (record) => written.push(record),
    reference,
  });
  return { qlog, text: () => written.join(''), records: () => written.map((record) => JSON.parse(record.slice(1))) };
}
const events = (act: (qlog: QlogObserver) => void, side: 'client' | 'server' = 'client'): QlogRecord[] => {
  const { qlog, records } = traced(side);
  act(qlog);
  return records().slice(1);
};

describe('a qlog file', () => {
  test('is a JSON text sequence: every record begins with RS and ends with a line feed (RFC 7464 §2.2)', () => {
    const { qlog, text } = traced();
    qlog.datagramMoved(1_000_000, 'transport', 1);
    qlog.handshakeState(1_000_000, 'confirmed', 'a\u001eb\n', 'none');
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
      qlog.datagramSent(1_000_000, 0, 0, 1_200, ECN_UNSUPPORTED);
      qlog.datagramReceived(1_040_123, 0, 1, 99, 2);
    });
    expect(a).toEqual({ time: 0, name: 'quic:udp_datagrams_sent', data: { count: 1, raw: [{ length: 1_200 }] }, datagram_id: 0 });
    expect(b).toEqual({
      time: 40.123,
      name: 'quic:udp_datagrams_received',
      data: { count: 1, raw: [{ length: 99 }], ecn: ['ECT(0)'] },
      tuple: '1',
      datagram_id: 0,
    });
  });
});

describe('events', () => {
  test('a connection starts with its addresses, versions, protocols, and what recovery begins with', () => {
    expect(events((qlog) => qlog.started(1_000_000, FACTS)).map(({ name, data }) => [name, data])).toEqual([
      [
        'quic:connection_started',
        {
          local: { ip_v4: '192.0.2.1', port_v4: 1_000, connection_ids: ['0a0b'] },
          remote: { ip_v6: '2001:db8::1', port_v6: 443, connection_ids: ['8394c8f03e515708'] },
        },
      ],
      ['quic:version_information', { client_versions: ['00000001', '6b3343cf'], chosen_version: '00000001' }],
      ['quic:alpn_information', { client_alpns: [{ string_value: 'h3' }, { string_value: 'hq' }] }],
      [
        'quic:recovery_parameters_set',
        { timer_granularity: 1, initial_rtt: 333, max_datagram_size: 1_200, initial_congestion_window: 12_000 },
      ],
      ['quic:key_updated', { key_type: 'client_initial_secret', trigger: 'tls' }],
      ['quic:key_updated', { key_type: 'server_initial_secret', trigger: 'tls' }],
      ['quic:connection_state_updated', { new: 'attempted' }],
    ]);
  });

  test('an address left open is not said; a token validates the peer at once (RFC 9000 §8.1)', () => {
    const told = events(
      (qlog) => qlog.started(1_000_000, { ...FACTS, side: 'server', local: { host: '', port: 0 }, addressValidated: true }),
      'server',
    );
    expect(told[0]!.data.local).toEqual({ connection_ids: ['0a0b'] });
    expect(told.at(-1)).toMatchObject({ name: 'quic:connection_state_updated', data: { old: 'attempted', new: 'peer_validated' } });
  });

  test('Version Negotiation and Retry are packets without number; the versions in the end are those of both', () => {
    expect(
      events((qlog) => {
        qlog.started(1_000_000, FACTS);
        qlog.versionsOffered(1_000_000, [0x6b3343cf, 0x1a2a3a4a], 0x6b3343cf);
        qlog.versionsOffered(1_000_000, [0x1a2a3a4a], 0);
        qlog.retryReceived(1_000_000, fromHex('0102'), 77, 120);
        qlog.connectionIdChanged(1_000_000, 'remote', fromHex('00'), fromHex('0102'));
        qlog.versionNegotiated(1_000_000, 1, 1, undefined);
        qlog.versionNegotiated(1_000_000, 0x6b3343cf, 1, { chosen: 0x6b3343cf, available: [0x6b3343cf, 1] });
      })
        .slice(7)
        .map(({ name, data }) => [name, data]),
    ).toEqual([
      ['quic:packet_received', { header: { packet_type: 'version_negotiation' }, supported_versions: ['6b3343cf', '1a2a3a4a'] }],
      [
        'quic:version_information',
        { server_versions: ['6b3343cf', '1a2a3a4a'], client_versions: ['00000001', '6b3343cf'], chosen_version: '6b3343cf' },
      ],
      ['quic:packet_received', { header: { packet_type: 'version_negotiation' }, supported_versions: ['1a2a3a4a'] }],
      ['quic:version_information', { server_versions: ['1a2a3a4a'], client_versions: ['00000001', '6b3343cf'] }],
      [
        'quic:packet_received',
        { header: { packet_type: 'retry', token: { type: 'retry', raw: { length: 77 } }, scid: '0102' }, raw: { length: 120 } },
      ],
      ['quic:connection_id_updated', { initiator: 'remote', old: '00', new: '0102' }],
      [
        'quic:version_information',
        { client_versions: ['00000001', '6b3343cf'], server_versions: ['6b3343cf', '00000001'], chosen_version: '6b3343cf' },
      ],
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

  test('those of an earlier connection are restored, without what belongs to that one (RFC 9000 §7.4.1)', () => {
    const [event] = events((qlog) =>
      qlog.parametersRestored(1_000_000, { ...defaultTransportParameters, initialMaxData: 9, statelessResetToken: fromHex('00ff') }),
    );
    expect(event).toMatchObject({ name: 'quic:parameters_restored', data: { initial_max_data: 9, active_connection_id_limit: 2 } });
    for (const field of ['initiator', 'stateless_reset_token', 'ack_delay_exponent', 'max_ack_delay'])
      expect(event!.data).not.toHaveProperty(field);
  });

  test('packets carry header, lengths and frames, and why they left or waited', () => {
    const write = (w: ByteWriter): void => {
      writeCryptoHeader(w, 100, 50);
      w.zeros(50);
      writePadding(w, 12);
    };
    const view = packet({ level: 'initial', keyPhase: -1, version: 1, tokenLength: 20 }, write);
    const frames = [
      { frame_type: 'crypto', offset: 100, raw: { length: 50 } },
      { frame_type: 'padding', raw: { payload_length: 12 } },
    ];
    const header = { packet_type: 'initial', packet_number: 7, version: '00000001', token: { raw: { length: 20 } } };
    const raw = { length: 1_200, payload_length: 66 };
    expect(
      events((qlog) => {
        qlog.packetSent(1_000_000, view);
        qlog.packetReceived(1_000_000, view);
        qlog.packetSent(1_000_000, packet({ keyPhase: 2, probe: true, path: 1 }));
        qlog.packetReceived(1_000_000, packet({ level: 'early', keyPhase: -1, version: 1, waited: true }));
      }),
    ).toEqual([
      { time: 0, name: 'quic:packet_sent', data: { header, raw, frames }, datagram_id: 3 },
      { time: 0, name: 'quic:packet_received', data: { header, raw, frames }, datagram_id: 3 },
      {
        time: 0,
        name: 'quic:packet_sent',
        data: {
          header: { packet_type: '1RTT', packet_number: 7, key_phase: 2 },
          raw: { length: 1_200, payload_length: 1 },
          frames: [{ frame_type: 'ping' }],
          trigger: 'pto_probe',
        },
        tuple: '1',
        datagram_id: 3,
      },
      {
        time: 0,
        name: 'quic:packet_received',
        data: {
          header: { packet_type: '0RTT', packet_number: 7, version: '00000001' },
          raw: { length: 1_200, payload_length: 1 },
          frames: [{ frame_type: 'ping' }],
          trigger: 'keys_available',
        },
        datagram_id: 3,
      },
    ]);
  });

  test('every frame type has its name and fields', () => {
    const write = (w: ByteWriter): void => {
      const eight = fromHex('0102030405060708');
      writePadding(w, 3);
      writePing(w);
      writeResetStream(w, 4, 3_000, 100);
      writeStopSending(w, 4, 3_000);
      writeCryptoHeader(w, 100, 2);
      w.zeros(2);
      writeNewToken(w, eight);
      writeStreamHeader(w, 4, 100, 5, false, true);
      w.zeros(5);
      writeMaxData(w, 100);
      writeMaxStreamData(w, 4, 100);
      writeMaxStreams(w, true, 100);
      writeMaxStreams(w, false, 100);
      writeDataBlocked(w, 100);
      writeStreamDataBlocked(w, 4, 100);
      writeStreamsBlocked(w, true, 100);
      writeStreamsBlocked(w, false, 100);
      writeNewConnectionId(w, 5, 2, eight, fromHex('000102030405060708090a0b0c0d0e0f'));
      writeRetireConnectionId(w, 100);
      writePathChallenge(w, eight);
      writePathResponse(w, eight);
      writeConnectionClose(w, 4, 6, utf8('zu viele'));
      writeConnectionClose(w, 0xabcd, 0, utf8(''));
      writeApplicationClose(w, 4, utf8('done'));
      writeHandshakeDone(w);
      writeResetStreamAt(w, 4, 7, 100, 30);
      writeAckFrequency(w, 3, 9, 25_000, 5);
      writeImmediateAck(w);
      writeStreamHeader(w, 8, 0, 0, true, true);
      writeDatagramHeader(w, 9, false);
      w.zeros(9);
    };
    const [event] = events((qlog) => qlog.packetSent(1_000_000, packet({}, write)));
    expect(event!.data.frames).toEqual([
      { frame_type: 'padding', raw: { payload_length: 3 } },
      { frame_type: 'ping' },
      { frame_type: 'reset_stream', stream_id: 4, error: 'unknown', error_code: 3_000, final_size: 100 },
      { frame_type: 'stop_sending', stream_id: 4, error: 'unknown', error_code: 3_000 },
      { frame_type: 'crypto', offset: 100, raw: { length: 2 } },
      { frame_type: 'new_token', token: { type: 'resumption', raw: { length: 8 } } },
      { frame_type: 'stream', stream_id: 4, offset: 100, raw: { length: 5 } },
      { frame_type: 'max_data', maximum: 100 },
      { frame_type: 'max_stream_data', stream_id: 4, maximum: 100 },
      { frame_type: 'max_streams', stream_type: 'bidirectional', maximum: 100 },
      { frame_type: 'max_streams', stream_type: 'unidirectional', maximum: 100 },
      { frame_type: 'data_blocked', limit: 100 },
      { frame_type: 'stream_data_blocked', stream_id: 4, limit: 100 },
      { frame_type: 'streams_blocked', stream_type: 'bidirectional', limit: 100 },
      { frame_type: 'streams_blocked', stream_type: 'unidirectional', limit: 100 },
      {
        frame_type: 'new_connection_id',
        sequence_number: 5,
        retire_prior_to: 2,
        connection_id: '0102030405060708',
        stateless_reset_token: '000102030405060708090a0b0c0d0e0f',
      },
      { frame_type: 'retire_connection_id', sequence_number: 100 },
      { frame_type: 'path_challenge', data: '0102030405060708' },
      { frame_type: 'path_response', data: '0102030405060708' },
      { frame_type: 'connection_close', error_space: 'transport', error: 'stream_limit_error', reason: 'zu viele', trigger_frame_type: 6 },
      { frame_type: 'connection_close', error_space: 'transport', error: 'unknown', error_code: 0xabcd, reason: '' },
      { frame_type: 'connection_close', error_space: 'application', error: 'unknown', error_code: 4, reason: 'done' },
      { frame_type: 'handshake_done' },
      { frame_type: 'reset_stream_at', stream_id: 4, error: 'unknown', error_code: 7, final_size: 100, reliable_size: 30 },
      {
        frame_type: 'ack_frequency',
        sequence_number: 3,
        ack_eliciting_threshold: 9,
        requested_max_ack_delay: 25_000,
        reordering_threshold: 5,
      },
      { frame_type: 'immediate_ack' },
      { frame_type: 'stream', stream_id: 8, offset: 0, fin: true, raw: { length: 0 } },
      { frame_type: 'datagram', raw: { length: 9 } },
    ]);
  });

  test('a frame that cannot be read ends the list: the packet that breaks a rule is seen all the same', () => {
    const [event] = events((qlog) =>
      qlog.packetReceived(
        1_000_000,
        packet({}, (w) => {
          writePing(w);
          w.uint8(0x3f);
        }),
      ),
    );
    expect(event!.data.frames).toEqual([{ frame_type: 'ping' }]);
  });

  const ackOf = (ranges: readonly (readonly [number, number])[], delay: number, ecn?: { ect0: number; ect1: number; ce: number }) => {
    const set = new RangeSet();
    for (const [from, to] of ranges) set.add(from, to + 1);
    return (w: ByteWriter): void => void writeAck(w, set, delay, 32, 1_000, ecn);
  };

  test('an ACK has its ranges, and its delay in milliseconds, by the exponent of whoever sent it (RFC 9000 §19.3)', () => {
    const view = packet({}, ackOf([[0, 3], [5, 5], [8, 9]], 100, { ect0: 1, ect1: 2, ce: 3 })); // biome-ignore format: ranges on a line
    const acks = events((qlog) => {
      qlog.parameters(1_000_000, 'local', { ...defaultTransportParameters, ackDelayExponent: 3 });
      qlog.parameters(1_000_000, 'remote', { ...defaultTransportParameters, ackDelayExponent: 10 });
      qlog.packetSent(1_000_000, view);
      qlog.packetReceived(1_000_000, view);
      qlog.packetReceived(1_000_000, { ...view, level: 'handshake' }); // RFC 9000 §18.2: agreed on for 1-RTT packets only
    })
      .slice(2)
      .flatMap(({ data }) => (data.frames === undefined ? [] : (data.frames as Record<string, unknown>[])));
    const rest = { frame_type: 'ack', acked_ranges: [[0, 3], [5], [8, 9]], ect1: 2, ect0: 1, ce: 3 };
    expect(acks).toEqual([
      { ...rest, ack_delay: 0.8 },
      { ...rest, ack_delay: 102.4 },
      { ...rest, ack_delay: 0.8 },
    ]);
  });

  test('a lost packet says what it had said, as far as that is kept, and what of it is to be said again', () => {
    const id = packet({}, (w) => writeNewConnectionId(w, 1, 0, fromHex('0a'), fromHex('000102030405060708090a0b0c0d0e0f')));
    const issued = {
      frame_type: 'new_connection_id',
      sequence_number: 1,
      retire_prior_to: 0,
      connection_id: '0a',
      stateless_reset_token: '000102030405060708090a0b0c0d0e0f',
    };
    const frames = frameLog(
      [FrameType.ACK, 2, 40, 1_000],
      [FrameType.STREAM | 1, 4, 100, 50],
      [FrameType.NEW_CONNECTION_ID, 0, 1, 0],
      [FrameType.NEW_CONNECTION_ID, 0, 2, 0],
      [FrameType.DATAGRAM, 0, 0, 9],
      [FrameType.PADDING, 0, 0, 7],
    );
    const stream = { frame_type: 'stream', stream_id: 4, offset: 100, fin: true, raw: { length: 50 } };
    const told = events((qlog) => {
      qlog.packetSent(1_000_000, id);
      qlog.packetLost(1_000_000, packet({ frames, keyPhase: -1 }), 'time');
      qlog.packetLost(1_000_000, packet({ level: 'early', keyPhase: -1 }), 'packets');
    }).slice(1);
    expect(told.map(({ name, data }) => [name, data])).toEqual([
      [
        'quic:packet_lost',
        {
          header: { packet_type: '1RTT', packet_number: 7 },
          frames: [
            { frame_type: 'ack', ack_delay: 1 },
            stream,
            issued,
            { frame_type: 'datagram', raw: { length: 9 } },
            { frame_type: 'padding', raw: { payload_length: 7 } },
          ],
          trigger: 'time_threshold',
        },
      ],
      ['quic:marked_for_retransmit', { frames: [stream, issued] }],
      [
        'quic:packet_lost',
        { header: { packet_type: '0RTT', packet_number: 7 }, frames: [{ frame_type: 'ping' }], trigger: 'reordering_threshold' },
      ],
    ]);
  });

  test('the log of numbers has a frame for each type, too', () => {
    const numbers: Numbers[] = Object.values(FrameType).map((type) => [type, 4, 100, 3_000]);
    const [event] = events((qlog) => qlog.packetLost(1_000_000, packet({ frames: frameLog(...numbers) }), 'time'));
    const types = (event!.data.frames as { frame_type: string }[]).map(({ frame_type }) => frame_type);
    expect(types).toHaveLength(Object.keys(FrameType).length - 1); // all but NEW_CONNECTION_ID: this one was never seen to leave
    expect(types).not.toContain('unknown');
  });

  test('metrics say what has changed, and nothing where nothing has; another path begins anew', () => {
    const rtt = { latest: 40_000, smoothed: 41_000, variation: 500, min: 39_999 };
    const none = { latest: 0, smoothed: 333_000, variation: 166_500, min: 0 };
    const metrics = { min_rtt: 39.999, smoothed_rtt: 41, latest_rtt: 40, rtt_variance: 0.5 };
    expect(
      events((qlog) => {
        qlog.recoveryUpdated(1_000_000, 0, 12_000, 1_200, 0, none, 'slow-start', 0, Number.POSITIVE_INFINITY);
        qlog.recoveryUpdated(1_000_001, 0, 12_000, 1_200, 1_000_000, rtt, 'slow-start', 0, Number.POSITIVE_INFINITY);
        qlog.recoveryUpdated(1_000_002, 0, 12_000, 1_200, 1_000_000, rtt, 'slow-start', 0, Number.POSITIVE_INFINITY);
        qlog.recoveryUpdated(1_000_003, 0, 12_000, 2_400, Number.POSITIVE_INFINITY, rtt, 'congestion-avoidance', 1, 12_000);
        qlog.recoveryUpdated(1_000_004, 1, 12_000, 0, 0, none, 'congestion-avoidance', 0, Number.POSITIVE_INFINITY);
      }).map(({ time, name, data, tuple }) => [time, name, data, tuple]),
    ).toEqual([
      [0, 'quic:recovery_metrics_updated', { pto_count: 0, congestion_window: 12_000, bytes_in_flight: 1_200, pacing_rate: 0 }, undefined],
      [0, 'quic:congestion_state_updated', { new: 'slow_start' }, undefined],
      [0.001, 'quic:recovery_metrics_updated', { ...metrics, pacing_rate: 8_000_000 }, undefined],
      [0.003, 'quic:recovery_metrics_updated', { pto_count: 1, bytes_in_flight: 2_400, ssthresh: 12_000 }, undefined],
      [0.003, 'quic:congestion_state_updated', { old: 'slow_start', new: 'congestion_avoidance' }, undefined],
      [0.004, 'quic:recovery_metrics_updated', { pto_count: 0, congestion_window: 12_000, bytes_in_flight: 0, pacing_rate: 0 }, '1'],
    ]);
  });

  test('the loss detection timer is set, cancelled, and goes off (RFC 9002 Appendix A.8)', () => {
    const timer = (timer_type: string, packet_number_space: string, event_type: string, delta?: number) => ({
      ...{ timer_type, packet_number_space, event_type },
      ...(delta !== undefined && { delta }),
    });
    expect(
      events((qlog) => {
        qlog.timerSet(1_000_000, 'probe', 'initial', 1_999_000);
        qlog.probeTimeout(1_999_000, 'initial', 1);
        qlog.timerSet(1_999_000, 'loss', 'application', 2_000_000);
        qlog.timerSet(1_999_000, 'probe', 'initial', NEVER);
        qlog.lossTimeout(2_000_000, 'application');
      }).map(({ name, data }) => [name, data]),
    ).toEqual([
      ['quic:timer_updated', timer('pto', 'initial', 'set', 999)],
      ['quic:timer_updated', timer('pto', 'initial', 'expired')],
      ['quic:timer_updated', timer('ack', 'application_data', 'set', 1)],
      ['quic:timer_updated', timer('ack', 'application_data', 'cancelled')],
      ['quic:timer_updated', timer('ack', 'application_data', 'expired')],
    ]);
  });

  const keyEvents = (act: (qlog: QlogObserver) => void, side: 'client' | 'server' = 'client') =>
    events(act, side)
      .filter(({ name }) => name.startsWith('quic:key'))
      .map(({ name, data }) => [name.slice(5), data.key_type, data.key_phase, data.trigger]);

  test('keys come from TLS, and go with their level', () => {
    expect(
      keyEvents((qlog) => {
        qlog.keysInstalled(1_000_000, 'early', 'write', 'TLS_AES_128_GCM_SHA256');
        qlog.keysInstalled(1_000_000, 'application', 'read', 'TLS_AES_128_GCM_SHA256');
        qlog.keysDiscarded(1_000_000, 'early', -1);
        qlog.keysDiscarded(1_000_000, 'initial', -1);
      }),
    ).toEqual([
      ['key_updated', 'client_0rtt_secret', undefined, 'tls'],
      ['key_updated', 'server_1rtt_secret', 0, 'tls'],
      ['key_discarded', 'client_0rtt_secret', undefined, 'tls'],
      ['key_discarded', 'client_initial_secret', undefined, 'tls'],
      ['key_discarded', 'server_initial_secret', undefined, 'tls'],
    ]);
  });

  test("an update of ours moves our keys, the answer the peer's; one of the peer's moves both; old ones go (RFC 9001 §6)", () => {
    expect(
      keyEvents((qlog) => {
        qlog.keyUpdated(1_000_000, 'local', 1, 1);
        qlog.keyUpdated(1_000_001, 'peer', 1, 1);
        qlog.keysDiscarded(1_000_002, 'application', 0);
        qlog.keyUpdated(1_000_003, 'peer', 0, 2);
      }),
    ).toEqual([
      ['key_updated', 'client_1rtt_secret', 1, 'local_update'],
      ['key_discarded', 'client_1rtt_secret', 0, 'local_update'],
      ['key_updated', 'server_1rtt_secret', 1, 'local_update'],
      ['key_discarded', 'server_1rtt_secret', 0, 'local_update'],
      ['key_updated', 'server_1rtt_secret', 2, 'remote_update'],
      ['key_updated', 'client_1rtt_secret', 2, 'remote_update'],
      ['key_discarded', 'client_1rtt_secret', 1, 'remote_update'],
    ]);
  });

  test('paths are tuples: added, probed, gone over to, removed (RFC 9000 §9)', () => {
    const local = { host: '192.0.2.1', port: 1 };
    const remote = { host: '192.0.2.2', port: 2 };
    const halves = { tuple_remote: { ip_v4: '192.0.2.2', port_v4: 2 }, tuple_local: { ip_v4: '192.0.2.1', port_v4: 1 } };
    expect(
      events((qlog) => {
        qlog.pathAdded(1_000_000, 1, local, remote);
        qlog.pathValidation(1_000_000, 1, 'started');
        qlog.pathValidation(1_000_000, 1, 'succeeded');
        qlog.pathChanged(1_000_000, 1, local, remote);
        qlog.pathValidation(1_000_000, 0, 'failed');
        qlog.pathRemoved(1_000_000, 0);
        qlog.pathChanged(1_000_000, 2, local, remote);
        qlog.pathValidation(1_000_000, 2, 'succeeded');
        qlog.pathChanged(1_000_000, 3, local, remote);
        qlog.pathValidation(1_000_000, 3, 'failed');
      }).map(({ name, data, tuple }) => [name.slice(5), data, tuple]),
    ).toEqual([
      ['tuple_assigned', { tuple_id: '1', ...halves }, '1'],
      ['migration_state_updated', { new: 'probing_started', tuple_id: '1' }, '1'],
      ['migration_state_updated', { new: 'probing_successful', tuple_id: '1' }, '1'],
      ['migration_state_updated', { new: 'migration_complete', tuple_id: '1', ...halves }, '1'],
      ['migration_state_updated', { new: 'probing_abandoned', tuple_id: '' }, undefined],
      ['tuple_assigned', { tuple_id: '' }, undefined],
      // a server follows its peer first, and asks then
      ['migration_state_updated', { new: 'migration_started', tuple_id: '2', ...halves }, '2'],
      ['migration_state_updated', { new: 'probing_successful', tuple_id: '2' }, '2'],
      ['migration_state_updated', { new: 'migration_complete', tuple_id: '2' }, '2'],
      ['migration_state_updated', { new: 'migration_started', tuple_id: '3', ...halves }, '3'],
      ['migration_state_updated', { new: 'probing_abandoned', tuple_id: '3' }, '3'],
      ['migration_state_updated', { new: 'migration_abandoned', tuple_id: '3' }, '3'],
    ]);
  });

  test('path MTU discovery: its packets are marked, what it finds is told (RFC 9000 §14.3)', () => {
    expect(
      events((qlog) => {
        qlog.packetSent(1_000_000, packet({ mtuProbe: true }));
        qlog.packetLost(1_000_000, packet({ mtuProbe: true }), 'time');
        qlog.mtuUpdated(1_000_000, 0, 1200, 1452, false);
        qlog.mtuUpdated(1_000_000, 2, 1452, 1452, true);
      }).map(({ name, data, tuple }) => [name.slice(5), (data as { is_mtu_probe_packet?: boolean }).is_mtu_probe_packet ?? data, tuple]),
    ).toEqual([
      ['packet_sent', true, undefined],
      ['packet_lost', true, undefined],
      ['mtu_updated', { old: 1200, new: 1452 }, undefined],
      ['mtu_updated', { old: 1452, new: 1452, done: true }, '2'],
    ]);
  });

  test('the states of a server: each once, each with the one before', () => {
    const states = events((qlog) => {
      qlog.started(1_000_000, { ...FACTS, side: 'server' });
      qlog.keysInstalled(1_000_000, 'application', 'write', 'TLS_AES_128_GCM_SHA256'); // TLS has its last word ready before the first has left
      qlog.packetSent(1_000_000, packet({ level: 'handshake', keyPhase: -1 }));
      qlog.packetSent(1_000_000, packet({ level: 'handshake', keyPhase: -1 }));
      qlog.pathValidation(1_000_000, 0, 'succeeded');
      qlog.handshakeState(1_000_000, 'complete', 'h3', 'none');
      qlog.handshakeState(1_000_000, 'confirmed', 'h3', 'none');
      qlog.ended(1_000_000, 'draining', { kind: 'peer-application', code: 0, reason: '' });
      qlog.closed(1_000_000);
    }, 'server').filter(({ name }) => name === 'quic:connection_state_updated');
    expect(states.map(({ data }) => data.new)).toEqual([
      ...[
        'attempted',
        'early_write',
        'handshake_started',
        'peer_validated',
        'handshake_complete',
        'handshake_confirmed',
        'draining',
        'closed',
      ],
    ]);
    expect(states.map(({ data }) => data.old)).toEqual([undefined, ...states.slice(0, -1).map(({ data }) => data.new)]);
  });

  test('data moves between application and transport; streams change their states', () => {
    expect(
      events((qlog) => {
        qlog.streamState(1_000_000, 4, 'sending', '', 'ready');
        qlog.streamWritten(1_000_000, 4, 0, 10, false);
        qlog.streamWritten(1_000_000, 4, 10, 0, true);
        qlog.streamState(1_000_000, 7, 'receiving', 'recv', 'size-known');
        qlog.streamRead(1_000_000, 4, 10, 20);
        qlog.datagramMoved(1_000_000, 'transport', 30);
        qlog.datagramMoved(1_000_000, 'application', 40);
      }).map(({ name, data }) => [name.slice(5), data]),
    ).toEqual([
      ['stream_state_updated', { stream_id: 4, stream_type: 'bidirectional', new: 'ready', stream_side: 'sending' }],
      ['stream_data_moved', { stream_id: 4, offset: 0, from: 'application', to: 'transport', raw: { length: 10 } }],
      [
        'stream_data_moved',
        { stream_id: 4, offset: 10, from: 'application', to: 'transport', additional_info: 'fin_set', raw: { length: 0 } },
      ],
      [
        'stream_state_updated',
        { stream_id: 7, stream_type: 'unidirectional', old: 'receive', new: 'size_known', stream_side: 'receiving' },
      ],
      ['stream_data_moved', { stream_id: 4, offset: 10, from: 'transport', to: 'application', raw: { length: 20 } }],
      ['datagram_data_moved', { from: 'application', to: 'transport', raw: { length: 30 } }],
      ['datagram_data_moved', { from: 'transport', to: 'application', raw: { length: 40 } }],
    ]);
  });

  test('a complete handshake says protocol, cipher suite and what became of early data', () => {
    expect(
      events((qlog) => {
        qlog.keysInstalled(1_000_000, 'handshake', 'read', 'TLS_CHACHA20_POLY1305_SHA256');
        qlog.handshakeState(1_000_000, 'complete', 'h3', 'rejected');
      })
        .slice(1, 3)
        .map(({ name, data }) => [name.slice(5), data]),
    ).toEqual([
      ['alpn_information', { chosen_alpn: { string_value: 'h3' } }],
      ['parameters_set', { tls_cipher: 'CHACHA20_POLY1305_SHA256', early_data_enabled: false }],
    ]);
  });

  test('acknowledged, buffered and dropped: packets, or a datagram that is none', () => {
    expect(
      events((qlog) => {
        qlog.packetsAcked(1_000_000, 'application', [3, 5]);
        qlog.packetBuffered(1_000_000, PacketType.HANDSHAKE, 300);
        qlog.packetDropped(1_000_000, 'not-authentic', 30, PacketType.ONE_RTT);
        qlog.datagramReceived(1_000_000, 0, 0, 77, 0);
        qlog.packetDropped(1_000_000, 'header', 70, -1); // behind a packet
        qlog.packetDropped(1_000_000, 'header', 77, -1);
      })
        .filter(({ name }) => name !== 'quic:udp_datagrams_received')
        .map(({ name, data }) => [name.slice(5), data]),
    ).toEqual([
      ['packets_acked', { packet_number_space: 'application_data', packet_numbers: [3, 5] }],
      ['packet_buffered', { header: { packet_type: 'handshake' }, raw: { length: 300 }, trigger: 'keys_unavailable' }],
      [
        'packet_dropped',
        { header: { packet_type: '1RTT' }, raw: { length: 30 }, details: { reason: 'not-authentic' }, trigger: 'decryption_failure' },
      ],
      ['packet_dropped', { raw: { length: 70 }, details: { reason: 'header' }, trigger: 'invalid' }],
      ['udp_datagram_dropped', { raw: { length: 77 } }],
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
    const told = events((qlog) => qlog.ended(1_000_000, 'drained', cause));
    expect(told.at(-1)).toEqual({ time: 0, name: 'quic:connection_closed', data });
    expect(told.slice(0, -1).map(({ data: { header } }) => header)).toEqual(
      cause.kind === 'stateless-reset' ? [{ packet_type: 'stateless_reset' }] : [],
    );
  });

  test('every reason to drop has one of the triggers of the draft', () => {
    const triggers =
      'internal_error rejected unsupported invalid duplicate connection_unknown decryption_failure key_unavailable general'.split(' ');
    const reasons: DropReason[] = ['header', 'version', 'connection-id', 'keys-unavailable', 'too-short', 'duplicate', 'closing', 'retry'];
    const told = events((qlog) => {
      for (const reason of reasons) qlog.packetDropped(1_000_000, reason, 1, -1);
    });
    expect(told).toHaveLength(reasons.length);
    for (const { data } of told) expect(triggers).toContain(data.trigger);
  });
});
