import { toHex } from '@quiclab/bytes';
import { type CloseCause, type DropReason, describeClose, type Observer, type PacketView } from '@quiclab/quic';
import { ECN_UNSUPPORTED, type Micros } from '@quiclab/sansio';
import { PacketType, type TransportParameters } from '@quiclab/wire';
import { type Data, named, transportError } from './qlog-frames.ts';

// types of ports that quic's observer speaks of, taken from there: trace imports none of the packages they come from
export type RttView = Parameters<Observer['recoveryUpdated']>[5];
export type Phase = Parameters<Observer['recoveryUpdated']>[6];
export type Level = PacketView['level'];
export type StreamState = Parameters<Observer['streamState']>[4];
export type Address = Parameters<Observer['pathAdded']>[2];
export type Ecn = Parameters<Observer['datagramReceived']>[4];

/** Writes an event of a connection. @param path  0 unless told @param datagram  of this end, where a packet is told of */
export type WriteEvent = (now: Micros, name: string, data: Data, path?: number, datagram?: number) => void;

export const PACKET_TYPES: Readonly<Record<Level, string>> = {
  initial: 'initial',
  early: '0RTT',
  handshake: 'handshake',
  application: '1RTT',
};
export const SPACES: Readonly<Record<Level, string>> = {
  initial: 'initial',
  early: 'application_data',
  handshake: 'handshake',
  application: 'application_data',
};
export const KEYS: Readonly<Record<Level, string>> = { initial: 'initial', early: '0rtt', handshake: 'handshake', application: '1rtt' };
export const ECN: Readonly<Record<Ecn, string | undefined>> = {
  [ECN_UNSUPPORTED]: undefined,
  0: 'Not-ECT',
  1: 'ECT(1)',
  2: 'ECT(0)',
  3: 'CE',
};

/** By values of PacketType. */
const TYPES_ON_THE_WIRE: Readonly<Record<number, string>> = {
  [PacketType.INITIAL]: 'initial',
  [PacketType.ZERO_RTT]: '0RTT',
  [PacketType.HANDSHAKE]: 'handshake',
  [PacketType.RETRY]: 'retry',
  [PacketType.ONE_RTT]: '1RTT',
  [PacketType.VERSION_NEGOTIATION]: 'version_negotiation',
};
/** A header of which only the type is known; undefined where not even that is. */
export const headerOf = (type: number): Data | undefined => (type < 0 ? undefined : { packet_type: TYPES_ON_THE_WIRE[type] ?? 'unknown' });

export const DROP_TRIGGERS: Readonly<Record<DropReason, string>> = {
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

/** RFC 9000 §3 as the draft writes it. */
export const STREAM_STATES: Readonly<Record<StreamState, string>> = {
  ready: 'ready',
  send: 'send',
  'data-sent': 'data_sent',
  'reset-sent': 'reset_sent',
  'reset-recvd': 'reset_received',
  recv: 'receive',
  'size-known': 'size_known',
  'data-recvd': 'data_received',
  'data-read': 'data_read',
  'reset-read': 'reset_read',
};

export const versionText = (version: number): string => version.toString(16).padStart(8, '0');

/** One half of a tuple. An address that is left open has no host. */
export function tupleHalf({ host, port }: Address, id?: Uint8Array): Data {
  const ids = id === undefined ? {} : { connection_ids: [toHex(id)] };
  if (host === '') return ids;
  return host.includes(':') ? { ip_v6: host, port_v6: port, ...ids } : { ip_v4: host, port_v4: port, ...ids };
}

/** '' is the tuple on which the handshake ran, which need not be said. */
export const tupleId = (path: number): string => (path === 0 ? '' : String(path));

/** What parameters_restored has of parameters_set. */
export const restoredData = (parameters: TransportParameters): Data => ({
  disable_active_migration: parameters.disableActiveMigration,
  max_idle_timeout: parameters.maxIdleTimeout,
  max_udp_payload_size: parameters.maxUdpPayloadSize,
  active_connection_id_limit: parameters.activeConnectionIdLimit,
  initial_max_data: parameters.initialMaxData,
  initial_max_stream_data_bidi_local: parameters.initialMaxStreamDataBidiLocal,
  initial_max_stream_data_bidi_remote: parameters.initialMaxStreamDataBidiRemote,
  initial_max_stream_data_uni: parameters.initialMaxStreamDataUni,
  initial_max_streams_bidi: parameters.initialMaxStreamsBidi,
  initial_max_streams_uni: parameters.initialMaxStreamsUni,
  max_datagram_frame_size: parameters.maxDatagramFrameSize > 0 ? parameters.maxDatagramFrameSize : undefined,
  grease_quic_bit: parameters.greaseQuicBit || undefined,
});

export function parametersData(parameters: TransportParameters): Data {
  const id = (octets: Uint8Array | undefined): string | undefined => octets && toHex(octets);
  const { preferredAddress: preferred } = parameters;
  return {
    original_destination_connection_id: id(parameters.originalDestinationConnectionId),
    initial_source_connection_id: id(parameters.initialSourceConnectionId),
    retry_source_connection_id: id(parameters.retrySourceConnectionId),
    stateless_reset_token: id(parameters.statelessResetToken),
    ...restoredData(parameters),
    ack_delay_exponent: parameters.ackDelayExponent,
    max_ack_delay: parameters.maxAckDelay,
    min_ack_delay: parameters.minAckDelay,
    reset_stream_at: parameters.resetStreamAt || undefined,
    preferred_address: preferred && {
      ...(preferred.ipv4Port > 0 && { ip_v4: preferred.ipv4.join('.'), port_v4: preferred.ipv4Port }),
      ...(preferred.ipv6Port > 0 && { ip_v6: toHex(preferred.ipv6), port_v6: preferred.ipv6Port }),
      connection_id: toHex(preferred.connectionId),
      stateless_reset_token: toHex(preferred.resetToken),
    },
  };
}

export function closeData(cause: CloseCause): Data {
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
