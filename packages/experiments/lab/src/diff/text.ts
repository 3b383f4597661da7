import type { LogDifference, Parting, Row, StreamEnd, ToldEvent } from './difference.ts';
import type { FateInOne } from './fate-in-one.ts';

const MOST_STREAMS = 20;

const at = (time: number): string => `${time.toFixed(3)} ms`;

/** What a terminal takes for an order is left out: logs come from anybody. */
export const harmless = (text: string): string => text.replace(/[^\P{Cc}\n]/gu, '?');

/** A difference for people. @param ignoreTime  rows that differ in nothing but time are then no news */
export function differenceText({ same, events, packetsOnly, parting, counts, streams }: LogDifference, ignoreTime: boolean): string {
  const of = packetsOnly ? 'The logs are of different dialects: their packets and frames alone are compared.\n' : '';
  if (same || parting === null)
    return `${of}The two logs are the same${ignoreTime ? ', but for times' : ''}: ${events.a} events${packetsOnly ? ' of packets' : ''}.`;
  return [
    `${of}${partingText(parting)}`,
    rowsText(parting, ignoreTime),
    ...(counts.length === 0
      ? []
      : [
          table(
            'Counts that differ',
            counts.map(({ what, a, b }) => [what, `${a}`, `${b}`, signed(b - a, 0)]),
          ),
        ]),
    ...(streams.length === 0 ? [] : [streamsText(streams)]),
  ].join('\n\n');
}

function partingText({ a, b, kind, details, fateInOne }: Parting): string {
  const told = (event: ToldEvent | null): string => (event === null ? 'has ended' : `${event.place}: ${at(event.time)}  ${event.text}`);
  const how = {
    differs: 'The logs part at an event that both have, but not alike:',
    'more in a': 'The logs part at what only a has; b goes on with what comes after it:',
    'more in b': 'The logs part at what only b has; a goes on with what comes after it:',
    other: 'The logs part at:',
  }[kind];
  return [
    how,
    `  a ${told(a)}`,
    `  b ${told(b)}`,
    ...details.map((detail) => `    ${detail}`),
    ...(fateInOne === null ? [] : [fateText(fateInOne)]),
  ].join('\n');
}

function fateText({ fate, in: one, what, sentAt, at: when }: FateInOne): string {
  if (fate === 'arrived') return `${what} arrives in ${one} alone, at ${at(when)}.`;
  return `Both have sent ${what} before that, at ${at(sentAt ?? 0)}; it is lost in ${one} alone, at ${at(when)}.`;
}

/** Both logs side by side: what both have once, what one has with its letter. */
function rowsText({ before, after }: Parting, ignoreTime: boolean): string {
  const line = ({ a, b }: Row): string => {
    const event = (a ?? b)!;
    const mark = a === null ? 'b' : b === null ? 'a' : ' ';
    const shift = a !== null && b !== null && a.time !== b.time && !ignoreTime ? `  (b: ${signed(b.time - a.time, 3)} ms)` : '';
    return `  ${mark} ${at(event.time).padStart(14)}  ${event.text}${shift}`;
  };
  return [...before.map(line), '  -- here they part', ...after.map(line)].join('\n');
}

const signed = (value: number, digits: number): string => `${value > 0 ? '+' : ''}${value.toFixed(digits)}`;

function streamsText(streams: readonly StreamEnd[]): string {
  const shown = streams.slice(0, MOST_STREAMS).map(({ stream, a, b }) => {
    const time = (value: number | null): string => (value === null ? 'none' : value.toFixed(3));
    return [stream, time(a), time(b), a === null || b === null ? '' : signed(b - a, 3)];
  });
  const rest = streams.length - shown.length;
  return `${table('Last octets of a stream, ms', shown)}${rest === 0 ? '' : `\n  and of ${rest} more`}`;
}

function table(title: string, rows: readonly (readonly string[])[]): string {
  const all = [[title, 'a', 'b', 'b − a'], ...rows];
  const widths = all[0]!.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  return all
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
