import { ByteWriter, concat, fromHex, toHex, varintSize } from '@quiclab/bytes';
import {
  ackFrequencySize,
  applicationCloseSize,
  connectionCloseSize,
  cryptoDataRoom,
  cryptoHeaderSize,
  datagramSize,
  FrameReader,
  FrameType,
  newConnectionIdSize,
  newTokenSize,
  oneNumberSize,
  PATH_FRAME_SIZE,
  resetStreamAtSize,
  resetStreamSize,
  stopSendingSize,
  streamDataRoom,
  streamHeaderSize,
  streamLimitSize,
  writeStreamHeader,
} from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { fieldsOf, SAMPLES, typeIn } from './frame-samples.ts';

const SURROUNDINGS = 13;

/** The octets in the middle of others, so that reading beside them shows. */
function embedded(bytes: Uint8Array, around = 0xff): FrameReader {
  const all = new Uint8Array(bytes.length + 2 * SURROUNDINGS).fill(around);
  all.set(bytes, SURROUNDINGS);
  const reader = new FrameReader();
  reader.reset(all, SURROUNDINGS, SURROUNDINGS + bytes.length);
  return reader;
}

describe('each frame comes back as it was written (RFC 9000 §19)', () => {
  test.each(SAMPLES)('$name', ({ type, bytes, fields }) => {
    const frame = embedded(bytes);
    expect(frame.next()).toBe(type);
    expect(fieldsOf(frame, Object.keys(fields))).toEqual(fields);
    expect(frame.rawType).toBe(typeIn(bytes));
    expect(frame.start).toBe(SURROUNDINGS);
    expect(frame.position).toBe(SURROUNDINGS + bytes.length);
    expect(frame.next()).toBe(-1);
    expect(frame.next()).toBe(-1);
  });

  test('all in one payload, read by one reader that has read them before', () => {
    const closed = SAMPLES.filter((sample) => !sample.openEnded);
    const frame = embedded(concat(...closed.map((sample) => sample.bytes)));
    for (const sample of closed) {
      expect(frame.next()).toBe(sample.type);
      expect(fieldsOf(frame, Object.keys(sample.fields))).toEqual(sample.fields);
    }
    expect(frame.next()).toBe(-1);
  });

  test('every type has a sample', () => {
    expect(new Set(SAMPLES.map((sample) => sample.type))).toEqual(new Set(Object.values(FrameType)));
  });

  test('the octets are those of the RFC', () => {
    const hex = (name: string): string => toHex(SAMPLES.find((sample) => sample.name === name)!.bytes);
    expect(hex('PING')).toBe('01');
    expect(hex('RESET_STREAM_AT')).toBe('2404410cc01ffffffffffffe4046');
    expect(hex('IMMEDIATE_ACK')).toBe('1f');
    expect(hex('ACK_FREQUENCY')).toBe('40af404109800061a8c01ffffffffffffe');
    expect(hex('DATAGRAM, empty')).toBe('3100');
    expect(hex('DATAGRAM, to the end')).toBe(`30${'0d'.repeat(70)}`);
    expect(hex('RESET_STREAM')).toBe('0404410cc01ffffffffffffe');
    expect(hex('STREAM, 0 octets at 5, fin')).toBe('0f43e80500');
    expect(hex('STREAM, 0 octets at 0, to the end')).toBe('0843e8');
    expect(hex('NEW_CONNECTION_ID')).toBe(`18090914${'07'.repeat(20)}${'08'.repeat(16)}`);
    expect(hex('CONNECTION_CLOSE, application')).toBe('1d410100');
  });

  test("the server's first payload of RFC 9001 A.3: ACK, then CRYPTO", () => {
    const frame = embedded(fromHex(`02000000000600405a${'00'.repeat(0x5a)}`));
    expect(frame.next()).toBe(FrameType.ACK);
    expect([frame.ack.largest, frame.ack.delay, frame.ack.count, frame.ack.smallest[0]]).toEqual([0, 0, 1, 0]);
    expect(frame.next()).toBe(FrameType.CRYPTO);
    expect([frame.offset, frame.length]).toEqual([0, 0x5a]);
    expect(frame.next()).toBe(-1);
  });

  test('an empty payload has no frame; that it must have one is for the connection to say (§12.4)', () => {
    expect(embedded(new Uint8Array(0)).next()).toBe(-1);
  });

  test('numbers longer than they need to be are read all the same (§16)', () => {
    const frame = embedded(fromHex('10c000000000000005'));
    expect(frame.next()).toBe(FrameType.MAX_DATA);
    expect(frame.limit).toBe(5);
  });

  test('numbers from 2^53 on saturate', () => {
    const frame = embedded(fromHex('10 ffffffffffffffff 11 00 e000000000000000'));
    frame.next();
    expect(frame.limit).toBe(Number.MAX_SAFE_INTEGER);
    frame.next();
    expect(frame.limit).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('sizes are what is written', () => {
  const size = (name: string): number => SAMPLES.find((sample) => sample.name === name)!.bytes.length;
  const big = Number.MAX_SAFE_INTEGER - 1;
  test('of whole frames', () => {
    expect(resetStreamSize(4, 0x10c, big)).toBe(size('RESET_STREAM'));
    expect(resetStreamAtSize(4, 0x10c, big, 70)).toBe(size('RESET_STREAM_AT'));
    expect(datagramSize(70)).toBe(size('DATAGRAM'));
    expect(ackFrequencySize(65, 9, 25_000, big)).toBe(size('ACK_FREQUENCY'));
    expect(stopSendingSize(2 ** 30, 0)).toBe(size('STOP_SENDING'));
    expect(newTokenSize(90)).toBe(size('NEW_TOKEN'));
    expect(oneNumberSize(big)).toBe(size('MAX_DATA'));
    expect(oneNumberSize(64)).toBe(size('RETIRE_CONNECTION_ID'));
    expect(streamLimitSize(8, 65536)).toBe(size('MAX_STREAM_DATA'));
    expect(newConnectionIdSize(9, 9, 20)).toBe(size('NEW_CONNECTION_ID'));
    expect(PATH_FRAME_SIZE).toBe(size('PATH_CHALLENGE'));
    expect(connectionCloseSize(0x12a, 6, 65)).toBe(size('CONNECTION_CLOSE'));
    expect(applicationCloseSize(0x101, 0)).toBe(size('CONNECTION_CLOSE, application'));
    expect(cryptoHeaderSize(1000, 70) + 70).toBe(size('CRYPTO'));
  });

  test('of STREAM headers, with and without length', () => {
    for (const offset of [0, 1, 64, 2 ** 35]) {
      for (const length of [0, 63, 64, 20_000]) {
        for (const withLength of [false, true]) {
          const w = ByteWriter.growable();
          writeStreamHeader(w, 77, offset, length, false, withLength);
          expect(streamHeaderSize(77, offset, withLength ? varintSize(length) : 0)).toBe(w.position);
        }
      }
    }
  });

  test('the room for data is the largest that fits, for every room', () => {
    const rooms = [...Array(200).keys(), 16380, 16381, 16382, 16383, 16384, 16385, 16386, 16387, 16388, 16389, 16390, 16391, 16392, 65000];
    for (const room of rooms) {
      for (const [id, offset] of [
        [0, 0],
        [70, 5],
        [4, 2 ** 33],
      ] as const) {
        const data = streamDataRoom(id, offset, room, true);
        const withData = (length: number): number => streamHeaderSize(id, offset, varintSize(length)) + length;
        if (data >= 0) expect(withData(data)).toBeLessThanOrEqual(room);
        expect(withData(Math.max(0, data + 1))).toBeGreaterThan(room);
        expect(streamDataRoom(id, offset, room, false)).toBe(room - streamHeaderSize(id, offset, 0));
        const crypto = cryptoDataRoom(offset, room);
        if (crypto >= 0) expect(cryptoHeaderSize(offset, crypto) + crypto).toBeLessThanOrEqual(room);
        expect(cryptoHeaderSize(offset, Math.max(0, crypto + 1)) + Math.max(0, crypto + 1)).toBeGreaterThan(room);
      }
    }
  });
});
