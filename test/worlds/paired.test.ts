import { describe, expect, test } from 'vitest';
import { pair, STREAMS } from './paired.ts';

// The whole of it, a hundred seeds for each rate of loss, is in test/tables.
describe('the median page under parity, HTTP/3 beside HTTP/2, by the same seeds', () => {
  test.each([
    [0, 1],
    [0.005, 5],
    [0.02, 5],
  ])('loss %f, seeds to %i: the page is not later, and where packets are lost the median object is earlier', (loss, seeds) => {
    const { pageLoad, medianCompletion, mostStreams } = pair(loss, seeds);
    expect(pageLoad.difference.median).toBeLessThanOrEqual(0);
    if (loss > 0) expect(medianCompletion.difference.median).toBeLessThan(0);
    expect(mostStreams).toBeGreaterThanOrEqual(STREAMS);
  });
});
