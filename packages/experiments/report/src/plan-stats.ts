import { type Random, seededRandom } from '@quiclab/sansio';
import { bootstrapMedian, median } from './compare.ts';
import { seedsFor, variationOf } from './models-stats.ts';
import { PLAN_FIGURES, type PlanFigure, type PlanFigures } from './plan-figures.ts';
import type { PlanEstimate, PlanJson, PlanRun, PlanSummary } from './plan-schema.ts';

/** With fewer a bootstrap says next to nothing. */
const LEAST_SEEDS = 5;

/** What one can compare of a run: its model, or each of its transfers. */
export const subjectsOf = (run: PlanRun): readonly { readonly name: string; readonly figures: PlanFigures }[] =>
  run.flows ?? [{ name: run.model, figures: run.figures }];

/** Runs of one subject in one variant. */
interface Cell {
  readonly variant: number;
  readonly subject: string;
  readonly bySeed: Map<number, PlanFigures>;
  readonly runs: PlanRun[];
  failed: number;
}

/** What each subject came to in each variant, held against the reference by the same seeds. EXPERIMENTS §4, Statistics. */
export function summarisePlan({ variants, runs, reference, figures }: Omit<PlanJson, 'summaries'>): PlanSummary[] {
  const cells = cellsOf(runs);
  const byValues = new Map(variants.map(({ values }, i) => [JSON.stringify(values), i]));
  return [...cells.values()].map((cell) => {
    const own = [...cell.bySeed.values()];
    const base = byValues.get(JSON.stringify({ ...variants[cell.variant]!.values, ...reference.values }));
    const other = base === undefined ? undefined : cells.get(cellKey(base, reference.model ?? cell.subject));
    const pairs =
      other === undefined || other === cell
        ? []
        : [...cell.bySeed].flatMap(([seed, mine]) => {
            const theirs = other.bySeed.get(seed);
            return theirs === undefined ? [] : [[mine, theirs] as const];
          });
    return {
      variant: cell.variant,
      subject: cell.subject,
      seeds: own.length,
      failed: cell.failed,
      medians: figuresOf(PLAN_FIGURES, (figure) => valuesOf(own, figure), median),
      estimates: figuresOf(figures, (figure) => valuesOf(own, figure), estimate),
      against: pairs.length === 0 ? null : { variant: other!.variant, subject: other!.subject },
      differences:
        pairs.length === 0
          ? null
          : figuresOf(
              figures,
              (figure) =>
                pairs.flatMap(([mine, theirs]) =>
                  mine[figure] === undefined || theirs[figure] === undefined ? [] : [mine[figure] - theirs[figure]],
                ),
              estimate,
            ),
      states: meanStates(cell.runs),
    };
  });
}

const cellKey = (variant: number, subject: string): string => `${variant} ${subject}`;

function cellsOf(runs: readonly PlanRun[]): Map<string, Cell> {
  const cells = new Map<string, Cell>();
  for (const run of runs)
    for (const { name, figures } of subjectsOf(run)) {
      const key = cellKey(run.variant, name);
      let cell = cells.get(key);
      if (cell === undefined) {
        cell = { variant: run.variant, subject: name, bySeed: new Map(), runs: [], failed: 0 };
        cells.set(key, cell);
      }
      if (run.failed !== undefined) cell.failed++;
      else {
        cell.bySeed.set(run.seed, figures);
        cell.runs.push(run);
      }
    }
  return cells;
}

/** Of all runs that have it: a transfer that did not come to its end has no completion. */
const valuesOf = (all: readonly PlanFigures[], figure: PlanFigure): number[] =>
  all.flatMap((figures) => (figures[figure] === undefined ? [] : [figures[figure]]));

function figuresOf<T>(
  names: readonly PlanFigure[],
  values: (figure: PlanFigure) => readonly number[],
  make: (values: readonly number[]) => T,
): { [figure in PlanFigure]?: T } {
  const made: { [figure in PlanFigure]?: T } = {};
  for (const name of names) {
    const own = values(name);
    if (own.length > 0) made[name] = make(own);
  }
  return made;
}

// the draws hang on nothing but the number of runs: a row is the same whatever stands above it
const resampling = (): Random => seededRandom('plan');

function estimate(values: readonly number[]): PlanEstimate {
  return {
    median: median(values),
    interval: values.length < LEAST_SEEDS ? null : bootstrapMedian(values, resampling()),
  };
}

function meanStates(runs: readonly PlanRun[]): { [state: string]: number } {
  const sums: { [state: string]: number } = {};
  for (const { states = {} } of runs) for (const [state, time] of Object.entries(states)) sums[state] = (sums[state] ?? 0) + time;
  for (const state in sums) sums[state]! /= runs.length;
  return sums;
}

/** Standard deviation of a figure as a share of its mean, of the subject where that is largest. */
export const variationOfFigure = (runs: readonly PlanRun[], figure: PlanFigure): number =>
  variationOf(
    runs.flatMap((run) =>
      subjectsOf(run).flatMap(({ name, figures }) => (figures[figure] === undefined ? [] : [{ model: name, pageLoad: figures[figure] }])),
    ),
  );

/** How many seeds it takes to know the median of a figure to ± so much, by what these runs have shown. */
export const seedsWanted = (runs: readonly PlanRun[], figure: PlanFigure, wanted: number): number =>
  seedsFor(variationOfFigure(runs, figure), wanted);
