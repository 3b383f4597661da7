import { nullProtection } from '@quiclab/crypto';
import { makeCertificate, nodeProvider } from '@quiclab/crypto/node';
import { bernoulli } from '@quiclab/impair';
import { World } from '@quiclab/netsim';
import { type Connection, type ConnectionEvent, Endpoint, standardPolicies } from '@quiclab/quic';
import { type Micros, seededRandom } from '@quiclab/sansio';
import { clientHandshake, serverHandshake } from '@quiclab/tls';
import type { Contest } from './contest.ts';
import { Stopwatch } from './stopwatch.ts';

const ALPN = 'bench';
const CHUNK = new Uint8Array(1 << 16).fill(0x61);
const CLIENT = { host: '10.0.0.1', port: 1000 };
const SERVER = { host: '10.0.0.2', port: 443 };
/** The path: 100 Mbit/s, 10 ms each way, a queue that holds a round trip, and a datagram in a thousand lost. */
const LINK = { rate: 100_000_000, delay: 10_000, queue: { packets: 256 }, loss: bernoulli(0.001) };
const WARM_UP_SECONDS = 0.5;
const MEASURED_SECONDS = 1.5;

/**
 * A download without end between two hosts in virtual time: datagrams handed to a receiver, at either end, for each CPU
 * second of the whole simulation.
 */
export const simulated = (protection: 'aes-gcm' | 'null'): Contest => ({
  async run() {
    const world = endlessDownload(protection);
    const warmUp = new Stopwatch();
    while (warmUp.cpuSeconds < WARM_UP_SECONDS) world.run({ until: world.now + 100_000 });
    const before = world.stats.delivered;
    const watch = new Stopwatch();
    while (watch.cpuSeconds < MEASURED_SECONDS) world.run({ until: world.now + 100_000 });
    const { cpuSeconds } = watch;
    return { value: (world.stats.delivered - before) / cpuSeconds, cpuSeconds };
  },
});

function endlessDownload(protection: 'aes-gcm' | 'null'): World {
  const random = seededRandom(1);
  const crypto = protection === 'null' ? nullProtection(nodeProvider) : nodeProvider;
  const identity = makeCertificate({
    names: ['server.test'],
    keyType: 'ed25519',
    notBefore: 0,
    notAfter: 4e15,
    random: random.fork('certificate'),
  });
  const client = new Endpoint({
    policies: standardPolicies({
      random: random.fork('client'),
      crypto,
      handshake: clientHandshake({ provider: crypto, trust: { ca: [identity.certificate] } }),
    }),
  });
  const server = new Endpoint({
    policies: standardPolicies({
      random: random.fork('server'),
      crypto,
      handshake: serverHandshake({ provider: crypto, certificates: [identity.certificate], privateKey: identity.privateKey }),
    }),
    accept: { alpn: [ALPN] },
  });
  const world = new World({ random: random.fork('world') });
  const pump = (handler: (now: Micros, connection: Connection, event: ConnectionEvent) => void) => {
    return ({ type, connection }: { type: string; connection: Connection }, now: Micros): void => {
      if (type !== 'active') return;
      for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent()) handler(now, connection, event);
    };
  };
  const clientHost = world.addHost({ address: CLIENT, machine: client, handle: pump(onClientEvent) });
  const serverHost = world.addHost({ address: SERVER, machine: server, handle: pump(onServerEvent) });
  world.connect(clientHost, serverHost, LINK, LINK);
  client.connect(world.now, { remote: SERVER, serverName: 'server.test', alpn: [ALPN] });
  clientHost.turn();
  return world;
}

function onClientEvent(now: Micros, connection: Connection, event: ConnectionEvent): void {
  if (event.type === 'handshake-complete') connection.finish(connection.openStream('bidi')!);
  else if (event.type === 'stream-readable') while (connection.read(now, event.id) !== undefined);
  else if (event.type === 'closed') throw new Error(`the connection ended: ${JSON.stringify(event.cause)}`);
}

function onServerEvent(now: Micros, connection: Connection, event: ConnectionEvent): void {
  if (event.type !== 'stream-readable' && event.type !== 'stream-writable') return;
  if (event.type === 'stream-readable') while (connection.read(now, event.id) !== undefined);
  while (connection.write(now, event.id, CHUNK) === CHUNK.length);
}
