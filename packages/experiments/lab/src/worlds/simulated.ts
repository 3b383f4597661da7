import { makeCertificate, nodeProvider } from '@quiclab/crypto/node';
import type { LinkConfig } from '@quiclab/impair';
import { REQUEST, RESPONSE } from '@quiclab/ledger';
import { type Host, World } from '@quiclab/netsim';
import type { Policies } from '@quiclab/quic';
import { MILLISECOND, type Micros, type Random, SECOND, seededRandom } from '@quiclab/sansio';
import { ticketKeeper } from '@quiclab/tls';
import type { Page } from '@quiclab/workload';
import type { FileSource } from '../apps/file-server.ts';
import { hostsOf, PageClient } from '../apps/page-client.ts';
import { serving } from '../apps/serving.ts';
import { type EndSetup, QuicClient, QuicServer, type ServerIdentity } from '../carriers/quic-ends.ts';
import { type ModelName, modelOf } from '../models/model.ts';
import { ConnectionPool } from '../models/pool.ts';
import { RunNotes } from '../observe/run-notes.ts';
import { noteDrops, type RunRecord } from '../record.ts';
import type { Timers } from '../timers.ts';
import { earlierConnections } from './earlier.ts';
import { LinkLog } from './links.ts';

export interface SimulatedRun {
  readonly model: ModelName;
  readonly seed: number;
  readonly links: { readonly up: LinkConfig; readonly down: LinkConfig };
  readonly page: Page;
  readonly source: FileSource;
  /** What it takes to look a host's name up, µs. Default 0. */
  readonly nameLookup?: Micros;
  /** Who watches beside the ledger. */
  readonly observers?: { readonly client?: Policies['observer']; readonly server?: Policies['observer'] };
  /** What an experiment replaces at both ends. */
  readonly ends?: Pick<EndSetup, 'policies' | 'config'> & Partial<Pick<EndSetup, 'crypto'>>;
  /** And beyond that at the client. */
  readonly clientPolicies?: Partial<Policies>;
}

const CLIENT = { host: '192.0.2.1', port: 50_000 };
const SERVER = { host: '192.0.2.2', port: 443 };
/** Virtual time after which a page that is not there will never be. */
const MOST_TIME: Micros = 3_600 * SECOND;
/** When runs begin that have something before them. */
const AFTERWARDS: Micros = 60 * SECOND;

// Ed25519 signatures do not vary, in value or in length; the padding gives the chain the size of a real one.
const certificateFor = (seed: number, names: readonly string[]) =>
  makeCertificate({
    names,
    keyType: 'ed25519',
    notBefore: 0,
    notAfter: 10 * 365 * 86_400 * SECOND,
    padTo: 2_400,
    random: seededRandom(seed).fork('certificate'),
  });

/** Client, server and links in virtual time. The same run gives the same record to the byte. */
export function runSimulated(run: SimulatedRun): RunRecord {
  const { page, seed, links, ends, observers, nameLookup = 0 } = run;
  const model = modelOf(run.model);
  const random = seededRandom(seed);
  const hosts = hostsOf(page, model.shards);
  const { certificate, privateKey } = certificateFor(seed, hosts);
  const crypto = ends?.crypto ?? nodeProvider;
  const trust = { ca: [certificate] };
  const tickets = model.earlyData ? { tickets: ticketKeeper({ provider: crypto, random: random.fork('tickets') }) } : {};
  const identity: ServerIdentity = { certificates: [certificate], privateKey, ...tickets };
  const serverSetup = (own: Random): EndSetup => ({ ...ends, random: own, crypto });
  const start = model.earlyData ? AFTERWARDS : 0;
  const earlier = model.earlyData
    ? earlierConnections({
        hosts,
        server: (timers) =>
          new QuicServer(
            serverSetup(seededRandom(seed).fork('server')),
            model,
            identity,
            new RunNotes(() => 0),
            timers,
            serving(run, model),
          ),
        client: { ...ends, random: random.fork('earlier'), crypto },
        trust,
        model,
        random: random.fork('earlier world'),
        before: start,
      })
    : undefined;

  const notes = new RunNotes(() => world.now);
  const { log, carried } = notes;
  const up = new LinkLog(carried[REQUEST]);
  const down = new LinkLog(carried[RESPONSE]);
  const world = new World({ random, start, observer: (link) => (link === 'up' ? up : down) });
  const timersOf = (host: () => Host): Timers => ({
    at: (when, action) =>
      world.at(when, (now) => {
        action(now);
        host().turn();
      }),
  });
  const server = new QuicServer(
    { ...serverSetup(random.fork('server')), ...(observers?.server && { observer: observers.server }) },
    model,
    identity,
    notes,
    timersOf(() => serverHost),
    serving(run, model, log),
  );
  const client = new QuicClient(
    {
      ...ends,
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
  const clientHost: Host = world.addHost({ address: CLIENT, machine: client.endpoint, handle: (event, now) => client.handle(now, event) });
  const serverHost: Host = world.addHost({ address: SERVER, machine: server.endpoint, handle: (event, now) => server.handle(now, event) });
  world.connect(clientHost, serverHost, links.up, links.down);
  const pool = new ConnectionPool({
    model,
    dial: (now, host, handler) => client.dial(now, host, handler),
    timers: timersOf(() => clientHost),
    nameLookup,
    observer: { opened: (now, connection) => log.connecting(now, connection), ready: (now, connection) => log.ready(now, connection) },
  });
  const pageClient = new PageClient(page, pool, log);
  pageClient.start(start);
  clientHost.turn();
  const end = world.run({ until: start + MOST_TIME, while: () => !pageClient.done && pageClient.failure === undefined });
  if (!pageClient.done)
    throw new Error(
      `${model.name}, seed ${seed}: ${pageClient.failure ?? (end === 'idle' ? 'nothing will ever happen again, and the page is not there' : 'the page takes more than an hour')}`,
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
    startedAt: pageClient.startedAt,
    finishedAt: pageClient.finishedAt,
    objects: pageClient.objects,
    connections: pool.figures(),
    log,
    carried: rows,
    ...drops,
  };
}
