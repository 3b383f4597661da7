import { describe, expect, test } from 'vitest';
import { accountPlan } from '../worlds/random-plans.ts';
import { failuresOf } from './seeds.ts';

const PLANS = 1_000;
const FIRST = 10_000;
const PER_TEST = 100;
const firsts = Array.from({ length: PLANS / PER_TEST }, (_, i) => FIRST + i * PER_TEST);
const MODELS = ['h1-short:2', 'h1-persistent', 'h1-pipelined', 'h1-parallel', 'h1-sharded', 'h2', 'h3', 'h3-single', 'h3-0rtt'] as const;
/** Plans whose page never comes, of a hundred: a path may be as bad as that. */
const MOST_FAILED = 2;

/** The same as in test/worlds, with other seeds. One that fails belongs into the list there. */
describe.each(MODELS)('a thousand plans, every microsecond explained: %s (EXPERIMENTS §4)', (model) => {
  test.each(firsts)('a hundred from seed %i on', (first) => {
    const without: string[] = []; // a page
    const failures = failuresOf(first, PER_TEST, (seed) => {
      const { failed } = accountPlan(model, seed);
      if (failed !== '') without.push(`${seed}: ${failed}`);
    });
    expect(failures).toEqual([]);
    expect(without.length, without.join('\n')).toBeLessThanOrEqual(MOST_FAILED);
  });
});
