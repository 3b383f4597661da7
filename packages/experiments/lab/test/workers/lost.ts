import type { RunSpec } from '../../src/index.ts';

// A worker that comes to grief with seed 3: under h2 it throws, under h3 it ends, under any other it wants more memory than there is.

const hog: unknown[] = [];

export default ({ key, variant, model, seed }: RunSpec): unknown => {
  if (seed === 3 && model === 'h2') throw new Error('no such luck');
  if (seed === 3 && model === 'h3') process.exit(7);
  if (seed === 3) for (;;) hog.push(new Array(1_000).fill(hog.length));
  return { key, variant, model, seed, figures: {} };
};
