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
}

/** Peers down, cases and our role across; what did not pass is explained below. */
export function matrix(results: readonly Result[]): string {
  const columns = [...new Map(results.map((result) => [columnOf(result), result])).values()];
  const table = new Table({
    head: ['peer', ...columns.map((column) => `${column.case}\nas ${column.role}`)],
    style: { head: [], border: [], compact: true },
  });
  for (const peer of new Set(results.map((result) => result.peer))) {
    const cells = columns.map(
      (column) => results.find((result) => result.peer === peer && columnOf(result) === columnOf(column))?.outcome ?? '',
    );
    table.push([peer, ...cells]);
  }
  const explained = results.filter((result) => result.outcome !== 'passed').map(line);
  const counts = (['passed', 'failed', 'unsupported', 'skipped'] as const).map(
    (outcome) => `${results.filter((r) => r.outcome === outcome).length} ${outcome}`,
  );
  return [table.toString(), ...explained, counts.join(', ')].join('\n');
}

export const line = (result: Result): string =>
  `${result.outcome}: ${result.peer}, ${result.case}, quiclab as ${result.role}${result.detail === '' ? '' : `: ${result.detail}`}`;

const columnOf = (result: Result): string => `${result.case} ${result.role}`;
