import { seededRandom } from '@quiclab/sansio';
import { bootstrapMedian, median } from './compare.ts';
import { type PlanCell, PlanCells, subjectsOf } from './plan-cells.ts';
import { PLAN_FIGURES, type PlanFigure } from './plan-figures.ts';
import type { PlanEstimate, PlanResult, PlanRun, PlanSummary } from './plan-schema.ts';
import { seedsFor, variationOf } from './variation.ts';

/** With fewer a bootstrap says next to nothing. */
const LEAST_SEEDS = 5;

/**
 * What each subject came to in each variant, held against the reference by the same seeds. EXPERIMENTS §4, Statistics.
 * @param draws  names the resampling: with the same name the same figures have the same intervals
 */
export function summarisePlan({ variants, runs, reference, figures }: Omit<PlanResult, 'summaries'>, draws = 'plan'): PlanSummary[] {
  const estimate = (values: readonly number[]): PlanEstimate => ({
    median: median(values),
    // they hang on nothing but the number of runs: a row is the same whatever stands above it
    interval: values.length < LEAST_SEEDS ? null : bootstrapMedian(values, seededRandom(draws)),
  });
  const cells = PlanCells.of(runs);
  const byValues = new Map(variants.map(({ values }, i) => [JSON.stringify(values), i]));
  return [...cells].map((cell) => {
    const base = byValues.get(JSON.stringify({ ...variants[cell.variant]!.values, ...reference.values }));
    const other = base === undefined ? undefined : cells.get(base, reference.model ?? cell.subject);
    const pairs = other === undefined || other === cell ? [] : pairsOf(cell, other);
    return {
      variant: cell.variant,
      subject: cell.subject,
      seeds: cell.length,
      failed: cell.failed,
      medians: figuresOf(PLAN_FIGURES, (figure) => cell.values(figure), median),
      estimates: figuresOf(figures, (figure) => cell.values(figure), estimate),
      against: pairs.length === 0 ? null : { variant: other!.variant, subject: other!.subject },
      differences:
        pairs.length === 0
          ? null
          : figuresOf(
              figures,
              (figure) =>
                pairs.flatMap(([mine, theirs]) => {
                  const difference = cell.value(figure, mine) - other!.value(figure, theirs);
                  return Number.isNaN(difference) ? [] : [difference];
                }),
              estimate,
            ),
      states: cell.meanStates(),
    };
  });
}

/** Where both have a run with the same seed. */
function pairsOf(cell: PlanCell, other: PlanCell): (readonly [mine: number, theirs: number])[] {
  const pairs: (readonly [mine: number, theirs: number])[] = [];
  const theirs = other.indexBySeed();
  for (let mine = 0; mine < cell.length; mine++) {
    const at = theirs(cell.seed(mine), mine);
    if (at >= 0) pairs.push([mine, at]);
  }
  return pairs;
}

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

/** Standard deviation of a figure as a share of its mean, of the subject where that is largest. */
export const variationOfFigure = (runs: readonly PlanRun[], figure: PlanFigure): number =>
  variationOf(
    runs.flatMap((run) =>
      subjectsOf(run).flatMap(({ name, figures }) => (figures[figure] === undefined ? [] : [{ subject: name, value: figures[figure] }])),
    ),
  );

/** How many seeds it takes to know the median of a figure to ± so much, by what these runs have shown. */
export const seedsWanted = (runs: readonly PlanRun[], figure: PlanFigure, wanted: number): number =>
  seedsFor(variationOfFigure(runs, figure), wanted);
