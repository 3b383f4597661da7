import { milliseconds } from '@quiclab/report';
import Table from 'cli-table3';
import type { DifferenceOverSeeds, ObjectDifference, RunDifference } from './difference.ts';
import type { PartedEvent, Parting } from './parting.ts';

const STYLE = { head: [], border: [] }; // no colours
const CHARS = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' }; // no lines between rows

/** '+12.3 ms', '−0.5 ms', '0'. */
export const signed = (micros: number): string => (micros === 0 ? '0' : micros > 0 ? `+${milliseconds(micros)}` : milliseconds(micros));

/** One row for each object that the change has moved, or made wait otherwise. */
export function differenceTable({ pageLoad, objects }: RunDifference): string {
  const moved = objects.filter(hasChanged);
  const load = `Page load ${milliseconds(pageLoad.before)} → ${milliseconds(pageLoad.after)} (${signed(pageLoad.after - pageLoad.before)})`;
  const rest = objects.length - moved.length;
  if (moved.length === 0) return `${load}; all ${objects.length} objects are as they were.`;
  const table = new Table({
    head: ['stream', 'object', 'completion', 'then', 'change', 'blocked: own', 'connection', 'others', 'by whom, then'],
    colAligns: ['right', 'left', 'right', 'right', 'right', 'right', 'right', 'right', 'left'],
    style: STYLE,
    chars: CHARS,
  });
  for (const { id, connection, stream, before, after } of moved) {
    const change = (whose: keyof typeof before.blocked): string => signed(after.blocked[whose] - before.blocked[whose]);
    table.push([
      connection === 0 ? `${stream}` : `${connection}/${stream}`,
      id,
      milliseconds(before.completion),
      milliseconds(after.completion),
      signed(after.completion - before.completion),
      change('own'),
      change('connection'),
      change('others'),
      mostBlamed(after.blamed),
    ]);
  }
  return `${load}.\n${table.toString()}${rest === 0 ? '' : `\n${rest} more object${rest === 1 ? ' is' : 's are'} as before.`}`;
}

function hasChanged({ before, after }: ObjectDifference): boolean {
  return (
    before.completion !== after.completion ||
    before.thereAt !== after.thereAt ||
    before.blocked.own !== after.blocked.own ||
    before.blocked.connection !== after.blocked.connection ||
    before.blocked.others !== after.blocked.others
  );
}

function mostBlamed(blamed: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(blamed).sort((a, b) => b[1] - a[1]);
  const [first] = sorted;
  if (first === undefined) return '';
  return `${first[0]} ${milliseconds(first[1])}${sorted.length > 1 ? ` and ${sorted.length - 1} more` : ''}`;
}

/** Where two runs part, in sentences. */
export function partingText(parting: Parting | undefined): string {
  if (parting === undefined) return 'The two runs are the same in everything that happened on the links.';
  const { before, after, sentBefore, sentAfter } = parting;
  return [
    'The runs part at',
    `  before: ${eventText(before)}`,
    `  then:   ${eventText(after)}`,
    ...(sentBefore === undefined && sentAfter === undefined
      ? ['Nothing else is sent in one than in the other.']
      : [
          'The first datagram that an end sends in one and not in the other:',
          `  before: ${eventText(sentBefore)}`,
          `  then:   ${eventText(sentAfter)}`,
        ]),
  ].join('\n');
}

function eventText(event: PartedEvent | undefined): string {
  if (event === undefined) return 'nothing more happens';
  const { at, link, index, what, detail, cause, carried } = event;
  const which = `${milliseconds(at)}  ${link}:${index} (${carried})`;
  if (what === 'enters') return `${which} is sent, ${detail} octets`;
  if (what === 'dropped') return `${which} is dropped${cause === '' ? '' : `: ${cause}`}`;
  return `${which} is on its way and arrives at ${milliseconds(detail)}${cause === '' ? '' : `, ${cause}`}`;
}

/** Medians over seeds with their intervals; objects whose interval holds nothing but 0 are left out. */
export function overSeedsText({ seeds, pageLoad, objects }: DifferenceOverSeeds): string {
  const interval = ({ median, low, high }: DifferenceOverSeeds['pageLoad']): string =>
    `${signed(median)} (95%: ${signed(low)} to ${signed(high)})`;
  const moved = objects.filter(({ completion }) => completion.median !== 0 || completion.low !== 0 || completion.high !== 0);
  return [
    `Median of ${seeds} seeds, by which datagrams without counterpart meet new draws:`,
    `  page load ${interval(pageLoad)}`,
    ...moved.map(({ id, completion }) => `  ${id} ${interval(completion)}`),
    ...(moved.length < objects.length ? [`  ${objects.length - moved.length} more objects as before`] : []),
  ].join('\n');
}
