import { readFileSync } from 'node:fs';
import type { ModelName } from '@quiclab/lab';
import { medianPage } from '@quiclab/workload';
import { describe, expect, test } from 'vitest';
import {
  allResults,
  COLUMNS,
  Figures,
  LOSSES,
  measure,
  medianText,
  modelsOf,
  PLANS,
  PROFILES,
  type Row,
  readRecord,
  TEXT,
} from '../tables/median-page.ts';

// What is stored of the median page under all models, and some of its runs again. `pnpm tables` runs all of them.

const record = readRecord();
const results = allResults(record);
const named = (row: Row): Record<string, number> => Object.fromEntries(COLUMNS.map((column, i) => [column, row[i]!]));

describe('the median page under all models', () => {
  test.each(PROFILES)('%s profile: page, path and ends are what the text says of them', (name) => {
    const { variants, reference } = PLANS[name];
    const link = { delay: 25_000, rate: 10e6, queue: { packets: 64 } };
    expect(variants.map(({ setup }) => setup)).toMatchObject(
      LOSSES.map((loss) => ({
        load: { kind: 'page', page: medianPage, profile: { name }, nameLookup: 0 },
        links: { up: { ...link, loss: [] }, down: { ...link, loss: loss > 0 ? [expect.any(Function)] : [] } },
      })),
    );
    expect(variants.map(({ values }) => values['topology.down.loss'])).toEqual(LOSSES.map((loss) => `${100 * loss}%`));
    expect(reference.model).toBe('h3');
  });

  test('the text is that of the figures', () => expect(medianText(results)).toBe(readFileSync(TEXT, 'utf8')));

  test.each(PROFILES)('%s profile: connections, handshakes and blame are as the models have it', (profile) => {
    const connections = { short: 73, parallel: 6, sharded: 12 };
    const { summaries, runs } = results[profile];
    for (const { subject, medians } of summaries) {
      const kind = /short|parallel|sharded/.exec(subject)?.[0] as keyof typeof connections | undefined;
      const count = kind === undefined ? 1 : connections[kind];
      expect([subject, medians.connections, medians.handshakes]).toEqual([subject, count, count]);
    }
    for (const { model, seed, gaps, states, figures } of runs) {
      expect(Object.values(states!).reduce((sum, time) => sum + time, gaps!)).toBe(figures.pageLoad);
      if (model === 'h3' || model === 'h3-0rtt') expect([seed, figures.blockedOther! + figures.blockedConnection!]).toEqual([seed, 0]);
    }
  });

  test('what the text says of the figures', () => {
    const [usual, parity] = [new Figures(results.default), new Figures(results.parity)];
    const load = (loss: number, model: ModelName): number => usual.load(loss, model);
    for (const loss of LOSSES.slice(2)) expect(load(loss, 'h1-parallel')).toBeLessThan(load(loss, 'h2')); // windows decide
    for (const loss of LOSSES.slice(2)) expect(load(loss, 'h2')).toBeLessThan(load(loss, 'h3')); // as packets are large
    expect(load(0.02, 'h1-short:4')).toBeLessThan(load(0.02, 'h2'));
    for (const loss of LOSSES)
      for (const model of ['h2', 'h3-single'])
        expect([loss, parity.of(loss, model).differences!.pageLoad!.median > 0]).toEqual([loss, true]);
  });

  test.each(PROFILES.flatMap((profile) => modelsOf(profile).map((model, i) => [profile, model, LOSSES[i % LOSSES.length]!] as const)))(
    '%s profile, %s at a loss of %d: a run is as it is stored',
    (profile, model, loss) => {
      const { rows } = record.rounds.find((round) => round.profile === profile && round.loss === loss)!;
      const seed = 1 + (model.length % 5);
      expect(named(measure(profile, loss, model, seed))).toEqual(named(rows[model]![seed - 1]!));
    },
  );
});
