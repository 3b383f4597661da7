import type { LinkConfig, LinkObserver } from '@quiclab/impair';
import { type Host, type Path, World } from '@quiclab/netsim';
import { type Micros, NEVER, type Random, seededRandom } from '@quiclab/sansio';
import { type Policies, standardTcpPolicies, type TcpConfig, type TcpConnection, TcpEndpoint, type TcpEvent } from '@quiclab/tcp';

export const CLIENT = '192.0.2.1';
export const SERVER = '192.0.2.2';
const PORT = 443;
const ZEROS = new Uint8Array(1 << 18);

export interface Bulk {
  readonly octets: number;
  /** Of the sender, at the server. Default CUBIC. */
  readonly controller?: 'cubic' | 'newReno';
  readonly policies?: Partial<Policies>;
  readonly config?: Partial<TcpConfig>;
}

/** A client that connects, and a server that sends so many octets to whoever does; a transfer over TCP. */
export class TcpBulk {
  readonly client: TcpEndpoint;
  readonly server: TcpEndpoint;
  sender: TcpConnection | undefined = undefined;
  /** What the client has read, when it had the first of it, the last, and the end. */
  octets = 0;
  firstAt: Micros = NEVER;
  lastAt: Micros = NEVER;
  done = false;
  /** Why it ended, if not by the book. */
  failed = '';
  readonly #bulk: Bulk;
  #written = 0;

  constructor(random: Random, bulk: Bulk) {
    this.#bulk = bulk;
    const endpoint = (name: string, host: string, policies: Partial<Policies> = {}): TcpEndpoint =>
      new TcpEndpoint({
        host,
        policies: {
          ...standardTcpPolicies({ random: random.fork(name), ...(bulk.controller && { controller: bulk.controller }) }),
          ...policies,
        },
        ...(bulk.config && { config: bulk.config }),
      });
    this.client = endpoint('client', CLIENT);
    this.server = endpoint('server', SERVER, bulk.policies);
    this.server.listen(PORT);
  }

  connect(now: Micros): void {
    this.client.connect(now, { remote: { host: SERVER, port: PORT } });
  }

  onClient({ type, connection }: TcpEvent, now: Micros): void {
    if (type !== 'active') return;
    for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent()) {
      if (event.type === 'closed' && !event.clean) this.failed = event.reason;
      if (event.type !== 'readable') continue;
      for (let piece = connection.read(now); piece !== undefined; piece = connection.read(now)) {
        if (piece.data.length > 0) {
          this.firstAt = Math.min(this.firstAt, now);
          this.lastAt = now;
        }
        this.octets += piece.data.length;
        if (!piece.fin) continue;
        this.done = true;
        connection.finish(now);
      }
    }
  }

  onServer({ type, connection }: TcpEvent, now: Micros): void {
    if (type === 'accepted') {
      this.sender = connection;
      this.#write(now);
    }
    if (type !== 'active') return;
    for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent())
      if (event.type === 'writable') this.#write(now);
      else if (event.type === 'closed' && !event.clean) this.failed = event.reason;
  }

  #write(now: Micros): void {
    const { octets } = this.#bulk;
    for (let left = octets - this.#written; left > 0; left = octets - this.#written) {
      const taken = this.sender!.write(now, left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS);
      if (taken === 0) return;
      this.#written += taken;
    }
    this.sender!.finish(now);
  }
}

/** One transfer alone in a world. */
export function tcpTransfer(
  plan: Bulk & {
    readonly seed: number;
    readonly up: LinkConfig;
    readonly down: LinkConfig;
    observer?(link: string): LinkObserver | undefined;
  },
): { readonly world: World; readonly bulk: TcpBulk; readonly path: Path; readonly host: Host } {
  const random = seededRandom(plan.seed);
  const world = new World({ random: random.fork('world'), ...(plan.observer && { observer: plan.observer }) });
  const bulk = new TcpBulk(random, plan);
  const host = world.addHost({
    address: { host: CLIENT, port: 0 },
    protocol: 'tcp',
    machine: bulk.client,
    handle: (event, now) => bulk.onClient(event, now),
  });
  const server = world.addHost({
    address: { host: SERVER, port: 0 },
    protocol: 'tcp',
    machine: bulk.server,
    handle: (event, now) => bulk.onServer(event, now),
  });
  const path = world.connect(host, server, plan.up, plan.down);
  world.at(0, (now) => {
    bulk.connect(now);
    host.turn();
  });
  return { world, bulk, path, host };
}
