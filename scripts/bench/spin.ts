import type { RunSpec } from '@quiclab/lab';

// What a worker does that has nothing to do with memory, files or anything else that workers could be in each other's way with: it counts.

/** @param seed  so many turns */
export default ({ key, variant, model, seed }: RunSpec): object => {
  let sum = 0;
  for (let i = 0; i < seed; i++) sum = (sum * 31 + i) | 0;
  return { key, variant, model, seed, figures: { repairs: sum } };
};
