import { fromUtf8, toHex } from '@quiclab/bytes';
import type { FrameLog } from '@quiclab/quic';
import { type AckRecord, type FrameReader, FrameType, TransportErrorCode } from '@quiclab/wire';

/** One qlog event's data, or a part of it; members that are undefined are left out of the JSON. */
export type Data = Record<string, unknown>;

/**
 * The frames of a packet as qlog has them (draft-ietf-quic-qlog-quic-events, QUIC Frames), from their octets; up to one that cannot be read.
 * @param reader         stands before the first
 * @param delayExponent  of the ACK Delay fields: ack_delay_exponent of whoever sent the packet
 */
export function readFrames(reader: FrameReader, delayExponent: number): Data[] {
  const list: Data[] = [];
  try {
    for (let type = reader.next(); type >= 0; type = reader.next()) list.push(readFrame(reader, type, delayExponent));
  } catch {
    // the connection closes because of it, and says so
  }
  return list;
}

function readFrame(frame: FrameReader, type: number, delayExponent: number): Data {
  switch (type) {
    case FrameType.PADDING:
      return { frame_type: 'padding', raw: { payload_length: frame.paddingLength } };
    case FrameType.ACK:
    case FrameType.ACK_ECN:
      return ackFrame(frame.ack, delayExponent);
    case FrameType.RESET_STREAM:
      return { frame_type: 'reset_stream', stream_id: frame.id, error: 'unknown', error_code: frame.code, final_size: frame.finalSize };
    case FrameType.RESET_STREAM_AT:
      return {
        frame_type: 'reset_stream_at',
        stream_id: frame.id,
        error: 'unknown',
        error_code: frame.code,
        final_size: frame.finalSize,
        reliable_size: frame.reliableSize,
      };
    case FrameType.STOP_SENDING:
      return { frame_type: 'stop_sending', stream_id: frame.id, error: 'unknown', error_code: frame.code };
    case FrameType.NEW_TOKEN:
      return { frame_type: 'new_token', token: { type: 'resumption', raw: { length: frame.length } } };
    case FrameType.NEW_CONNECTION_ID:
      return {
        frame_type: 'new_connection_id',
        sequence_number: frame.sequence,
        retire_prior_to: frame.retirePriorTo,
        connection_id: toHex(frame.connectionId),
        stateless_reset_token: toHex(frame.resetToken),
      };
    case FrameType.PATH_CHALLENGE:
      return { frame_type: 'path_challenge', data: toHex(frame.data()) };
    case FrameType.PATH_RESPONSE:
      return { frame_type: 'path_response', data: toHex(frame.data()) };
    case FrameType.CONNECTION_CLOSE:
      return {
        frame_type: 'connection_close',
        error_space: 'transport',
        ...named('error', transportError(frame.code), frame.code),
        reason: fromUtf8(frame.reason),
        trigger_frame_type: frame.frameType > 0 ? frame.frameType : undefined,
      };
    case FrameType.CONNECTION_CLOSE_APP:
      return {
        frame_type: 'connection_close',
        error_space: 'application',
        error: 'unknown',
        error_code: frame.code,
        reason: fromUtf8(frame.reason),
      };
    case FrameType.ACK_FREQUENCY:
      return {
        frame_type: 'ack_frequency',
        sequence_number: frame.sequence,
        ack_eliciting_threshold: frame.ackElicitingThreshold,
        requested_max_ack_delay: frame.requestedMaxAckDelay,
        reordering_threshold: frame.reorderingThreshold,
      };
    case FrameType.STREAM:
      return numbered(type | (frame.fin ? 1 : 0), frame.id, frame.offset, frame.length);
    case FrameType.CRYPTO:
    case FrameType.DATAGRAM:
      return numbered(type, 0, frame.offset, frame.length);
    case FrameType.MAX_STREAM_DATA:
    case FrameType.STREAM_DATA_BLOCKED:
      return numbered(type, frame.id, frame.limit, 0);
    case FrameType.RETIRE_CONNECTION_ID:
      return numbered(type, 0, frame.sequence, 0);
    default:
      return numbered(type, 0, frame.limit, 0);
  }
}

/** Ranges ascend; of one packet there is one number. */
function ackFrame({ count, smallest, largestOf, delay, hasEcn, ect0, ect1, ce }: AckRecord, delayExponent: number): Data {
  const ranges: number[][] = [];
  for (let i = count - 1; i >= 0; i--) ranges.push(smallest[i] === largestOf[i] ? [smallest[i]!] : [smallest[i]!, largestOf[i]!]);
  return {
    frame_type: 'ack',
    ack_delay: (delay * (1 << delayExponent)) / 1_000,
    acked_ranges: ranges,
    ...(hasEcn && { ect1, ect0, ce }),
  };
}

/**
 * What a packet that is lost had said, as far as the log of numbers goes.
 * @param issued  NEW_CONNECTION_ID frames by their sequence numbers: of those the log has no more
 */
export function loggedFrames(frames: FrameLog, issued: ReadonlyMap<number, Data>): Data[] {
  const list: Data[] = [];
  for (let i = 0; i < frames.length; i++) {
    const frame = loggedFrame(frames.type(i), frames.stream(i), frames.offset(i), frames.size(i), issued);
    if (frame !== undefined) list.push(frame);
  }
  return list;
}

function loggedFrame(type: number, stream: number, offset: number, size: number, issued: ReadonlyMap<number, Data>): Data | undefined {
  switch (type) {
    case FrameType.PADDING:
      return { frame_type: 'padding', raw: { payload_length: size } };
    case FrameType.ACK:
    case FrameType.ACK_ECN:
      return { frame_type: 'ack', ack_delay: size / 1_000 }; // which ranges is forgotten
    case FrameType.RESET_STREAM:
      return { frame_type: 'reset_stream', stream_id: stream, error: 'unknown', error_code: size, final_size: offset };
    case FrameType.RESET_STREAM_AT:
      return { frame_type: 'reset_stream_at', stream_id: stream, error: 'unknown', final_size: offset, reliable_size: size };
    case FrameType.STOP_SENDING:
      return { frame_type: 'stop_sending', stream_id: stream, error: 'unknown', error_code: size };
    case FrameType.NEW_TOKEN:
      return { frame_type: 'new_token', token: { type: 'resumption' } };
    case FrameType.NEW_CONNECTION_ID:
      return issued.get(offset);
    case FrameType.PATH_CHALLENGE:
      return { frame_type: 'path_challenge' };
    case FrameType.PATH_RESPONSE:
      return { frame_type: 'path_response' };
    case FrameType.ACK_FREQUENCY:
      return {
        frame_type: 'ack_frequency',
        sequence_number: offset,
        ack_eliciting_threshold: stream,
        requested_max_ack_delay: size,
      };
    case FrameType.CONNECTION_CLOSE:
      return { frame_type: 'connection_close', error_space: 'transport', ...named('error', transportError(stream), stream) };
    case FrameType.CONNECTION_CLOSE_APP:
      return { frame_type: 'connection_close', error_space: 'application', error: 'unknown', error_code: stream };
    default:
      return numbered(type, stream, offset, size);
  }
}

/** A frame of which its numbers say all. */
function numbered(type: number, stream: number, offset: number, size: number): Data {
  switch (type) {
    case FrameType.PING:
      return { frame_type: 'ping' };
    case FrameType.CRYPTO:
      return { frame_type: 'crypto', offset, raw: { length: size } };
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
    case FrameType.RETIRE_CONNECTION_ID:
      return { frame_type: 'retire_connection_id', sequence_number: offset };
    case FrameType.HANDSHAKE_DONE:
      return { frame_type: 'handshake_done' };
    case FrameType.IMMEDIATE_ACK:
      return { frame_type: 'immediate_ack' };
    case FrameType.DATAGRAM:
      return { frame_type: 'datagram', raw: { length: size } };
    default:
      return { frame_type: 'unknown', frame_type_bytes: type };
  }
}

/** Frames whose information is not said again when they are lost. RFC 9000 §13.3. */
const NOT_REPEATED: readonly unknown[] = [
  'padding',
  'ping',
  'ack',
  'immediate_ack',
  'path_challenge',
  'path_response',
  'datagram',
  'connection_close',
];
export const isRepeated = (frame: Data): boolean => !NOT_REPEATED.includes(frame.frame_type);

/** A field with the error's name, and beside 'unknown' its number. */
export const named = (field: string, name: string, code: number): Data =>
  name === 'unknown' ? { [field]: name, error_code: code } : { [field]: name };

// the draft's names where they are not the RFC's; errors that it has no name for have numbers
const TRANSPORT_ERRORS = new Map<number, string>(Object.entries(TransportErrorCode).map(([name, code]) => [code, name.toLowerCase()]));
TRANSPORT_ERRORS.delete(TransportErrorCode.VERSION_NEGOTIATION_ERROR);

/** 'flow_control_error', 'crypto_error_0x12a', or 'unknown'. */
export function transportError(code: number): string {
  if (code >= TransportErrorCode.CRYPTO_ERROR && code <= TransportErrorCode.CRYPTO_ERROR + 0xff)
    return `crypto_error_0x${code.toString(16)}`;
  return TRANSPORT_ERRORS.get(code) ?? 'unknown';
}
