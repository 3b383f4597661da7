import type { Micros } from '@quiclab/sansio';
import Table from 'cli-table3';
import { headingOf, SHOWN } from './figure-units.ts';
import { grouped, milliseconds } from './format.ts';
import { FIGURE_DEFINITIONS, type FigureUnit, type PlanFigure } from './plan-figures.ts';
import type { PlanEstimate, PlanResult, PlanSummary, PlanWorld } from './plan-schema.ts';

const CHARS = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' }; // no lines between rows
const STYLE = { head: [], border: [] }; // no colours

const WORLDS: Readonly<Record<PlanWorld, string>> = {
  simulated: 'Simulated, in virtual time.',
  relay: 'Over real sockets, through a relay.',
  tunnel: "Over real sockets, the kernel's TCP and our QUIC, through a relay; what streams waited for is unknown.",
};

/** What came of a plan, for a terminal and to be stored: plain text without colours, the same for the same figures on any machine. */
export function planTable(result: PlanResult): string {
  const { variables, figures, summaries, runs, complete } = result;
  const facts = runFacts(runs);
  const { head, rows } = planRows(result);
  const against = summaries.some((summary) => summary.against !== null);
  const table = new Table({
    head: head.map(({ text }) => text),
    colAligns: [...variables.map(() => 'left' as const), 'left', ...Array(head.length - variables.length - 1).fill('right')],
    style: STYLE,
    chars: CHARS,
  });
  for (const row of rows) table.push([...row]);
  const figuresText = [
    ...figures.map((figure) => `${FIGURE_DEFINITIONS[figure].heading}: ${FIGURE_DEFINITIONS[figure].definition}`),
    `Medians over the seeds, [where they lie with 95%], by bootstrap.${against ? ' Differences are paired by seed: the median of them.' : ''}`,
    comparisonsText(summaries),
  ];
  return [
    planHeading(result),
    table.toString(),
    [
      ...(facts.failed < facts.count ? figuresText : []),
      failuresText(facts),
      latenessText(facts),
      ...(complete ? [] : ['Not all runs of the plan are done.']),
    ]
      .filter((line) => line !== '')
      .join('\n'),
  ].join('\n\n');
}

/** What was asked, and where it was run, as far as all of it has that in common. */
export function planHeading({ question, world, variants }: PlanResult): string {
  const [first] = variants;
  const same = (of: 'workload' | 'path'): boolean => variants.every((variant) => variant[of] === first![of]);
  return [
    question,
    WORLDS[world],
    ...(same('workload') ? [`Workload: ${first!.workload}.`] : []),
    `Path: ${first!.path}${same('path') ? '' : ' (in the first row)'}.`,
  ].join('\n');
}

/** Differences of counts are in the result; in the table they would say little. */
const compared = (figure: PlanFigure): boolean => FIGURE_DEFINITIONS[figure].unit !== 'count';

/** What was asked for, by variant and subject, as texts: what is varied first, then the subject. */
export function planRows(result: PlanResult): {
  readonly head: readonly { readonly text: string; readonly figure?: PlanFigure }[];
  readonly rows: readonly (readonly string[])[];
} {
  const { variables, figures, summaries } = result;
  const against = summaries.some((summary) => summary.against !== null);
  return {
    head: [
      ...[...variables.map(({ key }) => key.split('.').at(-1)!), 'model', 'seeds'].map((text) => ({ text })),
      ...figures.flatMap((figure) => [
        { text: headingOf(figure), figure },
        ...(against && compared(figure) ? [{ text: `against ${referenceText(result)}` }] : []),
      ]),
    ],
    rows: summaries.map((summary) => rowOf(result, summary, against)),
  };
}

function rowOf({ variables, variants, figures }: PlanResult, summary: PlanSummary, against: boolean): string[] {
  const { values } = variants[summary.variant]!;
  return [
    ...variables.map(({ key }) => values[key]!),
    summary.subject,
    `${summary.seeds}${summary.failed > 0 ? ` (${summary.failed} failed)` : ''}`,
    ...figures.flatMap((figure) => {
      const { unit } = FIGURE_DEFINITIONS[figure];
      return [
        estimateText(summary.estimates[figure], unit, false),
        ...(against && compared(figure) ? [estimateText(summary.differences?.[figure], unit, true)] : []),
      ];
    }),
  ];
}

/** What is said of all runs together. */
export interface RunFacts {
  readonly count: number;
  readonly failed: number;
  /** The first that came to nothing, and why; '' where none did. */
  readonly failure: string;
  /** How late the relay was in the run where it was latest: over real sockets figures are no better than that. −1 where there was none. */
  readonly lateness: { readonly p50: Micros; readonly p99: Micros };
}

export function runFacts(runs: PlanResult['runs']): RunFacts {
  const facts = { count: 0, failed: 0, failure: '', lateness: { p50: -1, p99: -1 } };
  for (const { key, failed, lateness } of runs) {
    facts.count++;
    if (failed !== undefined && ++facts.failed === 1) facts.failure = `${key}: ${failed}`;
    if (lateness !== undefined)
      facts.lateness = { p50: Math.max(facts.lateness.p50, lateness.p50), p99: Math.max(facts.lateness.p99, lateness.p99) };
  }
  return facts;
}

export function failuresText({ count, failed, failure }: RunFacts): string {
  if (failed === 0) return '';
  if (count === 1) return `The only run came to nothing. ${failure}`;
  if (failed === count) return `All ${grouped(count)} runs came to nothing. The first of them, ${failure}`;
  return `${grouped(failed)} of ${grouped(count)} runs came to nothing; medians are over the others. The first that did, ${failure}`;
}

export const latenessText = ({ lateness: { p50, p99 } }: RunFacts): string =>
  p50 < 0
    ? ''
    : `The relay was late by ${milliseconds(p50)} (median) and ${milliseconds(p99)} (99th percentile) in the run where it was latest.`;

/** 'h2', or '10ms' where what is varied has a reference. */
const referenceText = ({ reference }: PlanResult): string =>
  [...Object.values(reference.values), ...(reference.model === undefined ? [] : [reference.model])].join(', ');

export function comparisonsText(summaries: readonly PlanSummary[]): string {
  const made = summaries.reduce(
    (sum, { differences }) => sum + Object.keys(differences ?? {}).filter((figure) => compared(figure as PlanFigure)).length,
    0,
  );
  return made < 2 ? '' : `${made} comparisons were made: where nothing differs, one in twenty intervals misses 0 by chance.`;
}

function estimateText(estimate: PlanEstimate | undefined, unit: FigureUnit, signed: boolean): string {
  if (estimate === undefined) return '';
  const { by, decimals } = SHOWN[unit];
  const text = (value: number): string => {
    const digits = grouped(value / by, decimals);
    return signed && value > 0 && /[1-9]/.test(digits) ? `+${digits}` : digits;
  };
  const { median, interval } = estimate;
  // where no run differs from the others, there is nothing to say about where the median lies
  if (interval === null || text(interval.low) === text(interval.high)) return text(median);
  return `${text(median)} [${text(interval.low)}, ${text(interval.high)}]`;
}
