import { type ModelRun, type ModelsJson, modelsTable, precision, seedsFor, summarise, variationOf } from '@quiclab/report';
import { describe, expect, test } from 'vitest';

const run = (model: string, seed: number, pageLoad: number, more: Partial<ModelRun> = {}): ModelRun => ({
  model,
  seed,
  pageLoad,
  medianCompletion: pageLoad / 10,
  blockedOwn: 0,
  blockedOther: 0,
  blockedConnection: 0,
  blockedByteTime: 0,
  connections: 1,
  handshakes: 1,
  headerOctets: 4_000,
  repairs: 0,
  packetsUp: 10,
  packetsDown: 100,
  lost: 2,
  queueDropped: 0,
  states: { connecting: 100_000, 'stalled(window)': pageLoad - 100_000 },
  gaps: 0,
  ...more,
});

const runs = [1, 2, 3, 4, 5, 6].flatMap((seed) => [run('h2', seed, 1_000_000 * seed + 300_000), run('h3', seed, 1_000_000 * seed)]);

describe('a summary of models', () => {
  const [h2, h3] = summarise(runs, 'h3') as [ReturnType<typeof summarise>[0], ReturnType<typeof summarise>[0]];

  test('pairs by seed: what differs by the same with every seed is known exactly, however much seeds differ', () => {
    expect(h3.difference).toBeNull();
    expect(h2.difference!.pageLoad).toEqual({ median: 300_000, low: 300_000, high: 300_000 });
    expect(h2.pageLoad.high - h2.pageLoad.low).toBeGreaterThan(1_000_000);
  });

  test('means of states sum to the mean page load', () => {
    expect(h2.states).toEqual({ connecting: 100_000, 'stalled(window)': 3_700_000 });
  });

  test('a row is the same whatever else is compared', () => {
    expect(
      summarise(
        runs.filter(({ model }) => model === 'h3'),
        'h3',
      ),
    ).toEqual([h3]);
  });

  test('variation is that of the model that varies most; four times the seeds halve an interval', () => {
    expect(variationOf([run('a', 1, 100), run('a', 2, 100), run('b', 1, 90), run('b', 2, 110)])).toBeCloseTo(Math.SQRT2 / 10, 12);
    expect(variationOf([run('a', 1, 100)])).toBe(0);
    expect(precision(0.2, 400)).toBeCloseTo(precision(0.2, 100) / 2, 12);
    expect(precision(0.2, seedsFor(0.2, 0.05))).toBeLessThanOrEqual(0.05);
    expect(precision(0.2, seedsFor(0.2, 0.05) - 1)).toBeGreaterThan(0.05);
  });
});

test('the table says what was compared, how sure it is, and how often it compared', () => {
  const result: ModelsJson = {
    schema: 1,
    kind: 'models',
    world: 'simulated',
    version: '0',
    arguments: [],
    page: { name: 'p', objects: 3, octets: 30_000 },
    path: { rtt: 50_000, rate: 10e6, queue: 64 },
    profile: 'parity',
    reference: 'h3',
    rounds: [{ loss: 0.005, firstSeed: 1, seeds: 6, variation: variationOf(runs), runs, models: summarise(runs, 'h3') }],
  };
  const table = modelsTable(result);
  expect(table).toContain("page 'p' (3 objects, 30 kB), 50.0 ms round trip, 10 Mbit/s, queue of 64 packets, profile 'parity'.");
  expect(table).toContain('0.5% loss from the server. 6 seeds from 1: page load varies by 53%');
  expect(table).toMatch(/│ h2 +│ 3\.800 \[[\d.]+, [\d.]+\] │ 0\.300 \[0\.300, 0\.300\] │ 380 \[\d+, \d+\] │ +30 \[30, 30\] │/);
  expect(table).toContain('2 comparisons were made');
  expect(table).toMatch(/│ h3 .*│ 2\.00% │/);
});
