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

/** Runs that can be planned at a time. */
export interface Planned {
  readonly count: number;
  /** Made as they are asked for: a sweep has millions. */
  readonly specs: Iterable<RunSpec>;
}

/**
 * Which runs of a plan are made, in their order. Is told each as it is done and keeps none, but for the first of a variant where the number of seeds hangs
 * on what they have shown: it is decided from a fixed number of them, so that a plan that was interrupted goes on as it would have.
 */
export class Schedule {
  readonly #plan: PreparedPlan;
  readonly #shard: Shard | undefined;
  #done = 0;
  /** The variant at work, how many runs of it are done, and the first of them. */
  #variant = 0;
  #ofVariant = 0;
  #pilot: PlanRun[] = [];

  constructor(plan: PreparedPlan, shard?: Shard) {
    if (plan.repeats.kind !== 'fixed' && shard !== undefined)
      throw new Error('a plan that finds out itself how often to repeat cannot be divided: say --seeds');
    this.#plan = plan;
    this.#shard = shard;
  }

  get done(): number {
    return this.#done;
  }

  /** A run is done. In their order. */
  add(run: PlanRun): void {
    this.#done++;
    if (this.#plan.repeats.kind === 'fixed') return;
    if (run.variant !== this.#variant) this.#begin(run.variant);
    this.#ofVariant++;
    if (this.#pilot.length < PILOT_SEEDS * this.#models) this.#pilot.push(run);
  }

  /** None when the plan is done. */
  next(): Planned {
    return this.#plan.repeats.kind === 'fixed' ? this.#fixed(this.#plan.repeats.seeds) : this.#found(this.#plan.repeats);
  }

  #fixed(seeds: number): Planned {
    const { k, n } = this.#shard ?? { k: 1, n: 1 };
    const plan = this.#plan;
    const first = k - 1 + this.#done * n;
    const own = Math.max(0, Math.ceil((runsOf(plan) - first) / n));
    return {
      count: own,
      specs: (function* () {
        let at = 0;
        for (const variant of plan.variants.keys()) {
          const models = modelsOf(plan, variant).length;
          if (at + seeds * models <= first) at += seeds * models;
          else for (const spec of specsOf(plan, variant, seeds)) if (at++ >= first && (at - k) % n === 0) yield spec;
        }
      })(),
    };
  }

  #found(repeats: Found): Planned {
    let wanted = this.#wanted(repeats);
    if (this.#ofVariant >= wanted * this.#models) {
      if (this.#variant + 1 === this.#plan.variants.length) return { count: 0, specs: [] };
      this.#begin(this.#variant + 1);
      wanted = this.#wanted(repeats);
    }
    const specs = [...specsOf(this.#plan, this.#variant, wanted)].slice(this.#ofVariant);
    return { count: specs.length, specs };
  }

  #begin(variant: number): void {
    this.#variant = variant;
    this.#ofVariant = 0;
    this.#pilot = [];
  }

  get #models(): number {
    return modelsOf(this.#plan, this.#variant).length;
  }

  /** Seeds of the variant at work, as far as can be said by now. */
  #wanted({ precision, most }: Found): number {
    const [figure] = this.#plan.figures;
    const models = this.#models;
    const first = Math.min(most, FIRST_SEEDS);
    if (this.#ofVariant < first * models) return first;
    if (variationOfFigure(this.#pilot.slice(0, first * models), figure!) < NO_VARIATION) return first;
    const pilot = Math.min(most, PILOT_SEEDS);
    if (this.#ofVariant < pilot * models) return pilot;
    return Math.min(most, Math.max(pilot, 10 * Math.ceil(seedsWanted(this.#pilot.slice(0, pilot * models), figure!, precision) / 10)));
  }
}

type Found = Extract<PreparedPlan['repeats'], { readonly kind: 'auto' }>;

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
