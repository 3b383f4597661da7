import { RangeSet } from '@quiclab/bytes';
import { bernoulli, corrupt, duplicate, type LinkConfig, reorder } from '@quiclab/impair';
import { type Host, World } from '@quiclab/netsim';
import { fraction, integerBelow, MILLISECOND, type Micros, type Random, SECOND, seededRandom } from '@quiclab/sansio';
import {
  Observer,
  type SegmentView,
  standardTcpPolicies,
  type TcpConfig,
  type TcpConnection,
  TcpEndpoint,
  type TcpEvent,
} from '@quiclab/tcp';
import type { Adversity, TransferFigures } from './lossy-transfer.ts';

const CLIENT = '192.0.2.1';
const SERVER = { host: '192.0.2.2', port: 443 };
/** A transfer that takes longer than this, in virtual time, will never end. */
const MOST_TIME: Micros = 24 * 3_600 * SECOND;
const CONNECTIONS = 3;

/** Watches one end of a connection: every octet arrives once and is handed on in order, nothing leaves beyond the peer's window, or that it has already. */
class EndCheck extends Observer {
  read = 0;
  readonly #side: string;
  readonly #arrived = new RangeSet();
  #deliverable = 0;
  #edge = 0;
  #acknowledged = 0;
  #before = 0; // the last segment came

  constructor(side: string) {
    super();
    this.#side = side;
  }

  override segmentReceived(_now: Micros, { acknowledged, window }: SegmentView): void {
    this.#edge = Math.max(this.#edge, acknowledged + window);
    this.#before = this.#acknowledged;
    this.#acknowledged = Math.max(this.#acknowledged, acknowledged);
  }
  /** What is not taken, such as data that came before, acknowledges nothing either. RFC 9293 §3.10.7.4. */
  override segmentDropped(): void {
    this.#acknowledged = this.#before;
  }
  override streamSent(_now: Micros, offset: number, length: number, fin: boolean): void {
    const end = offset + length + (fin ? 1 : 0);
    if (end > this.#edge) this.#fail(`sent up to ${end}, the peer takes ${this.#edge}`);
    if (end <= this.#acknowledged) this.#fail(`sent ${offset} to ${end} again, though ${this.#acknowledged} are acknowledged`);
  }
  override streamArrived(_now: Micros, offset: number, length: number): void {
    if (this.#arrived.add(offset, offset + length) !== length)
      this.#fail(`octets ${offset} to ${offset + length} arrived, some of them again`);
  }
  override streamDeliverable(_now: Micros, offset: number, length: number): void {
    if (offset !== this.#deliverable || !this.#arrived.hasAll(0, offset + length)) this.#fail(`${offset}+${length} is told deliverable`);
    this.#deliverable = offset + length;
  }
  override streamRead(_now: Micros, offset: number, length: number): void {
    if (offset !== this.read || offset + length > this.#deliverable) this.#fail(`${offset}+${length} was read after ${this.read}`);
    this.read = offset + length;
  }

  #fail(what: string): never {
    throw new Error(`the ${this.#side}: ${what}`);
  }
}

/** What one end of a connection has to say, in pieces, and what it has heard. */
class Speaker {
  heard = 0;
  fin = false;
  ended = '';
  readonly connection: TcpConnection;
  readonly #octets: number;
  readonly #random: Random;
  #said = 0;

  constructor(connection: TcpConnection, octets: number, random: Random) {
    this.connection = connection;
    this.#octets = octets;
    this.#random = random;
  }

  write(now: Micros): void {
    while (this.#said < this.#octets) {
      const piece = new Uint8Array(Math.min(1 + integerBelow(this.#random, 6_000), this.#octets - this.#said));
      for (let i = 0; i < piece.length; i++) piece[i] = valueAt(this.#said + i);
      const taken = this.connection.write(now, piece);
      this.#said += taken;
      if (taken < piece.length) return;
    }
    this.connection.finish(now);
  }

  read(now: Micros): void {
    for (let piece = this.connection.read(now); piece !== undefined; piece = this.connection.read(now)) {
      for (const octet of piece.data) if (octet !== valueAt(this.heard++)) throw new Error(`octet ${this.heard - 1} is another`);
      this.fin ||= piece.fin;
    }
  }
}

const valueAt = (offset: number): number => (offset * 7 + (offset >>> 8)) & 255;

/** What is drawn from the seed besides the losses. */
function planOf(adversity: Adversity, random: Random): { readonly link: LinkConfig; readonly config: Partial<TcpConfig> } {
  const rate = integerBelow(random, 4) === 0 ? 0 : 1_000_000 * (2 + integerBelow(random, 20));
  const mostly = (): boolean => integerBelow(random, 5) > 0;
  return {
    link: {
      delay: (5 + integerBelow(random, 45)) * MILLISECOND,
      ...(rate > 0 && { rate }),
      loss: bernoulli(adversity.loss),
      reorder: reorder(adversity.reorder, (1 + integerBelow(random, 30)) * MILLISECOND),
      duplicate: duplicate(adversity.duplicate),
      corrupt: corrupt(adversity.corrupt),
    },
    config: {
      timestamps: mostly(),
      sack: mostly(),
      dsack: mostly(),
      windowScaling: mostly(),
      tailLossProbes: mostly(),
      forwardRto: mostly(),
      nagle: !mostly(),
      ackEvery: 1 + integerBelow(random, 4),
      maxSegmentSize: 200 + integerBelow(random, 1_261),
      sendBuffer: 1_500 + integerBelow(random, 30_000),
      receiveBuffer: 1_000 + integerBelow(random, 20_000),
      maxReceiveBuffer: 10_000 + integerBelow(random, 100_000),
      synRetries: 100,
      synAckRetries: 100,
      retries: 100,
      maxRto: 10 * SECOND, // nobody gives up, and nobody waits for days
      timeWait: 600 * SECOND, // longer than a FIN may be lost in a row
    },
  };
}

/**
 * Three connections at once, each with some thirty kilobytes both ways, little room for sending and receiving, some readers slow, while
 * segments are lost, come out of order, twice and corrupted, each way. Throws an Error that names the seed and what did not hold.
 */
export function lossyTcp(seed: number, adversity: Adversity): TransferFigures {
  try {
    return run(seed, adversity);
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function run(seed: number, adversity: Adversity): TransferFigures {
  const random = seededRandom(seed);
  const { link, config } = planOf(adversity, random.fork('plan'));
  const world = new World({ random: random.fork('world') });
  const content = random.fork('content');
  const speakers = new Map<TcpConnection, Speaker>();
  const checks: EndCheck[] = [];

  const endpoint = (side: 'client' | 'server', host: string): TcpEndpoint =>
    new TcpEndpoint({
      host,
      config,
      policies: {
        ...standardTcpPolicies({ random: random.fork(side), controller: seed % 3 === 0 ? 'newReno' : 'cubic' }),
        observer: () => {
          checks.push(new EndCheck(side));
          return checks.at(-1)!;
        },
      },
    });
  const hosts: { client?: Host; server?: Host } = {};
  const begin = (connection: TcpConnection): Speaker => {
    const speaker = new Speaker(connection, 10_000 + integerBelow(content, 40_000), content);
    speakers.set(connection, speaker);
    return speaker;
  };
  const handle =
    (side: 'client' | 'server') =>
    ({ type, connection }: TcpEvent, now: Micros): void => {
      if (type === 'accepted') begin(connection).write(now);
      if (type !== 'active') return;
      const speaker = speakers.get(connection)!;
      for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent()) {
        if (event.type === 'closed') speaker.ended = event.clean ? 'clean' : event.reason;
        else if (event.type === 'writable') speaker.write(now);
        else if (fraction(content) < 0.7) speaker.read(now);
        else
          world.at(now + integerBelow(content, 40 * MILLISECOND), (later) => {
            speaker.read(later);
            hosts[side]!.turn();
          });
      }
    };
  const client = endpoint('client', CLIENT);
  const server = endpoint('server', SERVER.host);
  server.listen(SERVER.port);
  const attach = (machine: TcpEndpoint, host: string, side: 'client' | 'server'): Host =>
    world.addHost({ address: { host, port: 0 }, protocol: 'tcp', machine, handle: handle(side) });
  hosts.client = attach(client, CLIENT, 'client');
  hosts.server = attach(server, SERVER.host, 'server');
  const { up, down } = world.connect(hosts.client, hosts.server, link, link);
  for (let i = 0; i < CONNECTIONS; i++) begin(client.connect(0, { remote: SERVER })).write(0);
  hosts.client.turn();

  let endedAt: Micros = 0;
  world.run({
    until: MOST_TIME,
    while: () => {
      const all = [...speakers.values()];
      if (all.length === 2 * CONNECTIONS && all.every(({ ended }) => ended !== '')) endedAt ||= world.now;
      return true;
    },
  });
  if (speakers.size !== 2 * CONNECTIONS) throw new Error(`${speakers.size - CONNECTIONS} of ${CONNECTIONS} connections were accepted`);
  for (const { connection, ended, fin } of speakers.values()) {
    if (ended !== 'clean')
      throw new Error(`at the ${connection.side} a connection ended like this: ${ended}, in state ${connection.state}`);
    if (!fin) throw new Error(`at the ${connection.side} the end was never read`);
    if (connection.stats().bytesInFlight !== 0)
      throw new Error(`the ${connection.side} ends with ${connection.stats().bytesInFlight} in flight`);
  }
  const [sent, read] = [[...speakers.values()].map(({ connection }) => connection.stats().written), checks.map((one) => one.read)];
  if (total(sent) !== total(read)) throw new Error(`${total(sent)} octets were written, ${total(read)} read`);
  if ([...client.connections, ...server.connections].length > 0) throw new Error('a connection is left over');
  return {
    bytes: total(read),
    endedAt,
    lost: up.stats.injectedDrops + down.stats.injectedDrops,
    corrupted: up.stats.corrupted + down.stats.corrupted,
    duplicated: up.stats.duplicated + down.stats.duplicated,
  };
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
