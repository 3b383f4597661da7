import Table from 'cli-table3';
import { ENTRIES, type Entry, type Group } from './contest.ts';
import type { Run } from './run.ts';

/** One figure of the result. `cpuSeconds` are medians, of one run. */
export interface Figure {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  readonly runs: number;
  readonly cpuSeconds: { readonly client: number; readonly server: number };
}

export type Figures = Partial<Record<Group, Record<string, Figure>>>;

export function figure(runs: readonly Run[]): Figure {
  const values = runs.map((run) => run.value);
  return {
    median: digits(median(values)),
    lowest: digits(Math.min(...values)),
    highest: digits(Math.max(...values)),
    runs: runs.length,
    cpuSeconds: {
      client: digits(median(runs.map((run) => run.cpuSeconds.client))),
      server: digits(median(runs.map((run) => run.cpuSeconds.server))),
    },
  };
}

export function figures(results: ReadonlyMap<Entry, readonly Run[]>): Figures {
  const all: Figures = {};
  for (const [entry, runs] of results) if (runs.length > 0) (all[entry.group] ??= {})[entry.name] = figure(runs);
  return all;
}

export const TITLES: Readonly<Record<Group, string>> = {
  goodputMBps: 'goodput, MB/s',
  handshakesPerSecond: 'handshakes per second',
  requestsPerSecond: 'requests per second',
  idleConnectionKiB: 'KiB per idle connection, server',
  simulatedDatagramsPerSecond: 'simulated datagrams per CPU second',
  simulatedSecondsPerCpuSecond: 'seconds of the median page per CPU second',
  sweepRunsPerSecond: 'runs of a small page per second',
  sweepScaling: "speed-up by a second worker, as a share of a spin's",
  sweepMiB: 'resident MiB after a sweep of so many runs',
  reportSeconds: 'report of 10,000 runs, seconds to its last chart',
};

export function table(all: Figures): string {
  const rows = new Table({
    head: ['', '', 'median', 'lowest', 'highest', 'runs', 'CPU s client', 'CPU s server'],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  let group: Group | undefined;
  for (const entry of ENTRIES) {
    const one = all[entry.group]?.[entry.name];
    if (one === undefined) continue;
    rows.push([
      entry.group === group ? '' : TITLES[entry.group],
      entry.name,
      shown(one.median),
      shown(one.lowest),
      shown(one.highest),
      one.runs,
      one.cpuSeconds.client.toFixed(2),
      one.cpuSeconds.server === 0 ? '' : one.cpuSeconds.server.toFixed(2),
    ]);
    group = entry.group;
  }
  return rows.toString();
}

export const shown = (value: number): string =>
  value < 10 ? value.toFixed(2) : value < 1000 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Four significant digits: more would be noise. */
const digits = (value: number): number => Number(value.toPrecision(4));
