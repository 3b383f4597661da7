import type { CongestionController } from '@quiclab/congestion';
import { nullProtection } from '@quiclab/crypto';
import { makeCertificate, nodeProvider } from '@quiclab/crypto/node';
import type { LinkConfig, LinkObserver } from '@quiclab/impair';
import { type Host, World } from '@quiclab/netsim';
import {
  type Connection,
  Endpoint,
  type EndpointEvent,
  Observer,
  type PathFacts,
  type Policies,
  standardPolicies,
  type TransportConfig,
} from '@quiclab/quic';
import { type Micros, NEVER, SECOND, seededRandom } from '@quiclab/sansio';
import { clientHandshake, serverHandshake } from '@quiclab/tls';

const CLIENT = { host: '192.0.2.1', port: 50_000 };
const SERVER = { host: '192.0.2.2', port: 443 };
const ALPN = ['bulk'];
const CREDIT = 64 << 20; // never the limit
const ZEROS = new Uint8Array(1 << 18);
const crypto = nullProtection(nodeProvider);
const identity = makeCertificate({
  names: ['server.test'],
  keyType: 'ed25519',
  notBefore: 0,
  notAfter: 3_650 * 86_400 * SECOND,
  padTo: 1_500,
  random: seededRandom('flows'),
});

export interface FlowsPlan {
  /** All that the seed decides here are keys and connection IDs, unless the links draw. */
  readonly seed: number;
  readonly up: LinkConfig;
  readonly down: LinkConfig;
  /** When each flow's client connects. In this order they are numbered. */
  readonly starts: readonly Micros[];
  controller(path: PathFacts, flow: number): CongestionController;
  /** Of each transfer; without end unless told. */
  readonly octets?: number;
  /** The sender's buffer, which holds what is in flight. Default 2 MiB. */
  readonly sendBuffer?: number;
  /** Watches a link: 'up' or 'down'. */
  observer?(link: string): LinkObserver | undefined;
  /** Whether the sender's system lets it at the ECN bits. Default true. */
  readonly senderEcn?: boolean;
  /** More of the sender's policies, and of its configuration. */
  readonly policies?: Partial<Policies>;
  readonly config?: Partial<TransportConfig>;
  /** More of the client's configuration. */
  readonly clientConfig?: Partial<TransportConfig>;
  /** Octets of the largest datagram that the sender could send. Default 1,500. */
  readonly slotSize?: number;
}

/** One transfer from the server to the client, on a connection of its own. */
export interface Flow {
  readonly sender: Connection;
  /** Octets that the client has read so far. */
  octets: number;
  done: boolean;
  /** First and last 1-RTT packet at the client: between them counts goodput (INTEROP.md). */
  firstPacketAt: Micros;
  lastPacketAt: Micros;
}

/** Bulk transfers beside each other over one pair of links: real connections in virtual time, with null protection. */
export class Flows {
  readonly world: World;
  /** Those that the server has accepted. */
  readonly flows: Flow[] = [];
  /** The clients' ends. */
  readonly receivers: Connection[] = [];
  readonly links: ReturnType<World['connect']>;
  readonly clientHost: Host;
  readonly serverHost: Host;
  readonly #plan: FlowsPlan;
  readonly #byConnection = new Map<Connection, number>();
  readonly #written: number[] = [];

  constructor(plan: FlowsPlan) {
    if (plan.starts.some((start, i) => i > 0 && start < plan.starts[i - 1]!)) throw new RangeError('flows are numbered as they start');
    this.#plan = plan;
    const random = seededRandom(plan.seed);
    const world = new World({ random: random.fork('world'), ...(plan.observer && { observer: plan.observer }) });
    this.world = world;
    const config = {
      initialMaxData: CREDIT,
      initialMaxStreamData: CREDIT,
      maxDataWindow: CREDIT,
      maxStreamDataWindow: CREDIT,
      sendBuffer: plan.sendBuffer ?? 2 << 20,
      maxIdleTimeout: 0,
    };
    const { flows } = this;
    let watched = 0;
    class Arrivals extends Observer {
      readonly flow = watched++;
      override packetReceived(now: Micros, { level }: { readonly level: string }): void {
        const flow = flows[this.flow];
        if (level !== 'application' || flow === undefined) return;
        flow.firstPacketAt = Math.min(flow.firstPacketAt, now);
        flow.lastPacketAt = now;
      }
    }
    const clientPolicies = standardPolicies({
      random: random.fork('client'),
      crypto,
      handshake: clientHandshake({ provider: crypto, trust: { ca: [identity.certificate] } }),
    });
    // without end there is no goodput, and nothing to watch
    const observer = (): Observer => new Arrivals();
    const client = new Endpoint({
      policies: plan.octets === undefined ? clientPolicies : { ...clientPolicies, observer },
      config: { ...config, ...plan.clientConfig },
    });
    let controllers = 0;
    const server = new Endpoint({
      policies: {
        ...standardPolicies({
          random: random.fork('server'),
          crypto,
          handshake: serverHandshake({ provider: crypto, certificates: [identity.certificate], privateKey: identity.privateKey }),
        }),
        ...plan.policies,
        congestion: (path) => plan.controller(path, controllers++),
      },
      config: { ...config, ...plan.config },
      accept: { alpn: ALPN },
    });
    const clientHost = world.addHost({ address: CLIENT, machine: client, handle: (event, now) => this.#onClient(event, now) });
    const serverHost = world.addHost({
      address: SERVER,
      machine: server,
      handle: (event, now) => this.#onServer(event, now),
      ecn: plan.senderEcn ?? true,
      ...(plan.slotSize === undefined ? {} : { slotSize: plan.slotSize }),
    });
    this.clientHost = clientHost;
    this.serverHost = serverHost;
    this.links = world.connect(clientHost, serverHost, plan.up, plan.down);
    for (const [flow, startsAt] of plan.starts.entries())
      world.at(startsAt, (now) => {
        const connection = client.connect(now, { remote: SERVER, serverName: 'server.test', alpn: ALPN });
        this.receivers.push(connection);
        this.#byConnection.set(connection, flow);
        clientHost.turn();
      });
  }

  /** Until this instant, or until all is transferred, or while `goOn` says so. */
  run(until: Micros, goOn: () => boolean = () => true): void {
    const { starts } = this.#plan;
    this.world.run({
      until,
      while: () => goOn() && !(this.flows.length === starts.length && this.flows.every(({ done }) => done)),
      limit: 1e9,
    });
  }

  #onServer({ type, connection }: EndpointEvent, now: Micros): void {
    if (type === 'accepted') {
      this.#byConnection.set(connection, this.flows.length);
      this.flows.push({ sender: connection, octets: 0, done: false, firstPacketAt: NEVER, lastPacketAt: 0 });
      this.#written.push(0);
      connection.openStream('uni');
      this.#write(connection, now);
    }
    if (type !== 'active') return;
    for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent())
      if (event.type === 'stream-writable') this.#write(connection, now);
  }

  #write(connection: Connection, now: Micros): void {
    const flow = this.#byConnection.get(connection)!;
    const stream = 3; // the server's first unidirectional one
    const octets = this.#plan.octets ?? NEVER;
    for (let left = octets - this.#written[flow]!; left > 0; left = octets - this.#written[flow]!) {
      const taken = connection.write(now, stream, left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS);
      if (taken === 0) return;
      this.#written[flow]! += taken;
    }
    connection.finish(stream);
  }

  #onClient({ type, connection }: EndpointEvent, now: Micros): void {
    if (type !== 'active') return;
    for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent()) {
      if (event.type !== 'stream-readable') continue;
      const flow = this.flows[this.#byConnection.get(connection)!]!;
      for (let piece = connection.read(now, event.id); piece !== undefined; piece = connection.read(now, event.id)) {
        flow.octets += piece.data.length;
        flow.done ||= piece.fin;
      }
    }
  }
}
