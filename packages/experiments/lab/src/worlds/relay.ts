import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LinkConfig } from '@quiclab/impair';
import { createRelay, type Relay } from '@quiclab/relay';
import { type Micros, seededRandom } from '@quiclab/sansio';
import { monotonicClock } from '@quiclab/udp';
import type { Page } from '@quiclab/workload';
import { type ModelName, modelOf } from '../models/model.ts';
import { joinNotes } from '../observe/run-notes.ts';
import type { EndNames } from '../plan/ends.ts';
import type { Content, FromClient, FromServer, ToClient, ToServer } from '../processes/messages.ts';
import { noteDrops, type RunRecord } from '../record.ts';
import type { TraceFiles } from '../trace-files.ts';
import { LinkLog } from './links.ts';

export interface RelayRun {
  readonly model: ModelName;
  readonly seed: number;
  readonly links: { readonly up: LinkConfig; readonly down: LinkConfig };
  readonly content: Content;
  readonly page: Page;
  readonly traces: TraceFiles;
  /** Default: each package's own defaults. */
  readonly ends?: EndNames;
  readonly nameLookup?: Micros;
  onProgress?(bytes: number): void;
}

/** Three processes: a server and a client on real sockets, and between them, here, the relay. */
export async function runOverRelay(run: RelayRun): Promise<RunRecord> {
  const server = new Child<ToServer, FromServer>('server');
  const client = new Child<ToClient, FromClient>('client');
  let relay: Relay | undefined;
  try {
    const { model, page, content, traces, links: path, ends, nameLookup } = run;
    const own = { ...(ends && { ends }), ...(nameLookup && { nameLookup }) };
    server.say({ type: 'start', model, page, content, traces, ...own });
    const { address, certificate } = await server.hear('listening');
    const up = new LinkLog();
    const down = new LinkLog();
    relay = await createRelay({
      listen: { host: '127.0.0.1', port: 0 },
      target: address,
      ...path,
      random: seededRandom(run.seed),
      clock: monotonicClock(),
      observeUp: up,
      observeDown: down,
    });
    client.onMessage((message) => message.type === 'progress' && run.onProgress?.(message.bytes));
    client.say({ type: 'start', model, page, remote: relay.address, certificate, traces, ...own });
    const fetched = await client.hear('record');
    const figures = await relay.close();
    server.say({ type: 'stop' });
    const served = await server.hear('record');
    await Promise.all([server.ended, client.ended]);
    const { p50, p99 } = figures.down.lateness;
    const { log, carried } = joinNotes(fetched.notes, served.notes);
    const links = { up: up.figures(), down: down.figures() };
    noteDrops(log, carried, links);
    return {
      model: run.model,
      protocol: modelOf(run.model).protocol,
      seed: run.seed,
      startedAt: fetched.startedAt,
      finishedAt: fetched.finishedAt,
      objects: fetched.objects,
      connections: fetched.connections,
      log,
      carried,
      ...links,
      lateness: { p50, p99 },
    };
  } finally {
    server.kill();
    client.kill();
    await relay?.close(); // a run that failed must not keep the process waiting at an open socket
  }
}

const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** A process of ours and what it says. A process that fails, or ends before it said what is awaited, rejects. */
class Child<Say, Hear extends { readonly type: string }> {
  readonly ended: Promise<void>;
  readonly #process: ChildProcess;
  readonly #heard: Hear[] = [];
  #failure: string | undefined = undefined;
  #wake: () => void = () => {};
  #listener: (message: Hear) => void = () => {};

  constructor(name: string) {
    this.#process = fork(fileURLToPath(new URL(`../processes/${name}.${EXTENSION}`, import.meta.url)), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#process.on('message', (message) => {
      const heard = message as Hear;
      if (heard.type === 'failed') this.#failure ??= `the ${name}: ${(message as { reason: string }).reason}`;
      else if (heard.type !== 'progress') this.#heard.push(heard);
      this.#listener(heard);
      this.#wake();
    });
    this.ended = new Promise((resolve) => {
      this.#process.on('exit', (code, signal) => {
        if (code !== 0) this.#failure ??= `the ${name} process ended with ${signal ?? `code ${code}`}`;
        this.#failure ??= `the ${name} process has ended`;
        this.#wake();
        resolve();
      });
    });
  }

  say(message: Say): void {
    this.#process.send(message as object);
  }

  onMessage(listener: (message: Hear) => void): void {
    this.#listener = listener;
  }

  async hear<T extends Hear['type']>(type: T): Promise<Extract<Hear, { type: T }>> {
    for (;;) {
      const index = this.#heard.findIndex((message) => message.type === type);
      if (index >= 0) return this.#heard.splice(index, 1)[0] as Extract<Hear, { type: T }>;
      if (this.#failure !== undefined) throw new Error(this.#failure);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  kill(): void {
    if (this.#process.exitCode === null) this.#process.kill();
  }
}
