import { once } from 'node:events';
import Table from 'cli-table3';
import { Command } from 'commander';
import { stringify } from 'csv-stringify/sync';
import { type Answer, CATALOGUE, type Plain, query } from './query.ts';

/** In a table that people read. */
const MOST_ROWS = 1_000;
const CHARS = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|U?INTEGER|DOUBLE|FLOAT|DECIMAL.*)$/;

type Format = (answer: Answer) => AsyncGenerator<string>;

/** `quiclab sql OUT "SELECT …"` */
export const sqlCommand = (): Command =>
  new Command('sql')
    .description('ask in SQL (DuckDB) about the runs of a plan; without a query: which columns there are')
    .argument('<path>', 'a directory of quiclab run, or a .duckdb or .parquet file of it')
    .argument('[query]', `as: SELECT model, median(pageLoad) FROM runs GROUP BY model`)
    .option('--json', 'rows as JSON', false)
    .option('--csv', 'rows as CSV', false)
    .action(async (path: string, sql: string | undefined, { json, csv }: { readonly json: boolean; readonly csv: boolean }) => {
      if (json && csv) throw new Error('--json or --csv, not both');
      const format = json ? jsonOf : csv ? csvOf : tableOf;
      await query(path, sql ?? CATALOGUE, async (answer) => {
        for await (const text of format(answer)) if (!(await written(text))) return;
      });
    });

/** Waits while nobody reads. @returns false when nobody will: `quiclab sql … | head` */
async function written(text: string): Promise<boolean> {
  const { stdout } = process;
  if (stdout.listenerCount('error') === 0) stdout.on('error', () => {});
  if (stdout.errored !== null || stdout.destroyed) return false;
  if (!stdout.write(text)) await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch(() => {});
  return stdout.errored === null;
}

async function* jsonOf({ columns, rows }: Answer): ReturnType<Format> {
  let before = '[\n';
  for await (const piece of rows)
    for (const row of piece) {
      yield before + JSON.stringify(Object.fromEntries(columns.map(({ name }, i) => [name, row[i]!])));
      before = ',\n';
    }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}

async function* csvOf({ columns, rows }: Answer): ReturnType<Format> {
  yield stringify([columns.map(({ name }) => name)]);
  for await (const piece of rows) yield stringify(piece.map((row) => row.map((value) => (value === null ? '' : shown(value)))));
}

async function* tableOf({ columns, rows }: Answer): ReturnType<Format> {
  const table = new Table({
    head: columns.map(({ name }) => name),
    colAligns: columns.map(({ type }) => (NUMBER.test(type) ? 'right' : 'left')),
    style: { head: [], border: [] },
    chars: CHARS,
  });
  let more = 0;
  for await (const piece of rows)
    for (const row of piece) {
      if (table.length < MOST_ROWS) table.push(row.map(shown));
      else more++;
    }
  yield `${table.toString()}\n`;
  if (more > 0) process.stderr.write(`${more} more rows: --csv and --json print them all.\n`);
}

function shown(value: Plain): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
