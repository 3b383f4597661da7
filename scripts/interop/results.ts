import Table from 'cli-table3';

export type Role = 'client' | 'server';
export type Outcome = 'passed' | 'failed' | 'unsupported' | 'skipped';

export interface Result {
  readonly peer: string;
  readonly case: string;
  /** Ours. */
  readonly role: Role;
  readonly outcome: Outcome;
  readonly detail: string;
  /** In kbit/s, where the case asks for it. */
  readonly figure?: number;
}

/** Why our own stack is not asked: features.ts. */
export const NOT_OURS_YET = 'not in quiclab yet';

/** Earlier results, with those that are newer in their places. */
export function updated(earlier: readonly Result[], newer: readonly Result[]): Result[] {
  const nameOf = (result: Result): string => `${result.peer} ${result.case} ${result.role}`;
  const byName = new Map([...earlier, ...newer].map((result) => [nameOf(result), result]));
  return [...byName.values()];
}

/** Cases down, peers and our role across; what did not pass is explained below. */
export function matrix(results: readonly Result[]): string {
  const columns = [...new Map(results.map((result) => [columnOf(result), result])).values()];
  const table = new Table({
    head: ['case', ...columns.map((column) => `${column.peer}\nas ${column.role}`)],
    style: { head: [], border: [], compact: true },
  });
  for (const name of new Set(results.map((result) => result.case))) {
    const cells = columns.map((column) => {
      const result = results.find((one) => one.case === name && columnOf(one) === columnOf(column));
      return result?.figure === undefined ? (result?.outcome ?? '') : `${result.figure} kbit/s`;
    });
    table.push([name, ...cells]);
  }
  const explained = results.filter((result) => result.outcome !== 'passed').map(line);
  const counts = (['passed', 'failed', 'unsupported', 'skipped'] as const).map(
    (outcome) => `${results.filter((r) => r.outcome === outcome).length} ${outcome}`,
  );
  return [table.toString(), ...explained, counts.join(', ')].join('\n');
}

export const line = (result: Result): string =>
  `${result.outcome}: ${result.peer}, ${result.case}, quiclab as ${result.role}${result.detail === '' ? '' : `: ${result.detail}`}`;

const columnOf = (result: Result): string => `${result.peer} ${result.role}`;
