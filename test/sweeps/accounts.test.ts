import { describe, expect, test } from 'vitest';
import { accountPage } from '../worlds/accounts.ts';
import { failuresOf } from './seeds.ts';

const PAGES = 1_000;
const FIRST = 10_000;
const PER_TEST = 100;
const firsts = Array.from({ length: PAGES / PER_TEST }, (_, i) => FIRST + i * PER_TEST);
const MODELS = ['h1-short:2', 'h1-persistent', 'h1-pipelined', 'h1-parallel', 'h1-sharded', 'h2', 'h3', 'h3-single', 'h3-0rtt'] as const;

/** The same as in test/worlds, with other seeds. One that fails belongs into the list there. */
describe.each(MODELS)('a thousand pages, every microsecond explained: %s (EXPERIMENTS §4)', (model) => {
  test.each(firsts)('a hundred from seed %i on', (first) => {
    expect(failuresOf(first, PER_TEST, (seed) => accountPage(model, seed))).toEqual([]);
  });
});
