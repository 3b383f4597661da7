import type { PlanInfluence } from '@quiclab/report';
import { type InfluenceMatrices, influenceMatrices } from '../influence/matrices.ts';
import type { Links, PageLoad, PreparedPlan } from '../plan/prepare.ts';
import { simulatedRun } from '../run/run-spec.ts';

/** Variants times models. */
const MOST_MATRICES = 24;
const NOT_OF_THESE = 'There are influence matrices of pages alone, and of none through a gateway.';
/** Columns: a page can have thousands. */
const MOST_STREAMS = 40;

export interface Influences {
  readonly influences: readonly PlanInfluence[];
  /** How many matrices there is no room for. */
  readonly fewer: number;
  /** How many of them could not be made, since the page does not come without loss, either. */
  readonly failed: number;
  /** Also where there is nothing to make any of; '' where nothing is missing. */
  readonly failure: string;
}

/**
 * The matrices of a plan, by its first seed. Variants that differ in nothing but what is lost have the same, and are there once.
 * @param most   packets that are dropped at most; 0: no matrices
 * @param room   octets of JSON
 * @param onRun  told before each model
 */
export function influencesOf(plan: PreparedPlan, most: number, room: number, onRun: (done: number, total: number) => void): Influences {
  if (most === 0) return { influences: [], fewer: 0, failed: 0, failure: '' };
  const wanted = distinct(plan).flatMap((variant) => {
    const { load } = plan.variants[variant]!.setup;
    return load.kind === 'page' ? load.models.map((model) => ({ variant, model, load })) : [];
  });
  if (wanted.length === 0) return { influences: [], fewer: 0, failed: 0, failure: NOT_OF_THESE };
  const influences: PlanInfluence[] = [];
  let octets = 0;
  let failed = 0;
  let failure = '';
  for (const [i, { variant, model, load }] of wanted.slice(0, MOST_MATRICES).entries()) {
    onRun(i, Math.min(MOST_MATRICES, wanted.length));
    const run = simulatedRun(plan.variants[variant]!.setup, load, { model, seed: plan.firstSeed });
    let made: PlanInfluence;
    try {
      made = shownOf(influenceMatrices(run, { most }), variant);
    } catch (problem) {
      if (failed++ === 0) failure = (problem as Error).message;
      continue;
    }
    const size = JSON.stringify(made).length;
    if (octets + size > room) break;
    octets += size;
    influences.push(made);
  }
  return { influences, fewer: wanted.length - influences.length - failed, failed, failure };
}

/** The first of all variants with the same page, ends and links but for what is lost. */
function distinct({ variants }: PreparedPlan): number[] {
  const first = new Map<string, number>();
  for (const [i, { setup }] of variants.entries()) {
    const { load, links, gateway } = setup;
    if (load.kind !== 'page' || gateway !== undefined) continue;
    const key = sameness(i, load, links);
    if (!first.has(key)) first.set(key, i);
  }
  return [...first.values()];
}

function sameness(variant: number, { page, names, nameLookup, models }: PageLoad, { up, down }: Links): string {
  const lossless = ({ loss: _loss, replay: _replay, ...link }: Links['up']): Omit<Links['up'], 'loss' | 'replay'> => link;
  // of what a function does nothing can be seen: it is another one in each variant
  return JSON.stringify([page, names, nameLookup, models, lossless(up), lossless(down)], (_key, value) =>
    typeof value === 'function' ? `of ${variant}` : value,
  );
}

/** With as many streams as there is room for, and whole µs. */
function shownOf({ model, streams, rows, failed, packets, queueDrops }: InfluenceMatrices, variant: number): PlanInfluence {
  const change = streams.map((_, i) =>
    rows.reduce((sum, { completion, slot, wait }) => sum + Math.abs(completion[i]!) + Math.abs(slot[i]!) + Math.abs(wait[i]!), 0),
  );
  const kept = streams
    .map((_, i) => i)
    .sort((a, b) => change[b]! - change[a]! || a - b)
    .slice(0, MOST_STREAMS)
    .sort((a, b) => a - b);
  const whole = (values: readonly number[]): number[] => kept.map((i) => Math.round(values[i]!));
  return {
    variant,
    model,
    streams: kept.map((i) => ({ name: streams[i]!.id, number: i + 1 })),
    fewer: streams.length - kept.length,
    rows: rows.map(({ lost, carried, completion, slot, wait }) => ({
      lost,
      carried: carried.flatMap((i) => (kept.includes(i) ? [kept.indexOf(i)] : [])),
      completion: whole(completion),
      slot: whole(slot),
      wait: whole(wait),
    })),
    packets,
    failed: failed.length,
    queueDrops,
  };
}

/** Said where a plan asks for matrices that are not there. */
export const influenceMissing = ({ fewer, failed, failure }: Influences): string =>
  [
    ...(fewer > 0
      ? [
          `${counted(fewer, 'matrix', 'matrices')} that would belong here ${fewer === 1 ? 'is' : 'are'} left out; quiclab influence makes them.`,
        ]
      : []),
    failed > 0 ? `${counted(failed, 'matrix', 'matrices')} could not be made: ${failure}` : failure,
  ]
    .filter((one) => one !== '')
    .join(' ');

const counted = (count: number, one: string, several: string): string => `${count} ${count === 1 ? one : several}`;
