import { STATES } from '@quiclab/ledger';
import { FIGURE_DEFINITIONS, PLAN_FIGURES, type PlanVariable, STATE_DEFINITIONS } from '@quiclab/report';
import type { PreparedPlan } from '../plan/prepare.ts';
import { named, quoted } from './duckdb.ts';

/** A column of a table of runs: what it is called, how it comes out of a line of runs.jsonl, and what it is. */
export interface TableColumn {
  readonly name: string;
  /** SQL, over what `LINES` reads. */
  readonly from: string;
  readonly comment: string;
}

const struct = (fields: readonly (readonly [name: string, type: string])[]): string =>
  `STRUCT(${fields.map(([name, type]) => `${named(name)} ${type}`).join(', ')})`;

const FIGURES = struct(PLAN_FIGURES.map((figure) => [figure, 'BIGINT']));

/** What a line holds; figures are whole numbers. */
const LINE = {
  key: 'VARCHAR',
  variant: 'INTEGER',
  model: 'VARCHAR',
  seed: 'BIGINT',
  figures: FIGURES,
  states: struct(STATES.map((state) => [state, 'BIGINT'])),
  gaps: 'BIGINT',
  flows: `STRUCT(name VARCHAR, figures ${FIGURES})[]`,
  failed: 'VARCHAR',
  lateness: 'STRUCT(p50 BIGINT, p99 BIGINT)',
};

/** The lines of runs.jsonl as they are, read as they are asked for. */
export const linesOf = (file: string): string =>
  `read_json(${quoted(file)}, format = 'newline_delimited', columns = {${Object.entries(LINE)
    .map(([name, type]) => `${name}: ${quoted(type)}`)
    .join(', ')}})`;

const column = (name: string, from: string, comment: string): TableColumn => ({ name, from, comment });

/** Numbers where all values are; else names that are in the order that the plan has them in, so that they are sorted by it. */
function variableColumn({ key, values }: PlanVariable, choice: string): TableColumn {
  const numbers = values.every((value) => /^-?\d{1,15}(\.\d{1,6})?$/.test(value));
  const whole = numbers && values.every((value) => !value.includes('.'));
  const type = numbers ? (whole ? 'BIGINT' : 'DOUBLE') : `ENUM(${values.map(quoted).join(', ')})`;
  return column(key, `CAST([${values.map(quoted).join(', ')}][1 + ${choice}] AS ${type})`, 'what was varied: its value in this run');
}

/** Variants are all combinations, the last variable changing fastest. */
function variableColumns({ variables }: PreparedPlan): TableColumn[] {
  let stride = 1;
  const columns: TableColumn[] = [];
  for (const variable of variables.toReversed()) {
    columns.unshift(variableColumn(variable, `(variant // ${stride}) % ${variable.values.length}`));
    stride *= variable.values.length;
  }
  return columns;
}

const figureColumns = (of: string): TableColumn[] =>
  PLAN_FIGURES.map((figure) => {
    const { unit, definition } = FIGURE_DEFINITIONS[figure];
    return column(figure, `${of}.${named(figure)}`, `${unit}: ${definition}`);
  });

const whichRun = (plan: PreparedPlan): TableColumn[] => [
  column('key', 'key', 'the run: no other has it'),
  column('variant', 'variant', 'which combination of what is varied, from 0'),
  ...variableColumns(plan),
];

/** One row for each run. */
export const runColumns = (plan: PreparedPlan): readonly TableColumn[] => [
  ...whichRun(plan),
  column('model', 'model', "the connection model; of bulk transfers 'flows'"),
  column('seed', 'seed', 'of all draws'),
  ...figureColumns('figures'),
  ...STATES.map((state) =>
    column(state, `states.${named(state)}`, `µs: part of the page load, along its critical chain: ${STATE_DEFINITIONS[state].definition}`),
  ),
  column('gaps', 'gaps', 'µs: part of the page load between exchanges; with the states it sums to the page load'),
  column('failed', 'failed', 'why there are no figures; NULL where there are'),
  column('latenessP50', 'lateness.p50', 'µs: how late the relay was, over real sockets: median'),
  column('latenessP99', 'lateness.p99', 'µs: and the 99th percentile'),
];

/** One row for each bulk transfer. */
export const flowColumns = (plan: PreparedPlan): readonly TableColumn[] => [
  ...whichRun(plan),
  column('flow', 'flow.name', "the transfer: its controller, with its number where several have the same: 'cubic', 'cubic 2'"),
  column('seed', 'seed', 'of all draws'),
  ...figureColumns('flow.figures'),
];

const selected = (columns: readonly TableColumn[]): string => columns.map(({ name, from }) => `${from} AS ${named(name)}`).join(', ');

/** The table of runs, as a query. @param lines  what `linesOf` made */
export const runsQuery = (plan: PreparedPlan, lines: string): string => `SELECT ${selected(runColumns(plan))} FROM ${lines}`;

export const flowsQuery = (plan: PreparedPlan, lines: string): string =>
  `SELECT ${selected(flowColumns(plan))} FROM (SELECT * EXCLUDE (flows), unnest(flows) AS flow FROM ${lines})`;

export const hasFlows = ({ variants }: PreparedPlan): boolean => variants.some(({ setup }) => setup.load.kind === 'flows');
