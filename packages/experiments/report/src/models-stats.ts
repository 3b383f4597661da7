import type { State } from '@quiclab/ledger';
import { type Random, seededRandom } from '@quiclab/sansio';
import { mean, sampleStandardDeviation } from 'simple-statistics';
import { bootstrapMedian, median } from './compare.ts';
import type { Estimate, ModelFigure, ModelFigures, ModelRun, ModelSummary } from './models-schema.ts';

/** What is summarised of runs, in the order of tables and stored rows. */
export const MODEL_FIGURES: readonly ModelFigure[] = [
  'pageLoad',
  'medianCompletion',
  'blockedOwn',
  'blockedOther',
  'blockedConnection',
  'blockedByteTime',
  'connections',
  'handshakes',
  'headerOctets',
  'repairs',
  'packetsUp',
  'packetsDown',
  'lost',
  'queueDropped',
];

/** The models of these runs, in the order in which they occur, each held against the reference by the same seeds. */
export function summarise(runs: readonly ModelRun[], reference: string): ModelSummary[] {
  const byModel = new Map<string, ModelRun[]>();
  for (const run of runs) {
    const own = byModel.get(run.model);
    if (own === undefined) byModel.set(run.model, [run]);
    else own.push(run);
  }
  const base = new Map((byModel.get(reference) ?? []).map((run) => [run.seed, run]));
  return [...byModel].map(([model, own]): ModelSummary => {
    // the draws hang on nothing but the number of runs: a row is the same whatever stands above it
    const estimate = (values: readonly number[]): Estimate => ({ median: median(values), ...bootstrapMedian(values, resampling()) });
    const pairs = own.flatMap((run) => {
      const other = base.get(run.seed);
      return other === undefined ? [] : [[run, other] as const];
    });
    const difference = (figure: ModelFigure): Estimate => estimate(pairs.map(([run, other]) => run[figure] - other[figure]));
    return {
      model,
      figures: Object.fromEntries(
        MODEL_FIGURES.map((figure) => [figure, median(own.map((run) => run[figure]))]),
      ) as unknown as ModelFigures,
      pageLoad: estimate(own.map(({ pageLoad }) => pageLoad)),
      medianCompletion: estimate(own.map(({ medianCompletion }) => medianCompletion)),
      difference:
        model === reference || pairs.length === 0
          ? null
          : { pageLoad: difference('pageLoad'), medianCompletion: difference('medianCompletion') },
      states: meanStates(own),
    };
  });
}

const resampling = (): Random => seededRandom('models');

function meanStates(runs: readonly ModelRun[]): Partial<Record<State, number>> {
  const sums: Partial<Record<State, number>> = {};
  for (const { states } of runs) for (const state in states) sums[state as State] = (sums[state as State] ?? 0) + states[state as State]!;
  for (const state in sums) sums[state as State]! /= runs.length;
  return sums;
}

/** Standard deviation of the page load as a share of its mean, of the model where that is largest. */
export function variationOf(runs: readonly Pick<ModelRun, 'model' | 'pageLoad'>[]): number {
  const loads = new Map<string, number[]>();
  for (const { model, pageLoad } of runs) loads.set(model, [...(loads.get(model) ?? []), pageLoad]);
  return Math.max(0, ...[...loads.values()].map((own) => (own.length < 2 ? 0 : sampleStandardDeviation(own) / mean(own))));
}

/** Half of a 95% interval of a median, as a share of it, where values vary so much: 1.253 is what a median costs beside a mean. */
export const precision = (variation: number, seeds: number): number => (1.96 * 1.2533 * variation) / Math.sqrt(seeds);

/** How many seeds it takes to know a median that well. */
export function seedsFor(variation: number, wanted: number): number {
  const times = precision(variation, 1) / wanted;
  return Math.ceil(times * times);
}
