import type { ModelId, RunRecord } from '@quiclab/lab';
import { MILLISECOND } from '@quiclab/sansio';
import { definePage, type Page } from '@quiclab/workload';
import { describe, expect, test } from 'vitest';
import {
  arrivalOf,
  arrivalsOf,
  blockedByteTime,
  constantWindow,
  equalObjects,
  framesOf,
  idealPath,
  payloads,
  piecesOf,
  runOnce,
  type Scene,
} from './one-loss.ts';

// How much of the waiting independent streams save, where it can be worked out by hand: N equal streams, one stream per packet,
// in turn, equal packets, one of them lost. EXPERIMENTS §4.

const DATAGRAM = 1_200;
const HEADERS = 28;

describe('on a saturated link, with the repair in the Lth slot after the hole (EXPERIMENTS §4)', () => {
  const SLOT = MILLISECOND; // what a datagram takes on the link
  const L = 100;
  const HOLE = 200; // so far in that offsets are of equal length, with 140 packets behind it
  const delay = 10 * MILLISECOND;
  const rate = ((DATAGRAM + HEADERS) * 8 * 1_000_000) / SLOT;

  // The window is so many packets; the repair leaves when the third packet behind the hole is acknowledged, behind all of them.
  const scene = (n: number): Scene => ({
    page: equalObjects(n, 400_000 / n),
    down: { delay, rate },
    ends: constantWindow((L - 1) * DATAGRAM),
  });

  /** Loses the packet; checks that packets are equal, that their arrivals are evenly spaced, and that the repair comes in the Lth slot. */
  function lose(model: ModelId, n: number): number {
    const record = runOnce(model, scene(n), HOLE);
    const [piece] = piecesOf(record, HOLE);
    const hole = record.down.drops[0]!.at + delay;
    const repair = arrivalOf(record, piece!);
    const between: number[] = [];
    for (const [at] of arrivalsOf(record)) if (at > hole && at < repair) between.push(at);
    expect(between).toEqual(Array.from({ length: L - 1 }, (_, i) => hole + (i + 1) * SLOT)); // data until then
    expect(repair - hole).toBe(L * SLOT);
    expect(new Set(payloads(record, HOLE, HOLE + L - 1))).toEqual(new Set([piece!.length]));
    return blockedByteTime(record) / (piece!.length * SLOT); // in packets × slots
  }

  test.each([2, 4, 5, 10])('%i streams: h3 has (L − N) / (N (L − 1)) of the blocked byte-time of h3-single', (n) => {
    const h3 = lose('h3', n);
    const single = lose('h3-single', n);
    expect(h3).toBe((L * (L - n)) / (2 * n));
    expect(single).toBe((L * (L - 1)) / 2);
    expect(h3 / single).toBeCloseTo((L - n) / (n * (L - 1)), 12);
    if (n === 4) expect(Math.abs(h3 / single - 0.2424)).toBeLessThan(0.002);
  });
});

describe('on the ideal path, with L packets behind the hole (EXPERIMENTS §4)', () => {
  const N = 4;
  const delay = 20 * MILLISECOND;
  const scenes = new Map((['h3', 'h3-single'] as const).map((model) => [model, idealPath(wholePackets(model), delay)]));
  const bases = new Map([...scenes].map(([model, scene]) => [model, runOnce(model, scene)]));

  function lose(model: 'h3' | 'h3-single', l: number): number {
    const base = bases.get(model)!;
    const hole = base.down.entered - l;
    const record = runOnce(model, scenes.get(model)!, hole);
    const sizes = new Set(payloads(base, hole, base.down.entered));
    expect(sizes.size, 'packets are equal').toBe(1);
    return blockedByteTime(record) / ([...sizes][0]! * 2 * delay); // in packets × round trips
  }

  test.each([4, 7, 12, 30, 41])('%i packets behind: h3 has ⌊L / N⌋ / L of the blocked byte-time of h3-single', (l) => {
    expect(lose('h3', l)).toBe(Math.floor(l / N));
    expect(lose('h3-single', l)).toBe(l);
  });

  /** Four objects of (almost) equal size: each carrier ends with a full packet, since the formula counts equal ones. */
  function wholePackets(model: ModelId): Page {
    let page = equalObjects(N, 32_000);
    for (let tries = 0; tries < 10; tries++) {
      const record = runOnce(model, idealPath(page, delay));
      const surplus = lastPackets(record);
      if ([...surplus.values()].every((octets) => octets === 0)) return page;
      page = definePage({
        name: page.name,
        objects: page.objects.map(({ path, size }, i) => ({ path, size: size - (surplus.get(record.objects[i]!.exchange) ?? 0) })),
      });
    }
    throw new Error('no sizes found that fill the last packets');
  }

  /** What each carrier has too much to end with a full packet (below 0: too little), by the exchange that it ends with. */
  function lastPackets(record: RunRecord): Map<number, number> {
    const full = Math.max(...payloads(record, record.down.entered - 20, record.down.entered));
    const last = new Map<number, number>();
    const ends = new Map<number, number>();
    for (const { carrier, exchange } of framesOf(record)) ends.set(carrier, exchange);
    for (let n = record.down.entered - 20; n <= record.down.entered; n++)
      for (const { carrier, length } of piecesOf(record, n)) last.set(ends.get(carrier)!, 2 * length > full ? length - full : length);
    return last;
  }
});
