import type { Data } from './qlog-frames.ts';

/**
 * The drafts' ancestor, qlog 0.3 (draft-marx-qlog-main-schema-02), as qvis reads it: events in categories, `owner` for
 * `initiator`, lengths of frames beside them and not in `raw`, error codes where now there are errors.
 */
const NAMES: Readonly<Record<string, string>> = {
  connection_started: 'connectivity:connection_started',
  connection_closed: 'connectivity:connection_closed',
  connection_id_updated: 'connectivity:connection_id_updated',
  connection_state_updated: 'connectivity:connection_state_updated',
  version_information: 'transport:version_information',
  alpn_information: 'transport:alpn_information',
  parameters_set: 'transport:parameters_set',
  parameters_restored: 'transport:parameters_restored',
  packet_sent: 'transport:packet_sent',
  packet_received: 'transport:packet_received',
  packet_dropped: 'transport:packet_dropped',
  packet_buffered: 'transport:packet_buffered',
  packets_acked: 'transport:packets_acked',
  udp_datagrams_sent: 'transport:datagrams_sent',
  udp_datagrams_received: 'transport:datagrams_received',
  udp_datagram_dropped: 'transport:datagram_dropped',
  stream_state_updated: 'transport:stream_state_updated',
  stream_data_moved: 'transport:data_moved',
  key_updated: 'security:key_updated',
  key_discarded: 'security:key_retired',
  recovery_parameters_set: 'recovery:parameters_set',
  recovery_metrics_updated: 'recovery:metrics_updated',
  congestion_state_updated: 'recovery:congestion_state_updated',
  timer_updated: 'recovery:loss_timer_updated',
  packet_lost: 'recovery:packet_lost',
  marked_for_retransmit: 'recovery:marked_for_retransmit',
};

const TAG_LENGTH = 16;

export const qvisHeader = (side: 'client' | 'server', group_id: string, title: string | undefined): Data => ({
  qlog_version: '0.3',
  qlog_format: 'JSON-SEQ',
  title,
  trace: {
    vantage_point: { name: 'quiclab', type: side },
    common_fields: { group_id, protocol_type: ['QUIC'], time_format: 'relative', reference_time: 0 },
  },
});

export function qvisEvent(time: number, name: string, data: Data): Data | undefined {
  const full = NAMES[name];
  if (full === undefined) return undefined; // paths, DATAGRAM frames: not thought of then
  const translate = TRANSLATIONS[name];
  const translated = translate === undefined ? owned(data) : translate(owned(data));
  return translated && { time, name: full, data: translated };
}

/** `initiator` was called `owner`. */
function owned(data: Data): Data {
  if (data.initiator === undefined) return data;
  const { initiator, ...rest } = data;
  return { owner: initiator, ...rest };
}

const packet = (data: Data): Data => ({
  ...data,
  frames: (data.frames as Data[] | undefined)?.map(frame),
  raw: data.raw && withTag(data.raw as Data),
});

/** qvis takes the payload to have the tag in it. */
const withTag = ({ length, payload_length }: Data): Data => ({
  length,
  payload_length: payload_length === undefined ? undefined : (payload_length as number) + TAG_LENGTH,
});

const datagrams = (data: Data): Data => {
  const [first] = (data.raw as Data[] | undefined) ?? [];
  return { count: data.count, byte_length: first?.length, raw: data.raw };
};

const keys = ({ key_phase, ...rest }: Data): Data => ({ ...rest, generation: key_phase });

const TRANSLATIONS: Readonly<Record<string, (data: Data) => Data | undefined>> = {
  packet_sent: packet,
  packet_received: packet,
  packet_lost: packet,
  packet_dropped: packet,
  packet_buffered: packet,
  marked_for_retransmit: packet,
  udp_datagrams_sent: datagrams,
  udp_datagrams_received: datagrams,
  key_updated: keys,
  key_discarded: keys,
  connection_started: ({ local, remote }) => {
    const [here, there] = [local as Data, remote as Data];
    return {
      ip_version: here.ip_v6 === undefined && there.ip_v6 === undefined ? 'v4' : 'v6',
      src_ip: here.ip_v4 ?? here.ip_v6 ?? '',
      dst_ip: there.ip_v4 ?? there.ip_v6 ?? '',
      protocol: 'QUIC',
      src_port: here.port_v4 ?? here.port_v6 ?? 0,
      dst_port: there.port_v4 ?? there.port_v6 ?? 0,
      src_cid: (here.connection_ids as string[] | undefined)?.[0],
      dst_cid: (there.connection_ids as string[] | undefined)?.[0],
    };
  },
  connection_closed: ({ connection_error, application_error, error_code, ...rest }) => ({
    ...rest,
    connection_code: connection_error === 'unknown' ? error_code : connection_error,
    application_code: application_error === 'unknown' ? error_code : application_error,
  }),
  alpn_information: ({ client_alpns, server_alpns, chosen_alpn }) => ({
    client_alpns: (client_alpns as Data[] | undefined)?.map(({ string_value }) => string_value),
    server_alpns: (server_alpns as Data[] | undefined)?.map(({ string_value }) => string_value),
    chosen_alpn: (chosen_alpn as Data | undefined)?.string_value,
  }),
  parameters_set: (data) => ({ ...data, max_packet_size: data.max_udp_payload_size }),
  // what moved nothing says nothing here
  stream_data_moved: ({ stream_id, offset, from, to, raw }) => {
    const { length } = raw as Data;
    return length === 0 ? undefined : { stream_id, offset, length, from, to };
  },
};

function frame(data: Data): Data {
  const { raw, error, error_code, ...rest } = data;
  const { length, payload_length } = (raw ?? {}) as Data;
  const error_field = error === undefined ? {} : { error_code: error === 'unknown' ? error_code : error };
  switch (data.frame_type) {
    case 'padding':
      return { ...rest, payload_length };
    case 'connection_close':
      return { ...rest, ...error_field, raw_error_code: error_code };
    case 'new_token':
      return { frame_type: 'new_token', length: ((data.token as Data).raw as Data | undefined)?.length };
    case 'unknown':
      return { frame_type: 'unknown', raw_frame_type: data.frame_type_bytes };
    case 'stream':
    case 'crypto':
    case 'datagram':
      return { ...rest, length };
    default:
      return { ...rest, ...error_field };
  }
}
