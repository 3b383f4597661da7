import { type ComparisonPlan, figuresOf, PARITY_PROFILE, type RunRecord, roundOf, runOf } from '@quiclab/lab';
import type { Estimate, ModelRun } from '@quiclab/report';
import { MILLISECOND, type Micros } from '@quiclab/sansio';
import { medianPage } from '@quiclab/workload';

// HTTP/3 beside HTTP/2 where nothing differs but the order in which octets are handed on: the parity profile, the same draws.

export const LOSSES: readonly number[] = [0, 0.001, 0.005, 0.01, 0.02, 0.05];
/** So many streams under way at the same time are what makes a difference. */
export const STREAMS = 10;
const [OLD, NEW] = ['h2', 'h3'] as const;

const PLAN: ComparisonPlan = {
  page: medianPage,
  models: [OLD, NEW],
  reference: OLD,
  profile: PARITY_PROFILE,
  losses: LOSSES,
  delay: 25 * MILLISECOND,
  rate: 10e6,
  queue: 64,
  nameLookup: 0,
  firstSeed: 1,
  seeds: 0,
};

/** Both models at one rate of loss, paired by seed. Differences are HTTP/3's less HTTP/2's. */
export interface Paired {
  readonly seeds: number;
  readonly pageLoad: PairedFigure;
  readonly medianCompletion: PairedFigure;
  /** Of the run where these are fewest: streams under way at the same time; and the share of the page load with ten or more of them. */
  readonly mostStreams: number;
  readonly shareOfTime: number;
}
export interface PairedFigure {
  /** Medians over the seeds, µs. */
  readonly old: Micros;
  readonly new: Micros;
  /** Median of the differences, and the middle 95% of what it is in samples drawn with replacement. */
  readonly difference: Estimate;
  /** Of the seeds, where HTTP/3 is faster. */
  readonly faster: number;
}

/** Seeds from 1 on. Throws where the ledger's accounts part. */
export function pair(loss: number, seeds: number): Paired {
  const runs: ModelRun[] = [];
  const streams: Streams[] = [];
  for (let seed = 1; seed <= seeds; seed++)
    for (const model of PLAN.models) {
      const record = runOf(PLAN, loss, model, seed);
      runs.push(figuresOf(record));
      streams.push(streamsOf(record));
    }
  const [before, after] = roundOf(PLAN, loss, runs).models;
  const of = (figure: 'pageLoad' | 'medianCompletion'): PairedFigure => {
    const faster = runs.filter((run, i) => run.model === NEW && run[figure] < runs[i - 1]![figure]);
    return {
      old: before!.figures[figure],
      new: after!.figures[figure],
      difference: after!.difference![figure],
      faster: faster.length / seeds,
    };
  };
  return {
    seeds,
    pageLoad: of('pageLoad'),
    medianCompletion: of('medianCompletion'),
    mostStreams: Math.min(...streams.map(({ most }) => most)),
    shareOfTime: Math.min(...streams.map(({ share }) => share)),
  };
}

interface Streams {
  readonly most: number;
  readonly share: number;
}

/** Exchanges that have been asked for and are not wholly there. */
function streamsOf({ objects, startedAt, finishedAt }: RunRecord): Streams {
  const changes = objects.flatMap(({ requestedAt, completedAt }) => [
    { at: requestedAt, by: 1 },
    { at: completedAt, by: -1 },
  ]);
  changes.sort((a, b) => a.at - b.at || a.by - b.by);
  let underWay = 0;
  let most = 0;
  let time = 0;
  let from = startedAt;
  for (const { at, by } of changes) {
    if (underWay >= STREAMS) time += at - from;
    from = at;
    underWay += by;
    most = Math.max(most, underWay);
  }
  return { most, share: time / (finishedAt - startedAt) };
}
