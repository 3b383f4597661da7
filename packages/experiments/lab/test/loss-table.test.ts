import { readFileSync } from 'node:fs';
import { SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { LOSS_CELLS, LOSS_TABLE, type LossCell, lossRow, lossTable, readRow, runLossCell, SEEDS } from '../src/flows/loss-table.ts';

// The table itself is compared to the octet by test/tables/loss-table.test.ts; here, what it says is held against theory, and against some runs.

const stored = readFileSync(LOSS_TABLE, 'utf8');
const cell = (mbit: number, ms: number, loss: string, controller: string): LossCell =>
  LOSS_CELLS.find((one) => one.rate === mbit * 1e6 && one.rtt === ms * 1_000 && one.loss === loss && one.controller === controller)!;

describe('the stored table of completions under loss', () => {
  test('has a row for each combination, and says how they were made', () => {
    expect(LOSS_CELLS).toHaveLength(2 * 3 * 5 * 2);
    expect(lossTable((each) => readRow(stored, each).row)).toBe(stored);
  });

  test.each([
    { one: cell(10, 10, 'none', 'newReno'), seed: 1 },
    { one: cell(100, 10, '1%', 'cubic'), seed: 2 },
    { one: cell(100, 10, '3%', 'newReno'), seed: 3 },
  ])('still holds what is seen: $one.name, seed $seed', ({ one, seed }) => {
    const { fastest, slowest } = readRow(stored, one);
    const { completion } = runLossCell(one, seed);
    expect(completion).toBeGreaterThan(0.95 * fastest);
    expect(completion).toBeLessThan(1.05 * slowest);
  });

  test('without loss the link is the limit: 10 Mbit/s are used to 93% and more where slow start is short', () => {
    const bits = (8 * 10_000_000 * 1_228) / 1_168; // with headers and tags
    for (const controller of ['cubic', 'newReno'])
      for (const ms of [10, 50]) expect(readRow(stored, cell(10, ms, 'none', controller)).median / SECOND).toBeLessThan(bits / 10e6 + 0.3);
  });

  test('NewReno under random loss has the rate of Mathis et al. (1997), less what recovery costs', () => {
    for (const ms of [10, 50, 200])
      for (const percent of [1, 3]) {
        const window = Math.sqrt(3 / (2 * (percent / 100))) * 1_168; // octets in flight on average, one drop every 1/p packets
        const predicted = (10_000_000 / window) * (ms / 1_000);
        const seen = readRow(stored, cell(100, ms, `${percent}%`, 'newReno')).median / SECOND;
        expect(seen / predicted, `${ms} ms, ${percent}%`).toBeGreaterThan(1);
        expect(seen / predicted, `${ms} ms, ${percent}%`).toBeLessThan(1.35);
      }
  });

  test('CUBIC is nowhere slower than NewReno but by chance: beyond 2%, nor at all where its window grows faster than one datagram a round trip', () => {
    for (const { rate, rtt, loss, controller } of LOSS_CELLS) {
      if (controller !== 'cubic' || loss === 'bursts') continue;
      const [cubic, newReno] = ['cubic', 'newReno'].map((name) => readRow(stored, cell(rate / 1e6, rtt / 1_000, loss, name)).median);
      expect(cubic! / newReno!, `${rate} ${rtt} ${loss}`).toBeLessThan(loss === '0.1%' && rtt > 10_000 ? 1 : 1.02);
    }
  });
});

test('a row has medians, an interval, and means of the counts', () => {
  const run = (completion: number) => ({
    completion,
    unfinished: completion > 8e6 ? 1 : 0,
    repairs: 3,
    inVain: 1,
    probes: 0,
    collapses: 0,
    injectedDrops: 2,
    queueDrops: completion / 1e6,
  });
  const row = lossRow(
    cell(100, 50, '1%', 'cubic'),
    [7, 1, 2, 3, 9].map((seconds) => run(1e6 * seconds)),
  );
  expect(row.replace(/ +/g, ' ')).toMatch(
    /^ 100 Mbit\/s 50 ms 1% cubic 3\.000 1\.000 – 9\.000 1\.000 – 9\.000 26\.7% 1 2\.0 4\.4 3\.0 1\.0 0\.0 0\.0$/,
  );
  expect(SEEDS).toBe(30);
});
