import { makeCertificate, nodeProvider } from '@quiclab/crypto/node';
import { bernoulli, corrupt, reorder } from '@quiclab/impair';
import { type Host, World } from '@quiclab/netsim';
import { type Connection, type ConnectionEvent, Endpoint, type EndpointEvent, standardPolicies } from '@quiclab/quic';
import { type Address, MILLISECOND, type Micros, SECOND, seededRandom } from '@quiclab/sansio';
import { clientHandshake, serverHandshake, ticketKeeper } from '@quiclab/tls';
import { type Dialect, QlogObserver } from '@quiclab/trace';
import { VERSION_1, VERSION_2 } from '@quiclab/wire';

const CLIENT: Address = { host: '192.0.2.1', port: 50_000 };
const SERVER: Address = { host: '198.51.100.1', port: 443 };
const RESERVED_VERSION = 0x1a2a3a4a;
const SIZE = 150_000;

const certificate = makeCertificate({
  names: ['server.test'],
  keyType: 'ed25519',
  notBefore: 0,
  notAfter: 4e15,
  random: seededRandom('certificate'),
});

/** A trace as it was written, in the order in which connections began. */
export interface Trace {
  readonly side: 'client' | 'server';
  text: string;
}

/** One end's application: it says much, in all the ways that QUIC has, and echoes nothing. */
class Talker {
  readonly sessions: Uint8Array[] = [];
  readonly tokens: Uint8Array[] = [];
  confirmed = false;
  readonly #use: (now: Micros, connection: Connection) => void;
  readonly #onDone: (now: Micros, connection: Connection) => void;
  #finished = 0;

  constructor(use: (now: Micros, connection: Connection) => void, onDone: (now: Micros, connection: Connection) => void) {
    this.#use = use;
    this.#onDone = onDone;
  }

  handle({ type, connection }: EndpointEvent, now: Micros): void {
    if (type !== 'active') return;
    for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent()) this.#on(now, connection, event);
  }

  #on(now: Micros, connection: Connection, event: ConnectionEvent): void {
    switch (event.type) {
      case 'session':
        this.sessions.push(event.data);
        break;
      case 'token':
        this.tokens.push(event.data);
        break;
      case 'handshake-confirmed':
        this.confirmed = true;
        this.#use(now, connection);
        break;
      case 'stream-opened':
        if (event.id === 8) connection.stopSending(event.id, 77);
        break;
      case 'stream-readable':
        while (connection.read(now, event.id) !== undefined);
        break;
      case 'stream-finished':
        if (++this.#finished === 2) this.#onDone(now, connection);
        break;
    }
  }
}

/** Two large streams, which make flow control work; datagrams; one stream given up, one with a reliable part, one that the peer stops. */
function say(now: Micros, connection: Connection): void {
  connection.updateKeys();
  const open = (): number | undefined => connection.openStream('bidi');
  const [large, alsoLarge, stopped] = [open(), open(), open()];
  open(); // one too many: STREAMS_BLOCKED
  for (const id of [large, alsoLarge]) {
    if (id === undefined) continue;
    connection.write(now, id, new Uint8Array(SIZE));
    connection.finish(id);
  }
  if (stopped !== undefined) connection.write(now, stopped, new Uint8Array(5_000));
  const [reset, resetAt] = [connection.openStream('uni'), connection.openStream('uni')];
  if (reset !== undefined) {
    connection.write(now, reset, new Uint8Array(3_000));
    connection.reset(reset, 5);
  }
  if (resetAt !== undefined) {
    connection.write(now, resetAt, new Uint8Array(3_000));
    connection.reset(resetAt, 6, 1_000);
  }
  for (let i = 0; i < 5; i++) connection.sendDatagram(new Uint8Array(100 * i));
}

/**
 * All that a connection can go through, over a path that loses, reorders and corrupts: a version that the server does not speak,
 * a Retry, a version that it would rather speak, a session; then the session with early data, keys updated by both ends, streams
 * in all states, datagrams, another local address, another one made by a NAT; a close by either end.
 */
export function richWorld(dialect: Dialect, seed = 1): Trace[] {
  const traces: Trace[] = [];
  const observer = ({ side, originalId }: { side: 'client' | 'server'; originalId: Uint8Array }) => {
    const trace: Trace = { side, text: '' };
    traces.push(trace);
    return new QlogObserver({ side, originalId, dialect, title: 'rich', write: (record) => void (trace.text += record) });
  };
  const random = seededRandom(seed);
  const world = new World({ random });
  const common = {
    maxDatagramFrameSize: 1_500,
    resetStreamAt: true,
    ackFrequency: true,
    initialMaxData: 60_000,
    initialMaxStreamData: 20_000,
    maxDataWindow: 200_000,
    maxStreamDataWindow: 100_000,
    maxStreamsBidi: 3,
    maxStreamsUni: 3,
    ackDelayExponent: 5,
    maxIdleTimeout: 10 * SECOND,
  };
  const client = new Endpoint({
    policies: {
      ...standardPolicies({
        random: random.fork('client'),
        crypto: nodeProvider,
        handshake: clientHandshake({ provider: nodeProvider, trust: { ca: [certificate.certificate] } }),
      }),
      observer,
    },
    config: { ...common, versions: [VERSION_2, VERSION_1] },
  });
  const server = new Endpoint({
    policies: {
      ...standardPolicies({
        random: random.fork('server'),
        crypto: nodeProvider,
        handshake: serverHandshake({
          provider: nodeProvider,
          certificates: [certificate.certificate],
          privateKey: certificate.privateKey,
          tickets: ticketKeeper({ provider: nodeProvider, random: random.fork('tickets') }),
          earlyData: true,
        }),
      }),
      observer,
    },
    config: { ...common, versions: [VERSION_2, VERSION_1], preferOwnVersion: true },
    accept: { alpn: ['test'], retry: 'always' },
  });
  let connection: Connection | undefined;
  let clientHost: Host | undefined;
  const served = new Talker(say, () => {});
  const asking = new Talker(say, () => {});
  clientHost = world.addHost({ address: CLIENT, machine: client, handle: (event, now) => asking.handle(event, now) });
  const serverHost = world.addHost({ address: SERVER, machine: server, handle: (event, now) => served.handle(event, now) });
  const link = {
    delay: 15 * MILLISECOND,
    rate: 8e6,
    loss: bernoulli(0.02),
    reorder: reorder(0.05, 4 * MILLISECOND),
    corrupt: corrupt(0.01),
  };
  world.connect(clientHost, serverHost, link, link);

  const connect = (more: object): void => {
    connection = client.connect(world.now, { remote: SERVER, local: CLIENT, serverName: 'server.test', alpn: ['test'], ...more });
  };
  connect({ version: RESERVED_VERSION });
  clientHost.turn();
  world.at(5 * SECOND, (now) => {
    connection!.close(now, 7, 'enough');
    clientHost.turn();
  });
  world.at(10 * SECOND, (now) => {
    asking.confirmed = false;
    connect({ session: asking.sessions[0], token: asking.tokens[0], earlyData: true });
    const early = connection!.openStream('uni')!;
    connection!.write(now, early, new Uint8Array(2_000));
    connection!.finish(early);
    clientHost.turn();
  });
  // back to back: two ends that write while the path changes below them
  world.at(10 * SECOND + 200 * MILLISECOND, (now) => {
    connection!.migrate(now, { host: CLIENT.host, port: 50_001 });
    clientHost.turn();
  });
  world.at(11 * SECOND, () => clientHost.rebind({ host: '192.0.2.200', port: 60_000 }));
  for (let i = 0; i < 20; i++)
    world.at(11 * SECOND + i * 100 * MILLISECOND, () => {
      connection!.ping();
      clientHost.turn();
    });
  world.at(14 * SECOND, (now) => {
    server.close(now, 9, 'going');
    serverHost.turn();
  });
  world.run({ until: 20 * SECOND });
  return traces;
}

/** The records of a JSON text sequence (RFC 7464). */
export const recordsOf = (text: string): Record<string, unknown>[] =>
  text
    .split('\u001e')
    .slice(1)
    .map((record) => JSON.parse(record) as Record<string, unknown>);
