import { toHex } from '@quiclab/bytes';
import { nullProtection } from '@quiclab/crypto';
import { makeCertificate, nodeProvider } from '@quiclab/crypto/node';
import type { LinkConfig } from '@quiclab/impair';
import { type Host, World } from '@quiclab/netsim';
import {
  type Connection,
  describeClose,
  Endpoint,
  type EndpointEvent,
  type Observer,
  type Policies,
  standardPolicies,
  type TransportConfig,
} from '@quiclab/quic';
import { type Address, type Micros, SECOND, seededRandom } from '@quiclab/sansio';
import { clientHandshake, serverHandshake } from '@quiclab/tls';
import { TeeObserver } from '@quiclab/trace';
import type { LinkFigures } from '../record.ts';
import { LinkLog } from '../worlds/links.ts';
import type { FlowPolicy } from './controllers.ts';
import { ReceiverLog, type Repairs, repairsOf, SenderLog } from './repairs.ts';

/** Bulk transfers from a server to a client, each on a connection of its own, beside each other over one pair of links. */
export interface FlowsPlan {
  readonly seed: number;
  readonly links: { readonly up: LinkConfig; readonly down: LinkConfig };
  readonly flows: readonly FlowPlan[];
  /** Octets of each transfer; Infinity: it goes on until the time is over. */
  readonly octets: number;
  /** Virtual time, after which transfers end wherever they are. */
  readonly until: Micros;
  /** Who watches a flow's sender or receiver, besides what is counted of every flow. */
  readonly observers?: (flow: number) => FlowObservers;
  /** Take what the links tell; 'down' carries the data. */
  readonly linkLogs?: { readonly up: LinkLog; readonly down: LinkLog };
  readonly config?: Partial<TransportConfig>;
  /** More of both ends' policies; a flow's own come first. */
  readonly policies?: Partial<Policies>;
}

export interface FlowObservers {
  readonly sender?: Policies['observer'];
  readonly receiver?: Policies['observer'];
}

export interface FlowPlan {
  readonly policy: FlowPolicy;
  /** When its client begins to connect. */
  readonly start: Micros;
}

/** What became of a flow. Instants are virtual time; -1: it did not come to that. */
export interface FlowRecord {
  readonly name: string;
  readonly startedAt: Micros;
  /** The handshake is complete at the client, which asks for the transfer in the same instant. */
  readonly requestedAt: Micros;
  /** The client has read the last octet. */
  readonly completedAt: Micros;
  /** Read by the client. */
  readonly octets: number;
  readonly repairs: Repairs;
  /** 1-RTT and handshake packets of the sender's: declared lost, and among them arrived. */
  readonly lost: number;
  readonly spuriouslyLost: number;
  /** Packets sent because of probe timeouts, and how many of those went off. */
  readonly probes: number;
  readonly timeouts: number;
  readonly persistentCongestions: number;
}

export interface FlowsRecord {
  readonly endedAt: Micros;
  readonly flows: readonly FlowRecord[];
  readonly up: LinkFigures;
  readonly down: LinkFigures;
}

const CLIENT = '192.0.2.1';
const FIRST_PORT = 50_000; // the nth flow's client sends from the nth port after it: that is how its server knows it
const SERVER: Address = { host: '192.0.2.2', port: 443 };
const NAME = 'server.test';
const ALPN = ['quiclab-bulk'];
const REQUEST = new Uint8Array(1);
const MOST_EVENTS = 1e9; // until the time is over
const ZEROS = new Uint8Array(1 << 18);

const crypto = nullProtection(nodeProvider);
const identity = makeCertificate({
  names: [NAME],
  keyType: 'ed25519',
  notBefore: 0,
  notAfter: 10 * 365 * 86_400 * SECOND,
  padTo: 2_400,
  random: seededRandom('flows').fork('certificate'),
});

/** Neither credit nor a buffer is ever what a flow waits for: what is looked at is recovery and congestion control. */
const BULK_CONFIG: Partial<TransportConfig> = {
  initialMaxData: 1 << 30,
  initialMaxStreamData: 1 << 30,
  maxDataWindow: 1 << 30,
  maxStreamDataWindow: 1 << 30,
  sendBuffer: 16 << 20,
  maxIdleTimeout: 0,
};

/** The same plan gives the same record. Packets are not encrypted (null protection), which changes no size and no instant. */
export function runFlows(plan: FlowsPlan): FlowsRecord {
  return new Flows(plan).run();
}

class Flow {
  readonly plan: FlowPlan;
  readonly sent = new SenderLog();
  readonly received = new ReceiverLog();
  readonly observers: FlowObservers;
  sender: Connection | undefined = undefined;
  written = 0;
  requestedAt: Micros = -1;
  completedAt: Micros = -1;
  octets = 0;

  constructor(plan: FlowPlan, observers: FlowObservers) {
    this.plan = plan;
    this.observers = observers;
  }

  record(): FlowRecord {
    const stats = this.sender?.stats();
    return {
      name: this.plan.policy.name,
      startedAt: this.plan.start,
      requestedAt: this.requestedAt,
      completedAt: this.completedAt,
      octets: this.octets,
      repairs: repairsOf(this.sent, this.received),
      lost: stats?.packetsLost ?? 0,
      spuriouslyLost: stats?.spuriousLosses ?? 0,
      probes: stats?.probes ?? 0,
      timeouts: this.sent.timeouts,
      persistentCongestions: stats?.persistentCongestions ?? 0,
    };
  }
}

class Flows {
  readonly #plan: FlowsPlan;
  readonly #world: World;
  readonly #flows: readonly Flow[];
  /** Both ends' connections. */
  readonly #byConnection = new Map<Connection, Flow>();
  readonly #byOriginalId = new Map<string, Flow>();
  readonly #links: { readonly up: LinkLog; readonly down: LinkLog };
  readonly #client: Endpoint;
  readonly #clientHost: Host;
  #connecting: Flow | undefined = undefined;

  constructor(plan: FlowsPlan) {
    this.#plan = plan;
    this.#flows = plan.flows.map((flow, i) => new Flow(flow, plan.observers?.(i) ?? {}));
    const random = seededRandom(plan.seed);
    const config = { ...BULK_CONFIG, ...plan.config };
    this.#client = new Endpoint({
      policies: {
        ...standardPolicies({
          random: random.fork('client'),
          crypto,
          handshake: clientHandshake({ provider: crypto, trust: { ca: [identity.certificate] } }),
        }),
        ...plan.policies,
        observer: (connection) => {
          const flow = this.#connecting!;
          this.#byOriginalId.set(toHex(connection.originalId), flow);
          return watchedBy(flow.received, flow.observers.receiver?.(connection));
        },
      },
      config,
    });
    const server = new Endpoint({
      policies: {
        ...standardPolicies({
          random: random.fork('server'),
          crypto,
          handshake: serverHandshake({ provider: crypto, certificates: [identity.certificate], privateKey: identity.privateKey }),
        }),
        ...plan.policies,
        observer: (connection) => {
          const flow = this.#byOriginalId.get(toHex(connection.originalId))!;
          return watchedBy(flow.sent, flow.observers.sender?.(connection));
        },
        congestion: (path) => this.#flowAt(path.remote).plan.policy.controller(path),
        pacer: (path) => this.#flowAt(path.remote).plan.policy.pacer(path),
      },
      config,
      accept: { alpn: ALPN },
    });
    const links = plan.linkLogs ?? { up: new LinkLog(), down: new LinkLog() };
    this.#links = links;
    this.#world = new World({ random, observer: (link) => (link === 'up' ? links.up : links.down) });
    this.#clientHost = this.#world.addHost<EndpointEvent>({
      address: { host: CLIENT, port: FIRST_PORT },
      machine: this.#client,
      handle: (event, now) => this.#onClient(now, event),
    });
    const serverHost = this.#world.addHost<EndpointEvent>({
      address: SERVER,
      machine: server,
      handle: (event, now) => this.#onServer(now, event),
    });
    this.#world.connect(this.#clientHost, serverHost, plan.links.up, plan.links.down);
  }

  run(): FlowsRecord {
    const { links, until } = this.#plan;
    const world = this.#world;
    for (const [i, flow] of this.#flows.entries()) world.at(flow.plan.start, (now) => this.#connect(now, flow, FIRST_PORT + i));
    world.run({ until, while: () => this.#flows.some(({ completedAt }) => completedAt < 0), limit: MOST_EVENTS });
    const endedAt = world.now;
    // what is on its way arrives, or it would not be known which repairs were in vain
    world.run({ until: endedAt + SECOND + 2 * (links.up.delay + links.down.delay), limit: MOST_EVENTS });
    return {
      endedAt,
      flows: this.#flows.map((flow) => flow.record()),
      up: this.#links.up.figures(),
      down: this.#links.down.figures(),
    };
  }

  #flowAt({ port }: Address): Flow {
    return this.#flows[port - FIRST_PORT]!;
  }

  #connect(now: Micros, flow: Flow, port: number): void {
    this.#connecting = flow;
    const connection = this.#client.connect(now, { local: { host: CLIENT, port }, remote: SERVER, serverName: NAME, alpn: ALPN });
    this.#byConnection.set(connection, flow);
    this.#clientHost.turn();
  }

  #onClient(now: Micros, { type, connection }: EndpointEvent): void {
    if (type !== 'active') return;
    const flow = this.#byConnection.get(connection)!;
    for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent())
      if (event.type === 'handshake-complete') {
        const stream = connection.openStream('bidi')!;
        connection.write(now, stream, REQUEST);
        connection.finish(stream);
        flow.requestedAt = now;
      } else if (event.type === 'stream-readable') {
        for (let piece = connection.read(now, event.id); piece !== undefined; piece = connection.read(now, event.id)) {
          flow.octets += piece.data.length;
          if (piece.fin) flow.completedAt = now;
        }
      } else if (event.type === 'closed') throw new Error(`flow '${flow.plan.policy.name}' ended: ${describeClose(event.cause)}`);
  }

  #onServer(now: Micros, { type, connection }: EndpointEvent): void {
    if (type === 'accepted') {
      const flow = this.#flowAt(connection.stats().paths[0]!.remote);
      flow.sender = connection;
      this.#byConnection.set(connection, flow);
    }
    if (type !== 'active') return;
    for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent())
      if (event.type === 'stream-opened' || event.type === 'stream-writable') this.#write(now, connection, event.id);
      else if (event.type === 'stream-readable') while (connection.read(now, event.id) !== undefined);
  }

  /** As much of the transfer as the connection takes. */
  #write(now: Micros, connection: Connection, stream: number): void {
    const flow = this.#byConnection.get(connection)!;
    const { octets } = this.#plan;
    while (flow.written < octets) {
      const taken = connection.write(now, stream, ZEROS.subarray(0, Math.min(ZEROS.length, octets - flow.written)));
      if (taken === 0) return;
      flow.written += taken;
    }
    connection.finish(stream);
  }
}

const watchedBy = (log: Observer, other: Observer | undefined): Observer => (other === undefined ? log : new TeeObserver([log, other]));
