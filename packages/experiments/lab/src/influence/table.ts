import { INFLUENCE_DEFINITIONS, type InfluenceFigure, milliseconds } from '@quiclab/report';
import Table from 'cli-table3';
import type { InfluenceMatrices, InfluenceRow } from './matrices.ts';

const STYLE = { head: [], border: [] }; // no colours
const CHARS = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '', middle: ' ' };
const MOST_ROWS = 60;
const MOST_COLUMNS = 14;

/** One matrix for a terminal, in ms; '[ ]' marks the streams in the packet, '·' is 0. Below it what is off the diagonal. */
export function influenceTable(matrices: InfluenceMatrices, figure: InfluenceFigure): string {
  const { model, streams, rows, packets, failed, queueDrops } = matrices;
  const shown = rows.filter((row) => row.carried.length > 0 || row[figure].some((value) => value !== 0));
  const step = Math.ceil(shown.length / MOST_ROWS);
  const columns = streams.slice(0, MOST_COLUMNS);
  const table = new Table({
    head: ['lost', ...columns.map((_, i) => `${i + 1}`)],
    colAligns: ['right', ...columns.map(() => 'right' as const)],
    style: STYLE,
    chars: CHARS,
  });
  for (const row of shown.filter((_, i) => i % step === 0)) table.push([row.lost, ...columns.map((_, i) => cell(row, figure, i))]);
  const { name, definition } = INFLUENCE_DEFINITIONS[figure];
  return [
    `${model}: ${name}, ms (${definition}). Rows: dropped packets; columns: ${columns.map(({ id }, i) => `${i + 1} ${id}`).join(', ')}${streams.length > columns.length ? `, and ${streams.length - columns.length} more` : ''}`,
    table.toString(),
    ...(step > 1 ? [`Every ${step}. of ${shown.length} rows.`] : []),
    ...(rows.length + failed.length < packets
      ? [`${rows.length + failed.length} of ${packets} packets were dropped, evenly spread (--rows).`]
      : []),
    offDiagonal(rows),
    ...(failed.length === 0
      ? []
      : [`${failed.length} packets left nothing to compare; the first, ${failed[0]!.lost}: ${failed[0]!.reason}`]),
    ...(queueDrops === 0
      ? []
      : [`A queue dropped ${queueDrops} packets beside: a row may be about more than its packet. A longer --queue helps.`]),
  ].join('\n');
}

function cell(row: InfluenceRow, figure: InfluenceFigure, column: number): string {
  const value = row[figure][column]!;
  const text = value === 0 ? '·' : (value / 1_000).toFixed(1);
  return row.carried.includes(column) ? `[${text}]` : text;
}

/** How many streams that were not in the packet waited, and by how much they completed later. */
function offDiagonal(rows: readonly InfluenceRow[]): string {
  let cells = 0;
  let waiting = 0;
  let later = 0;
  let longest = 0;
  for (const row of rows) {
    if (row.carried.length === 0) continue;
    for (const [i, wait] of row.largestWait.entries()) {
      if (row.carried.includes(i)) continue;
      cells++;
      if (wait > 0) waiting++;
      if (row.completion[i]! > 0) later++;
      longest = Math.max(longest, wait);
    }
  }
  return `Off the diagonal: in ${waiting} of ${cells} cells bytes waited (${milliseconds(longest)} at most), in ${later} the stream completed later.`;
}
