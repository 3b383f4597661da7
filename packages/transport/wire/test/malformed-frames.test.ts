import { fromHex } from '@quiclab/bytes';
import { FrameReader, FrameType, TransportError, TransportErrorCode } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { SAMPLES, typeIn } from './frame-samples.ts';

const { FRAME_ENCODING_ERROR, PROTOCOL_VIOLATION } = TransportErrorCode;

/** Reads all frames; the error, or undefined. */
function errorOf(bytes: Uint8Array, start = 0, end = bytes.length): TransportError | undefined {
  const frame = new FrameReader();
  frame.reset(bytes, start, end);
  try {
    while (frame.next() !== -1);
  } catch (error) {
    if (error instanceof TransportError) return error;
    throw error;
  }
  return undefined;
}

describe('a frame cut short at any octet is FRAME_ENCODING_ERROR and nothing else (RFC 9000 §12.4)', () => {
  test.each(SAMPLES)('$name', ({ bytes, openEnded, fields, type }) => {
    // data without a length ends where the payload ends: only its header can be cut
    const header = openEnded ? bytes.length - ((fields.length as number | undefined) ?? bytes.length - 1) : bytes.length;
    for (let length = 1; length < bytes.length; length++) {
      const error = errorOf(bytes, 0, length); // the missing octets are there, behind the end
      if (length >= header) expect(error).toBeUndefined();
      else expect([error?.code, error?.frameType], `${length} octets`).toEqual([FRAME_ENCODING_ERROR, typeIn(bytes.subarray(0, length))]);
    }
    expect(typeIn(bytes) & (type === FrameType.STREAM ? 0xf8 : type === FrameType.DATAGRAM ? 0xfe : 0xff)).toBe(type);
  });
});

describe('malformed frames', () => {
  const zeros = (count: number): string => '00'.repeat(count);
  test.each([
    ['an unknown type, §12.4', '20', FRAME_ENCODING_ERROR, 0x20],
    ['an unknown type, §12.4', '3f', FRAME_ENCODING_ERROR, 0x3f],
    ['an unknown type of two octets, §12.4', '4040', FRAME_ENCODING_ERROR, 0x40],
    ['an unknown type of eight octets, §12.4', 'ffffffffffffffff', FRAME_ENCODING_ERROR, Number.MAX_SAFE_INTEGER],
    ['a type that is cut short', 'c000', FRAME_ENCODING_ERROR, 0],
    ['PING in two octets, §12.4', '4001', PROTOCOL_VIOLATION, 1],
    ['PADDING in four octets, §12.4', '80000000', PROTOCOL_VIOLATION, 0],
    ['an unknown type in more octets than needed', 'c000000000000040', PROTOCOL_VIOLATION, 0x40],
    ['ACK: first range below zero, §19.3.1', '02 05 00 00 06', FRAME_ENCODING_ERROR, 2],
    ['ACK: gap below zero, §19.3.1', '02 05 00 01 00 04 00', FRAME_ENCODING_ERROR, 2],
    ['ACK: further range below zero, §19.3.1', '02 05 00 01 00 03 01', FRAME_ENCODING_ERROR, 2],
    ['ACK: more ranges than octets', '02 4005 00 ffffffffffffffff 00 00 00', FRAME_ENCODING_ERROR, 2],
    ['ACK_ECN without the last count', '03 05 00 00 00 01 01', FRAME_ENCODING_ERROR, 3],
    ['CRYPTO: longer than the payload', '06 00 05 00000000', FRAME_ENCODING_ERROR, 6],
    ['CRYPTO: data beyond 2^62 - 1, §19.6', '06 ffffffffffffffff 01 00', FRAME_ENCODING_ERROR, 6],
    ['NEW_TOKEN: empty, §19.7', '07 00', FRAME_ENCODING_ERROR, 7],
    ['STREAM: longer than the payload', '0a 00 ffffffffffffffff 00', FRAME_ENCODING_ERROR, 10],
    ['STREAM: data beyond 2^62 - 1, §19.8', '0e 00 fffffffffffffffe 02 0000', FRAME_ENCODING_ERROR, 14],
    ['STREAM: data to the end beyond 2^62 - 1, §19.8', '0d 00 ffffffffffffffff 00', FRAME_ENCODING_ERROR, 13],
    ['MAX_STREAMS: 2^60 + 1, §19.11', '12 d000000000000001', FRAME_ENCODING_ERROR, 0x12],
    ['MAX_STREAMS: 2^62 - 1, §19.11', '13 ffffffffffffffff', FRAME_ENCODING_ERROR, 0x13],
    ['STREAMS_BLOCKED: 2^60 + 1, §19.14', '16 d000000000000001', FRAME_ENCODING_ERROR, 0x16],
    ['STREAMS_BLOCKED: 2^61, §19.14', '17 e000000000000000', FRAME_ENCODING_ERROR, 0x17],
    ['NEW_CONNECTION_ID: empty, §19.15', `18 01 00 00 ${zeros(16)}`, FRAME_ENCODING_ERROR, 0x18],
    ['NEW_CONNECTION_ID: 21 octets, §19.15', `18 01 00 15 ${zeros(21 + 16)}`, FRAME_ENCODING_ERROR, 0x18],
    ['NEW_CONNECTION_ID: retires what comes after it, §19.15', `18 01 02 08 ${zeros(8 + 16)}`, FRAME_ENCODING_ERROR, 0x18],
    [
      'NEW_CONNECTION_ID: the same, above 2^53, §19.15',
      `18 e000000000000001 e000000000000002 08 ${zeros(8 + 16)}`,
      FRAME_ENCODING_ERROR,
      0x18,
    ],
    ['RESET_STREAM_AT: reliable size above the final size', '24 00 00 05 06', FRAME_ENCODING_ERROR, 0x24],
    ['RESET_STREAM_AT: the same, above 2^53', '24 00 00 e000000000000001 e000000000000002', FRAME_ENCODING_ERROR, 0x24],
    ['RESET_STREAM_AT in two octets, RFC 9000 §12.4', '4024 00 00 05 05', PROTOCOL_VIOLATION, 0x24],
    ['IMMEDIATE_ACK in two octets, RFC 9000 §12.4', '401f', PROTOCOL_VIOLATION, 0x1f],
    ['ACK_FREQUENCY in four octets, RFC 9000 §12.4', '800000af 00 00 00 00', PROTOCOL_VIOLATION, 0xaf],
    ['DATAGRAM: longer than the payload, RFC 9221 §4', '31 05 00000000', FRAME_ENCODING_ERROR, 0x31],
    ['CONNECTION_CLOSE: reason longer than the payload', '1c 00 00 05 61', FRAME_ENCODING_ERROR, 0x1c],
  ])('%s', (_, hex, code, frameType) => {
    const error = errorOf(fromHex(hex));
    expect([error?.code, error?.frameType]).toEqual([code, frameType]);
  });

  test.each([
    ['ACK down to zero', '02 05 00 01 00 03 00'],
    ['CRYPTO: data up to 2^62 - 1', '06 fffffffffffffffe 01 00'],
    ['CRYPTO: nothing at 2^62 - 1', '06 ffffffffffffffff 00'],
    ['STREAM: data up to 2^62 - 1: flow control has the say', '0f 00 fffffffffffffffd 02 0000'],
    ['MAX_STREAMS: 2^60', '12 d000000000000000'],
    ['STREAMS_BLOCKED: 2^60', '17 d000000000000000'],
    ['RESET_STREAM_AT: all of it is reliable', '24 00 00 05 05'],
    ['RESET_STREAM_AT: all of it is reliable, above 2^53', '24 00 00 e000000000000001 e000000000000001'],
    ['DATAGRAM: empty, to the end, RFC 9221 §4', '30'],
    ['NEW_CONNECTION_ID of 1 octet', `18 00 00 01 ${zeros(1 + 16)}`],
    ['NEW_CONNECTION_ID that retires all before it, above 2^53', `18 e000000000000002 e000000000000002 08 ${zeros(8 + 16)}`],
  ])('allowed: %s', (_, hex) => {
    expect(errorOf(fromHex(hex))).toBeUndefined();
  });

  test('the reason names the frame and where it is', () => {
    const error = errorOf(fromHex('01 0000 0700'), 0);
    expect(error?.message).toBe('NEW_TOKEN at 3: empty token');
  });
});
