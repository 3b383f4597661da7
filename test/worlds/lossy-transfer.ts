import { type CryptoProvider, nullProtection } from '@quiclab/crypto';
import { makeCertificate, nodeProvider } from '@quiclab/crypto/node';
import { corrupt, duplicate, type LinkConfig, bernoulli as loss, reorder } from '@quiclab/impair';
import { type Host, World } from '@quiclab/netsim';
import { type Connection, describeClose, Endpoint, type EndpointEvent, standardPolicies } from '@quiclab/quic';
import { fraction, integerBelow, MILLISECOND, type Micros, type Random, SECOND, seededRandom } from '@quiclab/sansio';
import { clientHandshake, serverHandshake } from '@quiclab/tls';
import { Talker } from './talker.ts';
import { FlightCheck, TransferCheck } from './transfer-checks.ts';

const CLIENT = { host: '192.0.2.1', port: 50_000 };
const SERVER = { host: '192.0.2.2', port: 443 };
const NAME = 'server.test';
const ALPN = ['transfer'];
/** A transfer that takes longer than this, in virtual time, will never end; nor does either end give it up earlier. */
const MOST_TIME: Micros = 3_600 * SECOND;

/** Probabilities, each way. */
export interface Adversity {
  readonly loss: number;
  readonly reorder: number;
  readonly duplicate: number;
  readonly corrupt: number;
}
export const USUAL: Adversity = { loss: 0.05, reorder: 0.05, duplicate: 0.05, corrupt: 0.05 };
export const HARSH: Adversity = { loss: 0.2, reorder: 0.2, duplicate: 0.1, corrupt: 0.1 };

const identity = makeCertificate({
  names: [NAME],
  keyType: 'ed25519',
  notBefore: 0,
  notAfter: 3_650 * 86_400 * SECOND,
  padTo: 1_500,
  random: seededRandom('lossy transfer'),
});

export interface TransferFigures {
  /** Octets of stream data, both ways. */
  readonly bytes: number;
  readonly endedAt: Micros;
  readonly lost: number;
  readonly corrupted: number;
  readonly duplicated: number;
}

/** What is drawn from the seed besides the losses. */
interface Plan {
  readonly crypto: CryptoProvider;
  readonly link: LinkConfig;
  /** Credit of a stream and of the connection at the start: it binds, more or less. */
  readonly streamCredit: number;
  readonly connectionCredit: number;
  readonly sendBuffer: number;
}

/** Every eighth seed with real protection; the others with one that notices corruption all the same, and is fast. */
function planOf(seed: number, adversity: Adversity, random: Random): Plan {
  const rate = integerBelow(random, 4) === 0 ? 0 : 1_000_000 * (2 + integerBelow(random, 20));
  return {
    crypto: seed % 8 === 0 ? nodeProvider : nullProtection(nodeProvider),
    link: {
      delay: (5 + integerBelow(random, 45)) * MILLISECOND,
      ...(rate > 0 && { rate }),
      loss: loss(adversity.loss),
      reorder: reorder(adversity.reorder, (1 + integerBelow(random, 30)) * MILLISECOND),
      duplicate: duplicate(adversity.duplicate),
      corrupt: corrupt(adversity.corrupt),
    },
    streamCredit: 2_000 + integerBelow(random, 10_000),
    connectionCredit: 4_000 + integerBelow(random, 30_000),
    sendBuffer: 1_500 + integerBelow(random, 10_000),
  };
}

/**
 * A client and a server exchange some sixty kilobytes over streams of both kinds, opened by both, in both directions, with
 * little credit, some readers slow, while datagrams are lost, come out of order, twice and corrupted, each way. Throws an
 * Error that names the seed and what did not hold. The checks are in talker.ts and transfer-checks.ts.
 */
export function lossyTransfer(seed: number, adversity: Adversity = USUAL): TransferFigures {
  try {
    return run(seed, adversity);
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function run(seed: number, adversity: Adversity): TransferFigures {
  const random = seededRandom(seed);
  const plan = planOf(seed, adversity, random.fork('plan'));
  const world = new World({ random: random.fork('world') });
  const content = random.fork('content');
  const readers = random.fork('readers');

  const end = (side: 'client' | 'server') => {
    const check = new TransferCheck(side, plan.streamCredit, plan.connectionCredit);
    const policies = standardPolicies({
      random: random.fork(side),
      crypto: plan.crypto,
      handshake:
        side === 'client'
          ? clientHandshake({ provider: plan.crypto, trust: { ca: [identity.certificate] } })
          : serverHandshake({ provider: plan.crypto, certificates: [identity.certificate], privateKey: identity.privateKey }),
    });
    const flight = new FlightCheck(side);
    const endpoint = new Endpoint({
      policies: { ...policies, observer: () => check.watching(flight), congestion: (path) => flight.around(policies.congestion(path)) },
      config: {
        initialMaxStreamData: plan.streamCredit,
        initialMaxData: plan.connectionCredit,
        maxStreamDataWindow: 4 * plan.streamCredit,
        maxDataWindow: 4 * plan.connectionCredit,
        sendBuffer: plan.sendBuffer,
        maxStreamsBidi: 2, // both sides want more, and must wait until the limit is raised
        maxStreamsUni: 1,
        maxIdleTimeout: MOST_TIME,
        handshakeTimeout: MOST_TIME,
      },
      ...(side === 'server' && { accept: { alpn: ALPN } }),
    });
    return { side, endpoint, check, flight, talker: undefined as Talker | undefined, host: undefined as Host | undefined };
  };
  type End = ReturnType<typeof end>;

  const begin = (one: End, connection: Connection): void => {
    if (one.talker !== undefined) throw new Error(`the ${one.side} has a second connection`);
    const slow = fraction(readers) < 0.3;
    one.talker = new Talker(one.side, connection, content, (read) => {
      if (!slow) return false;
      world.at(world.now + integerBelow(readers, 40 * MILLISECOND), (now) => {
        read(now);
        one.host!.turn();
      });
      return true;
    });
  };
  const handle = (one: End) => (event: EndpointEvent, now: Micros) => {
    if (event.type === 'accepted') begin(one, event.connection);
    else if (event.type === 'active') one.talker!.pump(now);
  };

  const client = end('client');
  const server = end('server');
  client.host = world.addHost({ address: CLIENT, machine: client.endpoint, handle: handle(client) });
  server.host = world.addHost({ address: SERVER, machine: server.endpoint, handle: handle(server) });
  const { up, down } = world.connect(client.host, server.host, plan.link, plan.link);
  const connection = client.endpoint.connect(0, { remote: SERVER, serverName: NAME, alpn: ALPN });
  begin(client, connection);
  client.host.turn();

  const inFlight = (one: End): number => one.talker?.connection.stats().bytesInFlight ?? 0;
  const ends = [client, server];
  world.run({
    until: MOST_TIME,
    while: () => !ends.every((one) => one.talker?.done && inFlight(one) === 0),
  });
  for (const one of ends) {
    const { talker, check, flight, side } = one;
    if (talker === undefined) throw new Error(`the ${side} never heard of the connection`);
    talker.checkDone();
    check.checkArrived(talker.received);
    flight.checkEmpty(inFlight(one));
    const { openStreams } = talker.connection.stats();
    if (openStreams !== 0) throw new Error(`the ${side} still has ${openStreams} streams`);
  }

  const endedAt = world.now;
  connection.close(world.now, 0, 'done');
  client.host.turn();
  world.run({ until: world.now + 2 * MOST_TIME });
  for (const { talker, side } of ends) {
    const cause = talker!.connection.cause;
    // the CLOSE itself may be lost: then the server finds out by silence, or by the reset that answers what it still says
    if (cause === undefined || cause.kind === 'local-transport' || cause.kind === 'peer-transport')
      throw new Error(`at the ${side} the connection ended like this: ${cause === undefined ? 'not at all' : describeClose(cause)}`);
  }
  return {
    bytes: client.talker!.bytesReceived + server.talker!.bytesReceived,
    endedAt,
    lost: up.stats.injectedDrops + down.stats.injectedDrops,
    corrupted: up.stats.corrupted + down.stats.corrupted,
    duplicated: up.stats.duplicated + down.stats.duplicated,
  };
}
