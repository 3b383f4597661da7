import { ByteReader, ByteWriter, fromHex, fromLatin1, fromUtf8, latin1, RangeSet, toHex, utf8, varintSize } from '@quiclab/bytes';
import { describe, expect, test } from 'vitest';

describe('variable-length integers (RFC 9000 §16)', () => {
  test.each([
    ['c2197c5eff14e88c', 151288809941952652n],
    ['9d7f3e7d', 494878333n],
    ['7bbd', 15293n],
    ['25', 37n],
    ['4025', 37n],
  ])('Appendix A.1: %s is %d', (hex, value) => {
    const reader = new ByteReader(fromHex(hex));
    const read = reader.varint();
    expect(reader.overrun).toBe(false);
    expect(reader.remaining).toBe(0);
    // 151,288,809,941,952,652 is above 2^53: it saturates, as the docstring says
    expect(read).toBe(value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value));
  });
  test.each([0, 63, 64, 16383, 16384, 2 ** 30 - 1, 2 ** 30, 2 ** 32, 2 ** 52 + 12345, Number.MAX_SAFE_INTEGER])(
    '%d comes back',
    (value) => {
      const writer = ByteWriter.growable();
      writer.varint(value);
      expect(writer.position).toBe(varintSize(value));
      expect(new ByteReader(writer.written()).varint()).toBe(value);
      for (const size of [1, 2, 4, 8].filter((s) => s >= varintSize(value))) {
        const padded = ByteWriter.growable();
        padded.varintOfSize(value, size);
        expect(padded.position).toBe(size);
        expect(new ByteReader(padded.written()).varint()).toBe(value);
      }
    },
  );
  test('a size too small throws', () => {
    expect(() => ByteWriter.growable().varintOfSize(64, 1)).toThrow(RangeError);
  });
  test('cut short anywhere: zero and overrun', () => {
    const whole = fromHex('c2197c5eff14e88c');
    for (let length = 0; length < whole.length; length++) {
      const reader = new ByteReader(whole, 0, length);
      expect(reader.varint()).toBe(0);
      expect(reader.overrun).toBe(true);
    }
  });
});

describe('reader and writer', () => {
  test('fixed integers and vectors come back', () => {
    const writer = ByteWriter.growable(1);
    writer.uint8(0xab);
    writer.uint16(0xcdef);
    writer.uint24(0x123456);
    writer.uint32(0xfedcba98);
    writer.vector(2, () => writer.octets(latin1('hello')));
    const reader = new ByteReader(writer.written());
    expect([reader.uint8(), reader.uint16(), reader.uint24(), reader.uint32()]).toEqual([0xab, 0xcdef, 0x123456, 0xfedcba98]);
    expect(fromLatin1(reader.take(reader.uint16()))).toBe('hello');
    expect(reader.overrun).toBe(false);
  });
  test('taking too much gives an empty view and overrun, for good', () => {
    const reader = new ByteReader(fromHex('0102'));
    expect(reader.take(3).length).toBe(0);
    expect(reader.overrun).toBe(true);
    expect(reader.uint8()).toBe(0);
  });
  test('a fixed writer refuses to pass its end', () => {
    const writer = new ByteWriter(new Uint8Array(4), 1, 3);
    writer.uint16(1);
    expect(() => writer.uint8(1)).toThrow(RangeError);
  });
});

describe('text', () => {
  test.each(['', 'plain', 'Grüße', '漢字', '😀 ok', '\u0000'])('UTF-8 of %j is what the platform says', (text) => {
    expect(toHex(utf8(text))).toBe(Buffer.from(text).toString('hex'));
    expect(fromUtf8(utf8(text))).toBe(text);
  });
  test('malformed UTF-8 never comes back as text', () => {
    for (const bad of ['c0af', 'eda080', 'f4908080', 'ff', 'e282', '80', 'f8888080']) expect(fromUtf8(fromHex(bad))).toMatch(/^\ufffd+$/);
  });
  test('bad hexadecimal is an error', () => {
    expect(() => fromHex('0')).toThrow();
    expect(() => fromHex('0g')).toThrow();
  });
});

test('RangeSet agrees with a plain set under 20,000 random additions and removals', () => {
  let state = 1;
  const below = (n: number) => (state = (Math.imul(state, 48271) >>> 0) % 0x7fffffff) % n;
  const ranges = new RangeSet();
  const plain = new Set<number>();
  for (let step = 0; step < 20_000; step++) {
    const start = below(200);
    const end = start + below(12);
    let changed = 0;
    const adding = below(2) === 0;
    for (let v = start; v < end; v++) {
      if (adding !== plain.has(v)) changed++;
      if (adding) plain.add(v);
      else plain.delete(v);
    }
    expect(adding ? ranges.add(start, end) : ranges.remove(start, end)).toBe(changed);
    if (step % 50 === 0) {
      expect(ranges.size()).toBe(plain.size);
      for (let v = 0; v < 215; v++) expect(ranges.has(v)).toBe(plain.has(v));
      for (let i = 1; i < ranges.count; i++) expect(ranges.start(i)).toBeGreaterThan(ranges.end(i - 1));
      const after = Array.from({ length: ranges.count }, (_, i) => i).findIndex((i) => ranges.end(i) > start);
      expect(ranges.firstEndingAfter(start)).toBe(after < 0 ? ranges.count : after);
      expect(ranges.hasAll(start, end)).toBe(Array.from({ length: end - start }, (_, i) => start + i).every((v) => plain.has(v)));
    }
  }
});
