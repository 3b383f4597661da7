import { toHex } from '@quiclab/bytes';
import { type Address, type Datagram, type Machine, type Micros, type Random, sameAddress } from '@quiclab/sansio';
import { PacketHeader, PacketType, readHeader, VERSION_1 } from '@quiclab/wire';
import { type ConnectOptions, type EndpointOptions, type Policies, type TransportConfig, transportConfig } from '../config.ts';
import { Connection, type ConnectionHost } from '../connection/connection.ts';
import { MIN_INITIAL_DATAGRAM } from '../connection/inbound.ts';
import { type DropReason, UsageError } from '../errors.ts';
import type { EndpointEvent } from '../events.ts';
import { Deadlines } from './deadlines.ts';
import { Routing } from './routing.ts';
import { Stateless, SUPPORTED_VERSIONS } from './stateless.ts';

/** A client's first destination connection ID is unpredictable and at least so long. RFC 9000 §7.2. */
const MIN_FIRST_ID = 8;
const ANY: Address = { host: '', port: 0 };

/**
 * Many connections behind one socket, as a machine: the five verbs. It routes what comes in, accepts or refuses, gives
 * every connection with something to say its turn, and knows the next deadline of all. RFC 9000 §5.2.
 */
export class Endpoint implements Machine<EndpointEvent> {
  /** Datagrams that were for no connection, by reason. */
  readonly drops: Partial<Record<DropReason, number>> = {};
  readonly #policies: Policies;
  readonly #config: TransportConfig;
  readonly #alpn: readonly string[] | undefined;
  readonly #random: Random;
  readonly #idRandom: Random;
  readonly #routing = new Routing();
  readonly #deadlines = new Deadlines();
  readonly #stateless: Stateless;
  readonly #header = new PacketHeader();
  readonly #connections = new Set<Connection>();
  #events: EndpointEvent[] = [];
  #eventsHead = 0;
  // connections that may have something to send, in turn
  #ready: Connection[] = [];
  #readyHead = 0;
  #created = 0;
  #halfOpen = 0;

  constructor(options: EndpointOptions) {
    this.#policies = options.policies;
    this.#config = transportConfig(options.config);
    this.#alpn = options.accept?.alpn;
    if (this.#alpn?.length === 0) throw new UsageError('accept.alpn is empty: a server must speak at least one protocol (RFC 9001 §8.1)');
    this.#random = options.policies.random;
    this.#idRandom = this.#random.fork('connection-ids');
    this.#stateless = new Stateless(this.#random.fork('stateless'), options.policies.crypto);
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  /** Begins a connection; its events tell how that goes. */
  connect(now: Micros, options: ConnectOptions): Connection {
    if (options.alpn.length === 0) throw new UsageError('alpn is empty: name the protocols that you speak (RFC 9001 §8.1)');
    const first = new Uint8Array(Math.max(MIN_FIRST_ID, this.#config.connectionIdLength));
    this.#idRandom.fill(first);
    const connection = this.#create(now, {
      side: 'client',
      version: options.version ?? VERSION_1,
      local: options.local ?? ANY,
      remote: options.remote,
      serverName: options.serverName,
      alpn: options.alpn,
      originalDestination: first,
      peerId: first,
    });
    this.#touched(connection);
    return connection;
  }

  /** Closes all connections. */
  close(now: Micros, code: number, reason: string): void {
    for (const connection of this.#connections) connection.close(now, code, reason);
  }

  receive(now: Micros, datagram: Datagram): void {
    const header = this.#header;
    const { bytes, length } = datagram;
    if (readHeader(bytes, 0, length, this.#config.connectionIdLength, header) !== '') {
      this.#drop('header');
      return;
    }
    const connection = this.#routing.find(bytes, header.destinationIdStart, header.destinationIdLength);
    if (connection !== undefined) this.#deliver(now, connection, datagram);
    else this.#stranger(now, datagram);
  }

  nextTimeout(): Micros {
    return this.#deadlines.least;
  }

  onTimeout(now: Micros): void {
    for (let first = this.#deadlines.first; first !== undefined && first.heapDeadline <= now; first = this.#deadlines.first) {
      first.onTimeout(now);
      this.#touched(first);
      const next = first.nextTimeout();
      // what is still due after its turn waits for a slot, a window or an address: state, not a deadline
      this.#deadlines.set(first, next > now ? next : Number.POSITIVE_INFINITY);
    }
  }

  pollTransmit(now: Micros, into: Datagram): boolean {
    if (this.#stateless.pollTransmit(into)) return true;
    while (this.#readyHead < this.#ready.length) {
      const connection = this.#ready[this.#readyHead++]!;
      const sent = connection.pollTransmit(now, into);
      if (sent) this.#ready.push(connection);
      else connection.queued = false;
      this.#tidyReady();
      this.#settle(now, connection);
      if (sent) return true;
    }
    return false;
  }

  pollEvent(): EndpointEvent | undefined {
    if (this.#eventsHead === this.#events.length) return undefined;
    const event = this.#events[this.#eventsHead++]!;
    if (this.#eventsHead === this.#events.length) {
      this.#events = [];
      this.#eventsHead = 0;
    }
    if (event.type === 'active') event.connection.activeTold = false;
    return event;
  }

  #deliver(now: Micros, connection: Connection, datagram: Datagram): void {
    if (!sameAddress(connection.remote, datagram.remote)) {
      connection.dropped(now, 'unknown-path', datagram.length);
      return;
    }
    connection.receive(now, datagram.bytes, datagram.length, datagram.ecn);
    if (connection.halfOpen && connection.handshakeComplete) {
      connection.halfOpen = false;
      this.#halfOpen--;
    }
    this.#touched(connection);
  }

  /** A datagram for no connection that we know. RFC 9000 §5.2.2. */
  #stranger(now: Micros, datagram: Datagram): void {
    const header = this.#header;
    if (header.type === PacketType.ONE_RTT) {
      this.#stateless.reset(datagram, header.destinationId);
      this.#drop('connection-id');
      return;
    }
    if (this.#alpn === undefined || header.type === PacketType.VERSION_NEGOTIATION) {
      this.#drop('connection-id');
      return;
    }
    if (datagram.length < MIN_INITIAL_DATAGRAM) {
      this.#drop('initial-too-small');
      return;
    }
    if (!SUPPORTED_VERSIONS.includes(header.version)) {
      // RFC 9000 §6.1: only for datagrams large enough to begin a connection
      this.#stateless.versionNegotiation(datagram, header.sourceId, header.destinationId);
      this.#drop('version');
      return;
    }
    if (header.type !== PacketType.INITIAL) this.#drop('connection-id');
    else this.#accept(now, datagram, this.#alpn);
  }

  /** A first Initial. */
  #accept(now: Micros, datagram: Datagram, alpn: readonly string[]): void {
    const header = this.#header;
    if (header.destinationIdLength < MIN_FIRST_ID) {
      this.#drop('header');
      return;
    }
    if (this.#halfOpen >= this.#config.maxHalfOpen || this.#connections.size >= this.#config.maxConnections) {
      this.#drop('refused');
      return;
    }
    const original = header.destinationId.slice();
    const connection = this.#create(now, {
      side: 'server',
      version: header.version,
      local: datagram.local,
      remote: datagram.remote,
      serverName: '',
      alpn,
      originalDestination: original,
      peerId: header.sourceId.slice(),
    });
    // until the client has our own ID, its packets come to the one that it chose
    this.#routing.add(original, connection);
    connection.receive(now, datagram.bytes, datagram.length, datagram.ecn);
    if (connection.stats().packetsReceived === 0) {
      // Corrupted on the way, or made up: nothing it says is true, its connection IDs least of all
      this.#forget(now, connection);
      this.#drop('not-authentic');
      return;
    }
    this.#events.push({ type: 'accepted', connection });
    this.#touched(connection);
  }

  #forget(now: Micros, connection: Connection): void {
    this.#connections.delete(connection);
    this.#deadlines.remove(connection);
    if (connection.halfOpen) this.#halfOpen--;
    connection.halfOpen = false;
    connection.release(now);
    this.#routing.remove(connection.originalDestination);
  }

  #create(
    now: Micros,
    facts: {
      side: 'client' | 'server';
      version: number;
      local: Address;
      remote: Address;
      serverName: string;
      alpn: readonly string[];
      originalDestination: Uint8Array;
      peerId: Uint8Array;
    },
  ): Connection {
    const routing = this.#routing;
    let connection: Connection | undefined;
    const issue = () => {
      const id = this.#freshId();
      if (connection !== undefined) routing.add(id, connection);
      return { id, resetToken: this.#stateless.resetToken(id) };
    };
    const host: ConnectionHost = { touched: (one) => this.#touched(one), ids: { issue, release: (id) => routing.remove(id) } };
    const { id, resetToken } = issue();
    connection = new Connection(now, {
      ...facts,
      policies: this.#policies,
      config: this.#config,
      random: this.#random.fork(`connection/${this.#created++}`),
      host,
      localId: id,
      resetToken,
    });
    routing.add(id, connection);
    this.#connections.add(connection);
    this.#halfOpen++;
    return connection;
  }

  #freshId(): Uint8Array {
    const id = new Uint8Array(this.#config.connectionIdLength);
    for (let attempts = 0; attempts < 100; attempts++) {
      this.#idRandom.fill(id);
      if (!this.#routing.has(id)) return id;
    }
    throw new Error(`no free connection ID of ${id.length} octets was found, the last was ${toHex(id)}`);
  }

  #touched(connection: Connection): void {
    if (connection.queued || !this.#connections.has(connection)) return;
    connection.queued = true;
    this.#ready.push(connection);
    if (connection.hasEvents) this.#tellActive(connection);
  }

  #tellActive(connection: Connection): void {
    if (connection.activeTold) return;
    connection.activeTold = true;
    this.#events.push({ type: 'active', connection });
  }

  /** After a connection had its turn: its deadline, its events, its end. */
  #settle(now: Micros, connection: Connection): void {
    if (connection.hasEvents) this.#tellActive(connection);
    if (connection.state === 'drained') {
      if (!this.#connections.has(connection)) return;
      this.#forget(now, connection);
      this.#events.push({ type: 'drained', connection });
      return;
    }
    const next = connection.nextTimeout();
    this.#deadlines.set(connection, next > now ? next : Number.POSITIVE_INFINITY);
  }

  #tidyReady(): void {
    if (this.#readyHead === this.#ready.length) {
      this.#ready.length = 0;
      this.#readyHead = 0;
    } else if (this.#readyHead > 1024) {
      this.#ready.splice(0, this.#readyHead);
      this.#readyHead = 0;
    }
  }

  #drop(reason: DropReason): void {
    this.drops[reason] = (this.drops[reason] ?? 0) + 1;
  }
}
