import { parseCount, parseDuration, parsePercent, parseRate, parseSize } from '@quiclab/impair';
import { describe, expect, test } from 'vitest';

describe('quantities as people write them', () => {
  test.each([
    ['20ms', 20_000],
    ['1.5 s', 1_500_000],
    ['.5ms', 500],
    ['7us', 7],
    ['7µs', 7],
    ['2min', 120_000_000],
    ['0ms', 0],
  ])('%s is %d µs', (text, micros) => expect(parseDuration(text)).toBe(micros));
  test.each([
    ['20Mbit', 20e6],
    ['20Mbit/s', 20e6],
    ['20Mbps', 20e6],
    ['512kbit', 512e3],
    ['1.5Gbit', 1.5e9],
    ['9600bit', 9600],
  ])('%s is %d bit/s', (text, rate) => expect(parseRate(text)).toBe(rate));
  test('shares, sizes and counts', () => {
    expect([parsePercent('2%'), parsePercent('0%'), parsePercent('100%')]).toEqual([0.02, 0, 1]);
    expect([parseSize('64KB'), parseSize('64KiB'), parseSize('5B')]).toEqual([64_000, 65_536, 5]);
    expect(parseCount('1000')).toBe(1_000);
  });
  test('an error names what was wrong, and what would be right', () => {
    expect(() => parseDuration('20', '--delay')).toThrow("--delay: '20' has no unit; write it like 20ms (units: us, µs, ms, s, min)");
    expect(() => parseDuration('20sec', '--delay')).toThrow("--delay: 'sec' in '20sec' is not a unit that I know (units: us,");
    expect(() => parseDuration('-5ms')).toThrow("'-5ms' is not a quantity");
    expect(() => parseDuration('')).toThrow("'' is not a quantity");
    expect(() => parseRate('0Mbit')).toThrow('leave it out for no limit');
    expect(() => parseRate('20MB')).toThrow("'MB' in '20MB'");
    expect(() => parsePercent('2')).toThrow("'2' has no unit; write it like 2%");
    expect(() => parsePercent('101%')).toThrow('above 100%');
    expect(() => parseCount('1e3', '--files')).toThrow("--files: '1e3' is not a whole number");
    expect(() => parseDuration('5constructor')).toThrow('is not a unit');
  });
});
