import { ByteWriter, RangeSet } from '@quiclab/bytes';
import { FrameReader, FrameType, MAX_ACK_RANGES, writeAck } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';

function set(...ranges: readonly (readonly [number, number])[]): RangeSet {
  const received = new RangeSet();
  for (const [smallest, largest] of ranges) received.add(smallest, largest + 1);
  return received;
}

/** `count` ranges of one packet with a gap of `gap` between them. */
function scattered(count: number, gap = 1): RangeSet {
  const received = new RangeSet();
  for (let i = 0; i < count; i++) received.add(i * (gap + 1), i * (gap + 1) + 1);
  return received;
}

function readBack(bytes: Uint8Array): number[][] {
  const frame = new FrameReader();
  frame.reset(bytes, 0, bytes.length);
  frame.next();
  const { ack } = frame;
  expect(frame.next()).toBe(-1);
  return Array.from({ length: ack.count }, (_, i) => [ack.smallest[i]!, ack.largestOf[i]!]);
}

describe('ACK frames (RFC 9000 §19.3)', () => {
  test('one range', () => {
    const w = ByteWriter.growable();
    expect(writeAck(w, set([5, 9]), 3, 10)).toBe(true);
    expect([...w.written()]).toEqual([0x02, 9, 3, 0, 4]);
  });

  test('gaps and lengths are relative (§19.3.1)', () => {
    const w = ByteWriter.growable();
    writeAck(w, set([0, 0], [2, 5], [9, 10]), 0, 10);
    // 9..10, then three missing (written as 2), 2..5, one missing (written as 0), 0
    expect([...w.written()]).toEqual([0x02, 10, 0, 2, 1, 2, 3, 0, 0]);
    expect(readBack(w.written())).toEqual([
      [9, 10],
      [2, 5],
      [0, 0],
    ]);
  });

  test('nothing received, or no range allowed: no frame', () => {
    const w = ByteWriter.growable();
    expect(writeAck(w, new RangeSet(), 0, 10)).toBe(false);
    expect(writeAck(w, set([1, 1]), 0, 0)).toBe(false);
    expect(w.position).toBe(0);
  });

  test('no more ranges than asked for, the highest', () => {
    const w = ByteWriter.growable();
    writeAck(w, scattered(10), 0, 3);
    expect(readBack(w.written())).toEqual([
      [18, 18],
      [16, 16],
      [14, 14],
    ]);
  });

  test.each([1, 70, 20_000])('as many ranges as fit, in every room, with gaps of %d', (gap) => {
    const received = scattered(100, gap);
    const ecn = { ect0: 1, ect1: 2, ce: 300 };
    for (let room = 0; room <= 420; room++) {
      for (const counts of [undefined, ecn]) {
        const w = new ByteWriter(new Uint8Array(room));
        const larger = new ByteWriter(new Uint8Array(1000));
        const wrote = writeAck(w, received, 100, 1000, 10_000, counts);
        expect(writeAck(larger, received, 100, 1000, room, counts)).toBe(wrote);
        expect(larger.written()).toEqual(w.written());
        if (!wrote) {
          expect(w.position).toBe(0);
          const first = new ByteWriter(new Uint8Array(100));
          writeAck(first, received, 100, 1, 100, counts);
          expect(first.position).toBeGreaterThan(room);
          continue;
        }
        const ranges = readBack(w.written());
        expect(ranges[0]).toEqual([99 * (gap + 1), 99 * (gap + 1)]);
        if (ranges.length === 100) continue;
        const next = new ByteWriter(new Uint8Array(1000));
        writeAck(next, received, 100, ranges.length + 1, 1000, counts);
        expect(next.position).toBeGreaterThan(room); // one more would not have fitted
      }
    }
  });

  test('ranges beyond those that are kept are checked, not kept', () => {
    const w = ByteWriter.growable(2000);
    writeAck(w, scattered(MAX_ACK_RANGES + 50), 0, 10_000, 10_000);
    const ranges = readBack(w.written());
    expect(ranges).toHaveLength(MAX_ACK_RANGES);
    expect(ranges[MAX_ACK_RANGES - 1]).toEqual([100, 100]);
  });

  test('a short ACK after a long one counts only its own ranges', () => {
    const long = ByteWriter.growable();
    writeAck(long, scattered(20), 0, 100, 1000, { ect0: 1, ect1: 1, ce: 1 });
    writeAck(long, set([3, 4]), 0, 100, 1000);
    const frame = new FrameReader();
    frame.reset(long.bytes, 0, long.position);
    expect(frame.next()).toBe(FrameType.ACK_ECN);
    expect(frame.ack.count).toBe(20);
    expect(frame.next()).toBe(FrameType.ACK);
    const { count, hasEcn, ect0, ect1, ce, largest, smallest } = frame.ack;
    expect([count, hasEcn, ect0, ect1, ce, largest, smallest[0]]).toEqual([1, false, 0, 0, 0, 4, 3]);
  });
});
