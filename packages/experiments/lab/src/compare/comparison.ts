import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { bernoulli, type Judge, type LinkConfig } from '@quiclab/impair';
import { type ModelRun, type ModelsRound, seedsFor, summarise, variationOf } from '@quiclab/report';
import type { Micros } from '@quiclab/sansio';
import type { Page } from '@quiclab/workload';
import { sizedSource } from '../apps/file-server.ts';
import type { ModelName } from '../models/model.ts';
import type { Profile } from '../models/profile.ts';
import { presetLinks } from '../presets/links.ts';
import type { PresetName } from '../presets/presets.ts';
import type { RunRecord } from '../record.ts';
import { runSimulated } from '../worlds/simulated.ts';
import { figuresOf } from './figures.ts';

/** One page, one path, many models: what is compared. */
export interface ComparisonPlan {
  readonly page: Page;
  readonly models: readonly ModelName[];
  readonly reference: ModelName;
  readonly profile: Profile;
  /** Chances of a packet from the server to be lost, 0 to 1. */
  readonly losses: readonly number[];
  /** One way, µs. */
  readonly delay: Micros;
  /** bit/s, each way. */
  readonly rate: number;
  /** Packets that may wait for either link. */
  readonly queue: number;
  /** Instead of the three above; losses come on top of its own. */
  readonly preset?: PresetName;
  readonly nameLookup: Micros;
  readonly firstSeed: number;
  /** 0: as many as the measured variation asks for. */
  readonly seeds: number;
}

/** So well a median is to be known: half of its 95% interval, as a share of it. */
export const WANTED_PRECISION = 0.05;
/** What the variation is measured on, and what no comparison exceeds. */
export const PILOT_SEEDS = 20;
export const MOST_SEEDS = 400;
/** Where nothing is lost, seeds change next to nothing. */
const SEEDS_WITHOUT_LOSS = 5;

const crypto = nullProtection(nodeProvider);

/** One run of a plan. */
export function runOf(plan: ComparisonPlan, loss: number, model: ModelName, seed: number): RunRecord {
  const { page, profile, nameLookup, delay, rate, queue, preset } = plan;
  const link: LinkConfig = { delay, ...(rate > 0 && { rate }), queue: { packets: queue } };
  const { up, down } = preset === undefined ? { up: link, down: link } : presetLinks(preset);
  return runSimulated({
    model,
    seed,
    page,
    profile,
    nameLookup,
    source: sizedSource(page),
    digests: false,
    links: { up, down: loss === 0 ? down : { ...down, loss: [...judgesOf(down), bernoulli(loss)] } },
    ends: { crypto },
  });
}

const judgesOf = ({ loss = [] }: LinkConfig): readonly Judge[] => (Array.isArray(loss) ? loss : [loss as Judge]);

/** How many seeds a round needs, by what its first ones showed. */
export function seedsOf(plan: ComparisonPlan, loss: number, pilot: readonly ModelRun[]): number {
  if (plan.seeds > 0) return plan.seeds;
  if (loss === 0) return SEEDS_WITHOUT_LOSS;
  return Math.min(MOST_SEEDS, Math.max(PILOT_SEEDS, 10 * Math.ceil(seedsFor(variationOf(pilot), WANTED_PRECISION) / 10)));
}

/** Told while a comparison goes on. */
export interface ComparisonProgress {
  begin(loss: number): void;
  /** The present round is so far, 0 to 1. */
  at(share: number): void;
  end(): void;
}

/**
 * Runs a plan, seed by seed, all models with each, so that what is there at any time is paired. Between runs others have their turn.
 * @param stopped  asked before each seed: what is done is what there is
 */
export async function compareModels(plan: ComparisonPlan, progress: ComparisonProgress, stopped: () => boolean): Promise<ModelsRound[]> {
  const rounds: ModelsRound[] = [];
  for (const loss of plan.losses) {
    const runs: ModelRun[] = [];
    const pilot = plan.seeds > 0 ? plan.seeds : loss === 0 ? SEEDS_WITHOUT_LOSS : PILOT_SEEDS;
    let wanted = pilot;
    progress.begin(loss);
    for (let seed = 0; seed < wanted && !stopped(); seed++) {
      for (const model of plan.models) {
        runs.push(figuresOf(runOf(plan, loss, model, plan.firstSeed + seed)));
        progress.at(runs.length / (wanted * plan.models.length));
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (seed === pilot - 1) wanted = seedsOf(plan, loss, runs);
    }
    progress.end();
    if (runs.length > 0) rounds.push(roundOf(plan, loss, runs));
  }
  return rounds;
}

/** @param runs  of all models, with the same seeds from the plan's first */
export function roundOf({ firstSeed, models, reference }: ComparisonPlan, loss: number, runs: readonly ModelRun[]): ModelsRound {
  return {
    loss,
    firstSeed,
    seeds: runs.length / models.length,
    variation: variationOf(runs),
    runs,
    models: summarise(runs, reference),
  };
}
