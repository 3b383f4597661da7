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
import { roundRobinByByte } from '@quiclab/streams';
import { clientHandshake, serverHandshake } from '@quiclab/tls';
import { TeeObserver } from '@quiclab/trace';
import type { Page } from '@quiclab/workload';
import { FileServer, type FileSource } from '../apps/file-server.ts';
import { HttpApp } from '../apps/http-app.ts';
import { PageClient } from '../apps/page-client.ts';
import { ALPN, httpFor, MOST_EXCHANGES, type ModelId } from '../model.ts';
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

/**
 * A server that frames all exchanges onto one stream chooses the next one when a packet is about to leave, as the transport's
 * scheduler does for streams of their own. With more laid out ahead, those that asked first would be served first.
 */
const SINGLE_SEND_AHEAD = 2_400;

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
  model: ModelId,
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
    config: { ...LAB_CONFIG, ...(model === 'h3-single' ? { sendAhead: SINGLE_SEND_AHEAD } : {}), ...setup.config },
    accept: { alpn: [ALPN[model]] },
  });
  const apps = new Map<Connection, HttpApp>();
  const handle = (now: Micros, { type, connection }: EndpointEvent): void => {
    if (type === 'accepted')
      apps.set(
        connection,
        new HttpApp(connection, () => httpFor(model, { side: 'server', transport: connection, observer: owners }), new FileServer(source)),
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
      // requests are small and come together: as browsers do, several share a packet, so that the server knows of all before it answers
      scheduler: () => roundRobinByByte(),
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
