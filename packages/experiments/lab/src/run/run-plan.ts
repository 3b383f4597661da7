import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlanResult, PlanRun, PlanWorld } from '@quiclab/report';
import { MOST_RUNS, type PreparedPlan } from '../plan/prepare.ts';
import type { RunExecutor } from './executor.ts';
import { planCsv, planJson, planText } from './result.ts';
import { type RunSpec, runsOf, Schedule, type Shard } from './specs.ts';
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
 * @param runs  those that are there, looked at once; what comes is added
 * @returns whether all are there
 */
export async function runPlan(
  plan: PreparedPlan,
  executor: RunExecutor,
  runs: { readonly runs: Iterable<PlanRun>; add(run: PlanRun): void },
  options: RunOptions,
): Promise<boolean> {
  const { shard, signal, onRun } = options;
  const schedule = new Schedule(plan, shard);
  for (const run of runs.runs) schedule.add(run);
  for (let { specs, count } = schedule.next(); count > 0; { specs, count } = schedule.next()) {
    const planned = schedule.done + count;
    const total = plan.repeats.kind === 'fixed' ? planned : Math.max(planned, runsOf(plan));
    for await (const run of executor.run(specs, signal)) {
      runs.add(run);
      schedule.add(run);
      onRun?.(schedule.done, total, run);
    }
    if (signal.aborted && schedule.done < planned) return false;
  }
  return true;
}

/** Holds what is there against what the plan would have run by now. Throws where they differ. */
export function checkRuns(plan: PreparedPlan, runs: Iterable<PlanRun>, dir: string, shard?: Shard): void {
  const schedule = new Schedule(plan, shard);
  const planned = function* (): Generator<RunSpec> {
    for (let { specs, count } = schedule.next(); count > 0; { specs, count } = schedule.next()) yield* specs;
  };
  const specs = planned();
  for (const run of runs) {
    const { done, value } = specs.next();
    if (done === true) throw new Error(`'${dir}' holds more runs than the plan has`);
    if (run.key !== value.key) throw new Error(`'${dir}' holds the run '${run.key}' where '${value.key}' was to come`);
    schedule.add(run);
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
  new Schedule(plan, shard); // throws where it cannot be divided
  const head = headOf(plan.document, world, shard ?? null);
  if (!resume) return RunStore.create(dir, head);
  const store = RunStore.resume(dir, head);
  checkRuns(plan, store.runs, dir, shard);
  return store;
}

/** Writes result.json, and runs.csv if it is wanted. @param runs  gone through several times @returns what is in it */
export function writeResult(
  plan: PreparedPlan,
  dir: string,
  world: PlanWorld,
  runs: Iterable<PlanRun>,
  complete: boolean,
  csv: boolean,
): PlanResult {
  const result = planJson(plan, world, runs, complete);
  writeText(join(dir, 'result.json'), planText(result));
  if (csv || plan.csv) writeText(join(dir, 'runs.csv'), planCsv(result));
  return result;
}

const PIECE = 1 << 16;

/** Never more of it in memory than a piece: it may be longer than a string can be. */
function writeText(name: string, texts: Iterable<string>): void {
  const file = openSync(name, 'w');
  try {
    let piece = '';
    for (const text of texts) {
      piece += text;
      if (piece.length < PIECE) continue;
      writeFileSync(file, piece);
      piece = '';
    }
    writeFileSync(file, piece);
  } finally {
    closeSync(file);
  }
}
