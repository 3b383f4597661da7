import { nodeProvider } from '@quiclab/crypto/node';
import type { LinkConfig } from '@quiclab/impair';
import { REQUEST, RESPONSE } from '@quiclab/ledger';
import { type Host, World } from '@quiclab/netsim';
import type { EndpointEvent, Policies } from '@quiclab/quic';
import { type Machine, MILLISECOND, type Micros, type Random, SECOND, seededRandom } from '@quiclab/sansio';
import type { TcpEvent } from '@quiclab/tcp';
import { ticketKeeper } from '@quiclab/tls';
import type { Page } from '@quiclab/workload';
import type { FileSource } from '../apps/file-server.ts';
import { hostsOf, PageClient } from '../apps/page-client.ts';
import { serving } from '../apps/serving.ts';
import type { Dial, Serve, ServerIdentity } from '../carriers/carrier.ts';
import { type EndSetup, QuicClient, QuicServer } from '../carriers/quic-ends.ts';
import { TcpClient, type TcpEndSetup, TcpServer } from '../carriers/tcp-ends.ts';
import { isOverQuic, type Model, type ModelName, modelOf } from '../models/model.ts';
import { ConnectionPool } from '../models/pool.ts';
import type { Profile } from '../models/profile.ts';
import type { DatagramWatch } from '../observe/datagram-watch.ts';
import type { Secrets } from '../observe/record-log.ts';
import { RunNotes } from '../observe/run-notes.ts';
import { noteDrops, type RunRecord } from '../record.ts';
import type { Timers } from '../timers.ts';
import { certificateFor } from './certificates.ts';
import { earlierConnections } from './earlier.ts';
import { LinkLog } from './links.ts';

export interface SimulatedRun {
  readonly model: ModelName;
  readonly seed: number;
  readonly links: { readonly up: LinkConfig; readonly down: LinkConfig };
  readonly page: Page;
  readonly source: FileSource;
  /** Whether the client hashes what it gets. Default true. */
  readonly digests?: boolean;
  /** Serves instead of what would. */
  readonly serve?: (usual: Serve) => Serve;
  /** What it takes to look a host's name up, µs. Default 0. */
  readonly nameLookup?: Micros;
  /** Who watches beside the ledger. */
  readonly observers?: { readonly client?: Policies['observer']; readonly server?: Policies['observer'] };
  /** The same over TCP. */
  readonly tcpObservers?: { readonly client?: TcpEndSetup['observer']; readonly server?: TcpEndSetup['observer'] };
  /** Told the secrets of TLS over TCP, by the client; `observers` are told QUIC's. */
  readonly tlsSecrets?: Secrets;
  /** Who watches what enters the links, and what becomes of it. */
  readonly watch?: { readonly up: DatagramWatch; readonly down: DatagramWatch };
  /** Default: each package's own defaults. */
  readonly profile?: Profile;
  /** What an experiment replaces at both ends of QUIC; `crypto` of TLS over TCP, too. */
  readonly ends?: Pick<EndSetup, 'policies' | 'config'> & Partial<Pick<EndSetup, 'crypto'>>;
  /** And beyond that at the client. */
  readonly clientPolicies?: Partial<Policies>;
  /** The same of TCP. */
  readonly tcp?: Pick<TcpEndSetup, 'policies' | 'config'>;
}

const CLIENT = { host: '192.0.2.1', port: 50_000 };
const SERVER = { host: '192.0.2.2', port: 443 };
/** Virtual time after which a page that is not there will never be. */
const MOST_TIME: Micros = 3_600 * SECOND;
/** When runs begin that have something before them. */
const AFTERWARDS: Micros = 60 * SECOND;

/** A machine at one end of the path, and who handles what it tells. */
interface End<Event> {
  readonly endpoint: Machine<Event>;
  handle(now: Micros, event: Event): void;
}
interface Ends<Event> {
  readonly client: End<Event> & { readonly dial: Dial };
  readonly server: End<Event>;
}

/** What the ends of either transport are made from. */
interface Ground {
  readonly run: SimulatedRun;
  readonly model: Model;
  readonly random: Random;
  readonly notes: RunNotes;
  readonly hosts: readonly string[];
  /** When the page begins. */
  readonly start: Micros;
  readonly clientTimers: Timers;
  readonly serverTimers: Timers;
  readonly serve: Serve;
}

/** Client, server and links in virtual time. The same run gives the same record to the byte. */
export function runSimulated(run: SimulatedRun): RunRecord {
  const { page, seed, links, nameLookup = 0 } = run;
  const model = modelOf(run.model);
  const random = seededRandom(seed);
  const start = model.earlyData ? AFTERWARDS : 0;
  const notes = new RunNotes(() => world.now, false, run.watch);
  const { log, carried } = notes;
  const up = new LinkLog(carried[REQUEST], run.watch?.up);
  const down = new LinkLog(carried[RESPONSE], run.watch?.down);
  const world = new World({ random, start, observer: (link) => (link === 'up' ? up : down) });
  const timersOf = (host: () => Host): Timers => ({
    at: (when, action) =>
      world.at(when, (now) => {
        action(now);
        host().turn();
      }),
  });
  const ground: Ground = {
    run,
    model,
    random,
    notes,
    hosts: hostsOf(page, model.shards),
    start,
    clientTimers: timersOf(() => clientHost),
    serverTimers: timersOf(() => serverHost),
    serve: run.serve?.(serving(run, log)) ?? serving(run, log),
  };
  const quic = isOverQuic(model);
  const ends = (quic ? quicEnds(ground) : tcpEnds(ground)) as Ends<unknown>;
  const add = (address: typeof CLIENT, end: End<unknown>): Host =>
    world.addHost({ address, machine: end.endpoint, handle: (event, now) => end.handle(now, event), protocol: quic ? 'udp' : 'tcp' });
  const clientHost: Host = add(CLIENT, ends.client);
  const serverHost: Host = add(SERVER, ends.server);
  const overhead = run.profile && { overhead: run.profile.overhead };
  world.connect(clientHost, serverHost, { ...overhead, ...links.up }, { ...overhead, ...links.down });
  const pool = new ConnectionPool({
    model,
    dial: ends.client.dial,
    timers: ground.clientTimers,
    nameLookup,
    observer: {
      opened: (now, connection) => {
        log.connecting(now, connection);
        if (model.protocol === 'http/1.1') log.inOrder(connection);
      },
      ready: (now, connection) => log.ready(now, connection),
    },
  });
  const client = new PageClient(page, pool, log, run.digests);
  client.start(start);
  clientHost.turn();
  const end = world.run({ until: start + MOST_TIME, while: () => !client.done && client.failure === undefined });
  if (!client.done)
    throw new Error(
      `${model.name}, seed ${seed}: ${client.failure ?? (end === 'idle' ? 'nothing will ever happen again, and the page is not there' : 'the page takes more than an hour')}`,
    );
  // connections are closed as over real sockets; what is still on its way arrives
  pool.close(world.now);
  clientHost.turn();
  const drops = { up: up.figures(), down: down.figures() };
  world.run({ until: world.now + 100 * MILLISECOND + 2 * (links.up.delay + links.down.delay) });
  log.close(world.now);
  const rows = { up: carried[REQUEST].rows, down: carried[RESPONSE].rows };
  noteDrops(log, rows, drops);
  return {
    model: model.name,
    protocol: model.protocol,
    seed,
    startedAt: client.startedAt,
    finishedAt: client.finishedAt,
    objects: client.objects,
    connections: pool.figures(),
    log,
    carried: rows,
    ...drops,
  };
}

function quicEnds({ run, model, random, notes, hosts, start, serverTimers, serve }: Ground): Ends<EndpointEvent> {
  const { seed, ends, observers, profile } = run;
  const { certificate, privateKey } = certificateFor(seed, hosts);
  const crypto = ends?.crypto ?? nodeProvider;
  const trust = { ca: [certificate] };
  const tickets = model.earlyData ? { tickets: ticketKeeper({ provider: crypto, random: random.fork('tickets') }) } : {};
  const identity: ServerIdentity = { certificates: [certificate], privateKey, ...tickets };
  const server = (own: Random, noted: RunNotes, timers: Timers, observer?: Policies['observer']): QuicServer =>
    new QuicServer({ ...ends, profile, random: own, crypto, ...(observer && { observer }) }, model, identity, noted, timers, serve);
  const earlier = model.earlyData
    ? earlierConnections({
        hosts,
        // the same keys for tickets and tokens as below
        server: (timers) => server(seededRandom(seed).fork('server'), new RunNotes(() => 0), timers),
        client: { ...ends, profile, random: random.fork('earlier'), crypto },
        trust,
        model,
        random: random.fork('earlier world'),
        before: start,
      })
    : undefined;
  const client = new QuicClient(
    {
      ...ends,
      profile,
      policies: { ...ends?.policies, ...run.clientPolicies },
      random: random.fork('client'),
      crypto,
      ...(observers?.client && { observer: observers.client }),
    },
    model,
    trust,
    notes,
    SERVER,
    earlier,
  );
  return { client, server: server(random.fork('server'), notes, serverTimers, observers?.server) };
}

function tcpEnds({ run, model, random, notes, hosts, clientTimers, serverTimers, serve }: Ground): Ends<TcpEvent> {
  const { certificate, privateKey } = certificateFor(run.seed, hosts);
  const crypto = run.ends?.crypto ?? nodeProvider;
  const setup = (own: Random, timers: Timers): TcpEndSetup => ({ ...run.tcp, profile: run.profile, random: own, crypto, timers });
  return {
    client: new TcpClient(
      { ...setup(random.fork('client'), clientTimers), observer: run.tcpObservers?.client, secrets: run.tlsSecrets },
      model,
      { ca: [certificate] },
      notes,
      CLIENT.host,
      SERVER,
    ),
    server: new TcpServer(
      { ...setup(random.fork('server'), serverTimers), observer: run.tcpObservers?.server },
      model,
      { certificates: [certificate], privateKey },
      notes,
      SERVER,
      serve,
    ),
  };
}
