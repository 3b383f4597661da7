import { fileURLToPath } from 'node:url';
import type { PlanRun } from '@quiclab/report';
import { Piscina } from 'piscina';
import type { PreparedPlan } from '../plan/prepare.ts';
import type { RunExecutor } from './executor.ts';
import { inOrderOf } from './ordered.ts';
import type { RunSpec } from './specs.ts';

export interface WorkerOptions {
  readonly workers: number;
  /** Node's options for them. Default: those of this process, so that who runs from sources has workers that do. */
  readonly execArgv?: readonly string[];
  /** What runs in them; has a function from a RunSpec to its PlanRun as default export, and the plan's document as workerData. */
  readonly entry?: URL;
  /** Of each worker's heap. */
  readonly mostHeapMegabytes?: number;
}

/** For each worker: results are small, and while one run takes long the others need not wait for it. */
const AHEAD = 64;
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const ENTRY = new URL(`./worker.${EXTENSION}`, import.meta.url);

/** In virtual time, in so many worker threads. The same results as in this process, to the octet. */
export function overWorkers(plan: PreparedPlan, { workers, execArgv, entry = ENTRY, mostHeapMegabytes }: WorkerOptions): RunExecutor {
  const pool = new Piscina<RunSpec, PlanRun>({
    filename: fileURLToPath(entry),
    workerData: plan.document,
    minThreads: workers,
    maxThreads: workers,
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
    ...(execArgv && { execArgv: [...execArgv] }),
    ...(mostHeapMegabytes !== undefined && { resourceLimits: { maxOldGenerationSizeMb: mostHeapMegabytes } }),
  });
  const make = async (spec: RunSpec): Promise<PlanRun> => {
    try {
      return await pool.run(spec);
    } catch (problem) {
      throw new Error(`the worker that made '${spec.key}' failed: ${(problem as Error).message}`, { cause: problem });
    }
  };
  return {
    run: (specs, signal) => inOrderOf(specs, make, { atOnce: workers, ahead: AHEAD * workers }, signal),
    close: () => pool.destroy(),
  };
}
