import type { PlanResult, PlanRun } from '@quiclab/report';
import { type PreparedPlan, prepareDocument } from '../plan/prepare.ts';
import { writeResult } from './run-plan.ts';
import { inOrder, Schedule } from './specs.ts';
import { difference, headOf, RunStore, readHead, readRuns, type StoreHead } from './store.ts';

export interface Merged {
  readonly result: PlanResult;
  /** Runs of the plan that are nowhere. */
  readonly missing: number;
}

/** Puts the runs of several directories into one, as if one process had made them. Throws where they are not of one plan, or one run came out in two ways. */
export function mergeShards(dirs: readonly string[], out: string, csv: boolean): Merged {
  if (dirs.includes(out)) throw new Error(`--out: '${out}' is one of the parts`);
  let head: StoreHead | undefined;
  for (const dir of dirs) {
    const own = readHead(dir);
    if (own === undefined) throw new Error(`'${dir}' holds no runs`);
    head ??= own;
    const differences = difference({ ...head, shard: null }, { ...own, shard: null }, '');
    if (differences.length > 0)
      throw new Error(`'${dir}' is not of the plan of '${dirs[0]}':\n${differences.map((line) => `  ${line}`).join('\n')}`);
  }
  const { document, world } = head!;
  const plan = prepareDocument(document);
  const schedule = new Schedule(plan);
  for (const run of merged(plan, dirs)) schedule.add(run); // whatever is wrong is said before anything is written
  const missing = schedule.next().count;
  const store = RunStore.create(out, { ...headOf(document, world, null), version: head!.version });
  for (const run of merged(plan, dirs)) store.add(run);
  store.close();
  return { result: writeResult(plan, out, world, store.runs, missing === 0, csv), missing };
}

/** A directory, and the run that is next in it. */
interface Part {
  readonly dir: string;
  readonly rest: Iterator<PlanRun>;
  run: PlanRun;
}

/** The runs of all of them in the plan's order, each once: every directory has its own in that order. */
function* merged(plan: PreparedPlan, dirs: readonly string[]): Generator<PlanRun> {
  let parts: Part[] = [];
  for (const dir of dirs) {
    const rest = readRuns(dir)[Symbol.iterator]();
    const { done, value } = rest.next();
    if (done !== true) parts.push({ dir, rest, run: value });
  }
  while (parts.length > 0) {
    let first = parts[0]!;
    for (const part of parts) if (inOrder(plan, part.run, first.run) < 0) first = part;
    const { run } = first;
    const text = JSON.stringify(run);
    for (const part of parts) {
      if (part.run.key !== run.key) continue;
      if (JSON.stringify(part.run) !== text) throw new Error(`'${run.key}' came out in two ways, in '${first.dir}' and in '${part.dir}'`);
      step(plan, part);
    }
    yield run;
    parts = parts.filter((part) => part.run !== OVER);
  }
}

const OVER: PlanRun = { key: '', variant: 0, model: '', seed: 0, figures: {} };

function step(plan: PreparedPlan, part: Part): void {
  const { done, value } = part.rest.next();
  if (done !== true && inOrder(plan, part.run, value) >= 0)
    throw new Error(`'${part.dir}' holds the run '${value.key}' after '${part.run.key}', which it comes before`);
  part.run = done === true ? OVER : value;
}
