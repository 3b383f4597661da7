import { MILLISECOND } from '@quiclab/sansio';
import { expect, test } from 'vitest';
import { WindowValidation } from '../src/send/window-validation.ts';
import { Pair } from './pair.ts';

const SEGMENT = 1_448;

/** The server's window after answers of so many segments, each begun when the one before has arrived. */
function windowAfter(windowUse: 'now' | 'round', answers: readonly number[]): number {
  const pair = new Pair({ oneWayDelay: 25 * MILLISECOND, config: { windowUse } }).handshake();
  for (const segments of answers) {
    pair.server.connection!.write(pair.now, new Uint8Array(segments * SEGMENT));
    pair.turn(pair.server);
    pair.run(pair.now + 300 * MILLISECOND);
  }
  return pair.server.connection!.stats().congestionWindow;
}

test("an answer of a window and a half: Linux's rule lets the window grow by all of what was full, RFC 2861's only while there is more to say", () => {
  expect(windowAfter('now', [15])).toBeLessThan(15 * SEGMENT);
  expect(windowAfter('round', [15])).toBeGreaterThanOrEqual(20 * SEGMENT);
});

test('an answer of less than half a window makes it grow under neither', () => {
  expect(windowAfter('now', [4])).toBe(windowAfter('now', []));
  expect(windowAfter('round', [4])).toBe(windowAfter('round', []));
});

test('in slow start more than half of the window outstanding is use enough, afterwards only a full one (tcp_is_cwnd_limited)', () => {
  const validation = new WindowValidation();
  validation.onSent();
  validation.onStopped(false, 0, 6_000);
  expect(validation.used(10_000, true)).toBe(true);
  expect(validation.used(12_000, true)).toBe(false);
  expect(validation.used(10_000, false)).toBe(false);
});

test('a full window counts until what was outstanding then is acknowledged (tcp_cwnd_validate)', () => {
  const validation = new WindowValidation();
  validation.onSent();
  validation.onStopped(true, 0, 10_000);
  validation.onSent();
  validation.onStopped(false, 5_000, 11_000);
  expect(validation.used(20_001, false)).toBe(true);
  validation.onStopped(false, 10_000, 11_000); // nothing was sent since: nothing new is known
  expect(validation.used(20_001, false)).toBe(true);
  validation.onSent();
  validation.onStopped(false, 10_000, 12_000);
  expect(validation.used(20_001, false)).toBe(false);
});
