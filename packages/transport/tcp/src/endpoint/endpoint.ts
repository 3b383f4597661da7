import type { Address, Datagram, Machine, Micros, Random } from '@quiclab/sansio';
import { NEVER } from '@quiclab/sansio';
import { type Policies, type TcpConfig, tcpConfig } from '../config.ts';
import { TcpConnection } from '../connection/connection.ts';
import { isSynchronized, type State } from '../connection/states.ts';
import { type DropReason, UsageError } from '../errors.ts';
import type { TcpEvent } from '../events.ts';
import { readSegment } from '../segment/codec.ts';
import { Flag } from '../segment/flags.ts';
import { Segment } from '../segment/segment.ts';
import { Deadlines } from './deadlines.ts';
import { ReadyList } from './ready-list.ts';
import { Resets } from './resets.ts';
import { Routing } from './routing.ts';

const FIRST_EPHEMERAL = 49_152; // RFC 6335 §6
const PORTS = 65_536;

export interface TcpEndpointOptions {
  /** The IP address that it speaks from. */
  readonly host: string;
  readonly policies: Policies;
  readonly config?: Partial<TcpConfig>;
}

export interface TcpConnectOptions {
  readonly remote: Address;
  /** Default: the endpoint's host, and a port that is free. */
  readonly local?: Address;
  /** What is different for this connection. */
  readonly config?: Partial<TcpConfig>;
}

interface Listener {
  readonly config: TcpConfig;
  halfOpen: number;
}

/** Many connections at one IP address, as a machine: the five verbs. Datagrams are segments here. RFC 9293. */
export class TcpEndpoint implements Machine<TcpEvent> {
  /** Segments that were not taken, by reason. */
  readonly drops: Partial<Record<DropReason, number>> = {};
  readonly #host: string;
  readonly #policies: Policies;
  readonly #config: TcpConfig;
  readonly #random: Random;
  readonly #timestampOffset: number;
  readonly #listeners = new Map<number, Listener>();
  readonly #routing = new Routing();
  readonly #deadlines = new Deadlines();
  readonly #ready = new ReadyList();
  readonly #resets = new Resets();
  readonly #segment = new Segment();
  #events: TcpEvent[] = [];
  #eventHead = 0;
  #created = 0;
  #nextPort = FIRST_EPHEMERAL;

  constructor(options: TcpEndpointOptions) {
    this.#host = options.host;
    this.#policies = options.policies;
    this.#config = tcpConfig(options.config);
    this.#random = options.policies.random.fork('connections');
    this.#timestampOffset = options.policies.random.fork('timestamps').uint32();
  }

  get connections(): Iterable<TcpConnection> {
    return this.#routing.all();
  }

  /** Accepts connections to a port from now on; 'accepted' tells of each whose handshake is done. */
  listen(port: number, config: Partial<TcpConfig> = {}): void {
    if (!Number.isInteger(port) || port < 1 || port >= PORTS) throw new UsageError(`port ${port}: it must be from 1 to ${PORTS - 1}`);
    if (this.#listeners.has(port)) throw new UsageError(`port ${port} is listened to already`);
    this.#listeners.set(port, { config: tcpConfig(config, this.#config), halfOpen: 0 });
  }

  /** No more are accepted; those that were go on. */
  unlisten(port: number): void {
    this.#listeners.delete(port);
  }

  /** Begins a connection: 'connected' follows, or its 'closed'. What is written before leaves as soon as it may. */
  connect(now: Micros, options: TcpConnectOptions): TcpConnection {
    const { remote } = options;
    const local = options.local ?? { host: this.#host, port: this.#freePort(remote) };
    if (this.#routing.find(local, remote) !== undefined)
      throw new UsageError(`there is a connection from port ${local.port} to ${remote.host}:${remote.port} already`);
    if (this.#routing.size >= this.#config.maxConnections) throw new UsageError(`there are ${this.#routing.size} connections already`);
    const connection = this.#create(now, 'client', local, remote, tcpConfig(options.config, this.#config));
    connection.open(now);
    this.#touched(connection);
    return connection;
  }

  // the five verbs -----------------------------------------------------------------------------------------------------

  receive(now: Micros, datagram: Datagram): void {
    const segment = this.#segment;
    const reason = readSegment(datagram.bytes, datagram.length, segment);
    if (reason !== '') {
      this.#drop(reason);
      return;
    }
    // where it came from counts, not the ports in its header: a NAT that moves a host in a simulated network does not rewrite those
    const connection = this.#routing.find(datagram.local, datagram.remote);
    if (connection === undefined) this.#stranger(now, datagram, segment);
    else if (this.#isNewSyn(segment) && connection.givesWayTo(now, segment)) {
      this.#forget(connection);
      this.#stranger(now, datagram, segment);
    } else this.#deliver(now, connection, datagram, segment);
  }

  nextTimeout(): Micros {
    return this.#deadlines.least;
  }

  onTimeout(now: Micros): void {
    for (let first = this.#deadlines.first; first !== undefined && first.heapDeadline <= now; first = this.#deadlines.first) {
      first.onTimeout(now);
      this.#touched(first);
      const next = first.nextTimeout();
      // what is still due after its turn waits for a slot or a window: state, not a deadline
      this.#deadlines.set(first, next > now ? next : NEVER);
    }
  }

  pollTransmit(now: Micros, into: Datagram): boolean {
    if (this.#resets.pollTransmit(into)) return true;
    for (let connection = this.#ready.next(); connection !== undefined; connection = this.#ready.next()) {
      const sent = connection.pollTransmit(now, into);
      if (sent) this.#ready.add(connection);
      this.#settle(now, connection);
      if (sent) return true;
    }
    return false;
  }

  pollEvent(): TcpEvent | undefined {
    if (this.#eventHead === this.#events.length) return undefined;
    const event = this.#events[this.#eventHead++]!;
    if (this.#eventHead === this.#events.length) {
      this.#events = [];
      this.#eventHead = 0;
    }
    if (event.type === 'active') event.connection.activeTold = false;
    return event;
  }

  // steps --------------------------------------------------------------------------------------------------------------

  #isNewSyn(segment: Segment): boolean {
    return segment.has(Flag.SYN) && !segment.has(Flag.ACK) && !segment.has(Flag.RST) && !segment.has(Flag.FIN);
  }

  #deliver(now: Micros, connection: TcpConnection, datagram: Datagram, segment: Segment): void {
    const before = connection.state;
    const reason = connection.receive(now, segment);
    if (reason !== '') this.#drop(reason);
    if (reason === 'no-connection') this.#resets.answer(datagram.local, datagram.remote, segment);
    this.#onState(before, connection);
    this.#touched(connection);
  }

  #onState(before: State, connection: TcpConnection): void {
    const { state } = connection;
    if (before !== 'syn-sent' && before !== 'syn-received') return;
    if (state === 'syn-received' || state === 'syn-sent') return;
    this.#leaveHalfOpen(connection);
    if (isSynchronized(state)) this.#events.push({ type: connection.side === 'client' ? 'connected' : 'accepted', connection });
  }

  /** A segment for no connection: a SYN to a port that listens begins one, anything else is answered by a reset. RFC 9293 §3.10.7.1, §3.10.7.2. */
  #stranger(now: Micros, datagram: Datagram, segment: Segment): void {
    const listener = this.#listeners.get(datagram.local.port);
    if (listener === undefined || !this.#isNewSyn(segment)) {
      this.#drop('no-connection');
      this.#resets.answer(datagram.local, datagram.remote, segment);
      return;
    }
    if (listener.halfOpen >= listener.config.maxHalfOpen || this.#routing.size >= this.#config.maxConnections) {
      this.#drop('refused'); // without a word: the client tries again
      return;
    }
    const connection = this.#create(now, 'server', datagram.local, datagram.remote, listener.config);
    connection.halfOpen = true;
    listener.halfOpen++;
    connection.open(now, segment);
    this.#touched(connection);
  }

  #create(now: Micros, side: 'client' | 'server', local: Address, remote: Address, config: TcpConfig): TcpConnection {
    const random = this.#random.at(this.#created++);
    const plan = { side, local, remote, config, policies: this.#policies, random, timestampOffset: this.#timestampOffset };
    const connection = new TcpConnection(now, plan, (one) => this.#touched(one));
    this.#routing.add(connection);
    return connection;
  }

  #touched(connection: TcpConnection): void {
    this.#tellActive(connection);
    this.#ready.add(connection);
  }

  #tellActive(connection: TcpConnection): void {
    if (connection.activeTold || !connection.hasEvents || connection.eventsTold === connection.eventChanges) return;
    connection.activeTold = true;
    connection.eventsTold = connection.eventChanges;
    this.#events.push({ type: 'active', connection });
  }

  /** After a connection had its turn: its events, its deadline, its end. */
  #settle(now: Micros, connection: TcpConnection): void {
    this.#tellActive(connection);
    if (connection.isGone) {
      this.#forget(connection);
      return;
    }
    let next = connection.nextTimeout();
    if (next <= now) {
      connection.onTimeout(now); // a shorter round trip has put a deadline into the past
      this.#touched(connection);
      next = connection.nextTimeout();
    }
    this.#deadlines.set(connection, next > now ? next : NEVER);
  }

  #forget(connection: TcpConnection): void {
    if (connection.drained) return;
    connection.drained = true;
    this.#leaveHalfOpen(connection);
    this.#routing.remove(connection);
    this.#deadlines.remove(connection);
    this.#events.push({ type: 'drained', connection });
  }

  #leaveHalfOpen(connection: TcpConnection): void {
    if (!connection.halfOpen) return;
    connection.halfOpen = false;
    const listener = this.#listeners.get(connection.local.port);
    if (listener !== undefined) listener.halfOpen--;
  }

  #freePort(remote: Address): number {
    for (let tries = FIRST_EPHEMERAL; tries < PORTS; tries++) {
      const port = this.#nextPort;
      this.#nextPort = port + 1 < PORTS ? port + 1 : FIRST_EPHEMERAL;
      if (this.#routing.find({ host: this.#host, port }, remote) === undefined) return port;
    }
    throw new UsageError(`no port is free for another connection to ${remote.host}:${remote.port}`);
  }

  #drop(reason: DropReason): void {
    this.drops[reason] = (this.drops[reason] ?? 0) + 1;
  }
}
