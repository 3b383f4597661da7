/** What came of the runs, for people. */
import type { PathPlan } from '@quiclab/lab';
import type { Lateness } from '@quiclab/lab/tunnel';
import { bitRate, bootstrapMedian, median, milliseconds } from '@quiclab/report';
import { MILLISECOND, seededRandom } from '@quiclab/sansio';
import Table from 'cli-table3';
import type { Shares } from './cross-traffic.ts';
import type { PageRun } from './page-runs.ts';

/** Below this many runs an interval says next to nothing. */
const LEAST_RUNS = 5;

const late = ({ p50, p99 }: Pick<Lateness, 'p50' | 'p99'>): string =>
  `${(p50 / MILLISECOND).toFixed(1)} / ${(p99 / MILLISECOND).toFixed(1)} ms`;

/** The direction in which the relay was later. */
const worse = ({ lateness: { up, down } }: PageRun): Lateness => (up.p99 > down.p99 ? up : down);

/** One line for one run, as it comes. */
export function runLine(run: PageRun): string {
  const { up, down } = run;
  const drops = `${up.injectedDrops + down.injectedDrops} lost, ${up.queueDrops + down.queueDrops} dropped by queues`;
  const unread = run.unread === 0 ? '' : `; ${run.unread} NOT READ IN TIME: this run is worth nothing`;
  return `${run.model}, seed ${run.seed}: ${milliseconds(run.pageLoad)}; ${up.entered} packets up, ${down.entered} down, ${drops}; relay late by ${late(worse(run))} (p50 / p99)${unread}`;
}

/** Models down. Beside each figure, how late the relay was while it was measured. */
export function runsTable(page: string, path: PathPlan, runs: readonly PageRun[], seed: number): string {
  const table = new Table({
    head: [
      'model',
      'page load\nmedian',
      '95%',
      'first octet\nmedian',
      'completion\nmedian',
      'connections',
      'realised loss\ndown',
      'relay late\np50 / p99',
    ],
    style: { head: [], border: [], compact: true },
  });
  for (const model of new Set(runs.map((run) => run.model))) {
    const own = runs.filter((run) => run.model === model);
    const loads = own.map((run) => run.pageLoad);
    const random = seededRandom(seed).fork(`bootstrap/${model}`);
    const interval = own.length < LEAST_RUNS ? undefined : bootstrapMedian(loads, random);
    const entered = own.reduce((sum, { down }) => sum + down.entered - down.queueDrops, 0);
    const lost = own.reduce((sum, { down }) => sum + down.injectedDrops, 0);
    const objects = own.flatMap((run) => run.objects);
    table.push([
      model,
      milliseconds(median(loads)),
      interval === undefined ? `${own.length} runs` : `${milliseconds(interval.low)} to ${milliseconds(interval.high)}`,
      milliseconds(median(objects.map(({ firstByte }) => firstByte))),
      milliseconds(median(objects.map(({ completion }) => completion))),
      `${median(own.map(({ connections }) => connections))}`,
      `${entered === 0 ? 0 : ((100 * lost) / entered).toFixed(2)}%`,
      late({ p50: median(own.map((run) => worse(run).p50)), p99: Math.max(...own.map((run) => worse(run).p99)) }),
    ]);
  }
  return [
    `page '${page}' over the kernel's TCP and our QUIC, real time: ${pathText(path)}`,
    table.toString(),
    'blocked time, states, blame: unknown (the kernel does not tell)',
  ].join('\n');
}

export const pathText = ({ rate, delay, loss, queue }: PathPlan): string =>
  `${rate === 0 ? 'no limit' : bitRate(rate)}, ${(2 * delay) / MILLISECOND} ms, queue of ${queue} packets, ${+(100 * loss).toFixed(3)}% lost both ways`;

/** One line for one download beside TCP. */
export const sharesLine = ({ quic, tcp, queueDrops, lateness }: Shares): string =>
  `QUIC ${Math.round(quic)} kbit/s, TCP ${Math.round(tcp)} kbit/s, ${queueDrops} dropped by the queue; relay late by ${late(lateness)} (p50 / p99)`;
