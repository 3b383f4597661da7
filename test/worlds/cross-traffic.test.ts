import { describe, expect, test } from 'vitest';
import { crossTraffic } from './cross-traffic.ts';

// A few of the thirty seeds of test/tables/cross-traffic.test.ts, which keeps test/tables/cross-traffic.md.
describe('25 MiB over QUIC against a TCP flow that was there first, CUBIC both, equal packets', () => {
  test.each([1, 2])('seed %i: neither starves the other, and together they fill the link', (seed) => {
    const { quic, tcp, before } = crossTraffic(seed);
    expect(before).toBeGreaterThan(9_400); // 9,577 kbit/s are what headers leave of 10 Mbit/s: 1,176 of 1,228 octets
    expect(quic).toBeGreaterThan(4_000);
    expect(tcp).toBeGreaterThan(3_500);
    expect(quic + tcp).toBeGreaterThan(9_000);
  });
});
