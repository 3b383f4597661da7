import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { PlanRun } from '@quiclab/report';
import type { Redis } from 'ioredis';
import { VERSION } from '../version.ts';
import { connect } from './connection.ts';
import { DRAIN_SECONDS, isPlan, LOCK_MS, MOST_STALLED, PREFIX, planKey, QUEUE, type RunJob, STALLED_MS, type StoredPlan } from './jobs.ts';
import type { QueueUrl } from './url.ts';

export interface WorkOptions {
  /** Runs at a time. */
  readonly concurrency: number;
  /** Aborted: it ends after the runs that it is at. */
  readonly signal: AbortSignal;
  /** For so many ms Redis may be away. */
  readonly patience: number;
  /** Told after each run. */
  readonly onRun?: (key: string) => void;
  readonly say?: (line: string) => void;
}

const MOST_PLANS = 4;
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const THREAD = new URL(`./run-thread.${EXTENSION}`, import.meta.url);

/**
 * Takes runs from a queue and makes them, in threads, until it is told to end.
 * @throws an Error that names the URL, when Redis is not there or was away for too long; and where runs are asked for by another version of quiclab
 */
export async function workOnQueue(url: QueueUrl, options: WorkOptions): Promise<void> {
  const { concurrency, signal, patience, onRun = () => {}, say = () => {} } = options;
  const [{ UnrecoverableError, Worker }, { Piscina }] = await Promise.all([import('bullmq'), import('piscina')]);
  let end: (error?: Error) => void = () => {};
  const over = new Promise<Error | undefined>((resolve) => {
    end = resolve;
  });
  let giveUp: () => void = () => {};
  const gone = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  const client = await connect(url, patience, {
    onAway: say,
    onBack: () => say(`Redis at ${url.shown} is back`),
    onLost: (error) => {
      end(error);
      giveUp();
    },
  });
  const threads = new Piscina<{ readonly plan: StoredPlan; readonly spec: RunJob['spec'] }, PlanRun>({
    filename: fileURLToPath(THREAD),
    minThreads: concurrency,
    maxThreads: concurrency,
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
  });
  const plans = new Plans(client);
  const [some, them] = concurrency === 1 ? ['one', 'the one'] : [`${concurrency}`, 'those'];
  say(`Making runs of ${url.shown}, ${some} at a time. Ctrl-C ends it after ${them} that it is at.`);

  const make = async ({ version, plan, spec }: RunJob): Promise<PlanRun> => {
    if (version !== VERSION) {
      const differs = `worker ${hostname()}:${process.pid} is quiclab ${VERSION}, and the run is asked for by ${version}`;
      end(new Error(`${differs}: their figures need not be the same`)); // it would spoil the next one, too
      throw new UnrecoverableError(differs);
    }
    const stored = await plans.get(plan);
    if (stored === undefined) throw new UnrecoverableError('its plan is not in Redis, or is not what its hash says');
    try {
      return await threads.run({ plan: stored, spec });
    } catch (problem) {
      throw new Error(`${(problem as Error).message} (worker ${hostname()}:${process.pid})`);
    }
  };
  const worker = new Worker<RunJob, PlanRun>(QUEUE, ({ data }) => make(data), {
    connection: client,
    prefix: PREFIX,
    concurrency,
    autorun: false,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_MS,
    maxStalledCount: MOST_STALLED,
    drainDelay: DRAIN_SECONDS,
    runRetryDelay: 1_000,
  });
  worker.on('completed', ({ data }) => onRun(data.spec.key));
  worker.on('failed', (job, error) => say(`${job === undefined ? 'a run' : `'${job.data.spec.key}'`} could not be made: ${error.message}`));
  worker.on('stalled', () => say('a run whose worker is gone is made again'));
  let last = '';
  worker.on('error', ({ message }) => {
    // connections are connect()'s affair, and a lock that was lost means that another makes the run, too
    if (client.status !== 'ready' || /\block\b/.test(message) || message === last) return;
    last = message;
    say(`Redis at ${url.shown}: ${message}`);
  });
  const onAbort = (): void => end();
  if (signal.aborted) end();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    worker.run().catch(end); // its end is waited for by close()
    const error = await over;
    if (client.status === 'ready') await Promise.race([worker.close(), gone]);
    else {
      client.disconnect(); // nobody could be told what comes of the run that it is at
      await worker.close(true);
    }
    if (error !== undefined) throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await threads.destroy();
    client.disconnect();
  }
}

/** The documents of the last few plans. */
class Plans {
  readonly #client: Redis;
  readonly #stored = new Map<string, StoredPlan>();

  constructor(client: Redis) {
    this.#client = client;
  }

  /** undefined where there is none, or one that was changed. */
  async get(hash: string): Promise<StoredPlan | undefined> {
    const known = this.#stored.get(hash);
    if (known !== undefined) return known;
    const text = await this.#client.get(planKey(hash));
    if (text === null || !isPlan(hash, text)) return undefined;
    const plan = { hash, text };
    for (const [oldest] of [...this.#stored].slice(0, 1 + this.#stored.size - MOST_PLANS)) this.#stored.delete(oldest);
    this.#stored.set(hash, plan);
    return plan;
  }
}
