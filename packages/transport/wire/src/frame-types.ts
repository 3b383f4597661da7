/**
 * Frame types. RFC 9000 §19, RFC 9221 §4, draft-ietf-quic-reliable-stream-reset, draft-ietf-quic-ack-frequency. STREAM is the first of eight, DATAGRAM of two: the
 * lowest bits say which fields follow.
 */
export const FrameType = {
  PADDING: 0x00,
  PING: 0x01,
  ACK: 0x02,
  ACK_ECN: 0x03,
  RESET_STREAM: 0x04,
  STOP_SENDING: 0x05,
  CRYPTO: 0x06,
  NEW_TOKEN: 0x07,
  STREAM: 0x08,
  MAX_DATA: 0x10,
  MAX_STREAM_DATA: 0x11,
  MAX_STREAMS_BIDI: 0x12,
  MAX_STREAMS_UNI: 0x13,
  DATA_BLOCKED: 0x14,
  STREAM_DATA_BLOCKED: 0x15,
  STREAMS_BLOCKED_BIDI: 0x16,
  STREAMS_BLOCKED_UNI: 0x17,
  NEW_CONNECTION_ID: 0x18,
  RETIRE_CONNECTION_ID: 0x19,
  PATH_CHALLENGE: 0x1a,
  PATH_RESPONSE: 0x1b,
  CONNECTION_CLOSE: 0x1c,
  CONNECTION_CLOSE_APP: 0x1d,
  HANDSHAKE_DONE: 0x1e,
  IMMEDIATE_ACK: 0x1f,
  RESET_STREAM_AT: 0x24,
  DATAGRAM: 0x30,
  ACK_FREQUENCY: 0xaf,
} as const;

const NAMES = new Map<number, string>(Object.entries(FrameType).map(([name, type]) => [type, name]));

/** The name of a frame type for people: 'STREAM' for 0x08 to 0x0f, 'frame 0x40' for a type that is not known. */
export function frameName(type: number): string {
  const known = type >= 0x08 && type <= 0x0f ? FrameType.STREAM : type === (FrameType.DATAGRAM | 1) ? FrameType.DATAGRAM : type;
  return NAMES.get(known) ?? `frame 0x${type.toString(16)}`;
}
