import { createReadStream } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseCount } from '@quiclab/impair';
import { type PlanResult, type PlanWorld, planTable } from '@quiclab/report';
import { Command, Option } from 'commander';
import { argument, atLeastOne } from '../arguments.ts';
import { loadPlan, type PlanChanges } from '../plan/load.ts';
import { type PreparedPlan, prepareDocument } from '../plan/prepare.ts';
import { PRESET_NAMES } from '../presets/presets.ts';
import { overQueue } from '../queue/over-queue.ts';
import { parseQueueUrl } from '../queue/url.ts';
import { writeReport } from '../report/write-report.ts';
import { writeTables } from '../tables/write-tables.ts';
import { inProcess, type RunExecutor } from './executor.ts';
import { mergeShards } from './merge.ts';
import { overRelay } from './over-relay.ts';
import { overTunnel } from './over-tunnel.ts';
import { overWorkers } from './over-workers.ts';
import { checkTunnel, realWorld } from './real.ts';
import { openStore, runPlan, writeResult } from './run-plan.ts';
import { RunProgress } from './run-progress.ts';
import type { Shard } from './specs.ts';
import { runsOf } from './specs.ts';
import type { RunStore } from './store.ts';

/** What can be said of running any plan. */
export interface RunOptions {
  readonly out?: string;
  readonly json: boolean;
  readonly csv: boolean;
  readonly resume: boolean;
  readonly report: boolean;
  readonly database: boolean;
  readonly real: boolean;
  readonly shard?: Shard;
  readonly maxRuns?: number;
  readonly workers?: number;
}

const shardOf = (text: string): Shard => {
  const [, k, n] = /^([1-9]\d{0,5})\/([1-9]\d{0,5})$/.exec(text)?.map(Number) ?? [];
  if (k === undefined || n === undefined || k > n) throw new Error(`'${text}' is not like 2/4: the second of four parts`);
  return { k, n };
};

const MOST_WORKERS = 256;

const workersOf = (text: string, what: string): number => {
  const workers = parseCount(text, what);
  if (workers < 1 || workers > MOST_WORKERS) throw new Error(`'${text}' is not from 1 to ${MOST_WORKERS}`);
  return workers;
};

/** To start a worker takes a second, and with it one makes some of the usual runs. */
const LEAST_RUNS_OF_A_WORKER = 10;

/** As many as the machine runs at a time, and there is work for. */
const usualWorkers = (runs: number): number => Math.max(1, Math.min(availableParallelism(), Math.floor(runs / LEAST_RUNS_OF_A_WORKER)));

/** Adds the options by which any plan is run. @param where  what is said of where results go */
export const withRunOptions = (command: Command, where: string): Command =>
  command
    .option('--out <dir>', where)
    .option('--json', 'print result.json instead of the table', false)
    .option('--csv', 'write runs.csv, too', false)
    .option('--no-report', 'do not write report.html')
    .option('--no-database', 'do not write results.duckdb and runs.parquet, for quiclab sql')
    .option('--resume', 'go on where it was stopped', false)
    .option(
      '--real',
      "over real sockets, through a relay, instead of virtual time; models over TCP, the kernel's, in network namespaces (root)",
      false,
    )
    .option('--workers <n>', 'make so many runs at a time (default: one for each processor, if there are enough runs)', argument(workersOf))
    .option('--shard <k/n>', 'only the kth of n parts, for n machines; quiclab merge puts them together', argument(shardOf))
    .option('--max-runs <n>', 'allow so many runs', argument(parseCount));

/** `quiclab run PLAN` */
export const runCommand = (): Command =>
  withRunOptions(
    new Command('run')
      .description('run a plan: a file, or the name of one that comes with the program')
      .argument('<plan>', 'plan.yaml, plan.ts, or a name as domain-sharding')
      .option('--seeds <n>', 'instead of what the plan has as repeats', atLeastOne)
      .addOption(new Option('--preset <name>', "a path that people know (quiclab presets), instead of the plan's").choices(PRESET_NAMES))
      .option('--queue <url>', 'have the runs made by whoever works on a queue, redis://host:6379: quiclab worker'),
    "where results go (default: out/ and the plan's name)",
  ).action(async (name: string, { seeds, preset, queue, ...options }: PlanChanges & RunOptions & { readonly queue?: string }) => {
    const plan = await loadPlan(name, { ...(seeds !== undefined && { seeds }), ...(preset !== undefined && { preset }) });
    await execute(plan, options.out ?? join('out', basename(name, extname(name))), options, planTable, queue);
  });

/**
 * Runs a plan into a directory, and says what came of it. Ctrl-C ends it with what is done.
 * @param table  what is printed
 * @param queue  who makes the runs, where that is not this machine
 */
export async function execute(
  plan: PreparedPlan,
  dir: string,
  { json, csv, report, database, resume, real, shard, maxRuns, workers }: RunOptions,
  table: (result: PlanResult) => string,
  queue?: string,
): Promise<void> {
  if (plan.remarks.length > 0) process.stderr.write(`${plan.remarks.join('\n')}\n`);
  const world = real ? realWorld(plan) : 'simulated';
  if (world === 'tunnel') checkTunnel(plan);
  if (real && workers !== undefined && workers > 1) throw new Error('--workers: over real sockets one run is made after the other');
  if (queue !== undefined && (real || workers !== undefined))
    throw new Error(`--queue: ${real ? 'over real sockets runs are made here' : 'who works on it says how many runs at a time'}`);
  const part = shard === undefined ? {} : { shard };
  const onQueue = queue === undefined ? undefined : await openQueue(plan, queue); // before anything that is there is gone
  let store: RunStore;
  try {
    store = openStore(plan, { dir, resume, world, ...part, ...(maxRuns !== undefined && { most: maxRuns }) });
  } catch (problem) {
    await onQueue?.close();
    throw problem;
  }
  const stop = new AbortController();
  const onSignal = (): void => (stop.signal.aborted ? process.exit(130) : stop.abort()); // a second one ends the process at once
  process.on('SIGINT', onSignal);
  const total = Math.ceil(runsOf(plan) / (shard?.n ?? 1));
  const progress = new RunProgress(total, store.count);
  const executor =
    onQueue ??
    (world === 'simulated'
      ? simulating(plan, workers ?? usualWorkers(total - store.count))
      : { relay: overRelay, tunnel: overTunnel }[world](plan));
  let complete = false;
  try {
    complete = await runPlan(plan, executor, store, {
      world,
      ...part,
      signal: stop.signal,
      onRun: (done, total, { key }) => progress.done(done, total, key),
    });
  } catch (problem) {
    progress.stop();
    if (store.count > 0) process.stderr.write(`${store.count} runs are kept in ${dir}: --resume goes on.\n`);
    throw problem;
  } finally {
    progress.stop();
    await executor.close();
    process.off('SIGINT', onSignal);
    store.close();
  }
  if (store.count === 0) throw new Error('stopped before anything was done');
  if (shard === undefined) {
    const result = writeResult(plan, dir, world, store.runs, complete, csv);
    if (database) await tables(plan, dir, world, complete); // the page says that they are there
    const page = report ? `Page: ${writeReport(dir, result, complete)}   ` : '';
    if (json) await print(join(dir, 'result.json'));
    else
      process.stdout.write(
        `${table(result)}\n\n${page}Figures of every run: ${join(dir, 'result.json')}${database ? `, in SQL: quiclab sql ${dir}` : ''}\n`,
      );
  } else process.stderr.write(`Part ${shard.k} of ${shard.n}: ${store.count} runs in ${dir}. quiclab merge puts the parts together.\n`);
  if (!complete) {
    process.stderr.write(`Stopped: this is what was done by then. --resume goes on.\n`);
    process.exitCode = 130;
  }
}

async function tables(plan: PreparedPlan, dir: string, world: PlanWorld, complete: boolean): Promise<void> {
  const missing = await writeTables(plan, dir, world, complete);
  if (missing !== '') process.stderr.write(`${missing}\n`);
}

const print = (file: string): Promise<void> => pipeline(createReadStream(file), process.stdout, { end: false });

const simulating = (plan: PreparedPlan, workers: number): RunExecutor => (workers === 1 ? inProcess(plan) : overWorkers(plan, { workers }));

const openQueue = (plan: PreparedPlan, queue: string): Promise<RunExecutor> =>
  overQueue(plan, parseQueueUrl(queue), { say: (line) => void process.stderr.write(`${line}\n`) });

/** `quiclab merge OUT…` */
export const mergeCommand = (): Command =>
  new Command('merge')
    .description('put the parts of a plan together that --shard made')
    .argument('<dirs...>', 'where they are')
    .requiredOption('--out <dir>', 'where the whole goes')
    .option('--json', 'print result.json instead of the table', false)
    .option('--csv', 'write runs.csv, too', false)
    .option('--no-database', 'do not write results.duckdb and runs.parquet, for quiclab sql')
    .action(
      async (dirs: string[], { out, json, csv, database }: Pick<RunOptions, 'json' | 'csv' | 'database'> & { readonly out: string }) => {
        const { result, missing } = mergeShards(dirs, out, csv);
        if (database) await tables(prepareDocument(result.plan), out, result.world, result.complete);
        if (json) await print(join(out, 'result.json'));
        else
          process.stdout.write(
            `${planTable(result)}\n\nFigures of every run: ${join(out, 'result.json')}${database ? `, in SQL: quiclab sql ${out}` : ''}\n`,
          );
        if (missing > 0) process.stderr.write(`${missing} runs of the plan are in none of these.\n`);
      },
    );
