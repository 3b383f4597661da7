import { type ModelName, preparePlan, runSpec } from '@quiclab/lab';
import { type Micros, SECOND } from '@quiclab/sansio';
import type { Contest } from './contest.ts';
import { Stopwatch } from './stopwatch.ts';

/** The compiler takes several seconds for all that such a run goes through; a sweep has thousands of runs. */
const WARM_UP_SECONDS = 6;
const MEASURED_SECONDS = 3;

/**
 * The median page as the laboratory's tables have it, with nothing lost and null protection: seconds of virtual time from the first request to the
 * last object, for each CPU second of the process. A run is wholly made, accounts and figures included, and nothing is written.
 */
export const medianPageRuns = (model: ModelName): Contest => ({
  async run() {
    const plan = preparePlan(
      {
        question: 'how fast is it?',
        workload: 'median',
        topology: { both: { rate: '10Mbit', delay: '25ms', queue: '64 packets' } },
        models: [model],
      },
      (name) => {
        throw new Error(`there is no file '${name}'`);
      },
      { source: 'bench' },
    );
    let seed = 0;
    /** The page loads of whole runs that take so much CPU time, and what they took. */
    const load = (seconds: number): { pageLoads: Micros; cpuSeconds: number; runs: number } => {
      const watch = new Stopwatch();
      let pageLoads = 0;
      let runs = 0;
      for (; watch.cpuSeconds < seconds; runs++) pageLoads += runSpec(plan, { key: '', variant: 0, model, seed: ++seed }).figures.pageLoad!;
      return { pageLoads, cpuSeconds: watch.cpuSeconds, runs };
    };
    load(WARM_UP_SECONDS);
    const { pageLoads, cpuSeconds, runs } = load(MEASURED_SECONDS);
    return { value: pageLoads / SECOND / cpuSeconds, cpuSeconds, notes: { runs } };
  },
});
