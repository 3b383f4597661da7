import { expect, test } from 'vitest';
import { MODELS, undoneAndRedone } from '../worlds/what-if.ts';

const RUNS = 200;
const FIRST = 20_000;

/** The same as in test/worlds, with other seeds. One that fails belongs into the list there. */
test(`${RUNS} lossy pages undone and redone are the same to the byte (EXPERIMENTS §4)`, () => {
  const failures: string[] = [];
  let drops = 0;
  for (let i = 0; i < RUNS; i++)
    try {
      drops += undoneAndRedone(MODELS[i % MODELS.length]!, FIRST + i);
    } catch (error) {
      failures.push(String(error));
    }
  expect(failures).toEqual([]);
  expect(drops).toBeGreaterThan(RUNS);
});
