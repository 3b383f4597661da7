import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { averageWindow, POINTS, row } from './response-function.ts';

// The rows with many losses; the others take minutes, and are in test/sweeps.
const stored = readFileSync(new URL('../tables/response-function.md', import.meta.url), 'utf8').split('\n');

describe('the response function (RFC 9438 §5.2)', () => {
  test.each(POINTS.filter(({ every }) => every <= 1_000))(
    '$name at $rtt µs, one drop in $every: $expected datagrams, within 15%',
    (point) => {
      const window = averageWindow(point);
      expect(Math.abs(window / point.expected - 1)).toBeLessThan(0.15);
      expect(stored).toContain(row(point, window));
    },
  );
});
