import { describe, expect, test } from 'vitest';
import { averageWindow, POINTS } from './response-function.ts';

// The rows with many losses; all of them are in test/tables/response-function.test.ts, which keeps test/tables/response-function.md.
describe('the response function (RFC 9438 §5.2)', () => {
  test.each(POINTS.filter(({ every }) => every <= 1_000))(
    '$name at $rtt µs, one drop in $every: $expected datagrams, within 15%',
    (point) => {
      expect(Math.abs(averageWindow(point) / point.expected - 1)).toBeLessThan(0.15);
    },
  );
});
