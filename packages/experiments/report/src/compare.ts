import { fraction, type Random } from '@quiclab/sansio';
import { medianSorted, quantileSorted } from 'simple-statistics';
import { milliseconds } from './format.ts';
import type { ComparedFigure, Comparison, FigureName, RunResult } from './schema.ts';

/** Every figure that two models are compared by, from one run. Times are sums or medians over its streams. */
export const FIGURES: Readonly<Record<FigureName, (run: RunResult) => number>> = {
  pageLoad: (run) => run.pageLoad,
  medianCompletion: (run) => median(run.streams.map((stream) => stream.completion)),
  blockedOwn: (run) => sum(run.streams.map((stream) => stream.blocked.own)),
  blockedOther: (run) => sum(run.streams.map((stream) => stream.blocked.other)),
  blockedByteTime: (run) => sum(run.streams.map((stream) => stream.blockedByteTime)),
  lostPackets: (run) => sum(run.streams.map((stream) => stream.lostPackets)),
};

const RESAMPLES = 2_000;
/** Below this many pairs a bootstrap says next to nothing, and no interval is shown. */
const LEAST_PAIRS = 5;

/**
 * Compares the first two models that occur, paired by seed. EXPERIMENTS §4, Statistics.
 * @param random  for the resampling: the same draws give the same intervals
 * @returns null where there is one model only, or no seed that both ran
 */
export function compare(runs: readonly RunResult[], random: Random): Comparison | null {
  const [first, second] = [...new Set(runs.map((run) => run.model))];
  if (first === undefined || second === undefined) return null;
  const pairs = runs
    .filter((run) => run.model === first)
    .flatMap((run) => {
      const other = runs.find((candidate) => candidate.model === second && candidate.seed === run.seed);
      return other === undefined ? [] : [[run, other] as const];
    });
  if (pairs.length === 0) return null;

  const figures = Object.fromEntries(
    Object.entries(FIGURES).map(([name, figure]): [string, ComparedFigure] => {
      const differences = pairs.map(([a, b]) => figure(b) - figure(a));
      return [
        name,
        {
          first: median(pairs.map(([a]) => figure(a))),
          second: median(pairs.map(([, b]) => figure(b))),
          difference: median(differences),
          interval: differences.length < LEAST_PAIRS ? null : bootstrapMedian(differences, random.fork(`bootstrap/${name}`)),
        },
      ];
    }),
  ) as Record<FigureName, ComparedFigure>;
  const most = (figure: FigureName): number => Math.max(...pairs.flat().map(FIGURES[figure]));
  const waited = most('blockedOther') > 0 ? 'for others' : most('blockedOwn') > 0 ? 'for themselves' : 'never';
  return { first, second, pairs: pairs.length, figures, sentence: sentence({ first, second, pairs: pairs.length, figures, waited }) };
}

/** A median and where it lies with 95%, by bootstrap. */
export interface Estimate {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The middle 95% of the medians of samples drawn with replacement, in whole units. */
export function bootstrapMedian(values: readonly number[], random: Random): { readonly low: number; readonly high: number } {
  const drawn = medianOfSample(values);
  const medians = Array.from({ length: RESAMPLES }, () => drawn(random)).sort((a, b) => a - b);
  return { low: Math.round(quantileSorted(medians, 0.025)), high: Math.round(quantileSorted(medians, 0.975)) };
}

/** The median of as many values as there are, drawn with replacement. Counts how often each is drawn: sorting thousands of samples of thousands takes minutes. */
function medianOfSample(values: readonly number[]): (random: Random) => number {
  const { length } = values;
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const rankOf = new Uint32Array(length);
  for (let rank = 0; rank < length; rank++) rankOf[order[rank]!] = rank;
  const times = new Uint32Array(length);
  const upper = length >> 1; // of the sorted sample, from 0; with an even number the median lies between this and the one before
  return (random) => {
    times.fill(0);
    for (let i = 0; i < length; i++) times[rankOf[Math.floor(fraction(random) * length)]!]!++;
    let before = -1;
    let seen = 0;
    for (let rank = 0; ; rank++) {
      if (times[rank] === 0) continue;
      seen += times[rank]!;
      if (before < 0 && seen >= upper) before = rank;
      if (seen > upper) return length % 2 === 1 ? values[order[rank]!]! : (values[order[before]!]! + values[order[rank]!]!) / 2;
    }
  };
}

/** How many times the second median the first is, and the middle 95% of that over samples drawn with replacement from both, independently. */
export function ratioOfMedians(
  first: readonly number[],
  second: readonly number[],
  random: Random,
): { readonly ratio: number; readonly low: number; readonly high: number } {
  const middle = (values: readonly number[]): number => medianSorted([...values].sort((a, b) => a - b));
  const resampled = (values: readonly number[]): number[] =>
    Array.from(values, () => values[Math.floor(fraction(random) * values.length)]!);
  const ratios = Array.from({ length: RESAMPLES }, () => middle(resampled(first)) / middle(resampled(second))).sort((a, b) => a - b);
  return { ratio: middle(first) / middle(second), low: quantileSorted(ratios, 0.025), high: quantileSorted(ratios, 0.975) };
}

/** In whole units; 0 of nothing. */
export const median = (values: readonly number[]): number =>
  values.length === 0 ? 0 : Math.round(medianSorted([...values].sort((a, b) => a - b)));
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

interface Findings {
  readonly first: string;
  readonly second: string;
  readonly pairs: number;
  readonly figures: Readonly<Record<FigureName, ComparedFigure>>;
  /** Over all runs, not only in the middle of them. */
  readonly waited: 'never' | 'for themselves' | 'for others';
}

/** Says what the figures say, and no more: over several seeds a claim needs an interval without 0 in it. */
function sentence(findings: Findings): string {
  const { pairs, figures } = findings;
  const clauses = [
    waitingClause(findings),
    timeClause('the median stream', figures.medianCompletion, findings),
    timeClause('the page', figures.pageLoad, findings),
  ];
  const scope = pairs === 1 ? '' : `over ${pairs} seeds (medians), `;
  const caveat = pairs === 1 ? '; one seed proves nothing' : pairs < LEAST_PAIRS ? `; ${pairs} seeds are too few for an interval` : '';
  return `${scope}${clauses.join('; ')}${caveat}.`;
}

function waitingClause({ first, second, pairs, figures, waited }: Findings): string {
  if (waited === 'never') return `nothing was ever blocked, under ${first} or under ${second}: no difference in waiting`;
  if (waited === 'for themselves') return `no stream ever waited for another's loss, under ${first} or under ${second}: no difference`;
  const other = figures.blockedOther;
  return `streams waited ${milliseconds(other.first)} under ${first} and ${milliseconds(other.second)} under ${second} in sum for losses that were not theirs${verdict(other, pairs)}`;
}

function timeClause(what: string, figure: ComparedFigure, { first, second, pairs }: Findings): string {
  const faster = figure.difference > 0 ? first : second;
  const gain = significance(figure, pairs) === 'shown' ? `, ${milliseconds(Math.abs(figure.difference))} less under ${faster}` : '';
  return `${what} took ${milliseconds(figure.first)} and ${milliseconds(figure.second)}${gain}${verdict(figure, pairs)}`;
}

/** 'none': equal throughout; 'unclear': chance alone would do; 'shown': there is a difference, in this one pair or beyond chance. */
function significance({ difference, interval }: ComparedFigure, pairs: number): 'none' | 'unclear' | 'shown' {
  if (pairs === 1) return difference === 0 ? 'none' : 'shown';
  if (interval === null) return 'unclear';
  if (interval.low === 0 && interval.high === 0) return 'none';
  return interval.low <= 0 && interval.high >= 0 ? 'unclear' : 'shown';
}

function verdict(figure: ComparedFigure, pairs: number): string {
  const { interval } = figure;
  const bounds = interval === null ? '' : ` (difference with 95%: ${milliseconds(interval.low)} to ${milliseconds(interval.high)})`;
  switch (significance(figure, pairs)) {
    case 'none':
      return ': no difference';
    case 'unclear':
      return `${bounds}${interval === null ? '' : ', which shows no difference'}`;
    case 'shown':
      return bounds;
  }
}
