import {
  bernoulli,
  bleach,
  burstCapped,
  burstLoss,
  CoDelQueue,
  corrupt,
  DropTailQueue,
  dropMarked,
  duplicate,
  FixedRate,
  gilbertElliott,
  gilbertElliottByTime,
  type ImpairmentMaker,
  listed,
  normalJitter,
  parseTrace,
  recorded,
  recordedDelay,
  remark,
  reorder,
  reorderEvery,
  TraceRate,
  uniformJitter,
  where,
} from '@quiclab/impair';
import { fatesOf, impairmentCases, packet, queueCases, rateCases } from '@quiclab/impair/contract';
import { seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';

const impairments: [string, () => ImpairmentMaker][] = [
  ['bernoulli', () => bernoulli(0.1)],
  ['gilbertElliott', () => gilbertElliott({ toBad: 0.05, toGood: 0.3, lossInGood: 0.01, lossInBad: 0.8 })],
  ['burstLoss', () => burstLoss(0.05, 4)],
  ['gilbertElliottByTime', () => gilbertElliottByTime({ meanGood: 20_000, meanBad: 3_000 })],
  ['burstCapped', () => burstCapped(bernoulli(0.7), 2)],
  ['listed', () => listed(3, 5)],
  ['where', () => where((p) => p.index % 7 === 0)],
  ['recorded', () => recorded([{ index: 4, dropped: '', delay: -3, copies: 2, flipBit: 9_000, ecn: 3 }])],
  ['uniformJitter', () => uniformJitter(500)],
  ['normalJitter', () => normalJitter(500)],
  ['recordedDelay', () => recordedDelay([{ at: 100, delay: 7 }])],
  ['reorder', () => reorder(0.2, 300)],
  ['reorderEvery', () => reorderEvery(7, 300)],
  ['duplicate', () => duplicate(0.2)],
  ['corrupt', () => corrupt(0.2)],
  ['bleach', () => bleach(0.5)],
  ['remark', () => remark([1, 2], 3, 0.5)],
  ['dropMarked', dropMarked],
];
describe.each(impairments)('%s keeps the contract', (_name, create) => {
  test.each(impairmentCases)('$name', ({ check }) => {
    expect(check(create)).toBe('');
  });
});

describe.each([
  ['drop-tail', () => new DropTailQueue()],
  ['drop-tail, 10 packets', () => new DropTailQueue(10)],
  ['drop-tail, 9,000 octets', () => new DropTailQueue(undefined, 9_000)],
  ['CoDel', () => new CoDelQueue()],
  ['CoDel that marks', () => new CoDelQueue({ ecn: true })],
] as const)('%s keeps the contract', (_name, create) => {
  test.each(queueCases)('$name', ({ check }) => {
    expect(check(create)).toBe('');
  });
});

describe.each([
  ['20 Mbit/s', () => new FixedRate(20e6)],
  ['7,777,777 bit/s', () => new FixedRate(7_777_777)],
  ['10 Gbit/s', () => new FixedRate(10e9)],
  ['a trace', () => new TraceRate([1, 1, 5, 9, 20])],
] as const)('%s keeps the contract', (_name, create) => {
  test.each(rateCases)('$name', ({ check }) => {
    expect(check(create)).toBe('');
  });
});

const flow = (count: number, gap = 500) => Array.from({ length: count }, (_, i) => packet(i + 1, 1_200, i * gap));
const lost = (make: ImpairmentMaker, count: number, gap = 500, seed = 3) =>
  fatesOf(make, flow(count, gap), seededRandom(seed)).map((fate) => fate.dropped !== '');
const share = (list: boolean[]) => list.filter(Boolean).length / list.length;
function bursts(list: boolean[]): number[] {
  const lengths: number[] = [];
  let run = 0;
  for (const gone of [...list, false]) {
    if (gone) run++;
    else if (run > 0) {
      lengths.push(run);
      run = 0;
    }
  }
  return lengths;
}
const mean = (list: number[]) => list.reduce((sum, x) => sum + x, 0) / list.length;

describe('losses', () => {
  test('Bernoulli: the share is what was asked for; 0 and 1 are exact', () => {
    expect(share(lost(bernoulli(0.02), 50_000))).toBeCloseTo(0.02, 2);
    expect(share(lost(bernoulli(0), 1_000))).toBe(0);
    expect(share(lost(bernoulli(1), 1_000))).toBe(1);
  });
  test('Gilbert-Elliott by packet: loss rate and mean burst are what was asked for', () => {
    const list = lost(burstLoss(0.05, 4), 100_000);
    expect(Math.abs(share(list) - 0.05)).toBeLessThan(0.006);
    expect(Math.abs(mean(bursts(list)) - 4)).toBeLessThan(0.3);
  });
  test('Gilbert-Elliott by packet: packets that never got to the judge take their steps', () => {
    const all = fatesOf(burstLoss(0.2, 5), flow(1_000));
    const half = fatesOf(
      burstLoss(0.2, 5),
      flow(1_000).filter((p) => p.index % 3 === 0),
    ); // prettier-ignore
    expect(half.map((f) => f.dropped)).toEqual(all.filter((_, i) => (i + 1) % 3 === 0).map((f) => f.dropped));
  });
  test('Gilbert-Elliott by time: two senders meet the same bad periods', () => {
    const make = gilbertElliottByTime({ meanGood: 90_000, meanBad: 10_000 });
    const dense = lost(make, 400_000, 50);
    const sparse = lost(make, 40_000, 500);
    expect(sparse).toEqual(dense.filter((_, i) => i % 10 === 0));
    expect(Math.abs(share(dense) - 0.1)).toBeLessThan(0.02);
    expect(Math.abs(mean(bursts(dense)) * 50 - 10_000)).toBeLessThan(1_500);
  });
  test('burst-capped: after n losses the next passes', () => {
    const list = lost(burstCapped(bernoulli(0.9), 3), 5_000);
    expect(Math.max(...bursts(list))).toBe(3);
    expect(lost(burstCapped(bernoulli(1), 2), 6)).toEqual([true, true, false, true, true, false]);
  });
  test('what makes no sense is refused by name', () => {
    expect(() => bernoulli(2)).toThrow('a loss probability of 2');
    expect(() => burstLoss(0.5, 0.5)).toThrow('a mean burst of 0.5');
    expect(() => burstLoss(0.9, 1)).toThrow('cannot make a loss rate of 0.9');
    expect(() => listed(0)).toThrow('counted from 1');
    expect(() => gilbertElliott({ toBad: 0.1, toGood: -1 })).toThrow('toGood of -1');
  });
});

describe('delays', () => {
  test('uniform jitter reaches both ends and has no preference', () => {
    const delays = fatesOf(uniformJitter(3), flow(7_000)).map((f) => f.delay);
    for (let d = -3; d <= 3; d++) expect(Math.abs(delays.filter((x) => x === d).length - 1_000)).toBeLessThan(150);
    expect(new Set(delays).size).toBe(7);
  });
  test('normal jitter: mean 0, and two thirds within one standard deviation', () => {
    const delays = fatesOf(normalJitter(10_000), flow(20_000)).map((f) => f.delay);
    expect(Math.abs(mean(delays))).toBeLessThan(300);
    expect(delays.filter((d) => Math.abs(d) < 10_000).length / 20_000).toBeCloseTo(0.6827, 1);
    expect(Math.sqrt(mean(delays.map((d) => d * d)))).toBeGreaterThan(9_800);
  });
  test('a recorded delay is a staircase', () => {
    const make = recordedDelay([
      { at: 1_000, delay: 5 },
      { at: 2_000, delay: 9 },
    ]);
    expect(fatesOf(make, flow(6)).map((f) => f.delay)).toEqual([0, 0, 5, 5, 9, 9]);
  });
});

describe("rates from records (Mahimahi's format)", () => {
  test('1,500 octets at each instant, shared by small packets, and the record starts over', () => {
    const rate = new TraceRate(parseTrace('2\n2\n5\n\n10\n'));
    expect(rate.departure(0, 1_500)).toBe(2_000);
    expect(rate.departure(2_000, 700)).toBe(2_000);
    expect(rate.departure(2_000, 700)).toBe(2_000);
    expect(rate.departure(2_000, 200)).toBe(5_000); // 100 octets of it fitted before
    expect(rate.departure(5_000, 3_000)).toBe(12_000);
    expect(rate.departure(12_000, 100)).toBe(12_000);
  });
  test('what nobody used is gone', () => {
    const rate = new TraceRate([2, 4]);
    expect(rate.departure(3_500, 1_500)).toBe(4_000);
    expect(rate.departure(1_000_000_500, 1_500)).toBe(1_000_002_000);
  });
  test('bad lines are named', () => {
    expect(() => parseTrace('1\nx\n')).toThrow("line 2: 'x'");
    expect(() => new TraceRate([3, 2])).toThrow('2 ms after 3 ms');
    expect(() => new TraceRate([0, 0])).toThrow('no instant above 0');
    expect(() => new TraceRate([])).toThrow('no instant above 0');
  });
});

describe('CoDel (RFC 8289 §5)', () => {
  /** One packet in and one out every 1,000 µs, with so many waiting: each waits that many milliseconds. */
  function codelDrops(waiting: number, duration: number, ecn = false) {
    const queue = new CoDelQueue({ ecn });
    const drops: number[] = [];
    const marks: number[] = [];
    let index = 0;
    for (let i = 0; i < waiting; i++) queue.push(0, { ...packet(++index, 1_200, 0), ecn: ecn ? 2 : 0 }, () => {});
    for (let now = 1_000 * waiting; now < duration; now += 1_000) {
      while (queue.packets < waiting)
        queue.push(now, { ...packet(++index, 1_200, now - 1_000 * (waiting - queue.packets - 1)), ecn: ecn ? 2 : 0 }, () => {});
      const out = queue.shift(now, () => drops.push(now));
      if (out?.ecn === 3) marks.push(now);
    }
    return { drops, marks };
  }
  test('below the target nothing is dropped', () => {
    expect(codelDrops(4, 2_000_000).drops).toEqual([]);
  });
  test('above it for an interval: the first is dropped, and then one every interval / √n', () => {
    const { drops } = codelDrops(50, 1_000_000);
    expect(drops[0]).toBe(150_000); // the first that left at 50 ms had waited too long
    const gaps = drops.slice(1, 6).map((at, i) => at - drops[i]!);
    expect(gaps).toEqual([100_000, 71_000, 58_000, 50_000, 45_000]); // 250, 320.7, 378.4, 428.4, 473.2 ms, met at whole milliseconds
  });
  test('packets that can be marked are marked instead', () => {
    const { drops, marks } = codelDrops(50, 1_000_000, true);
    expect(drops).toEqual([]);
    expect(marks[0]).toBe(150_000);
    expect(marks.length).toBeGreaterThan(10);
  });
});
