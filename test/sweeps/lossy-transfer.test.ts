import { describe, expect, test } from 'vitest';
import { lossyTransfer } from '../worlds/lossy-transfer.ts';

const SEEDS = 1_000;
const FIRST = 1_000;
const PER_TEST = 100;

/** The same as in test/worlds, with other seeds. One that fails belongs into the list there. */
describe('a thousand seeds of 5% loss, reordering, duplication and corruption each way', () => {
  const firsts = Array.from({ length: SEEDS / PER_TEST }, (_, i) => FIRST + i * PER_TEST);
  test.each(firsts)('seeds from %i on: every byte once and in order, within credit, and nothing is left in flight', (first) => {
    const failures: string[] = [];
    for (let seed = first; seed < first + PER_TEST; seed++) {
      try {
        lossyTransfer(seed);
      } catch (error) {
        failures.push(String(error));
      }
    }
    expect(failures).toEqual([]);
  });
});
