import type { Trust } from '@quiclab/crypto';
import { type Host, World } from '@quiclab/netsim';
import { type Connection, Endpoint, standardPolicies } from '@quiclab/quic';
import { MILLISECOND, type Micros, type Random } from '@quiclab/sansio';
import { clientHandshake } from '@quiclab/tls';
import type { EarlierConnection, EndSetup, QuicServer } from '../carriers/quic-ends.ts';
import { ALPN, type Model } from '../models/model.ts';
import type { Timers } from '../timers.ts';

export interface EarlierOptions {
  readonly hosts: readonly string[];
  /** One whose keys for tickets and tokens are those of the run that follows. */
  server(timers: Timers): QuicServer;
  readonly client: EndSetup;
  readonly trust: Trust;
  readonly model: Model;
  readonly random: Random;
  /** When the run that follows begins. */
  readonly before: Micros;
}

const CLIENT = { host: '192.0.2.1', port: 50_000 };
const SERVER = { host: '192.0.2.2', port: 443 };

/** Connects to each host once, over a path of its own on which nothing is lost, and keeps what 0-RTT needs. RFC 9001 §4.6, RFC 9000 §8.1.3. */
export function earlierConnections(options: EarlierOptions): (host: string) => EarlierConnection | undefined {
  const { client: setup, trust } = options;
  const world = new World({ random: options.random });
  const server = options.server({ at: (when, action) => world.at(when, action) });
  const client = new Endpoint({
    policies: {
      ...standardPolicies({ random: setup.random, crypto: setup.crypto, handshake: clientHandshake({ provider: setup.crypto, trust }) }),
      ...setup.profile?.quic.policies,
      ...setup.policies,
    },
    config: { ...setup.profile?.quic.config, ...setup.config },
  });
  const left = new Map<Connection, Partial<EarlierConnection>>();
  const clientHost: Host = world.addHost({
    address: CLIENT,
    machine: client,
    handle: ({ connection }) => {
      for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent())
        if (event.type === 'session' || event.type === 'token') left.set(connection, { ...left.get(connection), [event.type]: event.data });
    },
  });
  const serverHost: Host = world.addHost({ address: SERVER, machine: server.endpoint, handle: (event, now) => server.handle(now, event) });
  const link = { delay: MILLISECOND };
  world.connect(clientHost, serverHost, link, link);
  const connections = new Map(
    options.hosts.map((host) => [host, client.connect(0, { remote: SERVER, serverName: host, alpn: [ALPN[options.model.protocol]] })]),
  );
  clientHost.turn();
  const complete = ({ session, token }: Partial<EarlierConnection> = {}): boolean => session !== undefined && token !== undefined;
  world.run({ until: options.before, while: () => ![...connections.values()].every((connection) => complete(left.get(connection))) });
  return (host) => {
    const connection = connections.get(host);
    const found = connection && left.get(connection);
    if (!complete(found)) throw new Error(`no earlier connection to '${host}' left a session and a token`);
    return found as EarlierConnection;
  };
}
