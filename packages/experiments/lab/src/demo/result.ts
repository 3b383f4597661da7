import { compare, type ResultJson, type RunResult } from '@quiclab/report';
import { type Micros, seededRandom } from '@quiclab/sansio';
import { accountRun, type RunRecord } from '../record.ts';
import { VERSION } from '../version.ts';
import { linkResult } from '../worlds/links.ts';
import type { DemoOptions } from './options.ts';

/** What result.json says of one run. Instants count from its first request. */
export function runResult(record: RunRecord): RunResult {
  const since = (at: Micros): Micros => at - record.startedAt;
  return {
    model: record.model,
    seed: record.seed,
    pageLoad: since(record.finishedAt),
    streams: accountRun(record).map((object) => ({
      id: object.exchange,
      file: object.id,
      bytes: object.bytes,
      requested: since(object.requestedAt),
      firstByte: object.headersAt - object.requestedAt,
      completion: object.completedAt - object.requestedAt,
      lostPackets: object.lostPackets,
      lostAt: object.lostAt.map(since),
      blocked: object.blocked,
      blockedByteTime: object.blockedByteTime,
      intervals: object.intervals.map(({ from, to, blame }) => ({ from: since(from), to: since(to), blame })),
    })),
    links: { up: linkResult(record.up), down: linkResult(record.down) },
    ...(record.lateness && { lateness: record.lateness }),
  };
}

export function resultJson(options: DemoOptions, files: number, runs: readonly RunResult[]): ResultJson {
  const { loss, delay, rate, queue } = options.path;
  return {
    schema: 1,
    seed: options.seed,
    world: options.simulated ? 'simulated' : 'relay',
    version: VERSION,
    plan: { models: options.models, files, loss, delay, rate, queue, repeat: options.repeat },
    runs,
    comparison: compare(runs, seededRandom(options.seed).fork('report')),
  };
}
