import type { CryptoProvider } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { type Back, type Front, Gateway, type HttpVersion, type Passage } from '@quiclab/gateway';
import type { LinkConfig } from '@quiclab/impair';
import { REQUEST, RESPONSE } from '@quiclab/ledger';
import { type Host, World } from '@quiclab/netsim';
import { type Address, type Machine, type Micros, NEVER, type Random, SECOND, seededRandom } from '@quiclab/sansio';
import type { Page } from '@quiclab/workload';
import type { FileSource } from '../apps/file-server.ts';
import { type FetchedObject, hostsOf, PageClient } from '../apps/page-client.ts';
import { serving } from '../apps/serving.ts';
import { type Carrier, type Dial, type HttpHandler, pumped, type Serve, type ServerIdentity } from '../carriers/carrier.ts';
import { QuicClient, QuicServer } from '../carriers/quic-ends.ts';
import { TcpClient, TcpServer } from '../carriers/tcp-ends.ts';
import { isOverQuic, type Model, type ModelName, modelOf, type Protocol } from '../models/model.ts';
import { ConnectionPool } from '../models/pool.ts';
import type { Profile } from '../models/profile.ts';
import { RunNotes } from '../observe/run-notes.ts';
import type { LinkFigures } from '../record.ts';
import type { Timer, Timers } from '../timers.ts';
import { certificateFor } from './certificates.ts';
import { LinkLog } from './links.ts';

/** One hop: how its connections are managed, and its network. */
export interface HopPlan {
  readonly model: ModelName;
  readonly links: { readonly up: LinkConfig; readonly down: LinkConfig };
}

/** A page through a gateway: each hop with its own model, its own network and its own losses. EXPERIMENTS §1. */
export interface GatewayRun {
  readonly seed: number;
  readonly page: Page;
  readonly source: FileSource;
  /** From the client to the gateway. */
  readonly front: HopPlan;
  /** From the gateway to the origin. */
  readonly back: HopPlan;
  readonly profile?: Profile;
  /** Of all four ends. Default: Node's. */
  readonly crypto?: CryptoProvider;
}

export interface HopRecord {
  readonly model: string;
  /** Connections that were made. */
  readonly connections: number;
  readonly up: LinkFigures;
  readonly down: LinkFigures;
}

export interface GatewayRecord {
  readonly startedAt: Micros;
  readonly finishedAt: Micros;
  /** As the client has seen them. */
  readonly objects: readonly FetchedObject[];
  /** As the gateway has. */
  readonly passages: readonly Passage[];
  readonly front: HopRecord;
  readonly back: HopRecord;
}

const CLIENT: Address = { host: '192.0.2.1', port: 50_000 };
/** The gateway's two sides; over QUIC on both, one host could not be both. */
const NEAR: Address = { host: '192.0.2.2', port: 443 };
const FAR: Address = { host: '198.51.100.1', port: 50_000 };
const ORIGIN: Address = { host: '198.51.100.2', port: 443 };
const MOST_TIME: Micros = 3_600 * SECOND;

const VERSION: Readonly<Record<Protocol, HttpVersion>> = { 'http/1.1': '1.1', h2: '2', h3: '3', 'h3-single': '3' };

/** Client, gateway, origin and the links of both hops, in virtual time. The same run gives the same record. */
export function runThroughGateway(run: GatewayRun): GatewayRecord {
  const { seed, page } = run;
  const random = seededRandom(seed);
  const logs = new Map<string, LinkLog>();
  const world = new World({
    random,
    observer: (link) => {
      const hop = link.startsWith('front') ? front : back;
      const log = new LinkLog(hop.notes.carried[link.endsWith('up') ? REQUEST : RESPONSE]);
      logs.set(link, log);
      return log;
    },
  });
  const front = new HopEnds(run, run.front, world, random.fork('front'), CLIENT, NEAR, (timers, number) => relay.serve(timers, number));
  const back = new HopEnds(run, run.back, world, random.fork('back'), FAR, ORIGIN, serving(run));
  const relay = new Relay(front.model, back, page, () => world.now);
  world.connect(front.near, front.far, run.front.links.up, run.front.links.down, 'front');
  world.connect(back.near, back.far, run.back.links.up, run.back.links.down, 'back');

  const notes = front.notes.log;
  const pool = new ConnectionPool({ model: front.model, dial: front.dial, timers: front.nearTimers });
  const client = new PageClient(page, pool, notes);
  client.start(0);
  front.near.turn();
  const end = world.run({ until: MOST_TIME, while: () => !client.done && client.failure === undefined });
  if (!client.done) {
    const why =
      client.failure ?? (end === 'idle' ? 'nothing will ever happen again, and the page is not there' : 'it takes more than an hour');
    throw new Error(`${front.model.name} to the gateway, ${back.model.name} behind it, seed ${seed}: ${why}`);
  }
  const figures = (name: string, { model, notes: { keys } }: HopEnds): HopRecord => ({
    model: model.name,
    connections: keys.length,
    up: logs.get(`${name}/up`)!.figures(),
    down: logs.get(`${name}/down`)!.figures(),
  });
  return {
    startedAt: client.startedAt,
    finishedAt: client.finishedAt,
    objects: client.objects,
    passages: relay.passages,
    front: figures('front', front),
    back: figures('back', back),
  };
}

/** Both ends of a hop, and the hosts they are on. */
class HopEnds {
  readonly model: Model;
  readonly notes: RunNotes;
  readonly near: Host;
  readonly far: Host;
  readonly nearTimers: Timers;
  readonly dial: Dial;

  constructor(run: GatewayRun, plan: HopPlan, world: World, random: Random, near: Address, far: Address, serve: Serve) {
    const { profile, page, seed } = run;
    this.model = modelOf(plan.model);
    this.notes = new RunNotes(() => world.now);
    const hosts = hostsOf(page, this.model.shards);
    const { certificate, privateKey } = certificateFor(seed, hosts);
    const identity: ServerIdentity = { certificates: [certificate], privateKey };
    const trust = { ca: [certificate] };
    const timersOf = (host: () => Host): Timers => ({
      at: (when, action) =>
        world.at(when, (now) => {
          action(now);
          host().turn();
        }),
    });
    this.nearTimers = timersOf(() => this.near);
    const farTimers = timersOf(() => this.far);
    const setup = { crypto: run.crypto ?? nodeProvider, profile };
    const clientSetup = { ...setup, random: random.fork('client'), timers: this.nearTimers };
    const serverSetup = { ...setup, random: random.fork('server'), timers: farTimers };
    const quic = isOverQuic(this.model);
    const client = quic
      ? new QuicClient(clientSetup, this.model, trust, this.notes, far)
      : new TcpClient(clientSetup, this.model, trust, this.notes, near.host, far);
    const server = quic
      ? new QuicServer(serverSetup, this.model, identity, this.notes, farTimers, serve)
      : new TcpServer(serverSetup, this.model, identity, this.notes, far, serve);
    this.dial = client.dial;
    const add = (address: Address, end: { readonly endpoint: Machine<never>; handle(now: Micros, event: never): void }): Host =>
      world.addHost({ address, machine: end.endpoint, handle: (event, now) => end.handle(now, event), protocol: quic ? 'udp' : 'tcp' });
    this.near = add(near, client as Parameters<typeof add>[1]);
    this.far = add(far, server as Parameters<typeof add>[1]);
  }
}

/** The gateway between the two hops: its core, with the lab's connections on either side. */
class Relay {
  readonly passages: Passage[] = [];
  readonly #gateway: Gateway;
  readonly #version: HttpVersion;
  readonly #back: HopEnds;
  readonly #origin: string;
  readonly #clock: () => Micros;
  #alarm: Timer | undefined = undefined;

  constructor(front: Model, back: HopEnds, page: Page, clock: () => Micros) {
    this.#clock = clock;
    this.#version = VERSION[front.protocol];
    this.#back = back;
    this.#origin = page.objects[0]!.host;
    const { connections, exchanges, persistent } = back.model;
    this.#gateway = new Gateway({
      name: 'gateway',
      origin: { scheme: 'https', authority: this.#origin },
      maxConnections: connections,
      exchangesPerConnection: exchanges,
      reuse: persistent,
      idleTimeout: NEVER,
      observer: { passed: (passage) => this.passages.push(passage) },
      ports: { dial: (now, made) => this.#dial(now, made), alarm: (at) => this.#setAlarm(at) },
    });
  }

  /** What the near side does with a client's connection. */
  readonly serve: Serve = (timers) => {
    let hop: Front | undefined;
    const wake = this.#waker(timers);
    return {
      onReady: (now, http) => {
        hop = this.#gateway.accept(now, http, { version: this.#version, secure: true, client: CLIENT, wake });
      },
      onHttp: (now, _http, event) => hop?.tell(now, event),
      onClosed: (now, reason) => hop?.lost(now, reason),
    };
  };

  #dial(now: Micros, made: Back): void {
    const { model, nearTimers: timers } = this.#back;
    let carrier: Carrier | undefined;
    let open = false;
    const wake = this.#waker(pumped(timers, () => carrier));
    const handler: HttpHandler = {
      onReady: (then, http) => {
        open = true;
        made.opened(then, { http, version: VERSION[model.protocol], wake });
      },
      onHttp: (then, _http, event) => made.tell(then, event),
      onClosed: (then, reason) => {
        if (open) made.lost(then, reason);
        else made.failed(then, { error: 'connection_terminated', what: reason });
      },
    };
    carrier = this.#back.dial(now, this.#origin, handler, false);
    wake();
  }

  /** Has a connection looked after, once what goes on now is through: after such a timer it is, and so is its host. */
  #waker(timers: Timers): () => void {
    let coming = false;
    return () => {
      if (coming) return;
      coming = true;
      timers.at(this.#clock(), () => {
        coming = false;
      });
    };
  }

  #setAlarm(at: Micros): void {
    this.#alarm?.cancel();
    this.#alarm = at === NEVER ? undefined : this.#back.nearTimers.at(at, (now) => this.#gateway.onTimeout(now));
  }
}
