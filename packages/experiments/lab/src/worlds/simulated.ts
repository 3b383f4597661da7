import { makeCertificate, nodeProvider } from '@quiclab/crypto/node';
import type { LinkConfig } from '@quiclab/impair';
import { type Host, World } from '@quiclab/netsim';
import type { Policies } from '@quiclab/quic';
import { MILLISECOND, type Micros, SECOND, seededRandom } from '@quiclab/sansio';
import type { Page } from '@quiclab/workload';
import type { FileSource } from '../apps/file-server.ts';
import type { ModelId } from '../model.ts';
import type { RunRecord } from '../record.ts';
import { clientEnd, type EndSetup, serverEnd } from './endpoints.ts';
import { LinkLog } from './links.ts';

export interface SimulatedRun {
  readonly model: ModelId;
  readonly seed: number;
  readonly links: { readonly up: LinkConfig; readonly down: LinkConfig };
  readonly page: Page;
  readonly source: FileSource;
  /** Who watches beside the ledger. */
  readonly observers?: { readonly client?: Policies['observer']; readonly server?: Policies['observer'] };
  /** What an experiment replaces at both ends. */
  readonly ends?: Pick<EndSetup, 'policies' | 'config'> & Partial<Pick<EndSetup, 'crypto'>>;
  /** And beyond that at the client. */
  readonly clientPolicies?: Partial<Policies>;
}

const CLIENT = { host: '192.0.2.1', port: 50_000 };
const SERVER = { host: '192.0.2.2', port: 443 };
const NAME = 'server.test';
/** Virtual time after which a page that is not there will never be. */
const MOST_TIME: Micros = 3_600 * SECOND;

// Ed25519 signatures do not vary, in value or in length; the padding gives the chain the size of a real one.
const certificateFor = (seed: number) =>
  makeCertificate({
    names: [NAME],
    keyType: 'ed25519',
    notBefore: 0,
    notAfter: 10 * 365 * 86_400 * SECOND,
    padTo: 2_400,
    random: seededRandom(seed).fork('certificate'),
  });

/** The same client, server and links in virtual time. The same run gives the same record to the byte. */
export function runSimulated(run: SimulatedRun): RunRecord {
  const random = seededRandom(run.seed);
  const identity = certificateFor(run.seed);
  const crypto = run.ends?.crypto ?? nodeProvider;
  const server = serverEnd(
    { ...run.ends, random: random.fork('server'), crypto, ...(run.observers?.server && { observer: run.observers.server }) },
    run.model,
    { certificates: [identity.certificate], privateKey: identity.privateKey },
    run.source,
  );
  const client = clientEnd(
    0,
    {
      ...run.ends,
      policies: { ...run.ends?.policies, ...run.clientPolicies },
      random: random.fork('client'),
      crypto,
      ...(run.observers?.client && { observer: run.observers.client }),
    },
    { ca: [identity.certificate] },
    run.model,
    run.page,
    SERVER,
    NAME,
  );
  const up = new LinkLog();
  const down = new LinkLog();
  const world = new World({ random, observer: (link) => (link === 'up' ? up : down) });
  const clientHost: Host = world.addHost({ address: CLIENT, machine: client.endpoint, handle: (event, now) => client.handle(now, event) });
  const serverHost = world.addHost({ address: SERVER, machine: server.endpoint, handle: (event, now) => server.handle(now, event) });
  world.connect(clientHost, serverHost, run.links.up, run.links.down);
  clientHost.turn();
  const { page } = client;
  const end = world.run({ until: MOST_TIME, while: () => !page.done && page.failure === undefined });
  if (!page.done)
    throw new Error(
      `${run.model}, seed ${run.seed}: ${page.failure ?? (end === 'idle' ? 'nothing will ever happen again, and the page is not there' : 'the page takes more than an hour')}`,
    );
  // the connection is closed as over real sockets; what is still on its way arrives
  client.connection.close(world.now, 0x100, '');
  clientHost.turn();
  const drops = { up: up.figures(), down: down.figures() };
  world.run({ until: world.now + 100 * MILLISECOND + 2 * (run.links.up.delay + run.links.down.delay) });
  return {
    model: run.model,
    seed: run.seed,
    startedAt: page.startedAt,
    finishedAt: page.finishedAt,
    objects: page.objects,
    arrivals: client.arrived.arrivals,
    carried: server.carried.datagrams,
    owners: server.owners.owners,
    ...drops,
  };
}
