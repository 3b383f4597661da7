import { describe, expect, test } from 'vitest';
import { fixedWindow, newReno, pacingRate, type RttView, tokenPacer, unpaced } from '../src/index.ts';

const rtt = (smoothed: number): RttView => ({ latest: smoothed, smoothed, variation: 0, min: smoothed });

describe('the rate (RFC 9002 §7.7)', () => {
  test('is twice the window per round trip in slow start, 5/4 of it later', () => {
    const controller = newReno({ maxDatagramSize: 1200, prr: false });
    expect(pacingRate(controller, rtt(40_000))).toBe(600_000);
    controller.onLoss(2, { lostBytes: 1200, largestSentAt: 1, bytesInFlight: 0, persistent: false }, rtt(40_000));
    expect(pacingRate(controller, rtt(40_000))).toBe(187_500);
  });

  test('is whole, rounded up', () => {
    expect(pacingRate(fixedWindow(1_000), rtt(333_000))).toBe(Math.ceil(1_250_000_000 / 333_000));
  });

  test("is the controller's own where it has one", () => {
    expect(pacingRate({ ...fixedWindow(1_000), pacingRate: 4_321.5 }, rtt(40_000))).toBe(4_322);
  });

  test('is 0, no pacing, on a path without delay', () => {
    expect(pacingRate(fixedWindow(1_000), rtt(0))).toBe(0);
  });
});

describe('the token pacer', () => {
  const pacer = () => tokenPacer({ maxDatagramSize: 1200 });

  test('lets an initial window leave at once, then one datagram after the other', () => {
    const paced = pacer();
    const times: number[] = [];
    let now = 1_000;
    for (let i = 0; i < 13; i++) {
      now = Math.max(now, paced.earliest(now, 1200, 1_200_000));
      paced.onSent(now, 1200, 1_200_000);
      times.push(now);
    }
    expect(times).toEqual([...new Array(10).fill(1_000), 2_000, 3_000, 4_000]);
  });

  test('keeps the fraction of a microsecond: the average is exact', () => {
    const paced = pacer();
    const rate = 7_777_777;
    let now = 0;
    for (let i = 0; i < 10; i++) paced.onSent(0, 1200, rate);
    for (let i = 0; i < 100_000; i++) {
      now = paced.earliest(now, 1200, rate);
      paced.onSent(now, 1200, rate);
    }
    expect(now).toBe(Math.ceil((100_000 * 1200 * 1_000_000) / rate));
  });

  test('after a pause allows two datagrams, or what 2 ms of the rate cover and one more', () => {
    const burstAfterPause = (rate: number): number => {
      const paced = pacer();
      for (let i = 0; i < 10; i++) paced.onSent(0, 1200, rate);
      let burst = 0;
      for (; paced.earliest(60_000_000, 1200, rate) <= 60_000_000; burst++) paced.onSent(60_000_000, 1200, rate);
      return burst;
    };
    expect(burstAfterPause(120_000)).toBe(2);
    expect(burstAfterPause(12_000_000)).toBe(21);
  });

  test('a datagram larger than a burst leaves when the burst is full', () => {
    const paced = tokenPacer({ maxDatagramSize: 1200, initialBurst: 0 });
    paced.onSent(0, 1200, 1_000_000);
    const at = paced.earliest(0, 9_000, 1_000_000);
    expect(at).toBe(4_400); // 1,200 octets of debt and a burst of 3,200
    expect(paced.earliest(at, 9_000, 1_000_000)).toBe(at);
  });

  test('probes, which wait for nobody, are paid back for a burst at most', () => {
    const paced = pacer();
    for (let i = 0; i < 100; i++) paced.onSent(0, 1200, 1_200_000);
    expect(paced.earliest(0, 1200, 1_200_000)).toBe(4_000);
  });

  test('a rate of 0 is no limit', () => {
    const paced = pacer();
    for (let i = 0; i < 100; i++) paced.onSent(0, 1200, 0);
    expect(paced.earliest(5, 1200, 0)).toBe(5);
  });
});

test('unpaced holds nothing back', () => {
  unpaced.onSent(7, 1_000_000, 1);
  expect(unpaced.earliest(7, 1200, 1)).toBe(7);
});
