import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  inProcess,
  openStore,
  overWorkers,
  parsePlan,
  type RunExecutor,
  type RunSpec,
  runPlan,
  writeResult,
  writeTables,
} from '@quiclab/lab';
import type { Contest } from './contest.ts';
import { memory } from './idle.ts';
import { Stopwatch } from './stopwatch.ts';

/** A page of two small objects with a loss now and then: what is measured is the sweep, not the page. */
const plan = (seeds: number) =>
  parsePlan(
    `question: How fast is a sweep?
workload: { files: { count: 2, size: 2KB } }
topology:
  both: { rate: 20Mbit, delay: 10ms }
  down: { loss: 1% }
models: [h3]
repeats: ${seeds}
`,
    'sweep',
    () => '',
  );

/** Each worker compiles for itself, and small runs have much of it to do: their rate still doubles after ten seconds. */
const WARM_UP_MS = 20_000;
const MEASURED_MS = 4_000;
const PHASES = 6;
const PHASE_MS = 1_000;
const LEAST_RUNS = 20;

/** Runs that a sweep makes in a second with so many worker threads. */
export const sweepRuns = (workers: number): Contest => ({
  async run() {
    const executor = overWorkers(plan(1), { workers });
    try {
      await rateOf(executor, specs(), WARM_UP_MS);
      const watch = new Stopwatch();
      const value = await rateOf(executor, specs(), MEASURED_MS);
      return { value, cpuSeconds: watch.cpuSeconds };
    } finally {
      await executor.close();
    }
  },
});

/**
 * How much faster a sweep is with two workers than with one, as a share of how much faster a loop is that does nothing but count, in the same pool: what
 * the machine has to give at that time. Phases alternate, since the machine may have other work.
 */
export const sweepScaling: Contest = {
  async run() {
    const spin = (workers: number): RunExecutor => overWorkers(plan(1), { workers, entry: new URL('./spin.ts', import.meta.url) });
    const sweeps = [1, 2].map((workers) => overWorkers(plan(1), { workers }));
    const spins = [1, 2].map(spin);
    try {
      for (const executor of sweeps) await rateOf(executor, specs(), WARM_UP_MS);
      // one turn of the loop takes as long as one run
      const rate = await rateOf(sweeps[0], specs(), PHASE_MS);
      for (const executor of spins) await rateOf(executor, specs(1_000_000), PHASE_MS);
      const turns = Math.round((1_000_000 * (await rateOf(spins[0], specs(1_000_000), PHASE_MS))) / rate);
      const swept = [0, 0];
      const spun = [0, 0];
      const watch = new Stopwatch();
      for (let phase = 0; phase < PHASES; phase++)
        for (const i of [0, 1]) {
          swept[i] += await rateOf(sweeps[i], specs(), PHASE_MS);
          spun[i] += await rateOf(spins[i], specs(turns), PHASE_MS);
        }
      const scaling = { sweep: swept[1] / swept[0], spin: spun[1] / spun[0] };
      return {
        value: scaling.sweep / scaling.spin,
        cpuSeconds: watch.cpuSeconds,
        notes: { sweep: rounded(scaling.sweep), spin: rounded(scaling.spin), processors: availableParallelism() },
      };
    } finally {
      await Promise.all([...sweeps, ...spins].map((executor) => executor.close()));
    }
  },
};

const rounded = (value: number): number => Number(value.toPrecision(3));

/** Without end. @param seed  of all of them; default: each its own */
function* specs(seed?: number): Generator<RunSpec> {
  for (let i = 1; ; i++) yield { key: `h3 seed ${i}`, variant: 0, model: 'h3', seed: seed ?? i };
}

/** How many are done in a second, over so many ms at least, and over as many runs as a rate takes that is not chance. */
async function rateOf(executor: RunExecutor, of: Iterable<RunSpec>, ms: number): Promise<number> {
  const stop = new AbortController();
  const begun = performance.now();
  let count = 0;
  let rate = 0;
  for await (const { failed, key } of executor.run(of, stop.signal)) {
    if (failed !== undefined) throw new Error(`${key}: ${failed}`);
    if (stop.signal.aborted) continue; // was under way at the end
    const elapsed = performance.now() - begun;
    rate = (1_000 * ++count) / elapsed;
    if (elapsed > ms && count >= LEAST_RUNS) stop.abort();
  }
  return rate;
}

const MIB = 2 ** 20;

/** Resident MiB after a sweep of so many runs in this process, with its results written, when all garbage is gone; and the highest before, in which there is some. */
export const sweepMemory = (runs: number): Contest => ({
  async run() {
    const dir = mkdtempSync(join(tmpdir(), 'quiclab-bench-sweep-'));
    const watch = new Stopwatch();
    try {
      const sweep = plan(runs);
      const store = openStore(sweep, { dir, resume: false, world: 'simulated' });
      const complete = await runPlan(sweep, inProcess(sweep), store, { world: 'simulated', signal: new AbortController().signal });
      store.close();
      writeResult(sweep, dir, 'simulated', store.runs, complete, true);
      const missing = await writeTables(sweep, dir, 'simulated', complete);
      if (missing !== '') throw new Error(missing);
      const highest = process.resourceUsage().maxRSS / 1_024;
      const { resident } = await memory();
      return { value: resident / MIB, cpuSeconds: watch.cpuSeconds, notes: { highest: rounded(highest) } };
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
});
