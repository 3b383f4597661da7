import type { State } from '@quiclab/ledger';
import Table from 'cli-table3';
import { bitRate, grouped, milliseconds } from './format.ts';
import type { Estimate, ModelSummary, ModelsJson, ModelsRound } from './models-schema.ts';
import { precision } from './models-stats.ts';

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

/** The comparison for a terminal, and to be stored. Plain text without colours, the same for the same figures on any machine. */
export function modelsTable(result: ModelsJson): string {
  const { page, path, profile, reference, rounds } = result;
  const heading =
    `Simulated, in virtual time: page '${page.name}' (${page.objects} objects, ${grouped(page.octets / 1_000)} kB), ` +
    `${milliseconds(path.rtt)} round trip, ${bitRate(path.rate)}, queue of ${path.queue} packets, profile '${profile}'.`;
  return [heading, LEGEND, ...rounds.map((round) => roundText(round, reference)), comparisons(result)].join('\n\n');
}

function roundText(round: ModelsRound, reference: string): string {
  const { loss, models, runs } = round;
  const title = `${Number((100 * loss).toFixed(4))}% loss from the server. ${seedsText(round)}`;
  const times = new Table({
    head: [
      'model',
      'page load, s',
      `against ${reference}, s`,
      'completion, ms',
      `against ${reference}, ms`,
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
  for (const summary of models) {
    const { model, figures, difference } = summary;
    const lost = runs.filter((run) => run.model === model).reduce((sum, run) => sum + run.lost / run.packetsDown, 0);
    times.push([
      model,
      estimate(summary.pageLoad, seconds),
      difference === null ? '' : estimate(difference.pageLoad, seconds),
      estimate(summary.medianCompletion, millis),
      difference === null ? '' : estimate(difference.medianCompletion, millis),
      figures.connections,
      figures.handshakes,
      grouped(figures.headerOctets / 1_000, 1),
      grouped(figures.packetsUp),
      grouped(figures.packetsDown),
      `${grouped((100 * lost) / runs.filter((run) => run.model === model).length, 2)}%`,
      grouped(figures.queueDropped),
      grouped(figures.repairs),
    ]);
  }
  return `${title}\n${times.toString()}\n${whereTimeGoes(models)}`;
}

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

function whereTimeGoes(models: readonly ModelSummary[]): string {
  const table = new Table({
    head: ['model', ...CHAIN.map(([name]) => name), 'blocked: own', 'others', 'connection', 'kB·s'],
    colAligns: ['left', ...Array(CHAIN.length + 4).fill('right')],
    style: STYLE,
    chars: CHARS,
  });
  for (const { model, states, figures } of models)
    table.push([
      model,
      ...CHAIN.map(([, parts]) => millis(parts.reduce((sum, state) => sum + (states[state] ?? 0), 0))),
      millis(figures.blockedOwn),
      millis(figures.blockedOther),
      millis(figures.blockedConnection),
      grouped(figures.blockedByteTime / 1e9, 1),
    ]);
  return table.toString();
}

function seedsText({ seeds, firstSeed, variation }: ModelsRound): string {
  if (variation < 0.0005) return `Seeds ${firstSeed} to ${firstSeed + seeds - 1}: page load varies by less than 0.1%.`;
  return (
    `${seeds} seeds from ${firstSeed}: page load varies by ${grouped(100 * variation)}% (standard deviation, of the model where it is largest), ` +
    `so that its median is known to ±${grouped(100 * precision(variation, seeds), 1)}% at worst.`
  );
}

function comparisons({ rounds }: ModelsJson): string {
  const made = rounds.reduce((sum, { models }) => sum + 2 * models.filter(({ difference }) => difference !== null).length, 0);
  return `${made} comparisons were made: where nothing differs, one in twenty intervals misses 0 by chance.`;
}

const seconds = (micros: number): string => grouped(micros / 1e6, 3);
const millis = (micros: number): string => grouped(micros / 1e3);
const estimate = ({ median, low, high }: Estimate, text: (value: number) => string): string =>
  `${text(median)} [${text(low)}, ${text(high)}]`;
