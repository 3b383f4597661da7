import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PLAN_FIGURES, type PlanRun, type PlanSummary } from '@quiclab/report';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inProcess, parsePlan, planJson, runPlan } from '../src/index.ts';
import { mergeShards } from '../src/run/merge.ts';
import { openStore } from '../src/run/run-plan.ts';
import { type Plain, query } from '../src/tables/query.ts';
import { writeTables } from '../src/tables/write-tables.ts';

const scratch = mkdtempSync(join(tmpdir(), 'quiclab-tables-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const at = (name: string): string => join(scratch, name);
const planOf = (text: string) => parsePlan(text, 'p.yaml', () => '');

const plan = planOf(`question: Who's waiting?
workload: { files: { count: 2, size: 6KB } }
topology:
  both: { rate: 10Mbit, delay: 25ms, queue: 64 packets }
models: [h2, h3]
vary:
  topology.down.loss: [9%, 0%, 100%]
  workload.files.count: [2, 10]
repeats: 3
`);

async function runInto(dir: string, of = plan, shard?: { k: number; n: number }): Promise<PlanRun[]> {
  const part = shard === undefined ? {} : { shard };
  const store = openStore(of, { dir, resume: false, world: 'simulated', ...part });
  await runPlan(of, inProcess(of), store, { world: 'simulated', ...part, signal: new AbortController().signal });
  store.close();
  return [...store.runs];
}

interface Rows {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly Plain[])[];
}

const ask = (path: string, sql: string): Promise<Rows> =>
  query(path, sql, async ({ columns, rows }) => {
    const all: (readonly Plain[])[] = [];
    for await (const piece of rows) all.push(...piece);
    return { columns, rows: all };
  });

let runs: readonly PlanRun[];
beforeAll(async () => {
  runs = await runInto(at('whole'));
  expect(await writeTables(plan, at('whole'), 'simulated', true)).toBe('');
});

describe.each(['results.duckdb', 'runs.parquet', 'the lines of runs.jsonl alone'])('%s', (name) => {
  let path = at('lines');
  beforeAll(() => {
    if (existsSync(join(at('whole'), name))) path = join(at('whole'), name);
    else cpSync(at('whole'), path, { recursive: true, filter: (file) => !/duckdb$|parquet$/.test(file) });
  });

  test('has every run with every figure and state, in their order', async () => {
    const { columns, rows } = await ask(path, 'FROM runs');
    const names = columns.map((column) => column.name);
    const value = (row: readonly Plain[], column: string): Plain => row[names.indexOf(column)]!;
    expect(rows.map((row) => value(row, 'key'))).toEqual(runs.map(({ key }) => key));
    for (const [i, row] of rows.entries()) {
      const { variant, model, seed, figures, states = {}, gaps = null, failed = null } = runs[i]!;
      expect([value(row, 'variant'), value(row, 'model'), value(row, 'seed')]).toEqual([variant, model, seed]);
      expect([value(row, 'gaps'), value(row, 'failed')]).toEqual([gaps, failed]);
      expect(value(row, 'topology.down.loss')).toBe(plan.variants[variant]!.values['topology.down.loss']);
      expect(value(row, 'workload.files.count')).toBe(Number(plan.variants[variant]!.values['workload.files.count']));
      for (const figure of PLAN_FIGURES) expect(value(row, figure)).toBe(figures[figure] ?? null);
      for (const [state, time] of Object.entries(states)) expect(value(row, state)).toBe(time);
    }
  });

  test('has the medians of result.json', async () => {
    const medians = PLAN_FIGURES.map((figure) => `round(median(${figure}))`).join(', ');
    const { rows } = await ask(
      path,
      `SELECT variant, model, ${medians} FROM runs WHERE failed IS NULL GROUP BY ALL ORDER BY variant, model`,
    );
    const expected = planJson(plan, 'simulated', runs, true).summaries.filter(({ seeds }) => seeds > 0);
    const row = ({ variant, subject, medians: own }: PlanSummary) => [
      variant,
      subject,
      ...PLAN_FIGURES.map((figure) => own[figure] ?? null),
    ];
    expect(rows).toEqual(expected.map(row));
    expect(rows).toHaveLength(8);
  });

  test('has types: numbers as such, and names in the order in which the plan has them', async () => {
    const { rows } = await ask(path, 'SELECT column_name, column_type FROM (DESCRIBE runs)');
    const types = Object.fromEntries(rows);
    if (!path.endsWith('parquet')) expect(types).toMatchObject({ 'topology.down.loss': "ENUM('9%', '0%', '100%')" });
    expect(types).toMatchObject({
      'workload.files.count': 'BIGINT',
      key: 'VARCHAR',
      variant: 'INTEGER',
      seed: 'BIGINT',
      failed: 'VARCHAR',
    });
    expect(PLAN_FIGURES.filter((figure) => types[figure] !== 'BIGINT')).toEqual([]);
  });

  test('is not changed, and opens no other file', async () => {
    await expect(ask(path, 'DROP VIEW runs')).rejects.toThrow(/not changed|read-only/);
    await expect(ask(path, 'CREATE TABLE more AS SELECT 1')).rejects.toThrow(/not changed|read-only/);
    await expect(ask(path, "SELECT * FROM read_csv('/etc/hostname')")).rejects.toThrow(/Permission Error/);
    await expect(ask(path, `COPY runs TO '${at('copy.csv')}'`)).rejects.toThrow(/Permission Error/);
  });
});

test('names sort as in the plan', async () => {
  const { rows } = await ask(at('whole'), 'SELECT DISTINCT "topology.down.loss" l FROM runs ORDER BY l');
  expect(rows).toEqual([['9%'], ['0%'], ['100%']]);
});

test('columns say what they are, and the plan what it asked', async () => {
  const { rows } = await ask(at('whole'), "SELECT count(*) FROM duckdb_columns() WHERE table_name = 'runs' AND comment IS NULL");
  expect(rows).toEqual([[0]]);
  expect((await ask(at('whole'), 'SELECT question, world, complete FROM plan')).rows).toEqual([["Who's waiting?", 'simulated', true]]);
});

test('bulk transfers have a table of their own', async () => {
  const flows = planOf(`question: Who wins?
workload: { flows: [cubic, newReno], time: 1s }
topology: { both: { rate: 5Mbit, delay: 10ms, queue: 25 packets } }
repeats: 2
`);
  const own = await runInto(at('flows'), flows);
  await writeTables(flows, at('flows'), 'simulated', true);
  const expected = own.flatMap(({ seed, flows: all }) => all!.map(({ name, figures }) => [seed, name, figures.goodput]));
  expect((await ask(at('flows'), 'SELECT seed, flow, goodput FROM flows')).rows).toEqual(expected);
  expect((await ask(at('flows/flows.parquet'), 'SELECT seed, flow, goodput FROM flows')).rows).toEqual(expected);
  const fairness = await ask(at('flows'), 'SELECT fairness, pageLoad FROM runs');
  expect(fairness.rows).toEqual(own.map(({ figures }) => [figures.fairness, null]));
});

test('parts that are put together are the whole, and what was stopped loses its tables when it goes on', async () => {
  for (const k of [1, 2]) await runInto(at(`part${k}`), plan, { k, n: 2 });
  const { result } = mergeShards([at('part2'), at('part1')], at('merged'), false);
  await writeTables(plan, at('merged'), result.world, result.complete);
  expect(await ask(at('merged'), 'FROM runs')).toEqual(await ask(at('whole'), 'FROM runs'));
  const store = openStore(plan, { dir: at('merged'), resume: true, world: 'simulated' });
  store.close();
  expect(readdirSync(at('merged')).sort()).toEqual(['plan.json', 'result.json', 'runs.jsonl']);
});

test('what cannot be asked is said so', async () => {
  writeFileSync(at('junk.duckdb'), 'junk');
  writeFileSync(at('junk.parquet'), 'junk');
  mkdirSync(at('empty'));
  const whole = at('whole');
  const wrong: readonly (readonly [path: string, sql: string, message: RegExp])[] = [
    [at('nowhere'), 'FROM runs', /^there is no '.*nowhere': quiclab run writes it/],
    [at('empty'), 'FROM runs', /empty' holds no runs: quiclab run writes them/],
    [join(whole, 'plan.json'), 'FROM runs', /is neither a directory of quiclab run nor/],
    [at('junk.duckdb'), 'FROM runs', /junk.duckdb' cannot be read: .*not a valid DuckDB/],
    [at('junk.parquet'), 'FROM runs', /junk.parquet' cannot be read: .*Parquet file$/],
    [whole, 'SELEC 1', /^the query: Parser Error: syntax error at or near "SELEC"/],
    [whole, 'SELECT pageLod FROM runs', /^the query: Binder Error: .*"pageLod"[\s\S]*"pageLoad"/],
    [whole, 'FROM run', /^the query: Catalog Error: [\s\S]*Did you mean "runs"/],
    [whole, ' ', /^the query: it is empty$/],
    [whole, 'SELECT 1; SELECT 2', /^the query: one query at a time, not 2$/],
    [whole, 'SELECT ?', /^the query: it has a parameter/],
    [whole, "SELECT error('no') FROM runs", /^the query: .*no/],
  ];
  for (const [path, sql, message] of wrong) await expect(ask(path, sql), sql).rejects.toThrow(message);
  cpSync(at('lines'), at('damaged'), { recursive: true });
  appendFileSync(at('damaged/runs.jsonl'), '{"key": 7, "vari\n');
  await expect(ask(at('damaged'), 'SELECT sum(pageLoad) FROM runs')).rejects.toThrow(/^the query: .*runs.jsonl/);
});

describe('the program', () => {
  const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  const program = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', MAIN, ...args], { encoding: 'utf8', timeout: 60_000 });

  test('prints a table, JSON or CSV', () => {
    const sql = 'SELECT model, -count(*) AS "n", NULL AS nothing, [1] AS list FROM runs GROUP BY model ORDER BY model';
    expect(program('sql', at('whole'), sql).stdout).toBe(`┌───────┬─────┬─────────┬──────┐
│ model │   n │ nothing │ list │
│ h2    │ -18 │         │ [1]  │
│ h3    │ -18 │         │ [1]  │
└───────┴─────┴─────────┴──────┘
`);
    expect(JSON.parse(program('sql', at('whole'), sql, '--json').stdout)).toEqual(
      ['h2', 'h3'].map((model) => ({ model, n: -18, nothing: null, list: [1] })),
    );
    expect(program('sql', at('whole'), sql, '--csv').stdout).toBe('model,n,nothing,list\nh2,-18,,[1]\nh3,-18,,[1]\n');
  });

  test('does without a database where it cannot be loaded, and says so', () => {
    const resolve = `export const resolve = (name, context, next) => { if (name.startsWith('@duckdb/')) throw new Error('not to be had'); return next(name, context); };`;
    const hook = `import { register } from 'node:module'; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(resolve)}`)});`;
    const without = (...args: string[]) =>
      spawnSync(process.execPath, ['--import', 'tsx', '--import', `data:text/javascript,${encodeURIComponent(hook)}`, MAIN, ...args], {
        encoding: 'utf8',
        timeout: 60_000,
      });
    const merged = without('merge', at('whole'), '--out', at('without'));
    expect([merged.status, merged.stderr]).toEqual([
      0,
      'There is no results.duckdb, and no runs.parquet: @duckdb/node-api is not installed, or not for this machine (not to be had).\n',
    ]);
    expect(readdirSync(at('without')).sort()).toEqual(['plan.json', 'result.json', 'runs.jsonl']);
    expect(without('sql', at('without'), 'FROM runs').stderr).toMatch(/^error: @duckdb\/node-api is not installed/);
  });

  test('loads no database for what needs none', () => {
    const loaded =
      "await import('@quiclab/lab'); process.exit(process.report.getReport().sharedObjects.some((name) => /duckdb/.test(name)) ? 1 : 0)";
    const { status } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', loaded], {
      cwd: fileURLToPath(new URL('../../../..', import.meta.url)),
      timeout: 60_000,
    });
    expect(status).toBe(0);
  });
});
