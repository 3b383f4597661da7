import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { PlanWorld } from '@quiclab/report';
import type { PreparedPlan } from '../plan/prepare.ts';
import { removeTables, runsFile, TABLES } from '../run/store.ts';
import { VERSION } from '../version.ts';
import { flowColumns, flowsQuery, hasFlows, linesOf, runColumns, runsQuery, type TableColumn } from './columns.ts';
import { NoDatabase, named, quoted, withDatabase } from './duckdb.ts';

/** One thread keeps rows in the order of the runs. Lines are streamed, so that memory does not grow with their number. */
const OPTIONS = { threads: '1', memory_limit: '192MB' };

/**
 * Writes results.duckdb and runs.parquet (of bulk transfers flows.parquet, too) beside runs.jsonl, from its lines.
 * @returns why not, where there is no DuckDB; else ''
 */
export async function writeTables(plan: PreparedPlan, dir: string, world: PlanWorld, complete: boolean): Promise<string> {
  removeTables(dir);
  const part = join(dir, `${TABLES.database}.part`);
  const remove = (): void => {
    for (const name of [part, `${part}.wal`]) rmSync(name, { force: true });
  };
  remove();
  try {
    await withDatabase((connection) => write(connection, part, plan, dir, world, complete), OPTIONS);
    renameSync(part, join(dir, TABLES.database));
  } catch (problem) {
    remove();
    if (problem instanceof NoDatabase) return `There is no ${TABLES.database}, and no ${TABLES.runs}: ${problem.message}.`;
    throw problem;
  }
  return '';
}

async function write(
  connection: DuckDBConnection,
  file: string,
  plan: PreparedPlan,
  dir: string,
  world: PlanWorld,
  complete: boolean,
): Promise<void> {
  const lines = linesOf(runsFile(dir));
  await connection.run(`ATTACH ${quoted(file)} AS results`);
  await connection.run('USE results');
  const table = async (name: 'runs' | 'flows', query: string, columns: readonly TableColumn[]): Promise<void> => {
    await connection.run(`CREATE TABLE ${name} AS ${query}`);
    for (const { name: column, comment } of columns)
      await connection.run(`COMMENT ON COLUMN ${name}.${named(column)} IS ${quoted(comment)}`);
    await connection.run(`COPY ${name} TO ${quoted(join(dir, TABLES[name]))} (FORMAT parquet, COMPRESSION zstd)`);
  };
  await table('runs', runsQuery(plan, lines), runColumns(plan));
  if (hasFlows(plan)) await table('flows', flowsQuery(plan, lines), flowColumns(plan));
  await connection.run(
    `CREATE TABLE plan AS SELECT ${quoted(plan.question)} AS question, ${quoted(world)} AS world, ${quoted(VERSION)} AS version, ${complete} AS complete`,
  );
  await connection.run('USE memory');
  await connection.run('DETACH results'); // writes what is in its log
}
