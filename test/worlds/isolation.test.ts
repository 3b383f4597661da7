import { reorder, uniformJitter } from '@quiclab/impair';
import { accountRun, type RunRecord } from '@quiclab/lab';
import { MILLISECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import {
  constantWindow,
  eachLoss,
  equalObjects,
  idealPath,
  newRenoControl,
  piecesOf,
  repairTime,
  runOnce,
  type Scene,
  usualControl,
} from './one-loss.ts';

// What one lost packet does to streams that it did not carry. EXPERIMENTS §4, Influence. Every datagram of the way down is
// dropped in turn, those of the handshake included.

const MODELS = ['h3', 'h3-single'] as const;
const page = equalObjects(4, 16_000);
const delay = 20 * MILLISECOND;
const megabit = 1_000_000;

/** Paths that keep the order of packets, and drop nothing but the one. */
const ORDERLY: Readonly<Record<string, Scene>> = {
  'ideal path': idealPath(page, delay),
  'paced CUBIC at 10 Mbit/s': { page, down: { delay, rate: 10 * megabit }, ends: usualControl },
  'paced CUBIC without a rate limit': { page, down: { delay }, ends: usualControl },
  'paced NewReno at 10 Mbit/s': { page, down: { delay, rate: 10 * megabit }, ends: newRenoControl },
  'a window of ten packets, not paced, at 2 Mbit/s both ways': {
    page,
    up: { delay, rate: 2 * megabit },
    down: { delay, rate: 2 * megabit },
    ends: constantWindow(12_000),
  },
  'jitter that keeps the order, and a step of the rate': {
    page,
    up: { delay, jitter: uniformJitter(10 * MILLISECOND) },
    down: {
      delay,
      rate: 8 * megabit,
      jitter: uniformJitter(10 * MILLISECOND),
      schedule: [{ at: 120 * MILLISECOND, rate: 1 * megabit }],
    },
    ends: usualControl,
  },
};

describe.each(Object.entries(ORDERLY))('%s (EXPERIMENTS §4)', (_name, scene) => {
  test.each(MODELS)('%s: without loss, blocked time is 0', (model) => {
    for (const { blocked, blockedByteTime } of accountRun(runOnce(model, scene))) {
      expect(blocked).toEqual({ own: 0, other: 0 });
      expect(blockedByteTime).toBe(0);
    }
  });

  test('h3: whichever packet is lost, no octet of a stream that it did not carry waits for 1 µs', () => {
    const waited: string[] = [];
    let waits = 0;
    for (const { lost, influences, carried } of eachLoss('h3', scene, runOnce('h3', scene)))
      for (const { exchange, largestWait } of influences) {
        if (carried.has(exchange)) waits += largestWait > 0 ? 1 : 0;
        else if (largestWait !== 0) waited.push(`packet ${lost} lost: stream ${exchange} waits ${largestWait} µs`);
      }
    expect(waited).toEqual([]);
    expect(waits).toBeGreaterThan(40); // while those that it did carry do wait, unless it was their last
  });
});

test('that says nothing about paths that reorder: there streams wait without any loss', () => {
  const scene: Scene = { ...idealPath(page, delay), down: { delay, rate: 10 * megabit, reorder: reorder(0.2, 15 * MILLISECOND) } };
  expect(accountRun(runOnce('h3', scene)).some(({ blocked }) => blocked.own > 0)).toBe(true);
});

describe('on the ideal path (EXPERIMENTS §4)', () => {
  const scene = idealPath(page, delay);

  test('h3: completion of the streams that the lost packet did not carry moves by 0 µs', () => {
    const base = runOnce('h3', scene);
    const moved: string[] = [];
    for (const { lost, influences, carried } of eachLoss('h3', scene, base, firstOfPage(base)))
      for (const { exchange, completion } of influences)
        if (!carried.has(exchange) && completion !== 0)
          moved.push(`packet ${lost} lost: stream ${exchange} completes ${completion} µs later`);
    expect(moved).toEqual([]);
  });

  test.each(MODELS)('%s: every stream with an octet behind the hole moves by exactly the repair time, all others by 0 µs', (model) => {
    const base = runOnce(model, scene);
    let movedTogether = 0;
    for (const loss of eachLoss(model, scene, base, firstOfPage(base))) {
      if (loss.behind.size === 0) continue; // it carried nothing of the page
      const repair = repairTime(base, loss);
      const expected = loss.influences.map(({ exchange }) => [exchange, loss.behind.has(exchange) ? repair : 0]);
      expect(
        loss.influences.map(({ exchange, completion }) => [exchange, completion]),
        `packet ${loss.lost}`,
      ).toEqual(expected);
      // and what the ledger says of octets is what the application saw of its objects
      expect(loss.record.objects.map(({ completedAt }, i) => completedAt - base.objects[i]!.completedAt)).toEqual(
        expected.map(([, completion]) => completion),
      );
      movedTogether = Math.max(movedTogether, loss.behind.size);
    }
    expect(movedTogether).toBe(model === 'h3' ? 1 : page.objects.length);
  });

  test('the repair time is one round trip wherever three packets or more follow at once (RFC 9002 §6.1.1)', () => {
    const base = runOnce('h3', scene);
    for (const loss of eachLoss('h3', scene, base, firstOfPage(base)))
      if (loss.carried.size > 0 && loss.lost <= base.down.entered - 4)
        expect(repairTime(base, loss), `packet ${loss.lost}`).toBe(2 * delay);
  });
});

/** The first datagram with octets of the page. */
function firstOfPage(base: RunRecord): number {
  for (let n = 1; ; n++) if (piecesOf(base, n).length > 0) return n;
}
