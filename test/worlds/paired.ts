import { figuresOf, planJson, preparePlan, type RunRecord, runSimulated, simulatedRun } from '@quiclab/lab';
import type { Estimate, PlanRun } from '@quiclab/report';
import type { Micros } from '@quiclab/sansio';

// HTTP/3 beside HTTP/2 where nothing differs but the order in which octets are handed on: the parity profile, the same draws.

export const LOSSES: readonly number[] = [0, 0.001, 0.005, 0.01, 0.02, 0.05];
/** So many streams under way at the same time are what makes a difference. */
export const STREAMS = 10;
const [OLD, NEW] = ['h2', 'h3'] as const;

const PLAN = preparePlan(
  {
    question: 'What does it change that streams are independent?',
    workload: 'median',
    topology: { both: { rate: '10Mbit', delay: '25ms', queue: '64 packets' } },
    models: [OLD, NEW],
    profile: 'parity',
    vary: { 'topology.down.loss': LOSSES.map((loss) => `${100 * loss}%`) },
    reference: OLD,
  },
  (name) => {
    throw new Error(`there is no file '${name}'`);
  },
  { source: 'paired' },
);

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
  const runs: PlanRun[] = [];
  const streams: Streams[] = [];
  const variant = LOSSES.indexOf(loss);
  const { setup } = PLAN.variants[variant]!;
  if (setup.load.kind !== 'page') throw new Error('not a page');
  for (let seed = 1; seed <= seeds; seed++)
    for (const model of [OLD, NEW]) {
      const record = runSimulated(simulatedRun(setup, setup.load, { model, seed }));
      runs.push({ key: `${model} ${seed}`, variant, model, seed, ...figuresOf(record) });
      streams.push(streamsOf(record));
    }
  const [before, after] = planJson(PLAN, 'simulated', runs, true, 'models').summaries;
  const of = (figure: 'pageLoad' | 'medianCompletion'): PairedFigure => {
    const faster = runs.filter((run, i) => run.model === NEW && run.figures[figure]! < runs[i - 1]!.figures[figure]!);
    const { median, interval } = after!.differences![figure]!;
    return {
      old: before!.medians[figure]!,
      new: after!.medians[figure]!,
      difference: { median, ...(interval ?? { low: median, high: median }) },
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
