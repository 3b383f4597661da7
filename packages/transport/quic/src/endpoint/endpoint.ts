import { toHex } from '@quiclab/bytes';
import { initialSecrets } from '@quiclab/crypto';
import { type Address, type Datagram, type Machine, type Micros, NEVER, type Random, sameAddress } from '@quiclab/sansio';
import { isReserved, MIN_STATELESS_RESET, PacketHeader, PacketType, RESET_TOKEN_LENGTH, readHeader, VERSION_1 } from '@quiclab/wire';
import { type ConnectOptions, type EndpointOptions, type Policies, type TransportConfig, transportConfig } from '../config.ts';
import { Connection } from '../connection/connection.ts';
import type { ConnectionHost } from '../connection/setup.ts';
import { stampOf } from '../connection/versions.ts';
import { type DropReason, UsageError } from '../errors.ts';
import type { EndpointEvent } from '../events.ts';
import { type ConnectionIdGenerator, randomIds } from '../ids/generator.ts';
import { SMALLEST_MAX_DATAGRAM } from '../path/mtu.ts';
import { keyVersion } from '../space/keys.ts';
import { Admission, type InitialSecrets, MIN_FIRST_ID } from './admission.ts';
import { Deadlines } from './deadlines.ts';
import { EndpointEvents } from './endpoint-events.ts';
import { ReadyList } from './ready-list.ts';
import { Routing } from './routing.ts';
import { Stateless } from './stateless.ts';
import { AddressTokens } from './tokens.ts';

const ANY: Address = { host: '', port: 0 };
const NO_TOKEN = new Uint8Array(0);

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
  readonly #maxProbeSize: EndpointOptions['maxProbeSize'];
  readonly #random: Random;
  readonly #idRandom: Random;
  readonly #ids: ConnectionIdGenerator;
  readonly #routing = new Routing();
  readonly #deadlines = new Deadlines();
  readonly #stateless: Stateless;
  readonly #tokens: AddressTokens;
  readonly #admission: Admission;
  readonly #header = new PacketHeader();
  readonly #connections = new Set<Connection>();
  readonly #events = new EndpointEvents();
  readonly #ready = new ReadyList();
  #created = 0;
  #halfOpen = 0;
  #closed = false;

  constructor(options: EndpointOptions) {
    this.#policies = options.policies;
    this.#config = transportConfig(options.config);
    this.#alpn = options.accept?.alpn;
    this.#maxProbeSize = options.maxProbeSize;
    if (this.#alpn?.length === 0) throw new UsageError('accept.alpn is empty: a server must speak at least one protocol (RFC 9001 §8.1)');
    this.#random = options.policies.random;
    this.#idRandom = this.#random.fork('connection-ids');
    this.#ids = options.connectionIds ?? randomIds(this.#config.connectionIdLength);
    const { length } = this.#ids;
    if (!Number.isInteger(length) || length < 4 || length > 20)
      throw new UsageError(`the generator makes connection IDs of ${length} octets; they must have 4 to 20`);
    this.#stateless = new Stateless(this.#random.fork('stateless'), options.policies.crypto);
    this.#tokens = new AddressTokens(options.policies.crypto, this.#random.fork('address-tokens'));
    const retry = options.accept?.retry ?? 'under-load';
    this.#admission = new Admission(options.policies.crypto, this.#config, this.#stateless, this.#tokens, retry, () => this.#freshId());
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  /** Begins a connection; its events tell how that goes. */
  connect(now: Micros, options: ConnectOptions): Connection {
    if (options.alpn.length === 0) throw new UsageError('alpn is empty: name the protocols that you speak (RFC 9001 §8.1)');
    const version = this.#firstVersion(options);
    const first = this.#firstDestination();
    const connection = this.#create(now, {
      side: 'client',
      version,
      local: options.local ?? ANY,
      remote: options.remote,
      serverName: options.serverName,
      alpn: options.alpn,
      originalDestination: first,
      session: options.session && { data: options.session.subarray(4), earlyData: options.earlyData ?? false },
      retrySource: undefined,
      token: options.token !== undefined && stampOf(options.token) === version ? options.token.subarray(4) : NO_TOKEN,
      addressValidated: false,
      peerId: first,
      initialSecrets: initialSecrets(this.#policies.crypto, keyVersion(version), first),
    });
    this.#touched(connection);
    return connection;
  }

  /** RFC 9368 §2.5: one that servers know, and from which they can go on with a better one; or the one that this server has chosen before. */
  #firstVersion({ version, session, token }: ConnectOptions): number {
    const { versions } = this.#config;
    if (version !== undefined) {
      if (versions.includes(version) || isReserved(version)) return version;
      throw new UsageError(`QUIC version 0x${version.toString(16)} is not among the versions spoken here`);
    }
    for (const kept of [session, token]) {
      const stamped = kept === undefined ? 0 : stampOf(kept);
      if (versions.includes(stamped)) return stamped;
    }
    return versions.includes(VERSION_1) ? VERSION_1 : versions[0]!;
  }

  #firstDestination(): Uint8Array {
    const first = new Uint8Array(Math.max(MIN_FIRST_ID, this.#ids.length));
    this.#idRandom.fill(first);
    return first;
  }

  /** Closes all connections, and accepts no more. */
  close(now: Micros, code: number, reason: string): void {
    this.#closed = true;
    for (const connection of this.#connections) connection.close(now, code, reason);
  }

  receive(now: Micros, datagram: Datagram): void {
    const header = this.#header;
    const { bytes, length } = datagram;
    if (readHeader(bytes, 0, length, this.#ids.length, header, this.#config.grease) !== '') {
      this.#drop('header');
      return;
    }
    const connection = this.#routing.find(bytes, header.destinationIdStart, header.destinationIdLength);
    if (connection !== undefined) this.#deliver(now, connection, datagram);
    else if (!this.#isReset(now, datagram)) this.#stranger(now, datagram);
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
      this.#deadlines.set(first, next > now ? next : NEVER);
    }
  }

  pollTransmit(now: Micros, into: Datagram): boolean {
    if (this.#stateless.pollTransmit(into)) return true;
    for (let connection = this.#ready.next(); connection !== undefined; connection = this.#ready.next()) {
      const sent = connection.pollTransmit(now, into);
      if (sent) this.#ready.add(connection);
      this.#settle(now, connection);
      if (sent) return true;
    }
    return false;
  }

  pollEvent(): EndpointEvent | undefined {
    return this.#events.poll();
  }

  #deliver(now: Micros, connection: Connection, datagram: Datagram): void {
    connection.receive(now, datagram);
    if (connection.halfOpen && connection.handshakeComplete) {
      connection.halfOpen = false;
      this.#halfOpen--;
    }
    this.#touched(connection);
  }

  /** RFC 9000 §10.3.1: a stateless reset comes to any connection ID, and is known by its last octets. */
  #isReset(now: Micros, datagram: Datagram): boolean {
    const { bytes, length } = datagram;
    if (!this.#routing.hasTokens || this.#header.type !== PacketType.ONE_RTT || length < MIN_STATELESS_RESET) return false;
    const token = bytes.subarray(length - RESET_TOKEN_LENGTH, length);
    const connection = this.#routing.findToken(this.#stateless.tokenHash(token));
    if (connection === undefined || !sameAddress(connection.remote, datagram.remote)) return false;
    connection.receiveStatelessReset(now);
    this.#touched(connection);
    return true;
  }

  /** A datagram for no connection that we know. RFC 9000 §5.2.2. */
  #stranger(now: Micros, datagram: Datagram): void {
    const header = this.#header;
    if (header.type === PacketType.ONE_RTT && (datagram.bytes[0]! & 0x40) === 0) {
      this.#drop('header'); // most likely no QUIC, so that no answer is due
      return;
    }
    if (header.type === PacketType.ONE_RTT) {
      this.#stateless.reset(datagram, header.destinationId);
      this.#drop('connection-id');
      return;
    }
    if (this.#alpn === undefined || header.type === PacketType.VERSION_NEGOTIATION) {
      this.#drop('connection-id');
      return;
    }
    if (datagram.length < SMALLEST_MAX_DATAGRAM) {
      this.#drop('initial-too-small');
      return;
    }
    if (!this.#config.versions.includes(header.version)) {
      // RFC 9000 §6.1: only for datagrams large enough to begin a connection
      this.#stateless.versionNegotiation(datagram, header, this.#config.versions);
      this.#drop('version');
      return;
    }
    if (header.type !== PacketType.INITIAL) this.#drop('connection-id');
    else this.#accept(now, datagram, this.#alpn);
  }

  /** A first Initial. */
  #accept(now: Micros, datagram: Datagram, alpn: readonly string[]): void {
    const header = this.#header;
    const load = { halfOpen: this.#halfOpen, connections: this.#connections.size, closed: this.#closed };
    const admitted = this.#admission.decide(now, datagram, header, load);
    if (admitted === '') return;
    if (typeof admitted === 'string') {
      this.#drop(admitted);
      return;
    }
    const { first, originalDestination, retrySource, addressValidated, secrets } = admitted;
    const connection = this.#create(now, {
      side: 'server',
      version: header.version,
      local: datagram.local,
      remote: datagram.remote,
      serverName: '',
      alpn,
      originalDestination,
      retrySource,
      session: undefined,
      token: NO_TOKEN,
      addressValidated,
      peerId: header.sourceId.slice(),
      initialSecrets: secrets,
    });
    // until the client has our own ID, its packets come to the one that it chose
    this.#routing.add(first, connection);
    this.#events.push({ type: 'accepted', connection });
    this.#deliver(now, connection, datagram);
  }

  #forget(now: Micros, connection: Connection): void {
    this.#connections.delete(connection);
    this.#deadlines.remove(connection);
    if (connection.halfOpen) this.#halfOpen--;
    connection.halfOpen = false;
    connection.release(now);
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
      session: { data: Uint8Array; earlyData: boolean } | undefined;
      originalDestination: Uint8Array;
      retrySource: Uint8Array | undefined;
      token: Uint8Array;
      addressValidated: boolean;
      peerId: Uint8Array;
      initialSecrets: InitialSecrets;
    },
  ): Connection {
    const routing = this.#routing;
    const stateless = this.#stateless;
    let connection: Connection | undefined;
    const unrouted: Uint8Array[] = []; // issued while the connection is being made
    const issue = () => {
      const id = this.#freshId();
      if (connection === undefined) unrouted.push(id);
      else routing.add(id, connection);
      return { id, resetToken: stateless.resetToken(id) };
    };
    const host: ConnectionHost = {
      touched: (one) => this.#touched(one),
      ids: { issue, release: (id) => routing.remove(id, connection!) },
      nextToken: (at, version) => this.#tokens.forNextConnection(at, facts.remote, version),
      newDestination: () => this.#firstDestination(),
      resetTokens: {
        watch: (token) => routing.addToken(stateless.tokenHash(token), connection!),
        forget: (token) => routing.removeToken(stateless.tokenHash(token), connection!),
      },
    };
    const { id, resetToken } = issue();
    connection = new Connection(now, {
      ...facts,
      policies: this.#policies,
      config: this.#config,
      maxProbeSize: this.#maxProbeSize,
      random: this.#random.fork(`connection/${this.#created++}`),
      host,
      localId: id,
      resetToken,
    });
    for (const one of unrouted) routing.add(one, connection);
    this.#connections.add(connection);
    this.#halfOpen++;
    return connection;
  }

  #freshId(): Uint8Array {
    const id = new Uint8Array(this.#ids.length);
    for (let attempts = 0; attempts < 100; attempts++) {
      this.#ids.generate(id, this.#idRandom);
      if (!this.#routing.has(id)) return id;
    }
    throw new Error(`no free connection ID of ${id.length} octets was found, the last was ${toHex(id)}`);
  }

  #touched(connection: Connection): void {
    this.#events.tellActive(connection);
    if (!connection.queued && this.#connections.has(connection)) this.#ready.add(connection);
  }

  /** After a connection had its turn: its deadline, its events, its end. */
  #settle(now: Micros, connection: Connection): void {
    this.#events.tellActive(connection);
    if (connection.state === 'drained') {
      if (!this.#connections.has(connection)) return;
      this.#forget(now, connection);
      this.#events.push({ type: 'drained', connection });
      return;
    }
    let next = connection.nextTimeout();
    if (next <= now) {
      // came due during the turn: a new RTT sample, or a lifted amplification limit, can put a probe timeout into the past (RFC 9002 §6.2.2.1)
      connection.onTimeout(now);
      this.#touched(connection);
      next = connection.nextTimeout();
    }
    this.#deadlines.set(connection, next > now ? next : NEVER);
  }

  #drop(reason: DropReason): void {
    this.drops[reason] = (this.drops[reason] ?? 0) + 1;
  }
}
