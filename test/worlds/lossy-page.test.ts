import { describe, test } from 'vitest';
import { lossyPage } from './lossy-page.ts';

/** Seeds that failed once, and what they found: none so far. */
const FAILED_ONCE: readonly number[] = [];
const ORDINARY = Array.from({ length: 15 }, (_, i) => i);

describe.each(['h3', 'h3-single'] as const)('pages over paths that lose, corrupt, repeat and reorder: %s (EXPERIMENTS §4)', (model) => {
  test.each([...ORDINARY, ...FAILED_ONCE])(
    'seed %i: every object as it was served, blocked within its lifetime, under h3 never by another stream',
    (seed) => lossyPage(model, seed),
  );
});
