import { type ComparisonPlan, DEFAULT_PROFILE, figuresOf, type ModelName, runOf } from '@quiclab/lab';
import { MILLISECOND, type Micros, SECOND } from '@quiclab/sansio';
import { medianPage } from '@quiclab/workload';
import type { Contest } from './contest.ts';
import { Stopwatch } from './stopwatch.ts';

const WARM_UP_SECONDS = 2;
const MEASURED_SECONDS = 3;

/**
 * The median page as the laboratory's tables have it, with nothing lost and null protection: seconds of virtual time from the first request to the
 * last object, for each CPU second of the process. A run is wholly made, accounts and figures included, and nothing is written.
 */
export const medianPageRuns = (model: ModelName): Contest => ({
  async run() {
    const plan: ComparisonPlan = {
      page: medianPage,
      models: [model],
      reference: model,
      profile: DEFAULT_PROFILE,
      losses: [0],
      delay: 25 * MILLISECOND,
      rate: 10e6,
      queue: 64,
      nameLookup: 0,
      firstSeed: 1,
      seeds: 0,
    };
    let seed = 0;
    /** The page loads of whole runs that take so much CPU time, and what they took. */
    const load = (seconds: number): { pageLoads: Micros; cpuSeconds: number; runs: number } => {
      const watch = new Stopwatch();
      let pageLoads = 0;
      let runs = 0;
      for (; watch.cpuSeconds < seconds; runs++) pageLoads += figuresOf(runOf(plan, 0, model, ++seed)).pageLoad;
      return { pageLoads, cpuSeconds: watch.cpuSeconds, runs };
    };
    load(WARM_UP_SECONDS);
    const { pageLoads, cpuSeconds, runs } = load(MEASURED_SECONDS);
    return { value: pageLoads / SECOND / cpuSeconds, cpuSeconds, notes: { runs } };
  },
});
