import type { State } from '@quiclab/ledger';
import { describe, expect, test } from 'vitest';
import { accountPage, sumStates } from './accounts.ts';

/** Seeds that failed once. */
const FAILED_ONCE: readonly number[] = [];
const SEEDS = [...Array.from({ length: 100 }, (_, i) => i), ...FAILED_ONCE];
const PER_TEST = 10;

/** What the pages of a model come upon, all in all: or the states would be there in name only. */
const MET: readonly State[] = [
  'transit',
  'queued',
  'server',
  'undetected',
  'stalled(connection credit)',
  'stalled(stream credit)',
  'stalled(window)',
  'stalled(pacer)',
];

describe.each([
  ['h3', ['connecting']],
  ['h3-single', ['connecting', 'held(other)', 'held(fields)']],
  ['h3-0rtt', []],
] as const)('%s: states sum to lives, chains to page loads, and blocked time is what arrivals say (EXPERIMENTS §4)', (model, more) => {
  const met = new Map<State, number>();

  test.each(Array.from({ length: Math.ceil(SEEDS.length / PER_TEST) }, (_, i) => i))('ten pages, no. %i', (nth) => {
    for (const seed of SEEDS.slice(nth * PER_TEST, (nth + 1) * PER_TEST)) sumStates(accountPage(model, seed).exchanges, met);
  });

  test('every state that can be met was', () => {
    expect([...MET, ...more].filter((state) => !met.has(state))).toEqual([]);
  });
});
