import { RECORD_SEPARATOR } from './qlog-file.ts';
import { qlogLosses } from './qlog-losses.ts';

/** A line of a record that people wrote, or a program for them: not empty, no comment. */
export const linesOf = (text: string): { readonly line: string; readonly nth: number }[] =>
  text
    .split('\n')
    .map((line, i) => ({ line: line.trim(), nth: i + 1 }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'));

/**
 * The datagrams that a record says were lost, from 1, as `listed` takes them. The record is a list of their numbers, one a line; or CSV with a row for
 * each datagram, its number and whether it was lost (0 or 1), below a line that names the columns or not; or a sender's qlog.
 * @throws Error that names the line
 */
export function recordedLosses(text: string): number[] {
  if (/^\s*\{/.test(text.replaceAll(RECORD_SEPARATOR, ''))) return qlogLosses(text).lost;
  const lost: number[] = [];
  for (const [i, { line, nth }] of linesOf(text).entries()) {
    const cells = line.split(',').map((cell) => cell.trim());
    if (i === 0 && cells.every((cell) => /^[A-Za-z]/.test(cell))) {
      if (cells.length > 2)
        throw new Error(`recorded losses, line ${nth}: has ${cells.length} columns; they are the datagram, and whether it was lost`);
      continue;
    }
    const [number = '', fate = '1', ...more] = cells;
    if (!/^[1-9]\d{0,14}$/.test(number))
      throw new Error(`recorded losses, line ${nth}: '${line.slice(0, 40)}' is not the number of a datagram, from 1`);
    if (!/^[01]$/.test(fate) || more.length > 0)
      throw new Error(`recorded losses, line ${nth}: '${line.slice(0, 40)}' is not like 17,1 (the 17th datagram was lost) or 17,0`);
    if (fate === '1') lost.push(Number(number));
  }
  return lost;
}

/** As it is read by `recordedLosses`. @param source  what to say of it in the first line */
export const lossList = (lost: readonly number[], source: string): string => `# ${source}\n${lost.map((index) => `${index}\n`).join('')}`;
