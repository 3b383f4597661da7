import { Link, type LinkConfig, type LinkObserver, type Protocol } from '@quiclab/impair';
import { type Address, type Datagram, ECN_UNSUPPORTED, type Micros, NEVER, type Random, seededRandom } from '@quiclab/sansio';
import { Agenda, Entry } from './agenda.ts';
import { Host, type HostOptions, type HostWorld } from './host.ts';
import { Wire } from './wire.ts';

export interface WorldOptions {
  /** All chance of the run; give one of the two. */
  readonly seed?: number | string;
  readonly random?: Random;
  /** Asked once for each link, by its name ('up', 'down', 'b/up' …): who watches it? */
  readonly observer?: (link: string) => LinkObserver | undefined;
  /** The first instant (0). */
  readonly start?: Micros;
}

export interface Path {
  readonly up: Link;
  readonly down: Link;
}

export interface RunOptions {
  /** Up to this instant, and everything in it; `now` is this instant afterwards. */
  readonly until?: Micros;
  /** Asked before each event. */
  readonly while?: () => boolean;
  /** More events than this are an error: something goes on without end (100,000,000). */
  readonly limit?: number;
}

/** An action at an instant, which may be called off. */
export interface Timer {
  cancel(): void;
}

export interface WorldStats {
  /** Datagrams handed to a link, */
  sent: number;
  /** to a machine (second copies count), */
  delivered: number;
  /** and to nobody: no link leads there, or nobody is there any more. */
  unreachable: number;
  /** Instants of hosts, links and timers that came up. */
  events: number;
}

const MOST_EVENTS = 100_000_000;

/**
 * Hosts and links in virtual time. Nothing happens but in `run` and `step` (and in `host.turn()`); time goes from event
 * to event, and events of one instant happen in the order in which they were set. The same seed gives the same run.
 */
export class World {
  readonly random: Random;
  readonly stats: WorldStats;
  readonly #observer: (link: string) => LinkObserver | undefined;
  readonly #start: Micros;
  readonly #agenda: Agenda;
  readonly #byIp: Map<string, Host>;
  readonly #surroundings: HostWorld;

  constructor(options: WorldOptions) {
    if ((options.seed === undefined) === (options.random === undefined))
      throw new Error('a world needs a seed, or a random: one of the two');
    this.random = options.random ?? seededRandom(options.seed!);
    this.stats = { sent: 0, delivered: 0, unreachable: 0, events: 0 };
    this.#observer = options.observer ?? (() => undefined);
    this.#start = options.start ?? 0;
    this.#agenda = new Agenda(this.#start);
    this.#byIp = new Map();
    this.#surroundings = {
      agenda: this.#agenda,
      send: (from, datagram, source, protocol) => this.#send(from, datagram, source, protocol),
      claim: (ip, host) => this.#claim(ip, host),
    };
  }

  get now(): Micros {
    return this.#agenda.now;
  }

  /** A host's machine gets everything of its protocol that comes to the IP address, on any port. `host.attach` adds one for the other protocol. */
  addHost<Event>(options: HostOptions<Event>): Host {
    if (this.#byIp.has(options.address.host)) throw new Error(`there is a host at ${options.address.host} already`);
    const host = new Host(this.#surroundings, options as HostOptions<unknown>);
    this.#claim(options.address.host, host);
    return host;
  }

  /**
   * Joins two hosts by a link in each direction: `up` from a to b, `down` from b to a. Several hosts on a side share the two
   * links: each reaches all of the other side. Links draw from the forks 'link/up' and 'link/down' of the world's random; `name`
   * tells further pairs apart ('link/NAME/up'). A datagram takes 28 octets of headers, with IPv6 addresses 48, and a TCP segment
   * 20 and 40, unless a configuration says otherwise.
   */
  connect(a: Host | readonly Host[], b: Host | readonly Host[], up: LinkConfig, down: LinkConfig, name = ''): Path {
    const near = a instanceof Host ? [a] : a;
    const far = b instanceof Host ? [b] : b;
    for (const one of near)
      for (const other of far) {
        if (one === other) throw new Error('a host cannot be connected to itself');
        if (one.routes.has(other.address.host)) throw new Error(`${one.address.host} and ${other.address.host} are connected already`);
      }
    const prefix = name === '' ? '' : `${name}/`;
    const overhead = near.some(({ address }) => address.host.includes(':')) ? 48 : 28;
    const join = (from: readonly Host[], to: readonly Host[], config: LinkConfig, direction: string): Link => {
      const link = new Link(
        { overhead, ...config },
        this.random.fork(`link/${prefix}${direction}`),
        this.#observer(`${prefix}${direction}`),
        this.#start,
      );
      const wire = new Wire(link, to, this.#byIp, this.#agenda, this.stats);
      for (const [ip, owner] of this.#byIp) if (to.includes(owner)) for (const host of from) host.routes.set(ip, wire);
      return link;
    };
    return { up: join(near, far, up, 'up'), down: join(far, near, down, 'down') };
  }

  /** Does something at an instant, now or later. A host whose machine it calls wants its `turn()` afterwards. */
  at(when: Micros, action: (now: Micros) => void): Timer {
    if (!(when >= this.#agenda.now && when < NEVER)) throw new RangeError(`an action at ${when} µs, but it is ${this.#agenda.now} µs`);
    const entry = new Action(action);
    this.#agenda.schedule(entry, when);
    return { cancel: () => this.#agenda.schedule(entry, NEVER) };
  }

  /** Does what is next. False: nothing ever will be. */
  step(): boolean {
    if (this.#agenda.size === 0) return false;
    const time = this.#agenda.next;
    if (time > this.#agenda.now) this.#agenda.now = time;
    this.stats.events++;
    this.#agenda.take().happen(this.#agenda.now);
    return true;
  }

  /** Goes on until nothing is left to happen ('idle'), or `until`, or `while` says no ('stopped'). */
  run(options: RunOptions = {}): 'idle' | 'until' | 'stopped' {
    const { until = NEVER, limit = MOST_EVENTS } = options;
    let events = 0;
    while (this.#agenda.size > 0) {
      if (options.while !== undefined && !options.while()) return 'stopped';
      if (this.#agenda.next > until) break;
      if (events++ >= limit)
        throw new Error(`${limit} events, and no end: it is ${this.#agenda.now} µs, ${this.stats.delivered} datagrams were delivered`);
      this.step();
    }
    if (until === NEVER) return 'idle';
    if (until > this.#agenda.now) this.#agenda.now = until;
    return 'until';
  }

  #claim(ip: string, host: Host): void {
    const owner = this.#byIp.get(ip);
    if (owner !== undefined && owner !== host) throw new Error(`${ip} belongs to another host`);
    this.#byIp.set(ip, host);
    for (const other of this.#byIp.values()) {
      const wire = other.routes.get(host.address.host);
      if (wire !== undefined) other.routes.set(ip, wire);
    }
  }

  #send(from: Host, datagram: Datagram, source: Address, protocol: Protocol): void {
    const wire = from.routes.get(datagram.remote.host);
    if (wire === undefined) {
      this.stats.unreachable++;
      return;
    }
    this.stats.sent++;
    const ecn = datagram.ecn === ECN_UNSUPPORTED ? 0 : datagram.ecn;
    wire.link.push(this.#agenda.now, datagram.bytes, datagram.length, source, datagram.remote, ecn, protocol);
    wire.reschedule();
  }
}

class Action extends Entry {
  readonly #action: (now: Micros) => void;

  constructor(action: (now: Micros) => void) {
    super();
    this.#action = action;
  }

  override happen(now: Micros): void {
    this.#action(now);
  }
}
