import type { PlanRun } from '@quiclab/report';
import { prepareDocument } from '../plan/prepare.ts';
import { writeResult } from './run-plan.ts';
import { inOrder, nextRuns, runsOf } from './specs.ts';
import { difference, headOf, RunStore, readHead, readRuns, type StoreHead } from './store.ts';

export interface Merged {
  readonly text: string;
  readonly table: string;
  /** Runs of the plan that are nowhere. */
  readonly missing: number;
}

/** Puts the runs of several directories into one, as if one process had made them. Throws where they are not of one plan, or one run came out in two ways. */
export function mergeShards(dirs: readonly string[], out: string, csv: boolean): Merged {
  if (dirs.includes(out)) throw new Error(`--out: '${out}' is one of the parts`);
  let head: StoreHead | undefined;
  const byKey = new Map<string, { readonly run: PlanRun; readonly text: string; readonly dir: string }>();
  for (const dir of dirs) {
    const own = readHead(dir);
    if (own === undefined) throw new Error(`'${dir}' holds no runs`);
    head ??= own;
    const differences = difference({ ...head, shard: null }, { ...own, shard: null }, '');
    if (differences.length > 0)
      throw new Error(`'${dir}' is not of the plan of '${dirs[0]}':\n${differences.map((line) => `  ${line}`).join('\n')}`);
    for (const run of readRuns(dir).runs) {
      const text = JSON.stringify(run);
      const other = byKey.get(run.key);
      if (other !== undefined && other.text !== text)
        throw new Error(`'${run.key}' came out in two ways, in '${other.dir}' and in '${dir}'`);
      byKey.set(run.key, { run, text, dir });
    }
  }
  const { document, world } = head!;
  const plan = prepareDocument(document);
  const runs = [...byKey.values()].map(({ run }) => run).sort((a, b) => inOrder(plan, a, b));
  const missing = plan.repeats.kind === 'fixed' ? runsOf(plan) - runs.length : nextRuns(plan, runs).length;
  const store = RunStore.create(out, { ...headOf(document, world, null), version: head!.version });
  for (const run of runs) store.add(run);
  store.close();
  const { text, table } = writeResult(plan, out, world, runs, missing === 0, csv);
  return { text, table, missing };
}
