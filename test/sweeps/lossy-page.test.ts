import { describe, expect, test } from 'vitest';
import { lossyPage } from '../worlds/lossy-page.ts';
import { failuresOf } from './seeds.ts';

const SEEDS = 500;
const FIRST = 1_000;
const PER_TEST = 100;
const firsts = Array.from({ length: SEEDS / PER_TEST }, (_, i) => FIRST + i * PER_TEST);

/** The same as in test/worlds, with other seeds. One that fails belongs into the list there. */
describe.each(['h3', 'h3-single'] as const)('five hundred pages over paths that lose, corrupt, repeat and reorder: %s', (model) => {
  test.each(firsts)('a hundred from seed %i on', (first) => {
    expect(failuresOf(first, PER_TEST, (seed) => lossyPage(model, seed))).toEqual([]);
  });
});
