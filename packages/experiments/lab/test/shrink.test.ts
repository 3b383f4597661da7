import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PlanJson, PlanRun } from '@quiclab/report';
import { integerBelow, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { preparePlan } from '../src/plan/prepare.ts';
import { shrinkCommand } from '../src/shrink/command.ts';
import { ddmin } from '../src/shrink/ddmin.ts';
import { shrink } from '../src/shrink/shrink.ts';
import type { Symptom } from '../src/shrink/symptoms.ts';
import { pageLoadOf } from '../src/whatif/difference.ts';
import { type Fates, isDropped, withoutDrop } from '../src/whatif/fates.ts';
import { recordFates, replay } from '../src/whatif/replay.ts';
import { optionsSource, type RunOptions } from '../src/whatif/source.ts';

// A run with many drops, and the few that matter. Issue 6, Shrinking.

describe('delta debugging', () => {
  const items = Array.from({ length: 40 }, (_, i) => i);

  test('finds the few items that it takes, in their order', () => {
    const needed = [3, 17, 31];
    const { items: left, minimal } = ddmin(items, (some) => needed.every((one) => some.includes(one)), 1_000);
    expect([left, minimal]).toEqual([needed, true]);
  });

  test('nothing at all, where nothing is needed, and one, where any will do', () => {
    expect(ddmin(items, () => true, 1_000)).toEqual({ items: [], tries: 1, minimal: true });
    expect(ddmin(items, (some) => some.length > 0, 1_000).items).toHaveLength(1);
  });

  test.each(Array.from({ length: 20 }, (_, i) => i))(
    'seed %i: whatever the predicate, no single item can be left out of what is left',
    (seed) => {
      const random = seededRandom(seed);
      const groups = Array.from({ length: 3 }, () =>
        Array.from({ length: 2 + integerBelow(random, 4) }, () => integerBelow(random, items.length)),
      );
      // any group does, unless there are six items of another kind beside it: more can be less
      const shows = (some: readonly number[]): boolean =>
        groups.some((group) => group.every((one) => some.includes(one))) && some.filter((one) => one % 7 === 3).length !== 3;
      if (!shows(items)) return expect(items.filter((one) => one % 7 === 3)).toHaveLength(3);
      const { items: left, minimal } = ddmin(items, shows, 10_000);
      expect(minimal).toBe(true);
      expect(shows(left)).toBe(true);
      for (const one of left) expect(shows(left.filter((other) => other !== one))).toBe(false);
    },
  );

  test('says that it was stopped, with what it has by then', () => {
    const { items: left, tries, minimal } = ddmin(items, (some) => some.includes(3) && some.includes(31), 5);
    expect([tries, minimal]).toEqual([5, false]);
    expect(left).toContain(3);
    expect(left).toContain(31);
  });
});

const options: RunOptions = {
  page: '6x20KB',
  profile: 'default',
  loss: '8%',
  upLoss: '3%',
  rtt: '40ms',
  rate: '10Mbit',
  queue: 64,
  lookup: '0ms',
};

/** The fates with these drops and no other. */
const only = ({ schema, up, down }: Fates, kept: ReadonlySet<string>): Fates => {
  const spare = (link: string) => (fate: Fates['up'][number]) =>
    isDropped(fate) && !kept.has(`${link} ${fate.binding}`) ? withoutDrop(fate) : fate;
  return { schema, up: up.map(spare('up')), down: down.map(spare('down')) };
};

test.each([
  ['h3', 1],
  ['h3', 2],
  ['h2', 1],
  ['h1-parallel', 3],
] as const)(
  '%s, seed %i: a slow page needs each of the drops that are left, and no other; they alone show it (1-minimal)',
  (model, seed) => {
    const source = optionsSource({ ...options, model, seed });
    const recorded = recordFates(source.run);
    const calm = replay(source.run, only(recorded.fates, new Set()));
    const atLeast = pageLoadOf(calm.record) + Math.floor(0.6 * (pageLoadOf(recorded.record) - pageLoadOf(calm.record)));
    const symptom: Symptom = { kind: 'pageLoad', atLeast };
    const found = shrink(source, symptom, 500);
    expect([found.minimal, found.confirmed]).toEqual([true, true]);
    expect(found.drops.length).toBeGreaterThan(0);
    expect(found.drops.length).toBeLessThan(found.before);
    const names = found.drops.map(({ link, fate }) => `${link} ${fate.binding}`);
    const loadWith = (kept: readonly string[]): number => pageLoadOf(replay(source.run, only(recorded.fates, new Set(kept))).record);
    expect(loadWith(names)).toBeGreaterThanOrEqual(atLeast);
    for (const name of names) expect(loadWith(names.filter((other) => other !== name)), name).toBeLessThan(atLeast);
  },
);

describe('the command', () => {
  async function said(...args: string[]): Promise<string> {
    let text = '';
    const command = shrinkCommand((more) => void (text += more));
    command.exitOverride().configureOutput({ writeErr: () => {} });
    await command.parseAsync(['--page', '6x20KB', '--loss', '8%', '--rtt', '40ms', '--seed', '1', ...args], { from: 'user' });
    return text;
  }

  test('prints a plan that can be run, and shows it', async () => {
    const text = await said('--page-load', '260ms');
    const plan = parse(text) as { readonly question: string };
    expect(plan.question).toContain('the page takes 260 ms or more');
    const { setup } = preparePlan(plan, () => '', { source: 'the plan' }).variants[0]!;
    expect(setup.links.down.loss).toBeDefined();
    expect(text).toContain('Without any one of them it is not so any more.');
  });

  test('prints a plan that quiclab run makes the same run of: as slow, and with these losses alone', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'quiclab-shrink-'));
    try {
      writeFileSync(join(dir, 'small.yaml'), await said('--page-load', '260ms'));
      const { pageLoad, indexes } = JSON.parse(await said('--page-load', '260ms', '--json')) as {
        readonly pageLoad: number;
        readonly indexes: { readonly up: readonly number[]; readonly down: readonly number[] };
      };
      const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
      const args = ['--import', 'tsx', main, 'run', join(dir, 'small.yaml'), '--json', '--no-report', '--out', join(dir, 'out')];
      const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      expect([status, stderr]).toEqual([0, '1 runs …\n']);
      const [{ failed, figures }] = (JSON.parse(stdout) as PlanJson).runs as [PlanRun];
      expect([failed, figures.pageLoad, figures.lost]).toEqual([undefined, pageLoad, indexes.down.length]);
      expect(pageLoad).toBeGreaterThanOrEqual(260_000);
      expect(indexes.down.length).toBeGreaterThan(0);
    } finally {
      rmSync(dir, { recursive: true });
    }
  }, 120_000);

  test('an object, another model', async () => {
    expect(await said('--object', 'file-2', '--completion', '150ms')).toContain('file-2 takes 150 ms or more');
    expect(JSON.parse(await said('--slower-than', 'h2', '--json'))).toMatchObject({ kind: 'shrunk', plan: { models: ['h3', 'h2'] } });
  });

  test.each([
    [[], 'say one thing'],
    [
      ['--page-load', '1s', '--fails'],
      'say one thing that makes the run striking: --page-load 3s, --object ID --completion 2s, --slower-than h2, or --fails; there are 2',
    ],
    [['--page-load', '100s'], 'it is not so that the page takes 100000 ms or more: it takes'],
    [['--page-load', '1ms', '--loss', '0%'], 'no link dropped anything by chance'],
    [['--object', 'file-22', '--completion', '1s'], "--object: 'file-22' is not an object of page '6 files'; did you mean 'file-2'?"],
    [['--completion', '1s'], '--object and --completion go together'],
    [['--slower-than', 'h3'], 'the run is under h3 itself'],
    [['--fails'], 'it is not so that the run fails: it takes'],
  ])('%j is refused, and it is said why', async (args, message) => {
    await expect(said(...args)).rejects.toThrow(message);
  });
});
