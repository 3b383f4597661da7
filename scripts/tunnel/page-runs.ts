/** One page by several models, through the tunnel: run by run, model by model. */
import type { LinkFigures, ModelName, PathPlan } from '@quiclab/lab';
import { modelOf } from '@quiclab/lab';
import type { Micros } from '@quiclab/sansio';
import type { Page } from '@quiclab/workload';
import { Child } from './child.ts';
import type { FromClient, FromRelay, FromServer, Lateness, ToClient, ToRelay, ToServer } from './messages.ts';
import type { Tunnel } from './namespaces.ts';

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

/** Of one run, before it is taken as it is. */
export const MOST_ATTEMPTS = 4;

/** The three processes in a tunnel. */
export class Stage {
  readonly relay: Child<ToRelay, FromRelay>;
  readonly server: Child<ToServer, FromServer>;
  readonly client: Child<ToClient, FromClient>;

  constructor(tunnel: Tunnel) {
    this.relay = new Child(tunnel, 'relay', 'relay');
    this.server = new Child(tunnel, 'server', 'server');
    this.client = new Child(tunnel, 'client', 'client');
  }

  async close(): Promise<void> {
    await Promise.all([this.client.stop(), this.server.stop(), this.relay.stop()]);
  }

  /** One page load by one model over links that nobody has used before. */
  async fetch(model: ModelName, page: Page, path: PathPlan, seed: number): Promise<PageRun> {
    const { port, certificate } = await this.server.ask({ type: 'serve', model, page }, 'serving');
    const about = { model, page, port, certificate };
    if (modelOf(model).earlyData) {
      await this.relay.ask({ type: 'open', seed: 0 }, 'open');
      await this.client.ask({ type: 'prepare', ...about }, 'prepared');
      await this.settle();
    }
    await this.relay.ask({ type: 'open', seed, path }, 'open');
    const fetched = await this.client.ask({ type: 'fetch', ...about }, 'fetched');
    const { up, down, lateness, unread } = await this.relay.ask({ type: 'close' }, 'figures');
    // what is still to be said (FIN, close_notify) must not come into the next run
    await this.relay.ask({ type: 'open', seed: 0 }, 'open');
    await this.settle();
    return {
      model: modelOf(model).name,
      seed,
      pageLoad: fetched.finishedAt - fetched.startedAt,
      objects: fetched.objects.map(({ id, bytes, attempts, requestedAt, headersAt, completedAt }) => ({
        id,
        bytes,
        attempts,
        firstByte: headersAt - requestedAt,
        completion: completedAt - requestedAt,
      })),
      connections: fetched.connections.length,
      up,
      down,
      lateness,
      unread,
      states: 'unknown',
      blocked: 'unknown',
    };
  }

  async settle(): Promise<void> {
    await this.relay.ask({ type: 'drain' }, 'drained');
    await this.relay.ask({ type: 'close' }, 'figures');
  }
}

/**
 * All runs of a plan. Before them each model has one that does not count: programs are compiled while they run, and the first page is slow.
 * @param onRun  takes each as it comes, so that a sweep that is broken off loses none
 */
export async function runPages(tunnel: Tunnel, plan: PagePlan, onRun: (run: PageRun) => void): Promise<void> {
  const { page, models, path, seed, runs, maxLate } = plan;
  const stage = new Stage(tunnel);
  try {
    for (const model of models) await stage.fetch(model, page, { ...path, loss: 0 }, 0);
    for (let run = 0; run < runs; run++)
      for (const model of models) {
        let done: PageRun;
        let attempts = 0;
        do done = await stage.fetch(model, page, path, seed + run);
        while (++attempts < MOST_ATTEMPTS && (done.unread > 0 || Math.max(done.lateness.up.p99, done.lateness.down.p99) > maxLate));
        onRun(done);
      }
  } finally {
    await stage.close();
  }
}
