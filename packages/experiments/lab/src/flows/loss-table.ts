import { bernoulli, gilbertElliott, type Judge, type LinkConfig } from '@quiclab/impair';
import { bootstrapMedian, median } from '@quiclab/report';
import { MILLISECOND, type Micros, SECOND, seededRandom } from '@quiclab/sansio';
import { parseController } from './controllers.ts';
import { type FlowsRecord, runFlows } from './flows.ts';
import { bandwidthDelayQueue } from './options.ts';

// 10 MB by each controller over every combination of rate, round trip and loss: what tables/loss.txt holds.

const OCTETS = 10_000_000;
export const SEEDS = 30;
/** What is not there after so much virtual time counts as having taken so long, and as unfinished. */
const MOST_TIME: Micros = 3_600 * SECOND;

const RATES = [10, 100]; // Mbit/s
const ROUND_TRIPS = [10, 50, 200]; // ms
const LOSSES: readonly { readonly name: string; readonly judge: Judge | undefined }[] = [
  { name: 'none', judge: undefined },
  ...[0.1, 1, 3].map((percent) => ({ name: `${percent}%`, judge: bernoulli(percent / 100) })),
  { name: 'bursts', judge: gilbertElliott({ toBad: 0.01, toGood: 0.167 }) },
];
const CONTROLLERS = ['cubic', 'newReno'];

/** One row of the table. */
export interface LossCell {
  /** Begins the row, and tells it from all others. */
  readonly name: string;
  readonly controller: string;
  /** bit/s. */
  readonly rate: number;
  readonly rtt: Micros;
  readonly loss: string;
  readonly judge: Judge | undefined;
}

export const LOSS_CELLS: readonly LossCell[] = RATES.flatMap((rate) =>
  ROUND_TRIPS.flatMap((rtt) =>
    LOSSES.flatMap(({ name, judge }) =>
      CONTROLLERS.map((controller) => ({
        name: `${String(rate).padStart(4)} Mbit/s ${String(rtt).padStart(4)} ms  ${name.padEnd(6)}  ${controller.padEnd(8)}`,
        controller,
        rate: rate * 1e6,
        rtt: rtt * MILLISECOND,
        loss: name,
        judge,
      })),
    ),
  ),
);

/** What of one run goes into its row. */
export interface LossFigures {
  readonly completion: Micros;
  /** 1: it was not there after the most time that is given. */
  readonly unfinished: number;
  readonly repairs: number;
  readonly inVain: number;
  readonly probes: number;
  readonly collapses: number;
  readonly injectedDrops: number;
  readonly queueDrops: number;
}

export function runLossCell({ controller, rate, rtt, judge }: LossCell, seed: number): LossFigures {
  const up: LinkConfig = { rate, delay: rtt / 2, queue: { packets: bandwidthDelayQueue(rate, rtt) } };
  const down = judge === undefined ? up : { ...up, loss: judge };
  const flows = [{ policy: parseController(controller), start: 0 }];
  return figuresOf(runFlows({ seed, links: { up, down }, flows, octets: OCTETS, until: MOST_TIME }));
}

function figuresOf({ endedAt, flows, down }: FlowsRecord): LossFigures {
  const { completedAt, requestedAt, repairs, probes, persistentCongestions } = flows[0]!;
  return {
    completion: (completedAt < 0 ? endedAt : completedAt) - requestedAt,
    unfinished: completedAt < 0 ? 1 : 0,
    repairs: repairs.packets,
    inVain: repairs.spurious,
    probes,
    collapses: persistentCongestions,
    injectedDrops: down.injectedDrops,
    queueDrops: down.queueDrops,
  };
}

const seconds = (micros: Micros): string => (micros / SECOND).toFixed(3);
const COUNTS = ['injectedDrops', 'queueDrops', 'repairs', 'inVain', 'probes', 'collapses'] as const satisfies (keyof LossFigures)[];

const sumOf = (runs: readonly LossFigures[], figure: keyof LossFigures): number => runs.reduce((sum, run) => sum + run[figure], 0);

/** The columns after a row's name, and how wide they are. */
const COLUMNS: readonly (readonly [string, number])[] = [
  ['median', 8],
  ['95% interval', 19],
  ['fastest – slowest', 19],
  ['of link', 7],
  ['undone', 6],
  ['injected', 8],
  ['queue', 6],
  ['repairs', 7],
  ['in vain', 7],
  ['probes', 6],
  ['collapses', 9],
];
const line = (name: string, cells: readonly string[]): string => [name, ...cells.map((cell, i) => cell.padStart(COLUMNS[i]![1]))].join(' ');

/** A row: how it was over all seeds, from the first. */
export function lossRow({ name, rate }: LossCell, runs: readonly LossFigures[]): string {
  const completions = runs.map(({ completion }) => completion);
  const middle = median(completions);
  // the draws hang on nothing but the number of runs: a row is the same whatever stands above it
  const { low, high } = bootstrapMedian(completions, seededRandom('loss table'));
  return line(name, [
    seconds(middle),
    `${seconds(low)} – ${seconds(high)}`,
    `${seconds(Math.min(...completions))} – ${seconds(Math.max(...completions))}`,
    `${((100 * SECOND * 8 * OCTETS) / middle / rate).toFixed(1)}%`,
    String(sumOf(runs, 'unfinished')),
    ...COUNTS.map((figure) => (sumOf(runs, figure) / runs.length).toFixed(1)),
  ]);
}

const HEAD = `10 MB under loss: what each controller makes of it, simulated, ${SEEDS} seeds a row. Made by: pnpm lab:cc table

One transfer alone, from a server to a client, in datagrams of 1,200 octets. Loss befalls the direction with the data, on leaving the link: each
datagram by itself, or in bursts (Gilbert-Elliott by packet: into the bad state with 0.01, out of it with 0.167, all lost in it: 5.6%, six in a row on
average). The same seed means the same draws by index in each row. The queue before either link holds one bandwidth-delay product of 1,228 octets a packet,
25 packets at least. Credit and buffers never bind. Everything else is as standardPolicies has it: CUBIC with HyStart++, NewReno without.

completion   s, transfer asked for until its last octet was read: median, where the median lies with 95% (bootstrap), fastest and slowest
of link      goodput at the median, of the link's rate
undone       how many of the runs were not there after an hour, which they count as
then means of each run: datagrams dropped by the loss model, and for want of room in the queue; packets sent with octets that had been sent before, and
in vain among them (all that they repeat arrives in an earlier copy, too); packets sent by probe timeouts; times of persistent congestion

${line(
  '       rate     RTT  loss    controller',
  COLUMNS.map(([name]) => name),
)}
`;

/** The whole table. @param row  gives the row of a cell, made by `lossRow` */
export const lossTable = (row: (cell: LossCell) => string): string => `${HEAD}${LOSS_CELLS.map((cell) => `${row(cell)}\n`).join('')}`;

/** Where the table is stored. */
export const LOSS_TABLE = new URL('../../tables/loss.txt', import.meta.url);

/** What a stored row says of the completion. µs. */
export function readRow(
  table: string,
  { name }: LossCell,
): { readonly row: string; readonly median: Micros; readonly fastest: Micros; readonly slowest: Micros } {
  const row = table.split('\n').find((line) => line.startsWith(`${name} `));
  const [, middle, fastest, slowest] = /^ *([\d.]+) +[\d.]+ – [\d.]+ +([\d.]+) – ([\d.]+) /.exec(row?.slice(name.length) ?? '') ?? [];
  if (row === undefined || slowest === undefined) throw new Error(`the table has no row '${name}'`);
  return { row, median: Number(middle) * SECOND, fastest: Number(fastest) * SECOND, slowest: Number(slowest) * SECOND };
}
