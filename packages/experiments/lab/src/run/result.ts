import {
  FIGURE_DEFINITIONS,
  PLAN_FIGURES,
  type PlanResult,
  type PlanRun,
  type PlanWorld,
  subjectsOf,
  summarisePlan,
} from '@quiclab/report';
import { stringify } from 'csv-stringify/sync';
import type { PreparedPlan } from '../plan/prepare.ts';
import { VERSION } from '../version.ts';

/**
 * result.json of so many runs of a plan; with its runs as they are given, in a list or read when somebody goes through them.
 * @param draws  names the resampling of its intervals, where it is not the usual
 */
export function planJson<Runs extends Iterable<PlanRun>>(
  plan: PreparedPlan,
  world: PlanWorld,
  runs: Runs,
  complete: boolean,
  draws?: string,
): PlanResult & { readonly runs: Runs } {
  const { document, question, variables, reference, figures } = plan;
  const json = {
    schema: 1,
    kind: 'plan',
    world,
    version: VERSION,
    question,
    plan: document,
    variables,
    variants: plan.variants.map(({ values, workload, path }) => ({ values, workload, path })),
    reference: {
      ...(reference.model !== undefined && { model: reference.model }),
      values: Object.fromEntries(
        variables.flatMap(({ key, values }, i) => {
          const choice = reference.choices[i];
          return choice === undefined ? [] : [[key, values[choice]!]];
        }),
      ),
    },
    figures,
    runs,
    complete,
  } as const;
  return { ...json, summaries: summarisePlan(json, draws) };
}

/** The content of result.json, in pieces: as JSON.stringify has it, if there were memory for it. */
export function* planText({ runs, complete, summaries, ...head }: PlanResult): Generator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"runs":[`;
  let between = '';
  for (const run of runs) {
    yield between + JSON.stringify(run);
    between = ',';
  }
  yield `],${JSON.stringify({ complete, summaries }).slice(1)}\n`;
}

/** One row for each run and subject: what was varied, then figures, then states. Empty where something is not known. */
export function* planCsv({ variables, variants, runs }: PlanResult): Generator<string> {
  const line = (row: readonly unknown[]): string => stringify([row], { escape_formulas: true });
  const seen = new Set<string>();
  for (const run of runs) for (const state in run.states) seen.add(state);
  const states = [...seen].sort();
  yield line([
    'key',
    ...variables.map(({ key }) => key),
    'model',
    'seed',
    ...PLAN_FIGURES.map((figure) => `${figure} (${FIGURE_DEFINITIONS[figure].unit})`),
    ...states.map((state) => `${state} (µs)`),
    'failed',
  ]);
  for (const run of runs)
    for (const { name, figures } of subjectsOf(run))
      yield line([
        run.key,
        ...variables.map(({ key }) => variants[run.variant]!.values[key]),
        name,
        run.seed,
        ...PLAN_FIGURES.map((figure) => figures[figure]),
        ...states.map((state) => (run.states as Readonly<Record<string, number>> | undefined)?.[state]),
        run.failed,
      ]);
}
