import { ByteReader, ByteWriter, fromHex, toHex } from '@quiclab/bytes';
import { INTEGER_OVERFLOW, readInteger, writeInteger } from '@quiclab/hpack/integer';
import { integerBelow, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';

function written(flags: number, prefix: number, value: number): string {
  const writer = ByteWriter.growable();
  writeInteger(writer, flags, prefix, value);
  return toHex(writer.written());
}

function read(hex: string, prefix: number): { value: number; overrun: boolean; left: number } {
  const reader = new ByteReader(fromHex(hex));
  const value = readInteger(reader, reader.uint8(), prefix);
  return { value, overrun: reader.overrun, left: reader.remaining };
}

describe('prefixed integers (RFC 7541 §5.1)', () => {
  test('the examples of RFC 7541 Appendix C.1', () => {
    expect(written(0, 5, 10)).toBe('0a');
    expect(written(0, 5, 1337)).toBe('1f9a0a');
    expect(written(0, 8, 42)).toBe('2a');
    expect(read('ea', 5).value).toBe(10); // bits above the prefix are another field's
    expect(read('ff9a0a', 5).value).toBe(1337);
    expect(read('2a', 8).value).toBe(42);
  });

  test('what is written is read back, for every prefix', () => {
    const random = seededRandom(7541);
    for (let prefix = 1; prefix <= 8; prefix++) {
      const values = [
        0,
        1,
        2 ** prefix - 2,
        2 ** prefix - 1,
        2 ** prefix,
        127,
        128,
        16383,
        16384,
        2 ** 31,
        2 ** 32,
        Number.MAX_SAFE_INTEGER,
      ];
      for (let i = 0; i < 50; i++) values.push(integerBelow(random, 2 ** (1 + integerBelow(random, 32))));
      for (const value of values) expect(read(written(0, prefix, value), prefix)).toEqual({ value, overrun: false, left: 0 });
    }
  });

  test('62 bits are taken, saturating; more overflow (RFC 9204 §4.1.1)', () => {
    expect(read('1fe0ffffffffffffff3f', 5).value).toBe(Number.MAX_SAFE_INTEGER); // 2^62 - 1
    expect(read('1fe0ffffffffffffff4f', 5).value).toBe(INTEGER_OVERFLOW);
    expect(read('1fffffffffffffffffff7f', 5).value).toBe(INTEGER_OVERFLOW);
  });

  test('an encoding may be padded a little, not without end', () => {
    expect(read('1f80808000', 5).value).toBe(31);
    expect(read(`1f${'80'.repeat(9)}00`, 5).value).toBe(31);
    expect(read(`1f${'80'.repeat(10)}00`, 5).value).toBe(INTEGER_OVERFLOW);
  });

  test('every truncation is seen as one', () => {
    for (const whole of ['1f9a0a', 'ff80ffffffff01']) {
      for (let length = 1; length < whole.length / 2; length++) expect(read(whole.slice(0, 2 * length), 5).overrun).toBe(true);
    }
  });
});
