import { toHex } from '@quiclab/bytes';
import { type CloseCause, type DropReason, describeClose, Observer, type PacketView } from '@quiclab/quic';
import type { Ecn, Micros } from '@quiclab/sansio';
import type { TransportParameters } from '@quiclab/wire';
import { type Data, named, qlogFrames, transportError } from './qlog-frames.ts';

// types of ports that quic's observer speaks of, taken from there: trace imports none of the packages they come from
type RttView = Parameters<Observer['recoveryUpdated']>[5];
type Level = PacketView['level'];

/** The draft that the events follow: draft-ietf-quic-qlog-quic-events, the editors' copy after -12. */
export const QUIC_EVENTS_SCHEMA = 'urn:ietf:params:qlog:events:quic-13';

export interface QlogOptions {
  readonly side: 'client' | 'server';
  /** Destination connection ID of the client's first Initial: what both ends' traces of one connection have in common. */
  readonly originalId: Uint8Array;
  /** Takes the records, each beginning with RS (0x1e) and ending with a line feed (RFC 7464): a file is their concatenation. */
  readonly write: (record: string) => void;
  readonly title?: string;
  /** The instant that the trace counts from, µs. Default 0. The machines' clock is given to no file, so that the same run gives the same bytes. */
  readonly reference?: Micros;
}

/**
 * Writes one connection, seen from one end, as qlog in JSON text sequences (`application/qlog+json-seq`, `.sqlog`).
 * Nothing but what the observer is told goes in: no date, no address, no secret.
 */
export class QlogObserver extends Observer {
  readonly #write: (record: string) => void;
  readonly #reference: Micros;
  #keyPhase = 0;
  #metrics: Data = {}; // as last logged: only what has changed is logged again

  constructor({ side, originalId, write, title, reference = 0 }: QlogOptions) {
    super();
    this.#write = write;
    this.#reference = reference;
    this.#record({
      file_schema: 'urn:ietf:params:qlog:file:sequential',
      serialization_format: 'application/qlog+json-seq',
      title,
      trace: {
        common_fields: {
          group_id: toHex(originalId),
          time_format: 'relative_to_epoch',
          reference_time: { clock_type: 'monotonic', epoch: 'unknown' },
        },
        vantage_point: { name: 'quiclab', type: side },
        event_schemas: [QUIC_EVENTS_SCHEMA],
      },
    });
  }

  override started(now: Micros, side: 'client' | 'server', originalId: Uint8Array, version: number): void {
    const server = { connection_ids: [toHex(originalId)] };
    this.#event(now, 'connection_started', side === 'client' ? { local: {}, remote: server } : { local: server, remote: {} });
    const chosen = version.toString(16).padStart(8, '0');
    this.#event(now, 'version_information', {
      [side === 'client' ? 'client_versions' : 'server_versions']: [chosen],
      chosen_version: chosen,
    });
  }

  override parameters(now: Micros, owner: 'local' | 'remote', parameters: TransportParameters): void {
    this.#event(now, 'parameters_set', { initiator: owner, ...parametersData(parameters) });
  }

  override handshakeState(now: Micros, state: 'complete' | 'confirmed', alpn: string): void {
    if (state === 'complete') this.#event(now, 'alpn_information', { chosen_alpn: { string_value: alpn } });
    this.#event(now, 'connection_state_updated', { new: `handshake_${state}` });
  }

  override datagramSent(now: Micros, _datagram: number, path: number, length: number): void {
    this.#event(now, 'udp_datagrams_sent', { count: 1, raw: [{ length }] }, path);
  }

  override datagramReceived(now: Micros, _datagram: number, path: number, length: number, ecn: Ecn): void {
    this.#event(now, 'udp_datagrams_received', { count: 1, raw: [{ length }], ecn: [ECN[ecn]] }, path);
  }

  override packetSent(now: Micros, packet: PacketView): void {
    this.#event(now, 'packet_sent', packetData(packet), packet.path);
  }

  override packetReceived(now: Micros, packet: PacketView): void {
    this.#event(now, 'packet_received', packetData(packet), packet.path);
  }

  override packetLost(now: Micros, packet: PacketView, by: 'packets' | 'time'): void {
    const trigger = by === 'packets' ? 'reordering_threshold' : 'time_threshold';
    this.#event(now, 'packet_lost', { header: header(packet), frames: qlogFrames(packet.frames), trigger }, packet.path);
  }

  override packetDropped(now: Micros, reason: DropReason, bytes: number): void {
    this.#event(now, 'packet_dropped', { raw: { length: bytes }, details: { reason }, trigger: DROP_TRIGGERS[reason] });
  }

  override streamWritten(now: Micros, id: number, offset: number, length: number, fin: boolean): void {
    this.#moved(now, id, offset, length, 'application', 'transport', fin);
  }

  override streamRead(now: Micros, id: number, offset: number, length: number): void {
    this.#moved(now, id, offset, length, 'transport', 'application', false);
  }

  override recoveryUpdated(now: Micros, path: number, window: number, bytesInFlight: number, rate: number, rtt: RttView): void {
    this.#updateMetrics(now, path, {
      min_rtt: rtt.min / 1_000,
      smoothed_rtt: rtt.smoothed / 1_000,
      latest_rtt: rtt.latest / 1_000,
      rtt_variance: rtt.variation / 1_000,
      congestion_window: window,
      bytes_in_flight: bytesInFlight,
      pacing_rate: Math.round(rate * 8), // bits per second
    });
  }

  override probeTimeout(now: Micros, level: Level, ptoCount: number): void {
    this.#event(now, 'timer_updated', { timer_type: 'pto', packet_number_space: SPACES[level], event_type: 'expired' });
    this.#updateMetrics(now, 0, { pto_count: ptoCount });
  }

  override pathChanged(now: Micros, path: number): void {
    this.#event(now, 'migration_state_updated', { new: 'migration_complete', tuple_id: String(path) });
  }

  override keysDiscarded(now: Micros, level: Level): void {
    for (const side of ['client', 'server'])
      this.#event(now, 'key_discarded', { key_type: `${side}_${KEYS[level]}_secret`, trigger: 'tls' });
  }

  override keyUpdated(now: Micros, by: 'local' | 'peer', _phase: number): void {
    this.#keyPhase++; // qlog wants the whole count, of which the bit on the wire is the lowest
    const trigger = by === 'local' ? 'local_update' : 'remote_update';
    for (const side of ['client', 'server'])
      this.#event(now, 'key_updated', { key_type: `${side}_1rtt_secret`, key_phase: this.#keyPhase, trigger });
  }

  override closed(now: Micros, cause: CloseCause): void {
    this.#event(now, 'connection_closed', closeData(cause));
  }

  #moved(now: Micros, id: number, offset: number, length: number, from: string, to: string, fin: boolean): void {
    this.#event(now, 'stream_data_moved', {
      stream_id: id,
      offset,
      from,
      to,
      additional_info: fin ? 'fin_set' : undefined,
      raw: { length },
    });
  }

  #updateMetrics(now: Micros, path: number, metrics: Data): void {
    const changed = Object.entries(metrics).filter(([name, value]) => Number.isFinite(value) && this.#metrics[name] !== value);
    if (changed.length === 0) return;
    const data = Object.fromEntries(changed);
    this.#metrics = { ...this.#metrics, ...data };
    this.#event(now, 'recovery_metrics_updated', data, path);
  }

  #event(now: Micros, type: string, data: Data, path = 0): void {
    // the tuple on which the handshake ran is '', which need not be said
    this.#record({ time: (now - this.#reference) / 1_000, name: `quic:${type}`, data, tuple: path === 0 ? undefined : String(path) });
  }

  #record(value: Data): void {
    this.#write(`\u001e${JSON.stringify(value)}\n`);
  }
}

const PACKET_TYPES: Readonly<Record<Level, string>> = { initial: 'initial', early: '0RTT', handshake: 'handshake', application: '1RTT' };
const SPACES: Readonly<Record<Level, string>> = {
  initial: 'initial',
  early: 'application_data',
  handshake: 'handshake',
  application: 'application_data',
};
const KEYS: Readonly<Record<Level, string>> = { initial: 'initial', early: '0rtt', handshake: 'handshake', application: '1rtt' };
const ECN: Readonly<Record<Ecn, string>> = { 0: 'Not-ECT', 1: 'ECT(1)', 2: 'ECT(0)', 3: 'CE' };
const DROP_TRIGGERS: Readonly<Record<DropReason, string>> = {
  header: 'invalid',
  version: 'unsupported',
  'connection-id': 'connection_unknown',
  'keys-unavailable': 'key_unavailable',
  'too-short': 'invalid',
  'not-authentic': 'decryption_failure',
  duplicate: 'duplicate',
  'unknown-path': 'rejected',
  'initial-too-small': 'invalid',
  refused: 'rejected',
  retry: 'unsupported',
  closing: 'general',
  'invalid-version-negotiation': 'invalid',
};

const header = (packet: PacketView): Data => ({ packet_type: PACKET_TYPES[packet.level], packet_number: packet.packetNumber });

/** `datagram_id` is ours: it says which packets came in one datagram, and costs no checksum. */
const packetData = (packet: PacketView): Data => ({
  header: header(packet),
  raw: { length: packet.bytes },
  datagram_id: packet.datagram,
  frames: qlogFrames(packet.frames),
});

function parametersData(parameters: TransportParameters): Data {
  const id = (octets: Uint8Array | undefined): string | undefined => octets && toHex(octets);
  const { preferredAddress } = parameters;
  return {
    original_destination_connection_id: id(parameters.originalDestinationConnectionId),
    initial_source_connection_id: id(parameters.initialSourceConnectionId),
    retry_source_connection_id: id(parameters.retrySourceConnectionId),
    stateless_reset_token: id(parameters.statelessResetToken),
    disable_active_migration: parameters.disableActiveMigration,
    max_idle_timeout: parameters.maxIdleTimeout,
    max_udp_payload_size: parameters.maxUdpPayloadSize,
    ack_delay_exponent: parameters.ackDelayExponent,
    max_ack_delay: parameters.maxAckDelay,
    max_datagram_frame_size: parameters.maxDatagramFrameSize > 0 ? parameters.maxDatagramFrameSize : undefined,
    reset_stream_at: parameters.resetStreamAt || undefined,
    active_connection_id_limit: parameters.activeConnectionIdLimit,
    initial_max_data: parameters.initialMaxData,
    initial_max_stream_data_bidi_local: parameters.initialMaxStreamDataBidiLocal,
    initial_max_stream_data_bidi_remote: parameters.initialMaxStreamDataBidiRemote,
    initial_max_stream_data_uni: parameters.initialMaxStreamDataUni,
    initial_max_streams_bidi: parameters.initialMaxStreamsBidi,
    initial_max_streams_uni: parameters.initialMaxStreamsUni,
    preferred_address: preferredAddress && {
      ip_v4: toHex(preferredAddress.ipv4),
      port_v4: preferredAddress.ipv4Port,
      ip_v6: toHex(preferredAddress.ipv6),
      port_v6: preferredAddress.ipv6Port,
      connection_id: toHex(preferredAddress.connectionId),
      stateless_reset_token: toHex(preferredAddress.resetToken),
    },
  };
}

function closeData(cause: CloseCause): Data {
  switch (cause.kind) {
    case 'local-application':
    case 'peer-application':
      return {
        initiator: initiator(cause.kind),
        application_error: 'unknown',
        error_code: cause.code,
        reason: cause.reason,
        trigger: 'application',
      };
    case 'local-transport':
    case 'peer-transport':
      return {
        initiator: initiator(cause.kind),
        ...named('connection_error', transportError(cause.code), cause.code),
        reason: cause.reason,
        trigger: cause.code === 0 ? 'unspecified' : 'error',
      };
    case 'idle-timeout':
      return { initiator: 'local', trigger: 'idle_timeout' };
    case 'handshake-timeout':
    case 'path-lost':
      return { initiator: 'local', reason: describeClose(cause), trigger: 'aborted' };
    case 'stateless-reset':
      return { initiator: 'remote', trigger: 'stateless_reset' };
    case 'version-mismatch':
      return { initiator: 'local', reason: describeClose(cause), trigger: 'version_mismatch' };
  }
}

const initiator = (kind: string): string => (kind.startsWith('local') ? 'local' : 'remote');
