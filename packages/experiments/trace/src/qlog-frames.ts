import type { FrameLog } from '@quiclab/quic';
import { FrameType, TransportErrorCode } from '@quiclab/wire';

/** One qlog event's data, or a part of it; members that are undefined are left out of the JSON. */
export type Data = Record<string, unknown>;

/** The frames of a packet as qlog has them (draft-ietf-quic-qlog-quic-events, QUIC Frames), as far as the log of numbers goes. */
export function qlogFrames(frames: FrameLog): Data[] {
  const list: Data[] = [];
  for (let i = 0; i < frames.length; i++) list.push(qlogFrame(frames.type(i), frames.stream(i), frames.offset(i), frames.size(i)));
  return list;
}

function qlogFrame(type: number, stream: number, offset: number, size: number): Data {
  switch (type) {
    case FrameType.PADDING:
      return { frame_type: 'padding', raw: { payload_length: size } };
    case FrameType.PING:
      return { frame_type: 'ping' };
    case FrameType.ACK:
    case FrameType.ACK_ECN:
      // the log keeps how many ranges there were, not which: acked_ranges would say what is not known
      return { frame_type: 'ack', ack_delay: size / 1_000, largest_acknowledged: offset, range_count: stream };
    case FrameType.RESET_STREAM:
      return { frame_type: 'reset_stream', stream_id: stream, error: 'unknown', error_code: size, final_size: offset };
    case FrameType.RESET_STREAM_AT:
      return { frame_type: 'reset_stream_at', stream_id: stream, error: 'unknown', final_size: offset, reliable_size: size };
    case FrameType.STOP_SENDING:
      return { frame_type: 'stop_sending', stream_id: stream, error: 'unknown', error_code: size };
    case FrameType.CRYPTO:
      return { frame_type: 'crypto', offset, raw: { length: size } };
    case FrameType.NEW_TOKEN:
      return { frame_type: 'new_token', token: {} };
    case FrameType.STREAM:
      return { frame_type: 'stream', stream_id: stream, offset, raw: { length: size } };
    case FrameType.STREAM | 1:
      return { frame_type: 'stream', stream_id: stream, offset, fin: true, raw: { length: size } };
    case FrameType.MAX_DATA:
      return { frame_type: 'max_data', maximum: offset };
    case FrameType.MAX_STREAM_DATA:
      return { frame_type: 'max_stream_data', stream_id: stream, maximum: offset };
    case FrameType.MAX_STREAMS_BIDI:
      return { frame_type: 'max_streams', stream_type: 'bidirectional', maximum: offset };
    case FrameType.MAX_STREAMS_UNI:
      return { frame_type: 'max_streams', stream_type: 'unidirectional', maximum: offset };
    case FrameType.DATA_BLOCKED:
      return { frame_type: 'data_blocked', limit: offset };
    case FrameType.STREAM_DATA_BLOCKED:
      return { frame_type: 'stream_data_blocked', stream_id: stream, limit: offset };
    case FrameType.STREAMS_BLOCKED_BIDI:
      return { frame_type: 'streams_blocked', stream_type: 'bidirectional', limit: offset };
    case FrameType.STREAMS_BLOCKED_UNI:
      return { frame_type: 'streams_blocked', stream_type: 'unidirectional', limit: offset };
    case FrameType.NEW_CONNECTION_ID:
      return { frame_type: 'new_connection_id', sequence_number: offset };
    case FrameType.RETIRE_CONNECTION_ID:
      return { frame_type: 'retire_connection_id', sequence_number: offset };
    case FrameType.PATH_CHALLENGE:
      return { frame_type: 'path_challenge' };
    case FrameType.PATH_RESPONSE:
      return { frame_type: 'path_response' };
    case FrameType.CONNECTION_CLOSE:
      return { frame_type: 'connection_close', error_space: 'transport', ...named('error', transportError(stream), stream) };
    case FrameType.CONNECTION_CLOSE_APP:
      return { frame_type: 'connection_close', error_space: 'application', error: 'unknown', error_code: stream };
    case FrameType.HANDSHAKE_DONE:
      return { frame_type: 'handshake_done' };
    case FrameType.DATAGRAM:
      return { frame_type: 'datagram', raw: { length: size } };
    default:
      return { frame_type: 'unknown', frame_type_bytes: type };
  }
}

/** A field with the error's name, and beside 'unknown' its number. */
export const named = (field: string, name: string, code: number): Data =>
  name === 'unknown' ? { [field]: name, error_code: code } : { [field]: name };

const TRANSPORT_ERRORS = new Map<number, string>(Object.entries(TransportErrorCode).map(([name, code]) => [code, name.toLowerCase()]));

/** 'flow_control_error', 'crypto_error_0x12a', or 'unknown'. */
export function transportError(code: number): string {
  if (code >= TransportErrorCode.CRYPTO_ERROR && code <= TransportErrorCode.CRYPTO_ERROR + 0xff)
    return `crypto_error_0x${code.toString(16)}`;
  return TRANSPORT_ERRORS.get(code) ?? 'unknown';
}
