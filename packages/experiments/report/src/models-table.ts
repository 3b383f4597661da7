import type { State } from '@quiclab/ledger';
import Table from 'cli-table3';
import { grouped } from './format.ts';
import { type PlanCell, PlanCells } from './plan-cells.ts';
import type { PlanEstimate, PlanResult, PlanSummary, PlanVariant } from './plan-schema.ts';
import { comparisonsText, failuresText, latenessText, planHeading, runFacts } from './plan-table.ts';
import { precision, variationOf } from './variation.ts';

/** What the table says about its figures. */
const LEGEND = `page load     first request issued → last object; medians over the seeds, [where they lie with 95%], by bootstrap
against       paired by seed: the median of the differences, not the difference of the medians
completion    of the median object, from its request to its last octet
headers       header sections with their frames, requests and responses, kB
packets       up and down; lost: taken by the loss model, as a share; full: dropped for want of room in the queue
repairs       packets from the server with octets that had been sent before

Where the time goes: means over the seeds, ms. The states along the critical chain sum to the page load: for a connection or a stream to be
free (queued), for the handshake (connecting), on the path (transit), for an earlier response (order), sent not yet: for the window, the pacer,
others' octets (scheduler), credit, lost and not known to be (undetected), arrived and held back by others' octets (held: other) or by a record that is
not whole, a field section or keys (held: rest). Blocked: summed over objects, medians, by whose octet was missing; octets × time in kB·s.`;

const CHARS = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' }; // no lines between rows
const STYLE = { head: [], border: [] }; // no colours

/**
 * A plan of pages for a terminal, and to be stored, with all that is known of each model: for each variant one table of figures, and one of where the time
 * goes. Plain text without colours, the same for the same figures on any machine.
 * @param heading  what stands above it; by default what was asked
 */
export function modelsTable(result: PlanResult, heading = planHeading(result)): string {
  const { variants, summaries, runs, complete } = result;
  const cells = PlanCells.of(runs);
  const rounds = variants.flatMap((variant, at) => {
    const own = summaries.filter((summary) => summary.variant === at);
    return own.length === 0 ? [] : [roundText(variant, own, cells)];
  });
  const facts = runFacts(runs);
  const notes = [
    comparisonsText(summaries),
    failuresText(facts),
    latenessText(facts),
    complete ? '' : 'Not all runs of the plan are done.',
  ];
  const last = notes.filter((line) => line !== '').join('\n');
  return [heading, LEGEND, ...rounds, ...(last === '' ? [] : [last])].join('\n\n');
}

function roundText(variant: PlanVariant, models: readonly PlanSummary[], cells: PlanCells): string {
  const references = [...new Set(models.flatMap(({ against }) => (against === null ? [] : [against.subject])))];
  const against = `against ${references.length === 1 ? references[0] : 'reference'}`;
  const own = models.map((summary) => ({ ...summary, cell: cells.get(summary.variant, summary.subject)! }));
  const title = `${titleOf(variant)} ${seedsText(own.map(({ cell }) => cell))}`;
  const times = new Table({
    head: [
      'model',
      'page load, s',
      `${against}, s`,
      'completion, ms',
      `${against}, ms`,
      'conn.',
      'shaken',
      'headers',
      'packets up',
      'down',
      'lost',
      'full',
      'repairs',
    ],
    colAligns: ['left', ...Array(12).fill('right')],
    style: STYLE,
    chars: CHARS,
  });
  for (const { subject, medians, estimates, differences, cell } of own) {
    let lost = 0;
    for (let at = 0; at < cell.length; at++) lost += cell.value('lost', at) / cell.value('packetsDown', at);
    times.push([
      subject,
      estimate(estimates.pageLoad, seconds),
      estimate(differences?.pageLoad, seconds),
      estimate(estimates.medianCompletion, millis),
      estimate(differences?.medianCompletion, millis),
      known(medians.connections, String),
      known(medians.handshakes, String),
      known(medians.headerOctets, (octets) => grouped(octets / 1_000, 1)),
      known(medians.packetsUp, grouped),
      known(medians.packetsDown, grouped),
      cell.length === 0 ? '' : `${grouped((100 * lost) / cell.length, 2)}%`,
      known(medians.queueDropped, grouped),
      known(medians.repairs, grouped),
    ]);
  }
  const timed = models.some(({ states }) => Object.keys(states).length > 0);
  return [title, times.toString(), ...(timed ? [whereTimeGoes(models)] : [])].join('\n');
}

/** '1% loss from the server.' */
function titleOf({ values }: PlanVariant): string {
  const said = Object.entries(values).map(([key, value]) => (key === LOSS ? `${value} loss from the server` : `${key} ${value}`));
  return said.length === 0 ? '' : `${said.join(', ')}.`;
}
const LOSS = 'topology.down.loss';

/** Columns of the second table, and the states that each of them is made of. */
const CHAIN: readonly (readonly [string, readonly State[]])[] = [
  ['queued', ['queued']],
  ['connecting', ['connecting']],
  ['server', ['server']],
  ['transit', ['transit']],
  ['order', ['order']],
  ['window', ['stalled(window)']],
  ['pacer', ['stalled(pacer)']],
  ['scheduler', ['stalled(scheduler)']],
  ['credit', ['stalled(connection credit)', 'stalled(stream credit)']],
  ['outlet', ['stalled(outlet)', 'stalled(keys)', 'stalled(amplification)']],
  ['undetected', ['undetected']],
  ['held: other', ['held(other)']],
  ['rest', ['held(record)', 'held(fields)', 'held(keys)', 'held(application)']],
];

function whereTimeGoes(models: readonly PlanSummary[]): string {
  const table = new Table({
    head: ['model', ...CHAIN.map(([name]) => name), 'blocked: own', 'others', 'connection', 'kB·s'],
    colAligns: ['left', ...Array(CHAIN.length + 4).fill('right')],
    style: STYLE,
    chars: CHARS,
  });
  for (const { subject, states, medians } of models)
    table.push([
      subject,
      ...CHAIN.map(([, parts]) => millis(parts.reduce((sum, state) => sum + (states[state] ?? 0), 0))),
      known(medians.blockedOwn, millis),
      known(medians.blockedOther, millis),
      known(medians.blockedConnection, millis),
      known(medians.blockedByteTime, (time) => grouped(time / 1e9, 1)),
    ]);
  return table.toString();
}

function seedsText(cells: readonly PlanCell[]): string {
  const longest = cells.reduce((most, cell) => (cell.length > most.length ? cell : most));
  if (longest.length === 0) return 'No seed.';
  const values = cells.flatMap((cell) => cell.values('pageLoad').map((value) => ({ subject: cell.subject, value })));
  const variation = variationOf(values);
  const [first, seeds] = [longest.seed(0), longest.length];
  if (variation < 0.0005) return `Seeds ${first} to ${first + seeds - 1}: page load varies by less than 0.1%.`;
  return (
    `${seeds} seeds from ${first}: page load varies by ${grouped(100 * variation)}% (standard deviation, of the model where it is largest), ` +
    `so that its median is known to ±${grouped(100 * precision(variation, seeds), 1)}% at worst.`
  );
}

const seconds = (micros: number): string => grouped(micros / 1e6, 3);
const millis = (micros: number): string => grouped(micros / 1e3);
const known = (value: number | undefined, text: (value: number) => string): string => (value === undefined ? '' : text(value));
const estimate = (one: PlanEstimate | undefined, text: (value: number) => string): string =>
  one === undefined
    ? ''
    : one.interval === null
      ? text(one.median)
      : `${text(one.median)} [${text(one.interval.low)}, ${text(one.interval.high)}]`;
