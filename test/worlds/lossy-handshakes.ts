import { nullProtection } from '@quiclab/crypto';
import { makeCertificate, nodeProvider } from '@quiclab/crypto/node';
import { bernoulli, burstCapped } from '@quiclab/impair';
import { World } from '@quiclab/netsim';
import {
  type Connection,
  describeClose,
  Endpoint,
  type EndpointEvent,
  type Observer,
  standardPolicies,
  type TransportConfig,
} from '@quiclab/quic';
import { MILLISECOND, type Micros, SECOND, seededRandom } from '@quiclab/sansio';
import { clientHandshake, serverHandshake } from '@quiclab/tls';

const CLIENT = { host: '192.0.2.1', port: 50_000 };
const SERVER = { host: '192.0.2.2', port: 443 };
const NAME = 'server.test';
/** How long a handshake may take, in virtual time. */
export const LIMIT: Micros = 60 * SECOND;
export const CONNECTIONS = 50;

const crypto = nullProtection(nodeProvider);
const identity = makeCertificate({
  names: [NAME],
  keyType: 'ed25519',
  notBefore: 0,
  notAfter: 3_650 * 86_400 * SECOND,
  padTo: 2_400, // the server's flight takes three datagrams, all that it may send to an address not yet validated
  random: seededRandom('lossy handshakes'),
});
const clientTls = clientHandshake({ provider: crypto, trust: { ca: [identity.certificate] } });
const serverTls = serverHandshake({ provider: crypto, certificates: [identity.certificate], privateKey: identity.privateKey });

/** One handshake, µs from the call of `connect`. */
export interface HandshakeTime {
  /** Both ends have finished it (RFC 9001 §4.1.1). */
  readonly complete: Micros;
  /** The client knows that the server has (§4.1.2). */
  readonly confirmed: Micros;
}

export interface LossyHandshakes {
  /** Probability of loss each way, in bursts of at most three; default 0.3. */
  readonly loss?: number;
  readonly delay?: Micros;
  readonly connections?: number;
  readonly config?: Partial<TransportConfig>;
  /** Watches the connections of one end. */
  readonly observer?: (side: 'client' | 'server') => Observer;
}

/**
 * Connections one after another between the same two hosts, over the interoperability runner's path for handshakes: 15 ms and
 * 10 Mbit/s each way, a queue of 25 packets, 30% loss in bursts of at most three. Throws when one does not end within LIMIT.
 */
export function lossyHandshakes(seed: number, options: LossyHandshakes = {}): HandshakeTime[] {
  const random = seededRandom(seed);
  const world = new World({ random: random.fork('world') });
  const config = { maxIdleTimeout: 2 * LIMIT, handshakeTimeout: 2 * LIMIT, ...options.config };
  const policies = (side: 'client' | 'server') => ({
    ...standardPolicies({ random: random.fork(side), crypto, handshake: side === 'client' ? clientTls : serverTls }),
    ...(options.observer && { observer: ({ side: end }: { side: 'client' | 'server' }) => options.observer!(end) }),
  });
  const client = new Endpoint({ policies: policies('client'), config });
  const server = new Endpoint({ policies: policies('server'), config, accept: { alpn: ['test'] } });

  let complete = -1;
  let confirmed = -1;
  let ours: Connection | undefined;
  let accepted: Connection | undefined;
  const handle = ({ type, connection }: EndpointEvent, now: Micros): void => {
    if (type === 'accepted') accepted = connection;
    if (type !== 'active') return;
    for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent()) {
      if (event.type === 'handshake-complete' && connection === accepted) complete = now;
      if (event.type === 'handshake-confirmed' && connection === ours) confirmed = now;
    }
  };
  const clientHost = world.addHost({ address: CLIENT, machine: client, handle });
  const serverHost = world.addHost({ address: SERVER, machine: server, handle });
  const loss = options.loss ?? 0.3;
  const link = {
    delay: options.delay ?? 15 * MILLISECOND,
    rate: 10_000_000,
    queue: { packets: 25 },
    ...(loss > 0 && { loss: burstCapped(bernoulli(loss), 3) }),
  };
  world.connect(clientHost, serverHost, link, link);

  const times: HandshakeTime[] = [];
  for (let i = 0; i < (options.connections ?? CONNECTIONS); i++) {
    const begin = world.now;
    complete = -1;
    confirmed = -1;
    accepted = undefined;
    ours = client.connect(begin, { remote: SERVER, serverName: NAME, alpn: ['test'] });
    clientHost.turn();
    world.run({ until: begin + LIMIT, while: () => confirmed < 0 });
    if (confirmed < 0) {
      const { cause } = ours;
      throw new Error(
        `seed ${seed}, connection ${i}: ${cause === undefined ? `not confirmed after ${LIMIT / SECOND} s` : describeClose(cause)}`,
      );
    }
    times.push({ complete: complete - begin, confirmed: confirmed - begin });
    ours.close(world.now, 0, '');
    clientHost.turn();
  }
  return times;
}
