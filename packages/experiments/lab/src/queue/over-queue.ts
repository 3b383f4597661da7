import type { PlanRun } from '@quiclab/report';
import type { Queue, QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import type { PreparedPlan } from '../plan/prepare.ts';
import type { RunExecutor } from '../run/executor.ts';
import type { RunSpec } from '../run/specs.ts';
import { VERSION } from '../version.ts';
import { BLOCK_MS, connect } from './connection.ts';
import {
  EVENTS_KEPT,
  JOB_OPTIONS,
  jobIdOf,
  PLAN_REFRESH_MS,
  PLAN_SECONDS,
  PREFIX,
  planKey,
  QUEUE,
  type RunJob,
  resultOf,
  type StoredPlan,
  storedPlan,
} from './jobs.ts';
import type { QueueUrl } from './url.ts';

export interface QueueOptions {
  /** So many runs are asked for at a time, at most: results that come out of turn wait here. */
  readonly ahead?: number;
  /** For so many ms Redis may be away. */
  readonly patience?: number;
  readonly version?: string;
  /** Is told what somebody at a terminal should know. */
  readonly say?: (line: string) => void;
}

const AHEAD = 512;
const PATIENCE_MS = 10_000;
/** Nothing came for so long: it is looked after what is first in turn, in case an event was missed. */
const LOOK_MS = 2_000;
const LOOKED_AT = 32;

interface Asked {
  readonly job: RunJob;
  readonly id: string;
  result: PlanRun | Error | undefined;
}

/**
 * Has runs made by whoever works on a queue (`quiclab worker`). The same results as in this process, to the octet: each is made at least once and counted once.
 * @throws an Error that names the URL, when Redis is not there
 */
export async function overQueue(plan: PreparedPlan, url: QueueUrl, options: QueueOptions = {}): Promise<RunExecutor> {
  const { ahead = AHEAD, patience = PATIENCE_MS, version = VERSION, say = () => {} } = options;
  const { Queue, QueueEvents } = await import('bullmq');
  let executor: QueueExecutor | undefined;
  const client = await connect(url, patience, {
    onAway: say,
    onBack: () => {
      say(`Redis at ${url.shown} is back`);
      executor?.askAgain();
    },
    onLost: (error) => executor?.lose(error),
  });
  const connection = { connection: client, prefix: PREFIX };
  executor = new QueueExecutor({
    client,
    queue: new Queue<RunJob, PlanRun>(QUEUE, {
      ...connection,
      defaultJobOptions: JOB_OPTIONS,
      streams: { events: { maxLen: EVENTS_KEPT } },
    }),
    events: new QueueEvents(QUEUE, { ...connection, blockingTimeout: BLOCK_MS }),
    plan: storedPlan(plan.document),
    version,
    ahead,
    url,
    say,
  });
  try {
    await executor.open();
  } catch (problem) {
    await executor.close();
    throw told(url, problem);
  }
  return executor;
}

const told = ({ shown }: QueueUrl, problem: unknown): Error => new Error(`Redis at ${shown}: ${(problem as Error).message}`);

interface Parts {
  readonly client: Redis;
  readonly queue: Queue<RunJob, PlanRun>;
  readonly events: QueueEvents;
  readonly plan: StoredPlan;
  readonly version: string;
  readonly ahead: number;
  readonly url: QueueUrl;
  readonly say: (line: string) => void;
}

class QueueExecutor implements RunExecutor {
  readonly #parts: Parts;
  /** Without a result yet. */
  readonly #asked = new Map<string, Asked>();
  /** What is being told to Redis, and need not be waited for. */
  readonly #telling = new Set<Promise<unknown>>();
  readonly #timers: NodeJS.Timeout[] = [];
  #wake: (() => void) | undefined;
  #lost: Error | undefined;
  #quiet = false;
  #nobodySaid = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async open(): Promise<void> {
    const { queue, events } = this.#parts;
    const ignore = (): void => {}; // what connections come to is told by connect()
    queue.on('error', ignore);
    events.on('error', ignore);
    events.on('completed', ({ jobId, returnvalue }) => this.#completed(jobId, returnvalue));
    events.on('failed', ({ jobId, failedReason }) => this.#failed(jobId, failedReason));
    events.on('duplicated', ({ jobId }) => this.#tell(this.#wasThere(jobId)));
    await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
    this.#timers.push(
      setInterval(() => this.#tell(this.#look()), LOOK_MS),
      setInterval(() => this.#tell(this.#storePlan()), PLAN_REFRESH_MS),
    );
    await this.#storePlan();
  }

  async *run(specs: Iterable<RunSpec>, signal: AbortSignal): AsyncGenerator<PlanRun> {
    const source = specs[Symbol.iterator]();
    const inTurn: Asked[] = [];
    const onAbort = (): void => this.#wake?.();
    signal.addEventListener('abort', onAbort);
    try {
      for (;;) {
        // a batch at a time
        if (!signal.aborted && inTurn.length <= this.#parts.ahead / 2) await this.#ask(source, inTurn);
        const first = inTurn[0];
        if (first === undefined) return;
        const { result } = first;
        if (result instanceof Error) throw result;
        if (result !== undefined) {
          inTurn.shift();
          yield result;
        } else if (this.#lost !== undefined) throw this.#lost;
        else if (signal.aborted) return;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** What waits is not made any more; what is under way is, and its result is kept for a while. */
  async close(): Promise<void> {
    const { client, queue, events } = this.#parts;
    for (const timer of this.#timers) clearInterval(timer);
    for (const { id } of this.#asked.values()) this.#remove(id);
    this.#asked.clear();
    await Promise.all(this.#telling);
    await Promise.allSettled([events.close(), queue.close()]);
    client.disconnect();
  }

  lose(error: Error): void {
    this.#lost ??= error;
    this.#wake?.();
  }

  /** Redis may have begun anew, and know of nothing. */
  askAgain(): void {
    this.#tell(this.#storePlan());
    this.#tell(this.#add([...this.#asked.values()]));
  }

  async #storePlan(): Promise<void> {
    const { client, plan } = this.#parts;
    await client.set(planKey(plan.hash), plan.text, 'EX', PLAN_SECONDS);
  }

  /** Puts as many on the queue as may be ahead. */
  async #ask(source: Iterator<RunSpec>, inTurn: Asked[]): Promise<void> {
    const { plan, version, ahead } = this.#parts;
    const batch: Asked[] = [];
    while (inTurn.length < ahead) {
      const { done, value: spec } = source.next();
      if (done === true) break;
      const job = { version, plan: plan.hash, spec };
      const asked: Asked = { job, id: jobIdOf(job), result: undefined };
      inTurn.push(asked);
      batch.push(asked);
      this.#asked.set(asked.id, asked);
    }
    if (batch.length > 0) await this.#add(batch);
  }

  async #add(batch: readonly Asked[]): Promise<void> {
    try {
      await this.#parts.queue.addBulk(batch.map(({ job, id }) => ({ name: 'run', data: job, opts: { jobId: id } })));
    } catch (problem) {
      await new Promise((resolve) => setImmediate(resolve)); // that it is lost is told after what was asked for fails
      throw this.#lost ?? told(this.#parts.url, problem);
    }
  }

  #completed(id: string, value: unknown): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    try {
      this.#settle(asked, resultOf(asked.job.spec, value));
    } catch (problem) {
      this.#failed(id, (problem as Error).message);
    }
  }

  #failed(id: string, why: string): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    const reason = /stalled more than/.test(why) ? 'each worker that took it was gone before it was made' : why;
    this.#settle(asked, new Error(`'${asked.job.spec.key}' could not be made: ${reason}`));
  }

  #settle(asked: Asked, result: PlanRun | Error): void {
    asked.result = result;
    this.#asked.delete(asked.id);
    this.#remove(asked.id);
    this.#quiet = false;
    this.#wake?.();
  }

  #remove(id: string): void {
    this.#tell(this.#parts.queue.remove(id)); // not while a worker has it
  }

  #tell(told: Promise<unknown>): void {
    const done = told.catch(() => {}).finally(() => this.#telling.delete(done)); // if Redis is away, that is told otherwise
    this.#telling.add(done);
  }

  /** A run that is asked for was on the queue before: somebody was killed when he had asked for it, or asks for the same just now. */
  async #wasThere(id: string): Promise<void> {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    const { queue } = this.#parts;
    const state = await queue.getJobState(id);
    if (state === 'completed') this.#completed(id, (await queue.getJob(id))?.returnvalue);
    else if (state === 'failed') {
      await queue.remove(id); // that was then
      await this.#add([asked]);
    }
  }

  /** Where nothing came for a while: what became of those that are first in turn, and whether anybody is there to make them. */
  async #look(): Promise<void> {
    const { queue, url, say } = this.#parts;
    if (!this.#quiet || this.#asked.size === 0 || this.#lost !== undefined) {
      this.#quiet = true;
      return;
    }
    for (const asked of [...this.#asked.values()].slice(0, LOOKED_AT)) {
      const state = await queue.getJobState(asked.id);
      if (!this.#asked.has(asked.id)) continue;
      if (state === 'unknown')
        await this.#add([asked]); // Redis began anew, or another who wanted the same has collected it
      else if (state === 'completed' || state === 'failed') {
        const job = await queue.getJob(asked.id);
        if (state === 'completed') this.#completed(asked.id, job?.returnvalue);
        else this.#failed(asked.id, job?.failedReason ?? 'nobody says why');
      }
    }
    if (this.#nobodySaid || (await queue.getWorkersCount()) > 0) return;
    this.#nobodySaid = true;
    say(`Nobody works on the queue yet: quiclab worker --queue ${url.shown}`);
  }
}
