import { describe, expect, test } from 'vitest';
import { LATER, NAMES, share } from './two-flows.ts';

// A few of the sixty seeds of test/tables/two-flows.test.ts, which keeps test/tables/two-flows.md.
describe('two flows over 10 Mbit/s, 30 ms and 25 packets', () => {
  test.each([1, 2, 3])("seed %i: Jain's index is at least 0.98, of CUBIC and of NewReno, together or 5 s apart", (seed) => {
    for (const later of LATER)
      for (const name of NAMES) {
        const { jain, goodput } = share(name, seed, later);
        expect(jain, `${name}, ${later} µs`).toBeGreaterThanOrEqual(0.98);
        expect(goodput, `${name}, ${later} µs`).toBeGreaterThan(9);
      }
  });
});
