import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PlanResult, type PlanRun, planTable } from '@quiclab/report';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { detailsOf, inProcess, type PreparedPlan, parsePlan, planJson, reportOf, runPlan, runSpec, Schedule } from '../src/index.ts';
import { readResult } from '../src/report/write-report.ts';
import { openStore, writeResult } from '../src/run/run-plan.ts';

// What is said of runs that come to nothing.

const scratch = mkdtempSync(join(tmpdir(), 'quiclab-failed-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const planOf = (losses: string, repeats: number): PreparedPlan =>
  parsePlan(
    `question: Who waits?
workload: { files: { count: 4, size: 20KB } }
topology:
  both: { rate: 10Mbit, delay: 25ms, queue: 64 packets }
models: [h2, h3]
vary:
  topology.down.loss: [${losses}]
repeats: ${repeats}
`,
    'p.yaml',
    () => '',
  );

/** @returns the keys of the runs that were made */
async function runInto(dir: string, plan: PreparedPlan, resume: boolean): Promise<string[]> {
  const store = openStore(plan, { dir, resume, world: 'simulated' });
  const made: string[] = [];
  const onRun = (_done: number, _total: number, { key }: PlanRun): void => void made.push(key);
  const complete = await runPlan(plan, inProcess(plan), store, { world: 'simulated', signal: new AbortController().signal, onRun });
  store.close();
  writeResult(plan, dir, 'simulated', store.runs, complete, false);
  return made;
}

describe('where every run comes to nothing', () => {
  const dead = planOf('100%', 2);
  let result: PlanResult;
  beforeAll(async () => {
    await runInto(scratch, dead, false);
    result = readResult(scratch);
  });

  test('the result is complete, has a reason for each run that does not hang on its seed, and no figure', () => {
    expect(result).toMatchObject({ complete: true });
    const reasons = [...result.runs].map(({ model, failed }) => [model, failed]);
    expect(reasons).toEqual([
      ['h2', "'file-1' failed: no connection to localhost: the connection ended: the handshake was not answered"],
      ['h3', "'file-1' failed: no connection to localhost: the connection ended: nothing was heard for the idle timeout"],
      ...reasons.slice(0, 2),
    ]);
    for (const { seeds, failed, medians, estimates, against, differences, states } of result.summaries)
      expect([seeds, failed, medians, estimates, against, differences, states]).toEqual([0, 2, {}, {}, null, null, {}]);
  });

  test('the table counts them and says why, and nothing of medians or intervals', () => {
    const text = planTable(result);
    expect(text).toMatch(/│ 100% │ h2 +│ 0 \(2 failed\) │ +│ +│\n│ 100% │ h3 +│ 0 \(2 failed\) │ +│ +│\n/);
    expect(text).toMatch(
      /\n\nAll 4 runs came to nothing\. The first of them, topology\.down\.loss=100% h2 seed 1: 'file-1' failed: [^\n]+$/,
    );
    expect(text).not.toMatch(/[Mm]edians|bootstrap|against|NaN|undefined/);
  });

  test('the report says so, with each reason once', () => {
    const page = reportOf(result, detailsOf(result)).split('<script')[0]!; // what is read
    expect(page).toContain('All 4 runs came to nothing');
    expect(page).toMatch(/<li>2: .*the handshake was not answered.*first: [^)]*h2 seed 1/);
    expect(page).toMatch(/<li>2: .*idle timeout.*first: [^)]*h3 seed 1/);
    expect(page).not.toMatch(/Medians over the seeds|NaN|>undefined/);
  });

  test('who goes on with it has nothing left to do', async () => {
    const before = ['runs.jsonl', 'result.json'].map((name) => readFileSync(join(scratch, name), 'utf8'));
    expect(await runInto(scratch, dead, true)).toEqual([]);
    expect(['runs.jsonl', 'result.json'].map((name) => readFileSync(join(scratch, name), 'utf8'))).toEqual(before);
  });
});

test('where every run of one model comes to nothing the others keep their figures, and are held against nobody', async () => {
  const plan = planOf('0%, 5%', 3);
  const runs = [...new Schedule(plan).next().specs].map((spec) => runSpec(plan, spec));
  const failed = runs.map((run): PlanRun => {
    const { key, variant, model, seed } = run;
    return model === 'h2' ? { key, variant, model, seed, figures: {}, failed: 'why' } : run;
  });
  const result = planJson(plan, 'simulated', failed, true);
  const sound = planJson(plan, 'simulated', runs, true);
  expect(result.summaries.map(({ subject, seeds, failed, against }) => [subject, seeds, failed, against])).toEqual([
    ['h2', 0, 3, null],
    ['h3', 3, 0, null],
    ['h2', 0, 3, null],
    ['h3', 3, 0, null],
  ]);
  expect([1, 3].map((i) => result.summaries[i]!.medians)).toEqual([1, 3].map((i) => sound.summaries[i]!.medians));
  const text = planTable(result);
  expect(text).toContain(
    '6 of 12 runs came to nothing; medians are over the others. The first that did, topology.down.loss=0% h2 seed 1: why',
  );
  expect(text).not.toMatch(/against|Differences are|comparisons were made/);
});
