import type { CryptoProvider, Trust } from '@quiclab/crypto';
import {
  type Connection,
  Endpoint,
  type EndpointEvent,
  type Observer,
  type Policies,
  standardPolicies,
  type TransportConfig,
} from '@quiclab/quic';
import type { Address, Micros, Random } from '@quiclab/sansio';
import { clientHandshake, serverHandshake } from '@quiclab/tls';
import { TeeObserver } from '@quiclab/trace';
import type { Page } from '@quiclab/workload';
import { FileServer, type FileSource } from '../apps/file-server.ts';
import { HttpApp } from '../apps/http-app.ts';
import { PageClient } from '../apps/page-client.ts';
import { ALPN, httpFor, MODELS, MOST_EXCHANGES, type ModelId, modelOfAlpn } from '../model.ts';
import { ArrivalLog, CarriedLog, OwnerLog } from '../observe.ts';

/** What both worlds give to either end; sockets, clocks and links are theirs. */
export interface EndSetup {
  readonly random: Random;
  readonly crypto: CryptoProvider;
  /** Who watches beside the ledger: qlog, key log. Asked once for each connection. */
  readonly observer?: Policies['observer'];
  /** Other policies and settings than the usual. */
  readonly policies?: Partial<Policies>;
  readonly config?: Partial<TransportConfig>;
}

const LAB_CONFIG: Partial<TransportConfig> = { maxStreamsBidi: MOST_EXCHANGES };

/** The ledger's log, and whoever else wants to watch. */
const watchedBy =
  (log: Observer, others: Policies['observer'] | undefined): Policies['observer'] =>
  (connection) =>
    others === undefined ? log : new TeeObserver([log, others(connection)]);

/** A server's endpoint, what it serves, and what was noted. */
export interface ServerEnd {
  readonly endpoint: Endpoint;
  readonly carried: CarriedLog;
  readonly owners: OwnerLog;
  handle(now: Micros, event: EndpointEvent): void;
}

export function serverEnd(
  setup: EndSetup,
  identity: { readonly certificates: readonly Uint8Array[]; readonly privateKey: Uint8Array },
  source: FileSource,
): ServerEnd {
  const carried = new CarriedLog();
  const owners = new OwnerLog();
  const endpoint = new Endpoint({
    policies: {
      ...standardPolicies({
        random: setup.random,
        crypto: setup.crypto,
        handshake: serverHandshake({ provider: setup.crypto, ...identity }),
      }),
      observer: watchedBy(carried, setup.observer),
      ...setup.policies,
    },
    config: { ...LAB_CONFIG, ...setup.config },
    accept: { alpn: MODELS.map((model) => ALPN[model]) },
  });
  const apps = new Map<Connection, HttpApp>();
  const handle = (now: Micros, { type, connection }: EndpointEvent): void => {
    if (type === 'accepted')
      apps.set(
        connection,
        new HttpApp(
          connection,
          (alpn) => httpFor(modelOfAlpn(alpn), { side: 'server', transport: connection, observer: owners }),
          new FileServer(source),
        ),
      );
    else if (type === 'active') apps.get(connection)?.pump(now);
    else apps.delete(connection);
  };
  return { endpoint, carried, owners, handle };
}

/** A client's endpoint and the page that it fetches over one connection. */
export interface ClientEnd {
  readonly endpoint: Endpoint;
  readonly connection: Connection;
  readonly page: PageClient;
  readonly arrived: ArrivalLog;
  handle(now: Micros, event: EndpointEvent): void;
}

export function clientEnd(
  now: Micros,
  setup: EndSetup,
  trust: Trust,
  model: ModelId,
  page: Page,
  remote: Address,
  serverName: string,
): ClientEnd {
  const arrived = new ArrivalLog();
  const endpoint = new Endpoint({
    policies: {
      ...standardPolicies({ random: setup.random, crypto: setup.crypto, handshake: clientHandshake({ provider: setup.crypto, trust }) }),
      observer: watchedBy(arrived, setup.observer),
      ...setup.policies,
    },
    config: { ...LAB_CONFIG, ...setup.config },
  });
  const connection = endpoint.connect(now, { remote, serverName, alpn: [ALPN[model]] });
  const pageClient = new PageClient(page);
  const app = new HttpApp(connection, () => httpFor(model, { side: 'client', transport: connection }), pageClient);
  return { endpoint, connection, page: pageClient, arrived, handle: (at, event) => event.type === 'active' && app.pump(at) };
}
