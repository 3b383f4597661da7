import { expect, test } from 'vitest';
import { wildWorld } from '../../packages/transport/quic/test/wild-world.ts';

test.each(Array.from({ length: 10 }, (_, i) => 1_000 + 100 * i))(
  'streams, resets, stops and key updates by dice over a bad path: a hundred seeds from %i on',
  (first) => {
    for (let seed = first; seed < first + 100; seed++) expect(() => wildWorld(seed), `seed ${seed}`).not.toThrow();
  },
);
