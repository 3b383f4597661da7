import { type PlanRun, seedsWanted, variationOfFigure } from '@quiclab/report';
import type { PreparedPlan } from '../plan/prepare.ts';

/** One run that is to be made. All that another process needs, beside the plan's document. */
export interface RunSpec {
  /** Unique within the plan, and readable: 'topology.down.loss=1% h3 seed 7'. */
  readonly key: string;
  readonly variant: number;
  /** 'h3'; of bulk transfers 'flows'. */
  readonly model: string;
  readonly seed: number;
}

/** A part of a plan: every nth run from the kth, k from 1. */
export interface Shard {
  readonly k: number;
  readonly n: number;
}

const modelsOf = ({ variants }: PreparedPlan, variant: number): readonly string[] => {
  const { load } = variants[variant]!.setup;
  return load.kind === 'page' ? load.models : ['flows'];
};

/** Runs of one variant with so many seeds, beginning with the nth. All models with one seed, then with the next: what is there at any time is paired. */
function* specsOf(plan: PreparedPlan, variant: number, seeds: number): Generator<RunSpec> {
  const values = Object.entries(plan.variants[variant]!.values).map(([key, value]) => `${key}=${value}`);
  for (let nth = 0; nth < seeds; nth++)
    for (const model of modelsOf(plan, variant)) {
      const seed = plan.firstSeed + nth;
      yield { key: [...values, model, `seed ${seed}`].join(' '), variant, model, seed };
    }
}

/** With so many seeds it shows whether seeds change anything, and how much. */
const FIRST_SEEDS = 5;
const PILOT_SEEDS = 20;
/** Below it, they do not. */
const NO_VARIATION = 0.002;

/**
 * The runs that come next, in their order; none when the plan is done. Where the number of seeds hangs on what runs have shown, it is decided from
 * a fixed number of them, so that a plan that was interrupted goes on as it would have.
 * @param runs  all that are there, in that order
 */
export function nextRuns(plan: PreparedPlan, runs: readonly PlanRun[], shard?: Shard): RunSpec[] {
  const { repeats, variants } = plan;
  if (repeats.kind === 'fixed') {
    const all = variants.flatMap((_variant, i) => [...specsOf(plan, i, repeats.seeds)]);
    const own = shard === undefined ? all : all.filter((_spec, i) => i % shard.n === shard.k - 1);
    return own.slice(runs.length);
  }
  if (shard !== undefined) throw new Error('a plan that finds out itself how often to repeat cannot be divided: say --seeds');
  let variant = runs.at(-1)?.variant ?? 0;
  const done = runs.slice(runs.findIndex((run) => run.variant === variant));
  const wanted = seedsFor(plan, variant, runs.length === 0 ? [] : done);
  const models = modelsOf(plan, variant).length;
  if (runs.length > 0 && done.length >= wanted * models) {
    if (++variant === variants.length) return [];
    return [...specsOf(plan, variant, FIRST_SEEDS)];
  }
  return [...specsOf(plan, variant, wanted)].slice(runs.length === 0 ? 0 : done.length);
}

/** As far as can be said by now. */
function seedsFor(plan: PreparedPlan, variant: number, done: readonly PlanRun[]): number {
  if (plan.repeats.kind === 'fixed') return plan.repeats.seeds;
  const { precision, most } = plan.repeats;
  const [figure] = plan.figures;
  const models = modelsOf(plan, variant).length;
  const first = Math.min(most, FIRST_SEEDS);
  if (done.length < first * models) return first;
  if (variationOfFigure(done.slice(0, first * models), figure!) < NO_VARIATION) return first;
  const pilot = Math.min(most, PILOT_SEEDS);
  if (done.length < pilot * models) return pilot;
  return Math.min(most, Math.max(pilot, 10 * Math.ceil(seedsWanted(done.slice(0, pilot * models), figure!, precision) / 10)));
}

/** How many runs a plan has, as far as can be said before. */
export const runsOf = (plan: PreparedPlan): number =>
  plan.variants.reduce(
    (sum, _variant, i) =>
      sum + modelsOf(plan, i).length * (plan.repeats.kind === 'fixed' ? plan.repeats.seeds : Math.min(plan.repeats.most, PILOT_SEEDS)),
    0,
  );

/** Where a run stands among all. */
export const inOrder = (plan: PreparedPlan, a: PlanRun, b: PlanRun): number =>
  a.variant - b.variant || a.seed - b.seed || modelsOf(plan, a.variant).indexOf(a.model) - modelsOf(plan, b.variant).indexOf(b.model);
