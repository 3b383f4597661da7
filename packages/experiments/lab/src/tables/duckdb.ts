import type { DuckDBConnection } from '@duckdb/node-api';

/** Says that the database is not there, and how it comes. */
export class NoDatabase extends Error {}

/**
 * Runs something with a database in memory, and closes it. DuckDB is 70 MB that most commands have no use for, and is not to be had for every machine: it is
 * an optional dependency, loaded here and nowhere else.
 * @throws NoDatabase
 */
export async function withDatabase<T>(use: (connection: DuckDBConnection) => Promise<T>, options: Record<string, string> = {}): Promise<T> {
  const { DuckDBInstance } = await import('@duckdb/node-api').catch((problem: Error) => {
    throw new NoDatabase(`@duckdb/node-api is not installed, or not for this machine (${problem.message.split('\n')[0]})`);
  });
  const instance = await DuckDBInstance.create(':memory:', options);
  try {
    const connection = await instance.connect();
    try {
      return await use(connection);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

/** As SQL has a text. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** As SQL has a name. */
export const named = (name: string): string => `"${name.replaceAll('"', '""')}"`;
