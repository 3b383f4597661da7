import { type ByteWriter, varintSize } from '@quiclab/bytes';
import { FrameType } from './frame-types.ts';

// One function for each frame, in the order of RFC 9000 §19; ACK is in ack.ts. They write where the writer stands and throw
// RangeError where there is no room: the caller has compared `remaining` with the size first.

/** RFC 9000 §19.1. @param length  how many of these one-octet frames */
export function writePadding(w: ByteWriter, length: number): void {
  w.zeros(length);
}

/** RFC 9000 §19.2. */
export function writePing(w: ByteWriter): void {
  w.uint8(FrameType.PING);
}

/** RFC 9000 §19.4. */
export function writeResetStream(w: ByteWriter, id: number, code: number, finalSize: number): void {
  w.uint8(FrameType.RESET_STREAM);
  w.varint(id);
  w.varint(code);
  w.varint(finalSize);
}
export const resetStreamSize = (id: number, code: number, finalSize: number): number =>
  1 + varintSize(id) + varintSize(code) + varintSize(finalSize);

/** Gives a stream up but for its first `reliableSize` octets. draft-ietf-quic-reliable-stream-reset. @param reliableSize  at most the final size */
export function writeResetStreamAt(w: ByteWriter, id: number, code: number, finalSize: number, reliableSize: number): void {
  w.uint8(FrameType.RESET_STREAM_AT);
  w.varint(id);
  w.varint(code);
  w.varint(finalSize);
  w.varint(reliableSize);
}
export const resetStreamAtSize = (id: number, code: number, finalSize: number, reliableSize: number): number =>
  resetStreamSize(id, code, finalSize) + varintSize(reliableSize);

/** RFC 9000 §19.5. */
export function writeStopSending(w: ByteWriter, id: number, code: number): void {
  w.uint8(FrameType.STOP_SENDING);
  w.varint(id);
  w.varint(code);
}
export const stopSendingSize = (id: number, code: number): number => 1 + varintSize(id) + varintSize(code);

/** Writes a CRYPTO frame up to its data, which the caller copies behind it. RFC 9000 §19.6. */
export function writeCryptoHeader(w: ByteWriter, offset: number, length: number): void {
  w.uint8(FrameType.CRYPTO);
  w.varint(offset);
  w.varint(length);
}
export const cryptoHeaderSize = (offset: number, length: number): number => 1 + varintSize(offset) + varintSize(length);

/** How many octets of data a CRYPTO frame can carry in `room` octets, its header included; 0 or less: none. */
export const cryptoDataRoom = (offset: number, room: number): number => withLengthField(room - 1 - varintSize(offset));

/** RFC 9000 §19.7. */
export function writeNewToken(w: ByteWriter, token: Uint8Array): void {
  w.uint8(FrameType.NEW_TOKEN);
  w.varint(token.length);
  w.octets(token);
}
export const newTokenSize = (tokenLength: number): number => 1 + varintSize(tokenLength) + tokenLength;

/**
 * Writes a STREAM frame up to its data, which the caller copies behind it. RFC 9000 §19.8.
 * @param withLength  false only for the last frame of a packet: its data reaches to the end
 */
export function writeStreamHeader(w: ByteWriter, id: number, offset: number, length: number, fin: boolean, withLength: boolean): void {
  w.uint8(FrameType.STREAM | (offset > 0 ? 4 : 0) | (withLength ? 2 : 0) | (fin ? 1 : 0));
  w.varint(id);
  if (offset > 0) w.varint(offset);
  if (withLength) w.varint(length);
}
/** @param lengthField  octets of the Length field: 0 for none, else `varintSize(length)` */
export const streamHeaderSize = (id: number, offset: number, lengthField: number): number =>
  1 + varintSize(id) + (offset > 0 ? varintSize(offset) : 0) + lengthField;

/** How many octets of data a STREAM frame can carry in `room` octets, its header included; negative where not even the header fits. */
export function streamDataRoom(id: number, offset: number, room: number, withLength: boolean): number {
  const rest = room - streamHeaderSize(id, offset, 0);
  return withLength ? withLengthField(rest) : rest;
}

/** Of `room` octets, those that are left for data behind a Length field that says how many they are. */
function withLengthField(room: number): number {
  if (room <= 0x40) return room - 1;
  if (room <= 0x4001) return Math.max(0x3f, room - 2);
  return Math.max(0x3fff, room - 4);
}

/** RFC 9000 §19.9. */
export function writeMaxData(w: ByteWriter, limit: number): void {
  w.uint8(FrameType.MAX_DATA);
  w.varint(limit);
}
/** Size of each frame that carries one number only: MAX_DATA, DATA_BLOCKED, MAX_STREAMS, STREAMS_BLOCKED, RETIRE_CONNECTION_ID. */
export const oneNumberSize = (value: number): number => 1 + varintSize(value);

/** RFC 9000 §19.10. */
export function writeMaxStreamData(w: ByteWriter, id: number, limit: number): void {
  w.uint8(FrameType.MAX_STREAM_DATA);
  w.varint(id);
  w.varint(limit);
}
/** Size of a frame that carries a stream ID and a limit: MAX_STREAM_DATA, STREAM_DATA_BLOCKED. */
export const streamLimitSize = (id: number, limit: number): number => 1 + varintSize(id) + varintSize(limit);

/** RFC 9000 §19.11. */
export function writeMaxStreams(w: ByteWriter, bidi: boolean, limit: number): void {
  w.uint8(bidi ? FrameType.MAX_STREAMS_BIDI : FrameType.MAX_STREAMS_UNI);
  w.varint(limit);
}

/** RFC 9000 §19.12. */
export function writeDataBlocked(w: ByteWriter, limit: number): void {
  w.uint8(FrameType.DATA_BLOCKED);
  w.varint(limit);
}

/** RFC 9000 §19.13. */
export function writeStreamDataBlocked(w: ByteWriter, id: number, limit: number): void {
  w.uint8(FrameType.STREAM_DATA_BLOCKED);
  w.varint(id);
  w.varint(limit);
}

/** RFC 9000 §19.14. */
export function writeStreamsBlocked(w: ByteWriter, bidi: boolean, limit: number): void {
  w.uint8(bidi ? FrameType.STREAMS_BLOCKED_BIDI : FrameType.STREAMS_BLOCKED_UNI);
  w.varint(limit);
}

/** RFC 9000 §19.15. @param id  1 to 20 octets @param token  stateless reset token, 16 octets */
export function writeNewConnectionId(w: ByteWriter, sequence: number, retirePriorTo: number, id: Uint8Array, token: Uint8Array): void {
  w.uint8(FrameType.NEW_CONNECTION_ID);
  w.varint(sequence);
  w.varint(retirePriorTo);
  w.uint8(id.length);
  w.octets(id);
  w.octets(token);
}
export const newConnectionIdSize = (sequence: number, retirePriorTo: number, idLength: number): number =>
  1 + varintSize(sequence) + varintSize(retirePriorTo) + 1 + idLength + 16;

/** RFC 9000 §19.16. */
export function writeRetireConnectionId(w: ByteWriter, sequence: number): void {
  w.uint8(FrameType.RETIRE_CONNECTION_ID);
  w.varint(sequence);
}

/** RFC 9000 §19.17. @param data  8 octets */
export function writePathChallenge(w: ByteWriter, data: Uint8Array): void {
  w.uint8(FrameType.PATH_CHALLENGE);
  w.octets(data);
}
/** Size of PATH_CHALLENGE and PATH_RESPONSE. */
export const PATH_FRAME_SIZE = 9;

/** RFC 9000 §19.18. @param data  the 8 octets of the challenge */
export function writePathResponse(w: ByteWriter, data: Uint8Array): void {
  w.uint8(FrameType.PATH_RESPONSE);
  w.octets(data);
}

/** A CONNECTION_CLOSE of type 0x1c: QUIC itself closes. RFC 9000 §19.19. @param frameType  what triggered it, 0 if unknown @param reason  UTF-8 */
export function writeConnectionClose(w: ByteWriter, code: number, frameType: number, reason: Uint8Array): void {
  w.uint8(FrameType.CONNECTION_CLOSE);
  w.varint(code);
  w.varint(frameType);
  w.varint(reason.length);
  w.octets(reason);
}
export const connectionCloseSize = (code: number, frameType: number, reasonLength: number): number =>
  1 + varintSize(code) + varintSize(frameType) + varintSize(reasonLength) + reasonLength;

/** A CONNECTION_CLOSE of type 0x1d: the application closes. RFC 9000 §19.19. @param reason  UTF-8 */
export function writeApplicationClose(w: ByteWriter, code: number, reason: Uint8Array): void {
  w.uint8(FrameType.CONNECTION_CLOSE_APP);
  w.varint(code);
  w.varint(reason.length);
  w.octets(reason);
}
export const applicationCloseSize = (code: number, reasonLength: number): number =>
  1 + varintSize(code) + varintSize(reasonLength) + reasonLength;

/** RFC 9000 §19.20. */
export function writeHandshakeDone(w: ByteWriter): void {
  w.uint8(FrameType.HANDSHAKE_DONE);
}

/**
 * Writes a DATAGRAM frame up to its data, which the caller copies behind it. RFC 9221 §4.
 * @param withLength  false only for the last frame of a packet: its data reaches to the end
 */
export function writeDatagramHeader(w: ByteWriter, length: number, withLength: boolean): void {
  w.uint8(FrameType.DATAGRAM | (withLength ? 1 : 0));
  if (withLength) w.varint(length);
}
/** Size of a whole DATAGRAM frame that says its length: what max_datagram_frame_size is compared with. */
export const datagramSize = (length: number): number => 1 + varintSize(length) + length;

/** How many octets of data a DATAGRAM frame that says its length can carry in `room` octets, its header included; negative: not even none. */
export const datagramDataRoom = (room: number): number => withLengthField(room - 1);

/** Asks the peer for other ACKs: what the fields mean is in FrameReader. draft-ietf-quic-ack-frequency §4. */
export function writeAckFrequency(w: ByteWriter, sequence: number, threshold: number, maxAckDelay: number, reordering: number): void {
  w.varint(FrameType.ACK_FREQUENCY);
  w.varint(sequence);
  w.varint(threshold);
  w.varint(maxAckDelay);
  w.varint(reordering);
}
export const ackFrequencySize = (sequence: number, threshold: number, maxAckDelay: number, reordering: number): number =>
  2 + varintSize(sequence) + varintSize(threshold) + varintSize(maxAckDelay) + varintSize(reordering);

/** draft-ietf-quic-ack-frequency §5. */
export function writeImmediateAck(w: ByteWriter): void {
  w.uint8(FrameType.IMMEDIATE_ACK);
}
