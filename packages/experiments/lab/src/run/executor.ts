import type { PlanRun } from '@quiclab/report';
import type { PreparedPlan } from '../plan/prepare.ts';
import { runSpec } from './run-spec.ts';
import type { RunSpec } from './specs.ts';

/** Makes runs: in this process, in others, on other machines. */
export interface RunExecutor {
  /**
   * @param specs   asked for one after the other, as there is somebody free to run them
   * @param signal  aborted: no more of them are begun
   * @returns their results in the order of the specs, whatever the order in which they were done; after an abort those up to the first that was not begun
   */
  run(specs: Iterable<RunSpec>, signal: AbortSignal): AsyncIterable<PlanRun>;
  close(): Promise<void>;
}

/** One after the other, in this process and virtual time; between runs others have their turn. */
export const inProcess = (plan: PreparedPlan): RunExecutor => ({
  async *run(specs, signal) {
    for (const spec of specs) {
      await new Promise((resolve) => setImmediate(resolve));
      if (signal.aborted) return;
      yield runSpec(plan, spec);
    }
  },
  close: async () => {},
});
