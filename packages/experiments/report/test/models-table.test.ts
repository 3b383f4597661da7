import {
  modelsTable,
  type PlanFigures,
  type PlanJson,
  type PlanRun,
  precision,
  seedsFor,
  summarisePlan,
  variationOf,
} from '@quiclab/report';
import { describe, expect, test } from 'vitest';

const run = (model: string, seed: number, pageLoad: number, more: PlanFigures = {}): PlanRun => ({
  key: `${model} seed ${seed}`,
  variant: 0,
  model,
  seed,
  figures: {
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
    ...more,
  },
  states: { connecting: 100_000, 'stalled(window)': pageLoad - 100_000 },
  gaps: 0,
});

const result = (runs: readonly PlanRun[], more: Partial<PlanJson> = {}): PlanJson => {
  const json: Omit<PlanJson, 'summaries'> = {
    schema: 1,
    kind: 'plan',
    world: 'simulated',
    version: '0',
    question: 'Which?',
    plan: { plan: {}, files: {} },
    variables: [{ key: 'topology.down.loss', values: ['0.5%'] }],
    variants: [{ values: { 'topology.down.loss': '0.5%' }, workload: "page 'p', 3 objects, 30000 octets", path: 'delay 25ms' }],
    reference: { model: 'h3', values: {} },
    figures: ['pageLoad', 'medianCompletion'],
    runs,
    complete: true,
    ...more,
  };
  return { ...json, summaries: summarisePlan(json) };
};

const seeds = [1, 2, 3, 4, 5, 6];
const runs = seeds.flatMap((seed) => [run('h2', seed, 1_000_000 * seed + 300_000), run('h3', seed, 1_000_000 * seed)]);

describe('a summary of models', () => {
  const [h2, h3] = result(runs).summaries as [PlanJson['summaries'][number], PlanJson['summaries'][number]];

  test('pairs by seed: what differs by the same with every seed is known exactly, however much seeds differ', () => {
    expect(h3.differences).toBeNull();
    expect(h2.differences!.pageLoad).toEqual({ median: 300_000, interval: { low: 300_000, high: 300_000 } });
    const { low, high } = h2.estimates.pageLoad!.interval!;
    expect(high - low).toBeGreaterThan(1_000_000);
  });

  test('means of states sum to the mean page load', () => {
    expect(h2.states).toEqual({ connecting: 100_000, 'stalled(window)': 3_700_000 });
  });

  test('a row is the same whatever else is compared, and its intervals are those of the draws that are named', () => {
    const alone = runs.filter(({ model }) => model === 'h3');
    expect(result(alone).summaries).toEqual([h3]);
    expect(summarisePlan(result(alone), 'plan')).toEqual([h3]);
    const wild = Array.from({ length: 40 }, (_, seed) => run('h3', seed, 1_000_003 * (seed + 1) ** 2));
    expect(summarisePlan(result(wild), 'others')).not.toEqual(result(wild).summaries);
  });

  test('variation is that of the subject that varies most; four times the seeds halve an interval', () => {
    const of = (subject: string, value: number) => ({ subject, value });
    expect(variationOf([of('a', 100), of('a', 100), of('b', 90), of('b', 110)])).toBeCloseTo(Math.SQRT2 / 10, 12);
    expect(variationOf([of('a', 100)])).toBe(0);
    expect(precision(0.2, 400)).toBeCloseTo(precision(0.2, 100) / 2, 12);
    expect(precision(0.2, seedsFor(0.2, 0.05))).toBeLessThanOrEqual(0.05);
    expect(precision(0.2, seedsFor(0.2, 0.05) - 1)).toBeGreaterThan(0.05);
  });
});

describe('the table of models', () => {
  test('says what was compared, how sure it is, and how often it compared', () => {
    const table = modelsTable(result(runs));
    expect(table).toMatch(/^Which\?\nSimulated, in virtual time\.\nWorkload: page 'p', 3 objects, 30000 octets\.\nPath: delay 25ms\.\n\n/);
    expect(table).toContain('0.5% loss from the server. 6 seeds from 1: page load varies by 53%');
    expect(table).toMatch(/│ h2 +│ 3\.800 \[[\d.]+, [\d.]+\] │ 0\.300 \[0\.300, 0\.300\] │ 380 \[\d+, \d+\] │ +30 \[30, 30\] │/);
    expect(table).toContain('2 comparisons were made');
    expect(table).toMatch(/│ h3 .*│ 2\.00% │/);
    expect(modelsTable(result(runs), 'Another.')).toMatch(/^Another\.\n\npage load/);
  });

  test('leaves out what is not known: states over sockets, intervals of few seeds, runs that came to nothing', () => {
    const seen = runs.slice(0, 4).map(({ states: _states, gaps: _gaps, ...one }): PlanRun => {
      const { headerOctets: _octets, repairs: _repairs, ...figures } = one.figures;
      return { ...one, figures, lateness: { p50: 100, p99: 2_000 } };
    });
    const none: PlanRun = { key: 'h2 seed 3', variant: 0, model: 'h2', seed: 3, figures: {}, failed: 'it broke' };
    const table = modelsTable(result([...seen, none], { world: 'tunnel', complete: false }));
    expect(table).not.toContain('connecting │');
    expect(table).toMatch(/│ h2 +│ +1\.800 │ +0\.300 │ +180 │ +30 │ +1 │ +1 │ +│ +10 │ +100 │ 2\.00% │ +0 │ +│/);
    for (const text of [
      'runs came to nothing; medians are over the others. The first that did, h2 seed 3: it broke',
      'The relay was late by 0.1 ms',
      'Not all runs',
    ])
      expect(table).toContain(text);
  });
});
