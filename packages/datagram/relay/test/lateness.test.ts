import { expect, test } from 'vitest';
import { Lateness } from '../src/lateness.ts';

test('quantiles are the values that so many did not exceed', () => {
  const lateness = new Lateness();
  for (let late = 1; late <= 100; late++) lateness.add(late);
  expect([lateness.quantile(0.5), lateness.quantile(0.99), lateness.quantile(1), lateness.max]).toEqual([50, 99, 100, 100]);
});

test('without a sample they are 0, and above 10 ms the largest stands for all', () => {
  const lateness = new Lateness();
  expect(lateness.quantile(0.5)).toBe(0);
  for (const late of [3, 12_000, 50_000]) lateness.add(late);
  expect([lateness.quantile(0.3), lateness.quantile(0.6), lateness.max]).toEqual([3, 50_000, 50_000]);
});
