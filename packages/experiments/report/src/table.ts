import Table from 'cli-table3';
import { median } from './compare.ts';
import { bitRate, grouped, milliseconds, pathTail, percent, realisedLoss } from './format.ts';
import type { ComparedFigure, Comparison, FigureName, ResultJson, RunResult } from './schema.ts';

const STYLE = { head: [], border: [] }; // no colours
const CHARS = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' }; // no lines between rows

/**
 * The result for a terminal: for one seed a table per stream and model, for several the medians of both models; the realised
 * loss beside each, and the sentence at the end. Plain text without colours.
 * @param width  columns of the terminal; file names give way
 */
export function terminalTable(result: ResultJson, width = 100): string {
  const several = new Set(result.runs.map((run) => run.seed)).size > 1;
  const parts = [heading(result)];
  if (several) parts.push(overview(result));
  else for (const run of result.runs) parts.push(streamTable(run, width));
  if (result.comparison !== null) {
    if (several) parts.push(comparisonTable(result.comparison));
    parts.push(capitalised(result.comparison.sentence));
  } else parts.push('One model alone: there is nothing to compare.');
  return parts.join('\n\n');
}

export function heading({ world, seed, plan }: ResultJson): string {
  const where = world === 'simulated' ? 'Simulated, in virtual time' : 'Real UDP sockets, through a relay';
  return (
    `${where}: ${plan.files} files, ${milliseconds(plan.delay)} one way, ${bitRate(plan.rate)}, queue of ${grouped(plan.queue)} packets, ` +
    `${Number((100 * plan.loss).toFixed(4))}% loss each way, seed ${seed}${plan.repeat > 1 ? ` and ${plan.repeat - 1} more` : ''}`
  );
}

/** One row for each stream, in the order of their requests. Times in ms. */
function streamTable(run: RunResult, width: number): string {
  const table = new Table({
    head: ['id', 'file', 'bytes', 'completion', 'lost', 'blocked: own', 'other'],
    colAligns: ['right', 'left', 'right', 'right', 'right', 'right', 'right'],
    style: STYLE,
    chars: CHARS,
  });
  const room = Math.max(16, width - 75);
  for (const { id, file, bytes, completion, lostPackets, blocked } of run.streams)
    table.push([
      id,
      pathTail(file, room),
      grouped(bytes),
      milliseconds(completion),
      lostPackets,
      milliseconds(blocked.own),
      milliseconds(blocked.other),
    ]);
  const late =
    run.lateness === undefined ? '' : `; relay late by ${milliseconds(run.lateness.p50)} (p50), ${milliseconds(run.lateness.p99)} (p99)`;
  return `${run.model}: page load ${milliseconds(run.pageLoad)}; ${realisedLoss(run)}${late}\n${table.toString()}`;
}

/** One row for each model: medians over its runs. */
function overview({ runs }: ResultJson): string {
  const table = new Table({
    head: ['model', 'runs', 'page load', 'fastest', 'slowest', 'realised loss down'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
    style: STYLE,
    chars: CHARS,
  });
  for (const model of new Set(runs.map((run) => run.model))) {
    const own = runs.filter((run) => run.model === model);
    const loads = own.map((run) => run.pageLoad);
    const lost = own.reduce((sum, run) => sum + run.links.down.lost, 0);
    const entered = own.reduce((sum, run) => sum + run.links.down.entered, 0);
    table.push([
      model,
      own.length,
      milliseconds(median(loads)),
      milliseconds(Math.min(...loads)),
      milliseconds(Math.max(...loads)),
      percent(lost, entered),
    ]);
  }
  return table.toString();
}

/** How each figure is called and written, for people. */
export const FIGURE_TEXTS: Readonly<
  Record<FigureName, { readonly name: string; readonly text: (value: number) => string; readonly definition: string }>
> = {
  pageLoad: { name: 'page load', text: milliseconds, definition: 'First request to last object.' },
  medianCompletion: {
    name: 'median completion',
    text: milliseconds,
    definition: 'Half of the streams took no longer from request to last byte.',
  },
  blockedOther: {
    name: 'blocked by others',
    text: milliseconds,
    definition:
      'Summed over streams: time in which bytes of a stream had arrived and waited for a missing byte of another stream or of the connection.',
  },
  blockedOwn: {
    name: 'blocked by own loss',
    text: milliseconds,
    definition: 'Summed over streams: time in which bytes of a stream had arrived and waited for a missing byte of the same stream.',
  },
  blockedByteTime: {
    name: 'blocked byte-time',
    text: (value) => `${grouped(value / 1e9, 1)} kB·s`,
    definition: 'Sum over bytes of the time between arriving and being deliverable; one kB·s is 1,000 bytes that waited one second.',
  },
  lostPackets: {
    name: 'losses, for each stream hit',
    text: (value) => grouped(value),
    definition: 'Dropped datagrams, counted once for each stream whose bytes they carried.',
  },
};

function comparisonTable({ first, second, pairs, figures }: Comparison): string {
  const table = new Table({
    head: [`median of ${pairs}`, first, second, 'paired difference', '95% interval'],
    colAligns: ['left', 'right', 'right', 'right', 'right'],
    style: STYLE,
    chars: CHARS,
  });
  for (const [name, { name: label, text }] of Object.entries(FIGURE_TEXTS)) {
    const figure = figures[name as FigureName];
    table.push([label, text(figure.first), text(figure.second), text(figure.difference), intervalText(figure, text)]);
  }
  return table.toString();
}

export const intervalText = ({ interval }: ComparedFigure, text: (value: number) => string): string =>
  interval === null ? 'too few runs' : `${text(interval.low)} to ${text(interval.high)}`;

export const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
