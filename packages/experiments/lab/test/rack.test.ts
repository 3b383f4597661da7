import { lossDetectorCases, PlainSentPackets } from '@quiclab/recovery/contract';
import { MILLISECOND, NEVER } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { RackDetector } from '../src/models/rack.ts';

const RTT = 40 * MILLISECOND;
const rtt = { latest: RTT, smoothed: RTT, variation: RTT / 8, min: RTT };
const MS = MILLISECOND;

describe('RACK for packets (RFC 8985 §6.2)', () => {
  for (const { name, run } of lossDetectorCases) test(`as every loss detector: ${name}`, () => run(() => new RackDetector()));

  /** Packets 0 to 9, a millisecond apart; those named arrive, each a round trip after it left. */
  function arrive(detector: RackDetector, ...numbers: number[]) {
    const sent = new PlainSentPackets();
    for (let n = 0; n < 10; n++) sent.send(n, n * MS);
    let again = NEVER;
    for (const n of numbers) {
      sent.acknowledge(n);
      again = detector.detect(RTT + n * MS, sent, rtt);
    }
    return { sent, again };
  }

  test('a packet is lost a quarter round trip after a later one has arrived', () => {
    const detector = new RackDetector();
    const { sent, again } = arrive(detector, 0, 2);
    expect(sent.lost).toEqual([]);
    expect(again).toBe(1 * MS + RTT + RTT / 4);
    expect(detector.detect(again - 1, sent, rtt)).toBe(again);
    expect(detector.detect(again, sent, rtt)).toBe(NEVER);
    expect(sent.lost).toEqual([1]);
  });

  test('at once when three have arrived beyond it', () => {
    expect(arrive(new RackDetector(), 0, 2, 3).sent.lost).toEqual([]);
    expect(arrive(new RackDetector(), 0, 2, 3, 4).sent.lost).toEqual([1]);
    expect(arrive(new RackDetector(), 0, 3, 4, 5).sent.lost).toEqual([1, 2]);
  });

  test('and at once while repairs are under way, until what left after the first of them has arrived', () => {
    const detector = new RackDetector();
    const { sent } = arrive(detector, 0, 2, 3, 4, 6);
    expect(sent.lost).toEqual([1, 5]);
    sent.send(10, 60 * MS);
    sent.send(11, 61 * MS);
    sent.send(12, 62 * MS);
    for (const n of [7, 8, 9]) sent.acknowledge(n);
    sent.acknowledge(10);
    expect(detector.detect(60 * MS + RTT, sent, rtt)).toBe(NEVER);
    sent.acknowledge(12);
    expect(detector.detect(62 * MS + RTT, sent, rtt)).toBe(61 * MS + RTT + RTT / 4);
    expect(sent.lost).toEqual([1, 5]);
  });
});
