import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ModelsJson } from '@quiclab/report';
import { smallPage } from '@quiclab/workload';
import { afterAll, describe, expect, test } from 'vitest';
import { type ComparisonPlan, compareModels, MOST_SEEDS, PILOT_SEEDS, seedsOf } from '../src/compare/comparison.ts';
import { DEFAULT_PROFILE, MODEL_IDS } from '../src/index.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'quiclab-compare-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const start = (args: readonly string[]): ChildProcess => spawn(process.execPath, ['--import', 'tsx', MAIN, 'compare', ...args]);

/** Runs the program as a user does. @param onError  told what it says beside its result */
function compare(args: readonly string[], onError: (text: string, child: ChildProcess) => void = () => {}) {
  return new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    const child = start(args);
    let out = '';
    let err = '';
    child.stdout!.on('data', (text) => {
      out += text;
    });
    child.stderr!.on('data', (text) => {
      err += text;
      onError(err, child);
    });
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

const plan = (more: Partial<ComparisonPlan> = {}): ComparisonPlan => ({
  page: smallPage,
  models: MODEL_IDS,
  reference: 'h3',
  profile: DEFAULT_PROFILE,
  losses: [0.02],
  delay: 25_000,
  rate: 10e6,
  queue: 64,
  nameLookup: 0,
  firstSeed: 1,
  seeds: 2,
  ...more,
});

const silent = { begin: () => {}, at: () => {}, end: () => {} };

describe('a comparison', () => {
  test('has every model with every seed, and its accounts hold: states along the chain sum to the page load', async () => {
    const [round] = await compareModels(plan(), silent, () => false);
    expect(round!.runs.map(({ model, seed }) => `${model} ${seed}`)).toEqual(
      [1, 2].flatMap((seed) => MODEL_IDS.map((id) => `${id} ${seed}`)),
    );
    for (const { model, pageLoad, gaps, states } of round!.runs)
      expect(
        Object.values(states).reduce((sum, time) => sum + time, gaps),
        model,
      ).toBe(pageLoad);
    expect(round!.models.map(({ model }) => model)).toEqual(MODEL_IDS);
    expect(round!.models.filter(({ difference }) => difference === null).map(({ model }) => model)).toEqual(['h3']);
  });

  test('what models are can be seen in their figures', async () => {
    const [round] = await compareModels(plan({ losses: [0], seeds: 1 }), silent, () => false);
    const of = (model: string) => round!.runs.find((run) => run.model === model)!;
    expect(MODEL_IDS.map((id) => [id, of(id).connections])).toEqual([
      ['h1-short', 12],
      ['h1-persistent', 1],
      ['h1-pipelined', 1],
      ['h1-parallel', 6],
      ['h1-sharded', 10],
      ['h2', 1],
      ['h3', 1],
      ['h3-single', 1],
      ['h3-0rtt', 1],
    ]);
    expect(of('h1-short').states.queued).toBeGreaterThan(of('h1-persistent').states.queued!);
    expect(of('h3-0rtt').states.connecting).toBeUndefined();
    expect(of('h2').headerOctets).toBeLessThan(of('h1-parallel').headerOctets / 2);
    for (const { repairs, lost, queueDropped } of round!.runs) expect([repairs, lost, queueDropped]).toEqual([0, 0, 0]);
  });

  test('takes as many seeds as the variation asks for, but for limits', async () => {
    const [round] = await compareModels(plan({ models: ['h3', 'h2'] }), silent, () => false);
    const runs = round!.runs.map((run, i) => ({ ...run, pageLoad: i % 2 === 0 ? 1_000_000 : 1_000_000 * (1 + i / 100) }));
    const automatic = plan({ seeds: 0 });
    expect(seedsOf(automatic, 0.01, runs.slice(0, 1))).toBe(PILOT_SEEDS);
    expect(seedsOf(automatic, 0.01, runs)).toBeGreaterThanOrEqual(PILOT_SEEDS);
    const wild = runs.map((run, i) => ({ ...run, model: 'h3', pageLoad: i === 0 ? 1 : 9_000_000 }));
    expect(seedsOf(automatic, 0.01, wild)).toBe(MOST_SEEDS);
    expect(seedsOf(automatic, 0, wild)).toBe(5);
    expect(seedsOf(plan({ seeds: 7 }), 0.01, wild)).toBe(7);
  });
});

describe('quiclab compare', () => {
  const small = ['--page', 'small', '--models', 'h1-parallel,h2,h3', '--loss', '0%,2%'];

  test('prints tables, and writes the figures of every run; the same again, to the octet', async () => {
    const run = (out: string, ...more: string[]) => compare([...small, '--seeds', '3', '--out', join(scratch, out), ...more]);
    const [first, json] = await Promise.all([run('a'), run('b', '--json')]);
    expect(first.err).toBe('0% loss …\n2% loss …\n');
    expect(first.code).toBe(0);
    for (const text of ["page 'small' (12 objects, 225 kB)", '2% loss from the server. 3 seeds from 1', '│ h2', 'against h3'])
      expect(first.out).toContain(text);
    const stored = readFileSync(join(scratch, 'a', 'models.json'), 'utf8');
    expect(readFileSync(join(scratch, 'b', 'models.json'), 'utf8')).toBe(stored);
    expect(json.out).toBe(stored);
    const result: ModelsJson = JSON.parse(stored);
    expect(result.arguments).toEqual([...small, '--seeds', '3']);
    expect(result.rounds.map(({ loss, seeds, runs }) => [loss, seeds, runs.length])).toEqual([
      [0, 3, 9],
      [0.02, 3, 9],
    ]);
  });

  test('Ctrl-C keeps what is done', async () => {
    const out = join(scratch, 'stopped');
    const run = await compare([...small, '--seeds', '5000', '--out', out], (text, child) => {
      if (text.endsWith('0% loss …\n')) setTimeout(() => child.kill('SIGINT'), 1_500);
    });
    expect(run.code).toBe(0);
    expect(run.err).toContain('Stopped');
    const result: ModelsJson = JSON.parse(readFileSync(join(out, 'models.json'), 'utf8'));
    expect(result.rounds.length).toBe(1);
    const [{ seeds, runs }] = result.rounds as [ModelsJson['rounds'][number]];
    expect(seeds).toBeGreaterThan(0);
    expect(runs.length).toBe(3 * seeds);
  });

  test.each([
    [['--models', 'h4'], "there is no model 'h4'"],
    [['--models', 'h2', '--reference', 'h3'], 'h3 is not among the models'],
    [['--profile', 'best'], 'Allowed choices are default, parity'],
    [['--loss', '2'], "'2' has no unit"],
    [['--page', '/no/such/page'], 'ENOENT'],
  ])('%j is refused with a reason', async (args, reason) => {
    const run = await compare([...args, '--out', join(scratch, 'refused')]);
    expect(run.err).toContain(reason);
    expect(run.code).toBe(1);
  });
});
