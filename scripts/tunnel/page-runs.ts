/** One page by several models, through the tunnel: run by run, model by model. */
import type { LinkFigures, ModelName, PathPlan } from '@quiclab/lab';
import { modelOf } from '@quiclab/lab';
import { type Lateness, MOST_ATTEMPTS, Stage, type Tunnel } from '@quiclab/lab/tunnel';
import type { Micros } from '@quiclab/sansio';
import type { Page } from '@quiclab/workload';

export interface PagePlan {
  readonly page: Page;
  readonly models: readonly ModelName[];
  readonly path: PathPlan;
  /** Of the first run; the nth after it has the nth after this. */
  readonly seed: number;
  readonly runs: number;
  /** A run in which the relay was later for a hundredth of the packets is repeated. */
  readonly maxLate: Micros;
}

/** One run, as far as it can be known where the kernel is one of the ends. What is 'unknown' is so: EXPERIMENTS §4. */
export interface PageRun {
  readonly model: string;
  readonly seed: number;
  readonly pageLoad: Micros;
  readonly objects: readonly {
    readonly id: string;
    readonly bytes: number;
    readonly attempts: number;
    /** Since the request was issued: first octet of the head, last octet of the content. */
    readonly firstByte: Micros;
    readonly completion: Micros;
  }[];
  readonly connections: number;
  readonly up: LinkFigures;
  readonly down: LinkFigures;
  readonly lateness: { readonly up: Lateness; readonly down: Lateness };
  /** Datagrams that the relay did not read in time: then the path was another one. */
  readonly unread: number;
  readonly states: 'unknown';
  readonly blocked: 'unknown';
}

/** What the simulator's half of a comparison has as its profile. */
const ends = { profile: 'kernel' } as const;

/** One page load by one model over links that nobody has used before. */
export async function runPage(stage: Stage, model: ModelName, page: Page, path: PathPlan, seed: number): Promise<PageRun> {
  const { startedAt, finishedAt, objects, connections, up, down, lateness, unread } = await stage.fetch({ model, page, ends, path, seed });
  return {
    model: modelOf(model).name,
    seed,
    pageLoad: finishedAt - startedAt,
    objects: objects.map(({ id, bytes, attempts, requestedAt, headersAt, completedAt }) => ({
      id,
      bytes,
      attempts,
      firstByte: headersAt - requestedAt,
      completion: completedAt - requestedAt,
    })),
    connections: connections.length,
    up,
    down,
    lateness,
    unread,
    states: 'unknown',
    blocked: 'unknown',
  };
}

/**
 * All runs of a plan. Before them each model has one that does not count: programs are compiled while they run, and the first page is slow.
 * @param onRun  takes each as it comes, so that a sweep that is broken off loses none
 */
export async function runPages(tunnel: Tunnel, plan: PagePlan, onRun: (run: PageRun) => void): Promise<void> {
  const { page, models, path, seed, runs, maxLate } = plan;
  const stage = new Stage(tunnel);
  try {
    for (const model of models) await runPage(stage, model, page, { ...path, loss: 0 }, 0);
    for (let run = 0; run < runs; run++)
      for (const model of models) {
        let done: PageRun;
        let attempts = 0;
        do done = await runPage(stage, model, page, path, seed + run);
        while (++attempts < MOST_ATTEMPTS && (done.unread > 0 || Math.max(done.lateness.up.p99, done.lateness.down.p99) > maxLate));
        onRun(done);
      }
  } finally {
    await stage.close();
  }
}
