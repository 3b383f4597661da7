import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PlanJson, PlanRun } from '@quiclab/report';
import { afterAll, describe, expect, test } from 'vitest';
import { type CompareOptions, comparisonPlan } from '../src/compare/command.ts';
import { inProcess, loadPlan, MODEL_IDS, type PreparedPlan, planJson, prepareDocument, runPlan } from '../src/index.ts';
import type { PageLoad } from '../src/plan/prepare.ts';
import { PRESETS, type Preset, type PresetName } from '../src/presets/presets.ts';

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

const options = (more: Partial<CompareOptions> = {}): CompareOptions => ({
  page: 'small',
  harCached: false,
  models: MODEL_IDS,
  reference: 'h3',
  profile: 'default',
  loss: ['2%'],
  rtt: '50ms',
  rate: '10Mbit',
  queue: 64,
  lookup: '0ms',
  seed: 1,
  seeds: 2,
  ...more,
});

/** All runs of such a comparison. */
async function runsOf(more: Partial<CompareOptions> = {}): Promise<{ readonly plan: PreparedPlan; readonly runs: readonly PlanRun[] }> {
  const plan = comparisonPlan(options(more));
  const runs: PlanRun[] = [];
  const signal = new AbortController().signal;
  await runPlan(plan, inProcess(plan), { runs, add: (run) => runs.push(run) }, { world: 'simulated', signal });
  return { plan, runs };
}

describe('a comparison', () => {
  test('has every model with every seed, and its accounts hold: states along the chain sum to the page load', async () => {
    const { plan, runs } = await runsOf();
    expect(runs.map(({ model, seed }) => `${model} ${seed}`)).toEqual([1, 2].flatMap((seed) => MODEL_IDS.map((id) => `${id} ${seed}`)));
    for (const { model, figures, gaps, states } of runs)
      expect(
        Object.values(states!).reduce((sum, time) => sum + time, gaps!),
        model,
      ).toBe(figures.pageLoad);
    const { summaries } = planJson(plan, 'simulated', runs, true);
    expect(summaries.map(({ subject }) => subject)).toEqual(MODEL_IDS);
    expect(summaries.filter(({ differences }) => differences === null).map(({ subject }) => subject)).toEqual(['h3']);
  });

  test('what models are can be seen in their figures', async () => {
    const { runs } = await runsOf({ loss: ['0%'], seeds: 1 });
    const of = (model: string) => runs.find((run) => run.model === model)!;
    expect(MODEL_IDS.map((id) => [id, of(id).figures.connections])).toEqual([
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
    expect(of('h1-short').states!.queued).toBeGreaterThan(of('h1-persistent').states!.queued!);
    expect(of('h3-0rtt').states!.connecting).toBeUndefined();
    expect(of('h2').figures.headerOctets).toBeLessThan(of('h1-parallel').figures.headerOctets! / 2);
    for (const { figures } of runs) expect(figures).toMatchObject({ repairs: 0, lost: 0, queueDropped: 0 });
  });

  test('is the plan that one would have written, with as many seeds as it takes where none are said', () => {
    const { seeds: _seeds, ...usual } = options({ loss: ['0%', '2%'], rtt: '25ms', lookup: '3ms' });
    const { document, repeats, variables, variants } = comparisonPlan(usual);
    expect(document.files).toEqual({});
    expect(document.plan).toMatchObject({
      workload: 'small',
      topology: { both: { rate: '10Mbit', delay: '12500us', queue: '64 packets' }, nameLookup: '3ms' },
      profile: 'default',
      reference: 'h3',
    });
    expect(repeats).toMatchObject({ kind: 'auto', precision: 0.05, most: 400 });
    expect(variables).toEqual([{ key: 'topology.down.loss', values: ['0%', '2%'] }]);
    expect(variants.map(({ setup }) => setup.load)).toMatchObject([{ nameLookup: 3_000 }, { nameLookup: 3_000 }]);
  });

  test('of a preset, losses come on top of its own', () => {
    const links = (preset: PresetName) =>
      comparisonPlan(options({ preset, loss: ['0%', '2%'] })).variants.map(({ values, setup }) => [
        values['topology.down.loss'],
        setup.links.down.rate,
        (setup.links.down.loss as readonly unknown[]).length,
      ]);
    const own = (preset: PresetName) => [(PRESETS[preset] as Preset).down.loss ?? []].flat().length;
    for (const name of ['dsl', 'starlink', 'lte'] as const) {
      const [without, beside] = links(name);
      expect([without![0], beside![0]]).toEqual(['0%', '2%']);
      expect(without![1]).toBeGreaterThan(1e6);
      expect([without![2], beside![2]]).toEqual([own(name), own(name) + 1]);
    }
    expect(own('starlink')).toBeGreaterThan(0);
  });
});

describe('quiclab compare', () => {
  const small = ['--page', 'small', '--models', 'h1-parallel,h2,h3', '--loss', '0%,2%'];

  test('prints tables, and writes the figures of every run; the same again, to the octet', async () => {
    const run = (out: string, ...more: string[]) => compare([...small, '--seeds', '3', '--out', join(scratch, out), ...more]);
    const [first, json] = await Promise.all([run('a'), run('b', '--json')]);
    expect(first.err).toMatch(/^18 runs …\n/);
    expect(first.code).toBe(0);
    for (const text of ["page 'small', 12 objects, 225000 octets", '2% loss from the server. 3 seeds from 1', '│ h2', 'against h3'])
      expect(first.out).toContain(text);
    const stored = readFileSync(join(scratch, 'a', 'result.json'), 'utf8');
    expect(readFileSync(join(scratch, 'b', 'result.json'), 'utf8')).toBe(stored);
    expect(json.out).toBe(stored);
    const { plan, runs }: PlanJson = JSON.parse(stored);
    expect(runs.map(({ variant, model, seed }) => [variant, model, seed])).toEqual(
      [0, 1].flatMap((variant) => [1, 2, 3].flatMap((seed) => ['h1-parallel', 'h2', 'h3'].map((model) => [variant, model, seed]))),
    );
    // it says itself what runs it again
    writeFileSync(join(scratch, 'again.json'), JSON.stringify(plan.plan));
    expect((await loadPlan(join(scratch, 'again.json'))).document).toEqual(plan);
  }, 60_000);

  test('Ctrl-C keeps what is done', async () => {
    const out = join(scratch, 'stopped');
    const args = [...small, '--seeds', '200', '--workers', '1', '--out', out];
    let stopped = false;
    const run = await compare(args, (text, child) => {
      if (stopped || !text.includes(' of 1200 runs')) return;
      stopped = true;
      child.kill('SIGINT');
    });
    expect(run.code).toBe(130);
    expect(run.err).toContain('Stopped');
    const { runs, complete }: PlanJson = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8'));
    expect(complete).toBe(false);
    expect(runs.length).toBeGreaterThan(0);
    expect(runs.length).toBeLessThan(1_200);
  }, 120_000);

  test('a HAR file is in the result as its page, by its name, and what a browser had in its cache if that is asked for', async () => {
    const dir = mkdtempSync(join(scratch, 'hars-'));
    cpSync(fileURLToPath(new URL('hars/plain.har', import.meta.url)), join(dir, 'mine.har'));
    const { document, remarks, variants } = comparisonPlan(options({ har: join(dir, 'mine.har') }));
    expect(document.plan.workload).toEqual({ har: 'mine.har' });
    expect(JSON.stringify(document)).not.toContain(dir);
    expect(JSON.stringify(document)).not.toContain('cookie');
    expect(remarks[0]).toMatch(/^6 entries by WebInspector/);
    const objects = (plan: PreparedPlan): number => (plan.variants[0]!.setup.load as PageLoad).page.objects.length;
    expect(variants[0]!.workload).toContain("page 'mine.har'");
    const cached = comparisonPlan(options({ har: join(dir, 'mine.har'), harCached: true }));
    expect(objects(cached)).toBeGreaterThanOrEqual(objects(comparisonPlan(options({ har: join(dir, 'mine.har') }))));
    expect(objects(prepareDocument(cached.document))).toBe(objects(cached));
  });

  test.each([
    [['--models', 'h4'], "there is no model 'h4'"],
    [['--models', 'h2', '--reference', 'h3'], 'h3 is not among the models'],
    [['--profile', 'best'], 'Allowed choices are default, parity'],
    [['--loss', '2'], "'2' has no unit"],
    [['--page', '/no/such/page.json'], 'ENOENT'],
    [['--page', 'smal'], "did you mean 'small'?"],
    [['--preset', 'lte', '--rtt', '20ms'], 'cannot be used with'],
    [['--har-cached'], '--har-cached: of which file?'],
  ])('%j is refused with a reason', async (args, reason) => {
    const run = await compare([...args, '--out', join(scratch, 'refused')]);
    expect(run.err).toContain(reason);
    expect(run.code).toBe(1);
  });
});

test('--preset has a plan run on a path that people know, whatever else its links say; what it varies of them stays', async () => {
  const file = join(scratch, 'mine.yaml');
  writeFileSync(
    file,
    'question: how there?\nworkload: small\nmodels: [h3]\ntopology: { both: { rate: 1Mbit, delay: 1s }, nameLookup: 7ms }\nvary: { topology.down.loss: [0%, 5%] }\n',
  );
  const { document, variants } = await loadPlan(file, { preset: 'lte' });
  expect(document.plan.topology).toEqual({ preset: 'lte', nameLookup: '7ms' });
  const known = (await loadPlan(file, {})).variants[0]!.setup.links.down;
  expect(variants.map(({ setup }) => setup.links.down.rate === known.rate)).toEqual([false, false]);
  expect(variants.map(({ setup }) => (setup.links.down.loss as readonly unknown[]).length)).toEqual([0, 1]);
  const { err } = await new Promise<{ err: string }>((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'run', file, '--preset', 'ltee']);
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    child.on('close', () => resolve({ err: said }));
  });
  expect(err).toContain('Allowed choices are dsl, cable');
});
