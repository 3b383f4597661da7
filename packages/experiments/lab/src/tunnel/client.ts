/** The client's end of the tunnel: fetches a page by any model, through the pool that simulated runs use. */

import { nodeProvider, readPem, systemRandom } from '@quiclab/crypto/node';
import { type Connection, Endpoint, standardPolicies } from '@quiclab/quic';
import type { Address } from '@quiclab/sansio';
import { clientHandshake } from '@quiclab/tls';
import { type Driver, drive, monotonicClock, UdpSocket } from '@quiclab/udp';
import type { Page } from '@quiclab/workload';
import { hostsOf, PageClient } from '../apps/page-client.ts';
import type { Dial, HttpHandler } from '../carriers/carrier.ts';
import { type EarlierConnection, QuicClient } from '../carriers/quic-ends.ts';
import { ALPN, isOverQuic, type Model, modelOf } from '../models/model.ts';
import { ConnectionPool } from '../models/pool.ts';
import { nodeDial } from '../node/dial.ts';
import { RunNotes } from '../observe/run-notes.ts';
import { setupOf } from '../plan/ends.ts';
import { realTimers } from '../worlds/real-timers.ts';
import { answering } from './child.ts';
import type { FromClient, ToClient } from './messages.ts';
import { addressOf } from './namespaces.ts';

const clock = monotonicClock();

/** What earlier connections left, by host; each is of use once. */
let earlier = new Map<string, EarlierConnection>();

answering(async (asked: ToClient): Promise<FromClient> => {
  const model = modelOf(asked.model);
  const remote = { host: addressOf('server'), port: asked.port };
  if (asked.type === 'prepare') {
    earlier = await earlierConnections(model, asked.page, remote, asked.certificate);
    return { type: 'prepared' };
  }
  return isOverQuic(model) ? overQuic(model, asked, remote) : overTcp(model, asked, remote);
});

/** What simulated runs note of streams, which nobody asks for here: the kernel would not tell its part. */
const newNotes = () => new RunNotes(() => clock.now());

const trustIn = (certificate: string) => ({ ca: readPem(certificate).certificates });

async function overTcp(model: Model, asked: ToClient, remote: Address): Promise<FromClient> {
  // what is said to Node's modules needs no driver that is woken
  return fetchPage(model, asked, nodeDial({ model, remote, ca: asked.certificate, clock }), () => {});
}

async function overQuic(model: Model, asked: ToClient, remote: Address): Promise<FromClient> {
  const setup = { random: systemRandom, crypto: nodeProvider, ...setupOf(asked.ends) };
  const left = earlier;
  const earlierOf = model.earlyData ? (host: string) => left.get(host) : undefined;
  const client = new QuicClient(setup, model, trustIn(asked.certificate), newNotes(), remote, earlierOf);
  const socket = await UdpSocket.bind({ host: addressOf('client'), port: 0 });
  const driver: Driver = drive(client.endpoint, socket, { clock, handle: (event) => client.handle(clock.now(), event), onError: fault });
  const fetched = await fetchPage(model, asked, client.dial, () => driver.wake());
  driver.turnNow();
  await driver.close();
  return fetched;
}

const fault = (error: Error): void => void process.send?.({ type: 'failed', reason: error.stack ?? error.message });

/** @param wake  the driver is to give its machine a turn */
async function fetchPage(model: Model, { page, nameLookup }: ToClient, dial: Dial, wake: () => void): Promise<FromClient> {
  let settled: (failure: string | undefined) => void;
  const end = new Promise<string | undefined>((resolve) => {
    settled = resolve;
  });
  /** Hands everything on, and looks whether that was all. */
  const watched = (handler: HttpHandler): HttpHandler => ({
    onReady: (now, http) => handler.onReady?.(now, http),
    onHttp: (now, http, event) => {
      handler.onHttp(now, http, event);
      if (client.done || client.failure !== undefined) settled(client.failure);
    },
    onClosed: (now, reason) => {
      handler.onClosed?.(now, reason);
      if (client.failure !== undefined) settled(client.failure);
    },
  });
  const pool = new ConnectionPool({
    model,
    dial: (now, host, handler, cautious) => dial(now, host, watched(handler), cautious),
    timers: realTimers(clock, wake),
    nameLookup,
  });
  const client = new PageClient(page, pool, newNotes().log);
  client.start(clock.now());
  wake();
  const failure = await end;
  pool.close(clock.now());
  if (failure !== undefined) throw new Error(failure);
  const { startedAt, finishedAt, objects } = client;
  return { type: 'fetched', startedAt, finishedAt, objects, connections: pool.figures() };
}

/** Connects to each host once, and keeps what 0-RTT needs. RFC 9001 §4.6, RFC 9000 §8.1.3. */
async function earlierConnections(model: Model, page: Page, remote: Address, certificate: string): Promise<Map<string, EarlierConnection>> {
  const handshake = clientHandshake({ provider: nodeProvider, trust: trustIn(certificate) });
  const endpoint = new Endpoint({ policies: standardPolicies({ random: systemRandom, crypto: nodeProvider, handshake }) });
  const socket = await UdpSocket.bind({ host: addressOf('client'), port: 0 });
  const left = new Map<Connection, Partial<EarlierConnection>>();
  const complete = ({ session, token }: Partial<EarlierConnection> = {}): boolean => session !== undefined && token !== undefined;
  let told = (): void => {};
  const driver: Driver = drive(endpoint, socket, {
    clock,
    handle: ({ connection }) => {
      for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent())
        if (event.type === 'session' || event.type === 'token') left.set(connection, { ...left.get(connection), [event.type]: event.data });
      told();
    },
    onError: fault,
  });
  const hosts = hostsOf(page, model.shards);
  const connections = hosts.map((host) => endpoint.connect(clock.now(), { remote, serverName: host, alpn: [ALPN[model.protocol]] }));
  driver.wake();
  await new Promise<void>((resolve) => {
    told = () => connections.every((connection) => complete(left.get(connection))) && resolve();
  });
  endpoint.close(clock.now(), 0x100, '');
  driver.turnNow();
  await driver.close();
  return new Map(hosts.map((host, i) => [host, left.get(connections[i]!) as EarlierConnection]));
}
