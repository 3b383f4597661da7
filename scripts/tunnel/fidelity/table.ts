/** What came of it, as a table that is stored. */
import { bootstrapMedian, median, ratioOfMedians } from '@quiclab/report';
import { MILLISECOND, seededRandom } from '@quiclab/sansio';
import { LOSSES, MODELS, WITHIN } from './plan.ts';
import type { FidelityRecord, RealRun } from './record.ts';

const ms = (time: number): string => (time / MILLISECOND).toLocaleString('en', { maximumFractionDigits: 0 });
const MILLION = 1_000_000; // a bootstrap is of whole units

const mean = (values: readonly number[]): string => (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(0);

/** Markdown. Rows that have no runs on one of the sides are left out. */
export function fidelityTable({ real, simulated }: FidelityRecord): string {
  const rows = LOSSES.flatMap((loss) =>
    MODELS.map((model) => {
      const runs = real.filter((run) => run.model === model && run.loss === loss);
      const other = simulated.find((one) => one.model === model && one.loss === loss);
      if (runs.length === 0 || other === undefined) return undefined;
      const loads = runs.map(({ pageLoad }) => pageLoad);
      const random = seededRandom('fidelity').fork(`${model} ${loss}`);
      const { ratio, low, high } = ratioOfMedians(loads, other.pageLoads, random);
      const [least, most] = loss === 0 ? WITHIN.withoutLoss : WITHIN.interval;
      const holds = loss === 0 ? ratio >= least && ratio <= most : low >= least && high <= most;
      // the nth packet of a link meets the same draw in both worlds
      const pairs = runs.flatMap(({ pageLoad, seed }) =>
        seed > other.pageLoads.length ? [] : [(MILLION * pageLoad) / other.pageLoads[seed - 1]!],
      );
      const paired = bootstrapMedian(pairs, random.fork('pairs'));
      const share = (value: number): string => (value / MILLION).toFixed(3);
      const of = (figure: (run: RealRun) => number): string => mean(runs.map(figure));
      return `| ${[
        `${100 * loss}%`,
        model,
        `${ms(median(loads))} ms (${runs.length})`,
        `${ms(median(other.pageLoads))} ms (${other.pageLoads.length})`,
        ratio.toFixed(3),
        `${low.toFixed(3)} to ${high.toFixed(3)}`,
        holds ? 'yes' : 'no',
        `${share(median(pairs))} (${share(paired.low)} to ${share(paired.high)})`,
        `${of(({ down }) => down[0])} / ${other.down}`,
        `${of(({ down }) => down[2])} / ${other.dropped}`,
        `${of(({ up }) => up[0])} / ${other.up}`,
      ].join(' | ')} |`;
    }).filter((row) => row !== undefined),
  );
  const late = median(real.map((run) => run.late));
  const most = Math.max(0, ...real.map((run) => run.late));
  const repeated = real.reduce((sum, run) => sum + run.repeated, 0);
  return [
    '# The simulator beside sockets',
    '',
    'Page load of the median page, 50 ms round trip, 10 Mbit/s, queue of 64 packets, losses both ways. Real: h1-parallel and h2 by Node’s `https` and `http2` over',
    'Linux’s TCP (CUBIC, MSS 1,348 with timestamps), h3 by our QUIC on sockets, through the relay between network namespaces; a record, made by',
    '`pnpm tunnel fidelity` on a machine with two processors. Simulated: our TCP and QUIC in virtual time, set up alike (`KERNEL_PROFILE`); `pnpm tables` runs a part of',
    'it again. Both charge an IP packet the same. Ratio: of the medians, real to simulated, with the middle 95% of 2,000 resamplings of both. Within: 0% the ratio from',
    `${WITHIN.withoutLoss.join(' to ')}, else the interval from ${WITHIN.interval.join(' to ')}. Seed by seed: the median of real to`,
    'simulated where both had the same draws (the nth packet of a link, the same fate), with its interval. Packets are means per page, real / simulated.',
    '',
    '| loss | model | real (runs) | simulated (runs) | ratio | 95% | within | seed by seed | packets down | queue drops | packets up |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    `The relay was late by ${(late / MILLISECOND).toFixed(1)} ms for a hundredth of the packets in the median run, by ${(most / MILLISECOND).toFixed(1)} ms in the worst that counts; ${repeated} ${repeated === 1 ? 'run was' : 'runs were'} repeated because it was later than 5 ms, or had not read everything.`,
    '',
  ].join('\n');
}
