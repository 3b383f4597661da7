import { newReno } from '@quiclab/congestion';
import { fraction, integerBelow, type Micros, NEVER, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import type { Space } from '../src/index.ts';
import { PlainSpace } from './plain-recovery.ts';
import { numbers, Scene } from './scene.ts';

/** Random ranges, descending and disjoint, at or below `largestSent` and mostly near it. */
function randomRanges(random: ReturnType<typeof seededRandom>, largestSent: number): [number, number][] {
  const ranges: [number, number][] = [];
  let at = largestSent - integerBelow(random, 6);
  while (at >= 0 && ranges.length < 8) {
    const from = Math.max(0, at - integerBelow(random, fraction(random) < 0.1 ? 60 : 4));
    ranges.push([from, at]);
    at = from - 2 - integerBelow(random, 4);
  }
  return ranges;
}

describe.each([1, 2, 3, 4])('100,000 random steps in three spaces, seed %i', (seed) => {
  test('agree with Appendix A as it is printed; bytes in flight are the sum of what is outstanding', () => {
    const random = seededRandom(seed);
    const scene = Scene.confirmed({ side: 'server', controller: newReno({ maxDatagramSize: 1200 }) });
    const { recovery } = scene;
    const plain = [new PlainSpace(), new PlainSpace(), new PlainSpace()];
    let now: Micros = 1_000_000;
    const steps = 25_000;
    const seen = { acked: 0, lost: 0, late: 0, probes: 0, losses: 0 };
    for (let step = 0; step < steps; step++) {
      now += integerBelow(random, 3_000);
      const space = (fraction(random) < 0.9 ? 2 : integerBelow(random, 2)) as Space;
      const twin = plain[space]!;
      const what = fraction(random);
      if (what < 0.6) {
        const kind = fraction(random);
        const packet = { space, bytes: 40 + integerBelow(random, 1_400), ackEliciting: kind < 0.7, inFlight: kind < 0.8 };
        const packetNumber = scene.send(now, packet);
        twin.onPacketSent({ ...packet, packetNumber, sentAt: now });
      } else if (what < 0.95 || recovery.deadline > now + 500_000) {
        const ranges = randomRanges(random, recovery.sentPackets(space).largestSent);
        if (ranges.length === 0) continue;
        expect(scene.ack(now, ranges, { space, delay: integerBelow(random, 30_000) })).toBe(true);
        const acked = twin.detectAndRemoveAcked(ranges);
        // packets with nothing but an ACK that an ACK has passed over are forgotten, so only what was in flight must agree
        const flying = recovery.acked.filter((record) => record.inFlight);
        expect(numbers(flying)).toEqual(acked.filter((n) => flying.some((record) => record.packetNumber === n)));
        for (const record of recovery.acked) expect(acked).toContain(record.packetNumber);
        for (const record of recovery.lateAcked) expect(twin.lost.delete(record.packetNumber)).toBe(true);
        const lost = recovery.acked.length > 0 ? twin.detectAndRemoveLost(now, recovery.rtt.smoothed, recovery.rtt.latest) : [];
        expect(numbers(recovery.lost)).toEqual(lost);
        seen.acked += acked.length;
        seen.lost += lost.length;
        seen.late += recovery.lateAcked.length;
      } else if (recovery.deadline < NEVER) {
        now = Math.max(now, recovery.deadline);
        const due = [0, 1, 2].filter((n) => plain[n]!.lossTime <= now);
        const outcome = recovery.onDeadline(now);
        if (outcome === 'loss') {
          const lost = due.flatMap((n) => plain[n]!.detectAndRemoveLost(now, recovery.rtt.smoothed, recovery.rtt.latest));
          expect(numbers(recovery.lost)).toEqual(lost);
          seen.losses += lost.length > 0 ? 1 : 0; // none where an ACK in another space has raised the RTT meanwhile
        } else {
          expect(outcome).toBe('probe');
          expect(due).toEqual([]);
          seen.probes++;
        }
        expect(recovery.deadline).toBeGreaterThan(now); // a timer that fires makes progress
      }
      const sum = plain.reduce((bytes, twin) => bytes + twin.bytesInFlight, 0);
      expect(recovery.bytesInFlight).toBe(sum);
    }
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(10);
  });
});
