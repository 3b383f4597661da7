import { readFileSync } from 'node:fs';
import { loadPlan } from '@quiclab/lab';
import { describe, expect, test } from 'vitest';
import {
  allRounds,
  COLUMNS,
  LOSSES,
  measure,
  medianText,
  PLAN,
  PLANS,
  PROFILES,
  type Row,
  readRecord,
  TEXT,
} from '../tables/median-page.ts';

// What is stored of the median page under all models, and some of its runs again. `pnpm tables` runs all of them.

const record = readRecord();
const rounds = allRounds(record);
const named = (row: Row): Record<string, number> => Object.fromEntries(COLUMNS.map((column, i) => [column, row[i]!]));

describe('the median page under all models', () => {
  test('the plan is the one that is a file', async () => {
    const { variants, reference } = await loadPlan(PLAN);
    const { page, models, profile, nameLookup, delay, rate, queue } = PLANS.default;
    expect(variants.map(({ setup }) => setup)).toMatchObject(
      LOSSES.map((loss) => ({
        load: { kind: 'page', page, models, profile: { name: profile.name }, nameLookup },
        links: {
          up: { delay, rate, queue: { packets: queue } },
          down: { delay, rate, queue: { packets: queue }, ...(loss > 0 && { loss: {} }) },
        },
      })),
    );
    expect(JSON.stringify(reference)).toContain(PLANS.default.reference);
  });

  test('the text is that of the figures', () => expect(medianText(rounds)).toBe(readFileSync(TEXT, 'utf8')));

  test.each(PROFILES)('%s profile: connections, handshakes and blame are as the models have it', (profile) => {
    const connections = { short: 73, parallel: 6, sharded: 12 };
    for (const { models, runs } of rounds[profile]) {
      for (const { model, figures } of models) {
        const kind = /short|parallel|sharded/.exec(model)?.[0] as keyof typeof connections | undefined;
        const count = kind === undefined ? 1 : connections[kind];
        expect([model, figures.connections, figures.handshakes]).toEqual([model, count, count]);
      }
      for (const { model, seed, pageLoad, gaps, states, blockedOther, blockedConnection } of runs) {
        expect(Object.values(states).reduce((sum, time) => sum + time, gaps)).toBe(pageLoad);
        if (model === 'h3' || model === 'h3-0rtt') expect([seed, blockedOther + blockedConnection]).toEqual([seed, 0]);
      }
    }
  });

  test('what the text says of the figures', () => {
    const load = (loss: number, wanted: string): number =>
      rounds.default.find((round) => round.loss === loss)!.models.find(({ model }) => model === wanted)!.pageLoad.median;
    for (const loss of LOSSES.slice(2)) expect(load(loss, 'h1-parallel')).toBeLessThan(load(loss, 'h2')); // windows decide
    for (const loss of LOSSES.slice(2)) expect(load(loss, 'h2')).toBeLessThan(load(loss, 'h3')); // as packets are large
    expect(load(0.02, 'h1-short:4')).toBeLessThan(load(0.02, 'h2'));
    for (const round of rounds.parity)
      for (const { model, difference } of round.models)
        if (model === 'h2' || model === 'h3-single') expect([round.loss, difference!.pageLoad.median > 0]).toEqual([round.loss, true]);
  });

  test.each(PROFILES.flatMap((profile) => PLANS[profile].models.map((model, i) => [profile, model, LOSSES[i % LOSSES.length]!] as const)))(
    '%s profile, %s at a loss of %d: a run is as it is stored',
    (profile, model, loss) => {
      const { rows } = record.rounds.find((round) => round.profile === profile && round.loss === loss)!;
      const seed = 1 + (model.length % 5);
      expect(named(measure(profile, loss, model, seed))).toEqual(named(rows[model]![seed - 1]!));
    },
  );
});
