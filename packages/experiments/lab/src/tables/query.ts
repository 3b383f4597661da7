import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBResult, DuckDBValue } from '@duckdb/node-api';
import { type PreparedPlan, prepareDocument } from '../plan/prepare.ts';
import { readHead, runsFile, TABLES } from '../run/store.ts';
import { flowsQuery, hasFlows, linesOf, runsQuery } from './columns.ts';
import { quoted, withDatabase } from './duckdb.ts';

/** A value as JSON has it: whole numbers that a double cannot hold are texts. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [name: string]: Plain };

export interface Answer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** In pieces, as they come. */
  readonly rows: AsyncIterable<readonly (readonly Plain[])[]>;
}

/** Where there is nothing else to ask: what can be asked for. */
export const CATALOGUE = `SELECT table_name AS "table", column_name AS "column", data_type AS "type", coalesce(comment, '') AS "what it is"
  FROM duckdb_columns() WHERE NOT internal ORDER BY table_name = 'runs' DESC, table_name, column_index`;

/**
 * Asks in SQL what is in a directory of `quiclab run`, or in a file of it (.duckdb, .parquet). Nothing can be changed by it, and no other file read.
 * @param use  what is done with the answer
 * @throws Error that says what is wrong with the file or the query
 */
export async function query<T>(path: string, sql: string, use: (answer: Answer) => Promise<T>): Promise<T> {
  const open = opening(path);
  return withDatabase(async (connection) => {
    await open(connection).catch((problem: Error) => {
      throw new Error(`'${path}' cannot be read: ${problem.message.split('\n')[0]}`);
    });
    await connection.run('SET enable_external_access = false');
    await connection.run('SET lock_configuration = true');
    const result = await run(connection, sql);
    return use({
      columns: result.deduplicatedColumnNames().map((name, i) => ({ name, type: String(result.columnType(i)) })),
      rows: plainRows(result),
    });
  });
}

/** How what is there becomes tables. */
function opening(path: string): (connection: DuckDBConnection) => Promise<unknown> {
  if (!existsSync(path)) throw new Error(`there is no '${path}': quiclab run writes it, with --out`);
  if (statSync(path).isDirectory()) {
    if (existsSync(join(path, TABLES.database))) return attach(join(path, TABLES.database));
    const head = readHead(path);
    if (head === undefined || !existsSync(runsFile(path)))
      throw new Error(`'${path}' holds no runs: quiclab run writes them, with --out ${path}`);
    return views(runsFile(path), prepareDocument(head.document));
  }
  if (path.endsWith('.duckdb')) return attach(path);
  if (path.endsWith('.parquet'))
    return async (connection) => {
      await connection.run(`SET allowed_paths = [${quoted(path)}]`);
      await connection.run(`CREATE VIEW ${path.endsWith(TABLES.flows) ? 'flows' : 'runs'} AS SELECT * FROM read_parquet(${quoted(path)})`);
    };
  throw new Error(`'${path}' is neither a directory of quiclab run nor one of its .duckdb or .parquet files`);
}

const attach =
  (file: string) =>
  async (connection: DuckDBConnection): Promise<void> => {
    await connection.run(`ATTACH ${quoted(file)} AS results (READ_ONLY)`);
    await connection.run('USE results');
  };

/** Of a part of a plan, or of one that is still being run, there are only the lines. */
const views =
  (file: string, plan: PreparedPlan) =>
  async (connection: DuckDBConnection): Promise<void> => {
    await connection.run(`SET allowed_paths = [${quoted(file)}]`);
    await connection.run(`CREATE VIEW runs AS ${runsQuery(plan, linesOf(file))}`);
    if (hasFlows(plan)) await connection.run(`CREATE VIEW flows AS ${flowsQuery(plan, linesOf(file))}`);
  };

async function run(connection: DuckDBConnection, sql: string): Promise<DuckDBResult> {
  const { StatementType } = await import('@duckdb/node-api');
  try {
    if (sql.trim() === '') throw new Error('it is empty');
    const statements = await connection.extractStatements(sql);
    if (statements.count !== 1) throw new Error(`one query at a time, not ${statements.count}`);
    const statement = await statements.prepare(0);
    if (statement.parameterCount > 0) throw new Error('it has a parameter ($1 or ?) without a value');
    if (statement.statementType !== StatementType.SELECT && statement.statementType !== StatementType.EXPLAIN)
      throw new Error('results can be read here (SELECT, DESCRIBE, SUMMARIZE, EXPLAIN), not changed');
    return await statement.stream();
  } catch (problem) {
    throw new Error(`the query: ${(problem as Error).message.replace(/^Failed to \w+ \w+: /, '')}`);
  }
}

async function* plainRows(result: DuckDBResult): AsyncGenerator<readonly (readonly Plain[])[]> {
  try {
    for await (const rows of result.yieldRows()) yield rows.map((row) => row.map(plain));
  } catch (problem) {
    throw new Error(`the query: ${(problem as Error).message}`);
  }
}

function plain(value: DuckDBValue): Plain {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if ('items' in value) return value.items.map(plain);
  if ('toDouble' in value) return value.toDouble();
  if ('entries' in value && !Array.isArray(value.entries))
    return Object.fromEntries(Object.entries(value.entries).map(([name, inner]) => [name, plain(inner)]));
  return String(value);
}
