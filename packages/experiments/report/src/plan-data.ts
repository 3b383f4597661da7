import { STATES } from '@quiclab/ledger';
import { SHOWN } from './figure-units.ts';
import { PlanCells } from './plan-cells.ts';
import type { PlanDetail } from './plan-details.ts';
import { FIGURE_DEFINITIONS, PLAN_FIGURES, type PlanFigure, type PlanFigures } from './plan-figures.ts';
import type { PlanInfluence } from './plan-influence.ts';
import type { PlanJson, PlanResult, PlanSummary } from './plan-schema.ts';
import { STATE_DEFINITIONS, type StateFamily } from './state-definitions.ts';

/** What the page draws from, small however many runs there are. */
export interface PlanData {
  readonly figures: {
    readonly [figure: string]: { readonly heading: string; readonly unit: string; readonly by: number; readonly decimals: number };
  };
  /** Shown first. */
  readonly asked: readonly PlanFigure[];
  readonly variables: PlanJson['variables'];
  /** The first of them, if there are more than there is room for. */
  readonly variants: readonly { readonly label: string; readonly values: readonly string[] }[];
  readonly subjects: readonly string[];
  readonly cells: readonly PlanCell[];
  readonly states: readonly { readonly name: string; readonly family: StateFamily }[];
  readonly details: readonly PlanDetail[];
  readonly influences: readonly PlanInfluence[];
}

export interface PlanCell {
  readonly variant: number;
  readonly subject: number;
  readonly seeds: number;
  readonly medians: PlanFigures;
  /** Low and high, where they are known. */
  readonly intervals: { readonly [figure in PlanFigure]?: readonly [low: number, high: number] };
  /** In ascending order; of many, so many of them at equal steps, the first and the last among them. */
  readonly values: { readonly [figure in PlanFigure]?: readonly number[] };
  /** Mean µs of a page load, by index into the states. */
  readonly states: readonly (readonly [state: number, time: number])[];
}

/** So many values of all figures together, and so many octets of JSON with what is beside them. */
const MOST_VALUES = 120_000;
const MOST_OCTETS = 2_000_000;
const MOST_OF_ONE = 400;
const LEAST_OF_ONE = 5;

export function planData(result: PlanResult, details: readonly PlanDetail[], influences: readonly PlanInfluence[]): PlanData {
  const { variables, variants, summaries, runs } = result;
  const subjects = [...new Set(summaries.map(({ subject }) => subject))];
  const present = PLAN_FIGURES.filter((figure) => summaries.some(({ medians }) => medians[figure] !== undefined));
  const most = Math.max(LEAST_OF_ONE, Math.min(MOST_OF_ONE, Math.floor(MOST_VALUES / Math.max(1, summaries.length * present.length))));
  const cells = PlanCells.of(runs);
  const cellOf = ({ variant, subject, seeds, medians, estimates, states }: PlanSummary): PlanCell => ({
    variant,
    subject: subjects.indexOf(subject),
    seeds,
    medians,
    intervals: Object.fromEntries(
      Object.entries(estimates).flatMap(([figure, { interval }]) => (interval === null ? [] : [[figure, [interval.low, interval.high]]])),
    ),
    values: Object.fromEntries(
      present.flatMap((figure) => {
        const values = cells.get(variant, subject)?.values(figure) ?? [];
        return values.length === 0
          ? []
          : [
              [
                figure,
                thinned(
                  values.sort((a, b) => a - b),
                  most,
                ),
              ],
            ];
      }),
    ),
    states: STATES.flatMap((state, i) =>
      states[state] === undefined || states[state] === 0 ? [] : [[i, Math.round(states[state])] as const],
    ),
  });
  const own: PlanCell[] = [];
  let kept = variants.length;
  let octets = 0;
  for (const summary of summaries) {
    const cell = cellOf(summary);
    octets += JSON.stringify(cell).length;
    if (octets > MOST_OCTETS) {
      kept = summary.variant;
      break;
    }
    own.push(cell);
  }
  return {
    figures: Object.fromEntries(
      present.map((figure) => [figure, { heading: FIGURE_DEFINITIONS[figure].heading, ...SHOWN[FIGURE_DEFINITIONS[figure].unit] }]),
    ),
    asked: result.figures,
    variables,
    variants: variants.slice(0, kept).map(({ values }) => ({
      label: variables.map(({ key }) => `${key.split('.').at(-1)} ${values[key]}`).join(', '),
      values: variables.map(({ key }) => values[key]!),
    })),
    subjects,
    cells: own.filter(({ variant }) => variant < kept),
    states: STATES.map((name) => ({ name, family: STATE_DEFINITIONS[name].family })),
    details: details.filter(({ variant }) => variant < kept),
    influences: influences.filter(({ variant }) => variant < kept),
  };
}

const thinned = (sorted: readonly number[], most: number): readonly number[] =>
  sorted.length <= most ? sorted : Array.from({ length: most }, (_, i) => sorted[Math.round((i * (sorted.length - 1)) / (most - 1))]!);
