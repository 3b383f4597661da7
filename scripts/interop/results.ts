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
  readonly handshakes?: HandshakeTimes;
  /** Of a failure that was looked into and is not ours: what shows it. */
  readonly peersFault?: string;
}

/** What a client says of its handshakes, in seconds. */
export interface HandshakeTimes {
  readonly count: number;
  readonly median: number;
  /** By nearest rank: of fifty, the slowest. */
  readonly p99: number;
}

/** Two or three handshakes have no distribution to speak of. */
export const FEWEST_FOR_QUANTILES = 10;

/** @param seconds  one at least */
export function handshakeTimes(seconds: readonly number[]): HandshakeTimes {
  const inOrder = [...seconds].sort((a, b) => a - b);
  const quantile = (part: number): number => inOrder[Math.ceil(part * inOrder.length) - 1];
  return { count: inOrder.length, median: quantile(0.5), p99: quantile(0.99) };
}

/** Why our own stack is not asked: features.ts. */
export const NOT_OURS_YET = 'not in quiclab yet';
/** How the detail begins to tell that the machine was too slow for the path. */
export const RELAY_LATE = 'the relay was late';
/** How the detail of an unsupported case begins when it was the peer that said so. */
export const UNSUPPORTED_BY_CLIENT = 'the client says so';
export const UNSUPPORTED_BY_SERVER = 'the server says so';

/** Earlier results, with those that are newer in their places; where a peer was missing, nothing newer is known. */
export function updated(earlier: readonly Result[], newer: readonly Result[]): Result[] {
  const nameOf = (result: Result): string => `${result.peer} ${result.case} ${result.role}`;
  const byName = new Map(earlier.map((result) => [nameOf(result), result]));
  for (const result of newer) if (result.outcome !== 'skipped' || !byName.has(nameOf(result))) byName.set(nameOf(result), result);
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
  `${result.outcome}: ${result.peer}, ${result.case}, quiclab as ${result.role}${[result.detail, result.peersFault].map((text) => (text ? `: ${text}` : '')).join('')}`;

const columnOf = (result: Result): string => `${result.peer} ${result.role}`;
