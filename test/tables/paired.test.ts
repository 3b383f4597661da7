import type { Micros } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { LOSSES, type PairedFigure, pair, STREAMS } from '../worlds/paired.ts';

const SEEDS = 100;

const milliseconds = (time: Micros): string => (time / 1_000).toFixed(1);
const percent = (share: number): string => `${(100 * share).toFixed(0)}%`;

describe('the median page under parity, HTTP/3 less HTTP/2, a hundred pairs for each rate of loss', () => {
  const titles = ['loss', 'h2, ms', 'h3, ms', 'h3 − h2, ms', '95%', 'h3 is faster in'];
  const head = `| ${titles.join(' | ')} |\n|${' --- |'.repeat(titles.length)}`;
  const rows: { readonly pageLoad: string[]; readonly medianCompletion: string[]; readonly streams: string[] } = {
    pageLoad: [],
    medianCompletion: [],
    streams: [],
  };
  const row = (loss: number, { old, new: now, difference: { median, low, high }, faster }: PairedFigure): string =>
    `| ${100 * loss}% | ${milliseconds(old)} | ${milliseconds(now)} | ${milliseconds(median)} | ${milliseconds(low)} to ${milliseconds(high)} | ${percent(faster)} |`;

  test.each(LOSSES)('loss %f: the page is not later, and from 0.005 on the median object is earlier', (loss) => {
    const { pageLoad, medianCompletion, mostStreams, shareOfTime } = pair(loss, SEEDS);
    rows.pageLoad.push(row(loss, pageLoad));
    rows.medianCompletion.push(row(loss, medianCompletion));
    rows.streams.push(`| ${100 * loss}% | ${mostStreams} | ${percent(shareOfTime)} |`);
    expect(pageLoad.difference.median).toBeLessThanOrEqual(0);
    if (loss >= 0.005) expect(medianCompletion.difference.median).toBeLessThan(0);
    expect(mostStreams).toBeGreaterThanOrEqual(STREAMS);
  });

  test('the table is as it is stored', async () => {
    const text = [
      '# The median page under parity, HTTP/3 beside HTTP/2',
      '',
      `${SEEDS} seeds for each rate of loss, both models with each. 10 Mbit/s, 25 ms one way, 64 packets, both ways; Bernoulli loss of what the`,
      'server sends. The parity profile: what differs is the order in which octets are handed on, and the handshake, one round trip (50 ms).',
      'Medians over the seeds; the median of the differences by seed, with the middle 95% of its bootstrap. Simulated. Written by',
      'test/tables/paired.test.ts.',
      '',
      '## Page load',
      '',
      head,
      ...rows.pageLoad,
      '',
      '## Median completion of the objects',
      '',
      head,
      ...rows.medianCompletion,
      '',
      `## Streams under way at the same time, in the run of all that has fewest`,
      '',
      `| loss | the most | ${STREAMS} or more during |`,
      '| --- | --- | --- |',
      ...rows.streams,
      '',
    ].join('\n');
    await expect(text).toMatchFileSnapshot('paired.md');
  });
});
