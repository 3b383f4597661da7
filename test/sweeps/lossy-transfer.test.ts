import { describe, expect, test } from 'vitest';
import { type Adversity, HARSH, lossyTransfer, USUAL } from '../worlds/lossy-transfer.ts';
import { failuresOf } from './seeds.ts';

const SEEDS = 1_000;
const FIRST = 1_000;
const PER_TEST = 100;

const firsts = Array.from({ length: SEEDS / PER_TEST }, (_, i) => FIRST + i * PER_TEST);

const failures = (first: number, adversity: Adversity): string[] => failuresOf(first, PER_TEST, (seed) => lossyTransfer(seed, adversity));

// The same as in test/worlds, with other seeds. One that fails belongs into the lists there.

describe('a thousand seeds of 5% loss, reordering, duplication and corruption each way', () => {
  test.each(firsts)('a hundred from %i on: every byte once and in order, within credit, and nothing is left in flight', (first) => {
    expect(failures(first, USUAL)).toEqual([]);
  });
});

describe('a thousand seeds of 20% loss and reordering, 10% duplication and corruption each way', () => {
  test.each(firsts)('a hundred from %i on: the same holds', (first) => {
    expect(failures(first, HARSH)).toEqual([]);
  });
});
