import { expect, test } from 'vitest';
import { wildWorld } from './wild-world.ts';

// test/sweeps runs a thousand more
const SEEDS = Array.from({ length: 30 }, (_, seed) => seed);

test.each(SEEDS)('streams come and go as they like over a path that loses, repeats, reorders and corrupts: seed %i', (seed) => {
  const { streams, octets, datagrams } = wildWorld(seed);
  expect(streams).toBeGreaterThan(20);
  expect(octets).toBeGreaterThan(15_000);
  expect(datagrams).toBeGreaterThan(100);
});
