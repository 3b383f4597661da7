import { sequential } from '@quiclab/streams';
import { describe, expect, test } from 'vitest';
import { lateShare, packetsBetween, type Scene } from '../worlds/late-bytes.ts';

// With L packets between a lost packet's slot and its repair, an octet of a single ordered stream is late if one of the L packets before it
// was lost; on a stream of its own, if one of the ⌊L/N⌋ was that carry its stream. So the share of late octets is 1 − (1 − p)^L and
// 1 − (1 − p)^⌊L/N⌋. More than 200,000 packets for each line.

const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1);
const PACKETS = 20_000;

function share(scene: Scene, p: number): number {
  let late = 0;
  let all = 0;
  let sent = 0;
  for (const seed of SEEDS) {
    const run = lateShare(scene, p, seed);
    late += run.late;
    all += run.all;
    sent += run.sent;
  }
  expect(sent).toBeGreaterThanOrEqual(200_000);
  return late / all;
}

describe.each([
  { objects: 4, window: 50 },
  { objects: 10, window: 100 },
])('$objects streams in turn, $window packets in flight', ({ objects, window }) => {
  test.each(['h2', 'h3'] as const)('%s: the share of late octets is within a tenth of what L and p say', (model) => {
    const scene: Scene = { model, objects, window, packets: PACKETS };
    const between = packetsBetween({ ...scene, packets: 2_000 }, 1_000);
    expect(between).toBeGreaterThanOrEqual(window);
    for (const p of [0.001, 0.01]) {
      const length = model === 'h3' ? Math.floor(between / objects) : between;
      const ratio = share(scene, p) / (1 - (1 - p) ** length);
      expect(ratio, `p = ${p}, L = ${between}`).toBeGreaterThan(0.9);
      expect(ratio, `p = ${p}, L = ${between}`).toBeLessThan(1.1);
    }
  });

  test('one object after the other, streams of their own save next to nothing: the two agree within 2 points', () => {
    const scene = { objects, window, packets: PACKETS, scheduler: () => sequential() };
    for (const p of [0.001, 0.01]) {
      const [one, own] = (['h2', 'h3'] as const).map((model) => share({ ...scene, model }, p)) as [number, number];
      expect(Math.abs(one - own), `p = ${p}: ${one} and ${own}`).toBeLessThanOrEqual(0.02);
    }
  });
});
