import { describe, expect, test } from 'vitest';
import { averageWindow, HEAD, POINTS, row } from '../worlds/response-function.ts';

describe('the response function (RFC 9438 §5.2), 200 to 4,000,000 packets a point', () => {
  const rows: string[] = [];
  test.each(POINTS)('$name at $rtt µs, one drop in $every: $expected datagrams, within 15%', (point) => {
    const window = averageWindow(point);
    rows.push(row(point, window));
    expect(Math.abs(window / point.expected - 1)).toBeLessThan(0.15);
  });

  test('the table is as it is stored', async () => {
    expect(rows.length).toBe(POINTS.length);
    await expect(`${[...HEAD, ...rows].join('\n')}\n`).toMatchFileSnapshot('response-function.md');
  });
});
