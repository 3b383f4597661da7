import { MILLISECOND, SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { CONNECTIONS, lossyHandshakes } from './lossy-handshakes.ts';

/**
 * Seeds in which a handshake took half a minute or did not end:
 * - 1172, 1224, 1787, 1852: lost ACKs left an end without an RTT sample, so that it probed after 1, 3, 7, 15, 31 s
 * - 1029, 1129: the same, where the client had nothing in flight and waited for the server alone
 */
const SLOW_ONCE: readonly number[] = [1172, 1224, 1787, 1852, 1029, 1129];
const ORDINARY = Array.from({ length: 10 }, (_, i) => i);

describe('fifty handshakes, one after another, at 30% loss each way in bursts of at most three (RFC 9002 §6.2)', () => {
  test.each([...ORDINARY, ...SLOW_ONCE])('seed %i: all end', (seed) => {
    const times = lossyHandshakes(seed);
    expect(times).toHaveLength(CONNECTIONS);
    for (const { complete, confirmed } of times) expect(complete).toBeLessThanOrEqual(confirmed);
    // it is a bad path: without a timeout of a second there would be no such thing
    expect(Math.max(...times.map(({ complete }) => complete))).toBeGreaterThan(SECOND);
  });
});

test('without loss both ends are done after one and a half round trips, and the client knows after two (RFC 9001 §4.1)', () => {
  const roundTrip = 30 * MILLISECOND; // and some milliseconds for what has to pass the link
  for (const { complete, confirmed } of lossyHandshakes(1, { loss: 0, connections: 5 })) {
    expect(Math.floor(complete / (roundTrip / 2))).toBe(3);
    expect(Math.floor(confirmed / (roundTrip / 2))).toBe(4);
  }
});
