import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PlanJson, type PlanRun, type PlanWorld, planTable } from '@quiclab/report';
import { MOST_RUNS, type PreparedPlan } from '../plan/prepare.ts';
import type { RunExecutor } from './executor.ts';
import { planCsv, planJson } from './result.ts';
import { nextRuns, runsOf, type Shard } from './specs.ts';
import { headOf, RunStore } from './store.ts';

export interface RunOptions {
  readonly world: PlanWorld;
  readonly shard?: Shard;
  readonly signal: AbortSignal;
  /** Told after each run. */
  readonly onRun?: (done: number, total: number, run: PlanRun) => void;
}

/**
 * Makes the runs of a plan that are not there yet, in their order, until they are all there or it is stopped.
 * @param runs  those that are there; what comes is added
 * @returns whether all are there
 */
export async function runPlan(
  plan: PreparedPlan,
  executor: RunExecutor,
  runs: { readonly runs: readonly PlanRun[]; add(run: PlanRun): void },
  options: RunOptions,
): Promise<boolean> {
  const { shard, signal, onRun } = options;
  for (let specs = nextRuns(plan, runs.runs, shard); specs.length > 0; specs = nextRuns(plan, runs.runs, shard)) {
    const planned = runs.runs.length + specs.length;
    const total = plan.repeats.kind === 'fixed' ? planned : Math.max(planned, runsOf(plan));
    for await (const run of executor.run(specs, signal)) {
      runs.add(run);
      onRun?.(runs.runs.length, total, run);
    }
    if (signal.aborted && runs.runs.length < planned) return false;
  }
  return true;
}

/** Holds what is there against what the plan would have run by now. Throws where they differ. */
export function checkRuns(plan: PreparedPlan, runs: readonly PlanRun[], dir: string, shard?: Shard): void {
  for (let at = 0; at < runs.length; ) {
    const specs = nextRuns(plan, runs.slice(0, at), shard);
    if (specs.length === 0) throw new Error(`'${dir}' holds more runs than the plan has`);
    for (const { key } of specs) {
      if (at === runs.length) return;
      if (runs[at]!.key !== key) throw new Error(`'${dir}' holds the run '${runs[at]!.key}' where '${key}' was to come`);
      at++;
    }
  }
}

/** More runs than this are made only when asked for. */
export function checkSize(plan: PreparedPlan, most = MOST_RUNS): void {
  const runs = runsOf(plan);
  if (runs > most) throw new Error(`the plan has ${runs} runs; ${most} are made without asking: --max-runs ${runs} asks for them`);
}

export interface Directory {
  readonly dir: string;
  readonly resume: boolean;
  readonly most?: number;
  readonly world: PlanWorld;
  readonly shard?: Shard;
}

/** Where runs of a plan go, with those that are there if it is to go on. */
export function openStore(plan: PreparedPlan, { dir, resume, most, world, shard }: Directory): RunStore {
  checkSize(plan, most);
  if (shard !== undefined) nextRuns(plan, [], shard); // throws where it cannot be divided
  const head = headOf(plan.document, world, shard ?? null);
  if (!resume) return RunStore.create(dir, head);
  const store = RunStore.resume(dir, head);
  checkRuns(plan, store.runs, dir, shard);
  return store;
}

/** Writes result.json, and runs.csv if it is wanted. @returns what is in it, and the table */
export function writeResult(
  plan: PreparedPlan,
  dir: string,
  world: PlanWorld,
  runs: readonly PlanRun[],
  complete: boolean,
  csv: boolean,
): { readonly result: PlanJson; readonly text: string; readonly table: string } {
  const result = planJson(plan, world, runs, complete);
  const text = `${JSON.stringify(result)}\n`;
  writeFileSync(join(dir, 'result.json'), text);
  if (csv || plan.csv) writeFileSync(join(dir, 'runs.csv'), planCsv(result));
  return { result, text, table: planTable(result) };
}
