import { type ModelName, runSpec } from '@quiclab/lab';
import { type State, totalOf } from '@quiclab/ledger';
import { describe, expect, test } from 'vitest';
import { sumStates } from './accounts.ts';
import { accountPlan, drawPlan } from './random-plans.ts';

/** Seeds that failed once. */
const FAILED_ONCE: readonly number[] = [];
const SEEDS = [...Array.from({ length: 24 }, (_, i) => i), ...FAILED_ONCE];

/** Whether a model has octets that wait for those of other exchanges. */
const MODELS: readonly (readonly [model: ModelName, waitsForOthers: boolean])[] = [
  ['h1-short:2', false],
  ['h1-persistent', false],
  ['h1-pipelined', true],
  ['h1-parallel', false],
  ['h1-sharded', false],
  ['h2', true],
  ['h3', false],
  ['h3-single', true],
  ['h3-0rtt', false],
];

describe.each(MODELS)('%s: what plans come to is explained to the microsecond (EXPERIMENTS §4)', (model, waitsForOthers) => {
  test('states sum to lives, chains to page loads, and blocked time is what arrivals say', () => {
    const met = new Map<State, number>();
    const blocked = { own: 0, other: 0 };
    for (const seed of SEEDS) {
      const { exchanges, failed } = accountPlan(model, seed);
      expect([seed, failed]).toEqual([seed, '']);
      sumStates(exchanges, met);
      for (const { blocked: own } of exchanges) {
        blocked.own += totalOf(own.sums) - own.other;
        blocked.other += own.intervals.some(({ blame }) => typeof blame === 'number') ? own.other : 0;
      }
    }
    // or there would be nothing to explain
    expect(blocked.own).toBeGreaterThan(0);
    expect(blocked.other > 0).toBe(waitsForOthers);
    expect((['transit', 'server', 'undetected'] as const).filter((state) => !met.has(state))).toEqual([]);
  });

  test("a plan's result has these figures", () => {
    for (const seed of SEEDS.slice(0, 4)) {
      const { plan, spec, exchanges } = accountPlan(model, seed);
      const { figures, states, gaps, failed } = runSpec(plan, spec);
      expect([seed, failed]).toEqual([seed, undefined]);
      const start = Math.min(...exchanges.map(({ issued }) => issued));
      expect(figures.pageLoad).toBe(Math.max(...exchanges.map(({ completed }) => completed)) - start);
      expect(totalOf(states!) + gaps!).toBe(figures.pageLoad);
      expect(figures.blockedOwn).toBe(exchanges.reduce((sum, { blocked }) => sum + blocked.own, 0));
    }
  });
});

test('plans differ in what they say, and all of it is said by some', () => {
  const texts = Array.from({ length: 200 }, (_, seed) => JSON.stringify(drawPlan('h3', seed).plan));
  expect(new Set(texts).size).toBe(200);
  const said = [
    ...['preset', 'both', 'up', 'down', 'nameLookup', 'profile', 'controller', 'scheduler', 'vary', 'files', 'generate', './page.json'],
    ...[
      'rate',
      'rate.trace',
      'delay',
      'queue',
      'codel',
      'jitter',
      'reorders',
      'loss',
      'reorder',
      'duplicate',
      'corrupt',
      'mtu',
      'ecn',
      'judged',
    ],
    ...[
      'overhead',
      'schedule',
      'bernoulli',
      'bursts',
      'gilbert-elliott',
      'gilbert-elliott-by-time',
      'list',
      'losses.csv',
      'blackout',
      'none',
    ],
  ];
  for (const word of said) expect([word, texts.some((text) => text.includes(word))]).toEqual([word, true]);
});
