import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type PlanJson, type PlanRun, planTable } from '@quiclab/report';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inProcess, parsePlan, planJson, runPlan, Schedule } from '../src/index.ts';
import { readResult } from '../src/report/write-report.ts';
import { mergeShards } from '../src/run/merge.ts';
import { checkSize, openStore, writeResult } from '../src/run/run-plan.ts';
import type { Shard } from '../src/run/specs.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'quiclab-run-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const at = (name: string): string => join(scratch, name);

const PLAN = `question: Who waits?
workload: { files: { count: 4, size: 20KB } }
topology:
  both: { rate: 10Mbit, delay: 25ms, queue: 64 packets }
models: [h2, h3]
vary:
  topology.down.loss: [0%, 5%]
repeats: 3
`;
const planOf = (text: string) => parsePlan(text, 'p.yaml', () => '');
const plan = planOf(PLAN);

/** Runs a plan into a directory. @param stopAfter  runs, after which Ctrl-C is pressed */
async function runInto(
  dir: string,
  { resume = false, stopAfter = Infinity, shard }: { resume?: boolean; stopAfter?: number; shard?: Shard } = {},
  of = plan,
) {
  const part = shard === undefined ? {} : { shard };
  const store = openStore(of, { dir, resume, world: 'simulated', ...part });
  const stop = new AbortController();
  const complete = await runPlan(of, inProcess(of), store, {
    world: 'simulated',
    ...part,
    signal: stop.signal,
    onRun: (done) => done >= stopAfter && stop.abort(),
  });
  store.close();
  if (shard === undefined) writeResult(of, dir, 'simulated', store.runs, complete, true);
  return { complete, runs: [...store.runs] };
}

/** All files of a directory, as they are. */
const contentOf = (dir: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(dir)
      .sort()
      .map((name) => [name, readFileSync(join(dir, name), 'utf8')]),
  );

describe('a run', () => {
  let runs: readonly PlanRun[];
  let result: PlanJson;
  beforeAll(async () => {
    ({ runs } = await runInto(at('whole')));
    result = planJson(plan, 'simulated', runs, true);
  });

  test('makes every variant with every seed and model, in that order, each with a key of its own', () => {
    expect(runs.map(({ key }) => key)).toEqual(
      ['0%', '5%'].flatMap((loss) =>
        [1, 2, 3].flatMap((seed) => ['h2', 'h3'].map((model) => `topology.down.loss=${loss} ${model} seed ${seed}`)),
      ),
    );
    expect(runs.filter(({ variant, figures }) => variant === 0 && figures.lost! > 0)).toEqual([]);
    expect(runs.some(({ variant, figures }) => variant === 1 && figures.lost! > 0)).toBe(true);
  });

  test("has states that sum to each run's page load", () => {
    for (const { figures, states, gaps } of runs)
      expect(Object.values(states!).reduce((sum, time) => sum + time, gaps!)).toBe(figures.pageLoad);
  });

  test('holds every model against the reference by the same seeds', () => {
    expect(result.summaries.map(({ variant, subject, seeds, against }) => [variant, subject, seeds, against?.subject])).toEqual([
      [0, 'h2', 3, undefined],
      [0, 'h3', 3, 'h2'],
      [1, 'h2', 3, undefined],
      [1, 'h3', 3, 'h2'],
    ]);
    const differences = [1, 2, 3].map((seed) => {
      const [h2, h3] = runs.filter((run) => run.variant === 1 && run.seed === seed);
      return h3!.figures.pageLoad! - h2!.figures.pageLoad!;
    });
    expect(result.summaries[3]!.differences!.pageLoad!.median).toBe(differences.sort((a, b) => a - b)[1]);
  });

  test('says nothing of this machine, and everything that it takes to run it again', () => {
    const text = readFileSync(join(at('whole'), 'result.json'), 'utf8');
    expect(text).not.toContain(scratch);
    expect(result.plan).toEqual(plan.document);
    expect(readFileSync(join(at('whole'), 'runs.csv'), 'utf8').split('\n')).toHaveLength(1 + runs.length + 1);
  });

  test('that was stopped keeps what is done, and goes on to the same octets, even where a line was half written', async () => {
    const stopped = await runInto(at('stopped'), { stopAfter: 5 });
    expect([stopped.complete, stopped.runs.length]).toEqual([false, 5]);
    expect(JSON.parse(readFileSync(join(at('stopped'), 'result.json'), 'utf8'))).toMatchObject({ complete: false });
    appendFileSync(join(at('stopped'), 'runs.jsonl'), '{"key":"topology.down');
    expect((await runInto(at('stopped'), { resume: true })).complete).toBe(true);
    expect(contentOf(at('stopped'))).toEqual(contentOf(at('whole')));
    await runInto(at('stopped'), { resume: true }); // nothing is left to do
    expect(contentOf(at('stopped'))).toEqual(contentOf(at('whole')));
  });

  test('whose result.json is longer than one would read at once is read line by line', () => {
    const { runs: lines, ...rest } = readResult(at('whole'), 0);
    const { runs: all, ...same } = readResult(at('whole'));
    expect(rest).toEqual(same);
    expect(Array.isArray(lines)).toBe(false);
    expect([...lines]).toEqual(all);
  });

  test('in parts that are put together is the same octets', async () => {
    for (const k of [1, 2, 3]) await runInto(at(`part${k}`), { shard: { k, n: 3 } });
    expect(() => mergeShards([at('part1'), at('nowhere')], at('merged'), true)).toThrow(/holds no runs/);
    expect(mergeShards([at('part3'), at('part1')], at('merged'), true).missing).toBe(4);
    expect(mergeShards([at('part3'), at('part1'), at('part2')], at('merged'), true).missing).toBe(0);
    expect(contentOf(at('merged'))).toEqual(contentOf(at('whole')));
  });

  test('does not go on with another plan, and says what has changed', () => {
    const changed = planOf(PLAN.replace('5%', '6%').replace('25ms', '30ms'));
    expect(() => openStore(changed, { dir: at('whole'), resume: true, world: 'simulated' })).toThrow(
      /topology\.both\.delay was 25ms, is 30ms\n {2}vary\.topology\.down\.loss\.1 was 5%, is 6%$/,
    );
    expect(() => openStore(plan, { dir: at('whole'), resume: true, world: 'simulated', shard: { k: 1, n: 2 } })).toThrow(/shard was null/);
  });

  test('whose record is damaged is refused', () => {
    cpSync(at('whole'), at('damaged'), { recursive: true });
    const file = join(at('damaged'), 'runs.jsonl');
    const lines = readFileSync(file, 'utf8').split('\n');
    writeFileSync(file, [lines[1], lines[0], ...lines.slice(2)].join('\n'));
    expect(() => openStore(plan, { dir: at('damaged'), resume: true, world: 'simulated' })).toThrow(
      /where 'topology.down.loss=0% h2 seed 1' was to come/,
    );
    writeFileSync(file, ['{', ...lines.slice(1)].join('\n'));
    expect(() => openStore(plan, { dir: at('damaged'), resume: true, world: 'simulated' })).toThrow(/line 1: is not JSON/);
    writeFileSync(file, lines[0]!.slice(0, 10));
    expect([...openStore(plan, { dir: at('damaged'), resume: true, world: 'simulated' }).runs]).toEqual([]);
  });
});

describe('a plan that finds out itself how often to repeat', () => {
  const auto = planOf(PLAN.replace('repeats: 3', 'repeats: { precision: 5%, most: 8 }'));

  test('stops early where seeds change nothing, and decides the same when it was interrupted', async () => {
    const whole = await runInto(at('auto'), {}, auto);
    expect(whole.runs.filter(({ variant }) => variant === 0)).toHaveLength(2 * 5);
    expect(whole.runs.filter(({ variant }) => variant === 1)).toHaveLength(2 * 8);
    await runInto(at('auto-stopped'), { stopAfter: 13 }, auto);
    await runInto(at('auto-stopped'), { resume: true }, auto);
    expect(contentOf(at('auto-stopped'))).toEqual(contentOf(at('auto')));
  });

  test('cannot be divided', () => {
    expect(() => new Schedule(auto, { k: 1, n: 2 })).toThrow(/say --seeds/);
  });
});

test('bulk transfers are compared with each other, in the same run', async () => {
  const flows = planOf(`question: Who wins?
workload: { flows: [cubic, newReno], time: 3s }
topology: { both: { rate: 5Mbit, delay: 10ms, queue: 25 packets } }
repeats: 2
`);
  const { runs } = await runInto(at('flows'), {}, flows);
  expect(runs.map(({ key, flows: own }) => [key, ...own!.map(({ name }) => name)])).toEqual(
    [1, 2].map((seed) => [`flows seed ${seed}`, 'cubic', 'newReno']),
  );
  for (const { figures, flows: own } of runs) {
    expect(own!.reduce((sum, flow) => sum + flow.figures.goodput!, 0)).toBe(figures.goodput);
    expect(figures.fairness).toBeGreaterThanOrEqual(500_000);
    expect(figures.fairness).toBeLessThanOrEqual(1_000_000);
  }
  expect(planJson(flows, 'simulated', runs, true).summaries.map(({ subject, against }) => [subject, against?.subject])).toEqual([
    ['cubic', undefined],
    ['newReno', 'cubic'],
  ]);
});

test('a page through a gateway has both hops in its figures', async () => {
  const through = planOf(`question: Does a gateway help?
workload: { files: { count: 4, size: 20KB } }
topology:
  both: { rate: 10Mbit, delay: 25ms }
  gateway: { model: h2, both: { rate: 100Mbit, delay: 5ms } }
models: [h3]
repeats: 1
`);
  const { runs } = await runInto(at('gateway'), {}, through);
  expect(runs[0]!.figures).toMatchObject({ connections: 2, lost: 0 });
  expect(runs[0]!.figures.pageLoad).toBeGreaterThan(4 * 30_000);
});

test('a run that comes to nothing says why, and the others are made', async () => {
  const dead = planOf(PLAN.replace('[0%, 5%]', '[100%, 0%]').replace('repeats: 3', 'repeats: 1'));
  const { runs, complete } = await runInto(at('dead'), {}, dead);
  expect(complete).toBe(true);
  expect(runs.map(({ failed }) => failed !== undefined)).toEqual([true, true, false, false]);
  expect(planJson(dead, 'simulated', runs, true).summaries.map(({ seeds, failed }) => [seeds, failed])).toEqual([
    [0, 1],
    [0, 1],
    [1, 0],
    [1, 0],
  ]);
});

test('a sweep of more runs than one makes by accident has to be asked for', () => {
  const large = planOf(PLAN.replace('repeats: 3', 'repeats: 100000'));
  expect(() => checkSize(large)).toThrow('the plan has 400000 runs; 20000 are made without asking: --max-runs 400000 asks for them');
  expect(() => checkSize(large, 400_000)).not.toThrow();
});

describe('the program', () => {
  const start = (...args: string[]): ChildProcess => spawn(process.execPath, ['--import', 'tsx', MAIN, ...args]);
  function program(args: readonly string[], onError: (text: string, child: ChildProcess) => void = () => {}) {
    return new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
      const child = start(...args);
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
  beforeAll(() => writeFileSync(at('who.yaml'), PLAN));

  test('Ctrl-C in mid-run keeps what is done, and --resume goes on to the octets of an uninterrupted run', async () => {
    const args = ['run', at('who.yaml'), '--seeds', '10', '--csv', '--no-report', '--no-database', '--out', at('ended')];
    let stopped = false;
    const { code, err } = await program(args, (text, child) => {
      if (stopped || !/of 40 runs/.test(text)) return;
      stopped = true;
      child.kill('SIGINT');
    });
    expect(err).toMatch(/--resume goes on/);
    expect(code).toBe(130);
    const resumed = await program([...args, '--resume', '--json']);
    expect(resumed.code).toBe(0);
    expect(resumed.err).toMatch(/^40 runs, \d+ of them done before/);
    await runInto(at('uninterrupted'), {}, planOf(PLAN.replace('repeats: 3', 'repeats: 10')));
    expect(contentOf(at('ended'))).toEqual(contentOf(at('uninterrupted')));
    expect(resumed.out).toBe(readFileSync(at('uninterrupted/result.json'), 'utf8'));
  }, 120_000);

  test('--real makes a run over sockets with the same figures, and says how late the relay was', async () => {
    const text = PLAN.replace('[h2, h3]', '[h3]').replace('[0%, 5%]', '[0%]').replace('repeats: 3', 'repeats: 1\nscheduler: sequential');
    writeFileSync(at('real.yaml'), text);
    const { out, err, code } = await program(['run', at('real.yaml'), '--real', '--json', '--no-report', '--out', at('real')]);
    expect([code, err]).toEqual([0, '1 runs …\n']);
    const result = JSON.parse(out) as PlanJson;
    const [{ failed, figures, states, gaps, lateness }] = result.runs as [PlanRun];
    expect(failed).toBeUndefined();
    expect(figures).toMatchObject({ connections: 1, handshakes: 1, lost: 0 });
    expect(figures.pageLoad).toBeGreaterThan(100_000); // two round trips
    // who fetches is told of the last octet some µs after it was readable
    expect(Object.values(states!).reduce((sum, time) => sum + time, gaps!)).toBeLessThanOrEqual(figures.pageLoad!);
    expect(lateness!.p99).toBeGreaterThanOrEqual(lateness!.p50);
    expect(planTable(result)).toMatch(/Over real sockets[\s\S]*The relay was late by/);
  }, 120_000);

  test('says what is wrong with what it was given, without a stack', async () => {
    writeFileSync(at('empty.yaml'), '');
    writeFileSync(at('wrong.yaml'), PLAN.replace('queue:', 'queu:'));
    const said = await Promise.all(
      [at('nowhere.yaml'), 'domain-shardng', scratch, at('empty.yaml'), at('wrong.yaml')].map((name) =>
        program(['run', name, '--out', at('x')]),
      ),
    );
    expect(said.map(({ err }) => err.split(scratch).join('.').split(' (plans that')[0]!.trimEnd())).toEqual([
      "error: there is no plan './nowhere.yaml'",
      "error: there is no plan 'domain-shardng'; did you mean 'domain-sharding'?",
      "error: '.' is a directory; a plan is a file",
      'error: ./empty.yaml:1:1: is empty',
      "error: ./wrong.yaml:4:38: topology.both.queu: 'queu' is not a key of a link; did you mean 'queue'?",
    ]);
    expect(said.map(({ code }) => code)).toEqual([1, 1, 1, 1, 1]);
  }, 120_000);
});
