import { FIGURE_DEFINITIONS, PLAN_FIGURES, type PlanJson, type PlanRun, type PlanWorld, subjectsOf, summarisePlan } from '@quiclab/report';
import { stringify } from 'csv-stringify/sync';
import type { PreparedPlan } from '../plan/prepare.ts';
import { VERSION } from '../version.ts';

/** result.json of so many runs of a plan. */
export function planJson(plan: PreparedPlan, world: PlanWorld, runs: readonly PlanRun[], complete: boolean): PlanJson {
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
  return { ...json, summaries: summarisePlan(json) };
}

/** One row for each run and subject: what was varied, then figures, then states. Empty where something is not known. */
export function planCsv({ variables, variants, runs }: PlanJson): string {
  const states = [...new Set(runs.flatMap((run) => Object.keys(run.states ?? {})))].sort();
  const head = [
    'key',
    ...variables.map(({ key }) => key),
    'model',
    'seed',
    ...PLAN_FIGURES.map((figure) => `${figure} (${FIGURE_DEFINITIONS[figure].unit})`),
    ...states.map((state) => `${state} (µs)`),
    'failed',
  ];
  const rows = runs.flatMap((run) =>
    subjectsOf(run).map(({ name, figures }) => [
      run.key,
      ...variables.map(({ key }) => variants[run.variant]!.values[key]),
      name,
      run.seed,
      ...PLAN_FIGURES.map((figure) => figures[figure]),
      ...states.map((state) => (run.states as Readonly<Record<string, number>> | undefined)?.[state]),
      run.failed,
    ]),
  );
  return stringify([head, ...rows], { escape_formulas: true });
}
