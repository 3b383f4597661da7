import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlanRun } from '@quiclab/report';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inProcess, overWorkers, parsePlan, type RunExecutor, type RunSpec, runPlan, Schedule } from '../src/index.ts';
import { inOrderOf } from '../src/run/ordered.ts';
import { openStore, writeResult } from '../src/run/run-plan.ts';

const scratch = mkdtempSync(join(tmpdir(), 'quiclab-workers-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const at = (name: string): string => join(scratch, name);

const plan = parsePlan(
  `question: Who waits?
workload: { files: { count: 2, size: 6KB } }
topology:
  both: { rate: 10Mbit, delay: 25ms, queue: 64 packets }
models: [h2, h3]
vary:
  topology.down.loss: [0%, 9%]
repeats: 10
`,
  'p.yaml',
  () => '',
);
const execArgv = ['--import', 'tsx'];
const never = new AbortController().signal;

async function runInto(dir: string, executor: RunExecutor, { resume = false, stopAfter = Infinity } = {}): Promise<number> {
  const store = openStore(plan, { dir, resume, world: 'simulated' });
  const stop = new AbortController();
  const onRun = (done: number): void => void (done >= stopAfter && stop.abort());
  const complete = await runPlan(plan, executor, store, { world: 'simulated', signal: stop.signal, onRun });
  await executor.close();
  store.close();
  writeResult(plan, dir, 'simulated', store.runs, complete, true);
  return store.count;
}

const contentOf = (dir: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(dir)
      .sort()
      .map((name) => [name, readFileSync(join(dir, name), 'utf8')]),
  );

describe('worker threads', () => {
  beforeAll(async () => {
    await runInto(at('alone'), inProcess(plan));
  });

  test.each([1, 2, 3])(
    '%i of them make the same octets as this process',
    async (workers) => {
      expect(await runInto(at(`by${workers}`), overWorkers(plan, { workers, execArgv }))).toBe(40);
      expect(contentOf(at(`by${workers}`))).toEqual(contentOf(at('alone')));
    },
    180_000,
  );

  test('that are stopped leave the first runs, and others go on to the same octets', async () => {
    const done = await runInto(at('stopped'), overWorkers(plan, { workers: 3, execArgv }), { stopAfter: 5 });
    expect(done).toBeGreaterThanOrEqual(5);
    expect(done).toBeLessThan(40);
    const all = contentOf(at('alone'))['runs.jsonl']!.split('\n');
    expect(contentOf(at('stopped'))['runs.jsonl']!.split('\n').slice(0, -1)).toEqual(all.slice(0, done));
    expect(await runInto(at('stopped'), overWorkers(plan, { workers: 2, execArgv }), { resume: true })).toBe(40);
    expect(contentOf(at('stopped'))).toEqual(contentOf(at('alone')));
  }, 180_000);

  test.each([
    ['h2', 'throws', /^the worker that made 'h2 seed 3' failed: no such luck$/],
    ['h3', 'ends', /^the worker that made 'h3 seed 3' failed: worker exited with code: 7$/],
    ['h1-short', 'takes too much memory', /^the worker that made 'h1-short seed 3' failed: .*memory/],
  ])('of which one, under %s, %s: the runs before are there, and the error names the run', async (model, _what, message) => {
    const specs = Array.from({ length: 40 }, (_, i): RunSpec => ({ key: `${model} seed ${i + 1}`, variant: 0, model, seed: i + 1 }));
    const entry = new URL('./workers/lost.ts', import.meta.url);
    const executor = overWorkers(plan, { workers: 2, execArgv, entry, mostHeapMegabytes: 64 });
    const runs: PlanRun[] = [];
    const all = (async () => {
      for await (const run of executor.run(specs, never)) runs.push(run);
    })();
    await expect(all).rejects.toThrow(message);
    await executor.close();
    expect(runs.map(({ seed }) => seed)).toEqual([1, 2]);
  });
});

test('workers that cannot start say so', async () => {
  const entry = new URL('./workers/nowhere.ts', import.meta.url);
  const executor = overWorkers(plan, { workers: 2, execArgv, entry });
  const first = executor.run(new Schedule(plan).next().specs, never)[Symbol.asyncIterator]().next();
  await expect(first).rejects.toThrow(/^the worker that made 'topology.down.loss=0% h2 seed 1' failed: .*nowhere.ts/);
  await executor.close();
});

describe('results in order', () => {
  /** Something that is made when it is told to. */
  class Bench {
    readonly begun: number[] = [];
    readonly asked: number[] = [];
    readonly #finish = new Map<number, () => void>();
    readonly make = (item: number): Promise<number> => {
      this.begun.push(item);
      return new Promise((resolve, reject) => this.#finish.set(item, () => (item < 0 ? reject(new Error(`${item}`)) : resolve(item))));
    };
    *items(list: Iterable<number>): Generator<number> {
      for (const item of list) {
        this.asked.push(item);
        yield item;
      }
    }
    async finish(...items: number[]): Promise<void> {
      for (const item of items) this.#finish.get(item)!();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const collect = (results: AsyncIterable<number>) => {
    const got: number[] = [];
    const ended = (async () => {
      for await (const result of results) got.push(result);
    })();
    return { got, ended };
  };

  test('come in the order of the items, and no item is asked for before there is room', async () => {
    const bench = new Bench();
    const { got, ended } = collect(inOrderOf(bench.items([0, 1, 2, 3, 4]), bench.make, { atOnce: 2, ahead: 10 }, never));
    await bench.finish();
    expect(bench.asked).toEqual([0, 1]);
    await bench.finish(1);
    expect([got, bench.asked]).toEqual([[], [0, 1, 2]]);
    await bench.finish(0);
    expect([got, bench.asked]).toEqual([
      [0, 1],
      [0, 1, 2, 3],
    ]);
    await bench.finish(3);
    await bench.finish(4, 2);
    await ended;
    expect(got).toEqual([0, 1, 2, 3, 4]);
  });

  test('are not made further ahead of the first that is missing than allowed', async () => {
    const bench = new Bench();
    const { got, ended } = collect(inOrderOf(bench.items(Array(20).keys()), bench.make, { atOnce: 2, ahead: 4 }, never));
    await bench.finish();
    for (const i of [1, 2, 3, 4]) await bench.finish(i);
    expect(bench.asked).toEqual([0, 1, 2, 3, 4]); // 0 is waited for, four are ahead of it
    await bench.finish(0);
    expect(got).toEqual([0, 1, 2, 3, 4]);
    expect(bench.asked).toEqual([0, 1, 2, 3, 4, 5, 6]);
    while (got.length < 20) await bench.finish(...bench.begun);
    await ended;
  });

  test('are begun no more after an abort, and those that were begun come', async () => {
    const bench = new Bench();
    const stop = new AbortController();
    const { got, ended } = collect(inOrderOf(bench.items(Array(20).keys()), bench.make, { atOnce: 3, ahead: 10 }, stop.signal));
    await bench.finish(1);
    stop.abort();
    await bench.finish(0, 2, 3);
    await ended;
    expect([got, bench.begun]).toEqual([
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ]);
  });

  test('come up to one that failed, and nothing is begun after it', async () => {
    const bench = new Bench();
    const { got, ended } = collect(inOrderOf(bench.items([0, -1, 2, -3, 4, 5]), bench.make, { atOnce: 3, ahead: 10 }, never));
    ended.catch(() => {});
    await bench.finish(-1);
    await bench.finish(2);
    expect([got, bench.begun]).toEqual([[], [0, -1, 2]]);
    await bench.finish(0);
    await expect(ended).rejects.toThrow('-1');
    expect(got).toEqual([0]);
  });
});
