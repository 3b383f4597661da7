import { fromLatin1, latin1 } from '@quiclab/bytes';
import type { CryptoProvider, Trust } from '@quiclab/crypto';
import { makeCertificate, nodeProvider } from '@quiclab/crypto/node';
import {
  type Connection,
  type ConnectionEvent,
  type ConnectionIdGenerator,
  type ConnectOptions,
  Endpoint,
  type EndpointEvent,
  Observer,
  type PacketView,
  type Policies,
  standardPolicies,
  type TransportConfig,
} from '@quiclab/quic';
import { type Address, type Datagram, ECN_UNSUPPORTED, type Ecn, type Micros, NEVER, seededRandom, turn } from '@quiclab/sansio';
import { clientHandshake, type HandshakeFactory, serverHandshake } from '@quiclab/tls';

export const CLIENT: Address = { host: '10.0.0.1', port: 1000 };
export const SERVER: Address = { host: '10.0.0.2', port: 443 };
export const text = latin1;
export const fromText = fromLatin1;

export const certificate = makeCertificate({
  names: ['server.test'],
  keyType: 'ed25519',
  notBefore: 0,
  notAfter: 4e15,
  random: seededRandom('certificate'),
});

/** A packet as a test reads it. */
export interface Sent {
  readonly at: Micros;
  readonly level: string;
  readonly packetNumber: number;
  readonly bytes: number;
  readonly datagram: number;
  readonly ackEliciting: boolean;
  /** type, stream, offset, size: see FrameLog. */
  readonly frames: readonly (readonly number[])[];
}

export class Recorder extends Observer {
  readonly sent: Sent[] = [];
  readonly received: Sent[] = [];
  readonly lost: number[] = [];
  readonly drops: string[] = [];
  readonly probes: { readonly at: Micros; readonly level: string; readonly count: number }[] = [];
  readonly keyUpdates: string[] = [];
  readonly discarded: string[] = [];
  /** Octets of each datagram: positive when it came, negative when it left. */
  readonly flow: number[] = [];
  /** How many of those there were when the first Handshake packet had been read; -1 before. */
  flowAtHandshake = -1;
  override datagramReceived(_now: Micros, _datagram: number, _path: number, length: number): void {
    this.flow.push(length);
  }
  override datagramSent(_now: Micros, datagram: number, _path: number, length: number, ecn: Datagram['ecn']): void {
    this.flow.push(-length);
    this.marks[datagram] = ecn;
  }
  /** What the nth datagram left as, from 0. */
  readonly marks: Datagram['ecn'][] = [];
  /** Which path went to which state of ECN, and why. */
  readonly ecnStates: string[] = [];
  override ecnState(_now: Micros, path: number, _from: string, to: string, failure: string): void {
    this.ecnStates.push(`${path}: ${to}${failure && `, ${failure}`}`);
  }
  /** Traffic secrets by their NSS labels. */
  readonly secrets = new Map<string, Uint8Array>();
  override secret(label: string, _clientRandom: Uint8Array, secret: Uint8Array): void {
    this.secrets.set(label, secret);
  }
  override probeTimeout(at: Micros, level: string, count: number): void {
    this.probes.push({ at, level, count });
  }
  override keyUpdated(_now: Micros, by: string, phase: number): void {
    this.keyUpdates.push(`${by} ${phase}`);
  }
  override keysDiscarded(_now: Micros, level: string): void {
    this.discarded.push(level);
  }
  override packetSent(now: Micros, packet: PacketView): void {
    this.sent.push(copy(now, packet));
  }
  override packetReceived(now: Micros, packet: PacketView): void {
    this.received.push(copy(now, packet));
    if (packet.level === 'handshake' && this.flowAtHandshake < 0) this.flowAtHandshake = this.flow.length;
  }
  override packetLost(_now: Micros, packet: PacketView): void {
    this.lost.push(packet.packetNumber);
  }
  override packetDropped(_now: Micros, reason: string): void {
    this.drops.push(reason);
  }
}

function copy(at: Micros, packet: PacketView): Sent {
  const frames: number[][] = [];
  for (let i = 0; i < packet.frames.length; i++)
    frames.push([packet.frames.type(i), packet.frames.stream(i), packet.frames.offset(i), packet.frames.size(i)]);
  return {
    at,
    level: packet.level,
    packetNumber: packet.packetNumber,
    bytes: packet.bytes,
    datagram: packet.datagram,
    ackEliciting: packet.ackEliciting,
    frames,
  };
}

export interface PairOptions {
  readonly seed?: number;
  readonly oneWayDelay?: Micros;
  /** What becomes of the ECN bits of a datagram on its way. Without, neither end has a system that lets it at them. */
  readonly ecn?: (direction: Direction, n: number, ecn: Ecn) => Ecn;
  readonly config?: Partial<TransportConfig>;
  readonly clientConfig?: Partial<TransportConfig>;
  serverConfig?: Partial<TransportConfig>;
  readonly policies?: Partial<Policies>;
  readonly clientPolicies?: Partial<Policies>;
  /** Of both: see EndpointOptions. */
  readonly maxProbeSize?: () => number;
  serverPolicies?: Partial<Policies>;
  readonly certificates?: readonly Uint8Array[];
  readonly padding?: number;
  readonly version?: number;
  retry?: 'never' | 'always' | 'under-load';
  /** What the client brings from an earlier connection. */
  readonly token?: Uint8Array;
  /** What the client asks for; the server speaks 'test'. */
  readonly alpn?: readonly string[];
  readonly serverIds?: ConnectionIdGenerator;
  /** Changes the transport parameters on their way into TLS. */
  readonly clientParameters?: (parameters: Uint8Array) => Uint8Array;
  readonly serverParameters?: (parameters: Uint8Array) => Uint8Array;
  /** Drops a datagram: `up` goes to the server; n counts from 1 in each direction. */
  drop?(direction: Direction, n: number, bytes: Uint8Array): boolean;
  /** What a link makes of a datagram: nothing, or one or more, each later than usual by `late`. */
  impair?(direction: Direction, n: number, bytes: Uint8Array): readonly { readonly late: Micros; readonly bytes: Uint8Array }[];
  /** What a server does with its events; default: nothing. */
  serve?(pair: Pair, event: ConnectionEvent): void;
  /** What a client does with its events; default: nothing. */
  use?(pair: Pair, event: ConnectionEvent): void;
}

export type Direction = 'up' | 'down';

/** A datagram as it left. */
export interface Left {
  readonly at: Micros;
  readonly direction: Direction;
  readonly bytes: Uint8Array;
  /** Where it went. */
  readonly to: Address;
  readonly ecn: Datagram['ecn'];
}

const withParameters = (factory: HandshakeFactory, change: ((parameters: Uint8Array) => Uint8Array) | undefined): HandshakeFactory =>
  change === undefined
    ? factory
    : (options) => {
        const inner = factory(options);
        return {
          setLocalParameters: (data) => inner.setLocalParameters(change(data)),
          receive: (now, level, crypto) => inner.receive(now, level, crypto),
          poll: (now) => inner.poll(now),
        };
      };

export const clientTls = (
  options: Pick<PairOptions, 'certificates' | 'padding' | 'clientParameters'> & { readonly trust?: Trust } = {},
): HandshakeFactory =>
  withParameters(
    clientHandshake({
      provider: nodeProvider,
      trust: options.trust ?? { ca: [certificate.certificate], verify: options.certificates === undefined },
      ...(options.padding === undefined ? {} : { padding: options.padding }),
    }),
    options.clientParameters,
  );

export const serverTls = (options: Pick<PairOptions, 'certificates' | 'serverParameters'> = {}): HandshakeFactory =>
  withParameters(
    serverHandshake({
      provider: nodeProvider,
      certificates: options.certificates ?? [certificate.certificate],
      privateKey: certificate.privateKey,
    }),
    options.serverParameters,
  );

/** Two endpoints, constant delay, no rate: the smallest world in which a handshake happens. */
export class Pair {
  now: Micros = 0;
  client: Endpoint;
  server: Endpoint;
  connection: Connection;
  accepted: Connection | undefined = undefined;
  readonly clientEvents: ConnectionEvent[] = [];
  readonly serverEvents: ConnectionEvent[] = [];
  readonly endpointEvents: EndpointEvent[] = [];
  readonly clientObserver = new Recorder();
  readonly serverObserver = new Recorder();
  readonly datagrams = { up: 0, down: 0 };
  /** Every datagram that left, dropped on the way or not. */
  readonly left: Left[] = [];
  flying: Left[] = [];
  readonly options: PairOptions;
  readonly provider: CryptoProvider;
  readonly #delay: Micros;

  constructor(options: PairOptions = {}) {
    this.options = options;
    this.provider = options.policies?.crypto ?? nodeProvider;
    this.#delay = options.oneWayDelay ?? 10_000;
    const random = seededRandom(options.seed ?? 1);
    this.client = new Endpoint({
      policies: {
        ...standardPolicies({
          random: random.fork('client'),
          crypto: nodeProvider,
          handshake: options.policies?.handshake ?? clientTls(options),
        }),
        observer: () => this.clientObserver,
        ...options.policies,
        ...options.clientPolicies,
      },
      config: { ...options.config, ...options.clientConfig },
      ...(options.maxProbeSize && { maxProbeSize: options.maxProbeSize }),
    });
    this.server = this.newServer();
    this.connection = this.connect({
      ...(options.version === undefined ? {} : { version: options.version }),
      ...(options.token && { token: options.token }),
    });
  }

  /** Another connection between the same endpoints, now. */
  connect(more: Partial<ConnectOptions> = {}): Connection {
    this.accepted = undefined;
    this.clientEvents.length = 0;
    this.serverEvents.length = 0;
    this.connection = this.client.connect(this.now, {
      remote: SERVER,
      local: CLIENT,
      serverName: 'server.test',
      alpn: this.options.alpn ?? ['test'],
      ...more,
    });
    return this.connection;
  }

  /** A server with nothing in its memory but the seed: what the first one was, and what it is after a restart. */
  newServer(): Endpoint {
    const { options } = this;
    return new Endpoint({
      policies: {
        ...standardPolicies({
          random: seededRandom(options.seed ?? 1).fork('server'),
          crypto: nodeProvider,
          handshake: options.policies?.handshake ?? serverTls(options),
        }),
        observer: () => this.serverObserver,
        ...options.policies,
        ...options.serverPolicies,
      },
      config: { ...options.config, ...options.serverConfig },
      ...(options.maxProbeSize && { maxProbeSize: options.maxProbeSize }),
      ...(options.serverIds && { connectionIds: options.serverIds }),
      accept: { alpn: ['test'], ...(options.retry && { retry: options.retry }) },
    });
  }

  /** Puts a datagram on the way, as if an endpoint (or somebody else) had sent it. */
  inject(
    direction: Direction,
    bytes: Uint8Array,
    at = this.now + this.#delay,
    to: Address = direction === 'up' ? SERVER : CLIENT,
    ecn: Datagram['ecn'] = this.#noMark,
  ): void {
    let place = this.flying.length;
    while (place > 0 && this.flying[place - 1]!.at > at) place--; // in order of arrival; at the same instant, of insertion
    this.flying.splice(place, 0, { at, direction, bytes, to, ecn });
  }

  /** Hands a datagram to an endpoint now, and gives the endpoint its turn. Returns what it sends. */
  deliver(direction: Direction, bytes: Uint8Array, ecn: Datagram['ecn'] = this.#noMark): Uint8Array[] {
    const before = this.left.length;
    this.receiveOnly(direction, bytes, undefined, ecn);
    this.#turn(direction === 'up' ? 'down' : 'up');
    return this.left.slice(before).map((one) => one.bytes);
  }

  /** Hands a datagram to an endpoint now, and leaves it at that: nothing is sent, and no event is polled. @param from  whose it seems to be */
  receiveOnly(
    direction: Direction,
    bytes: Uint8Array,
    from: Address = direction === 'up' ? CLIENT : SERVER,
    ecn: Datagram['ecn'] = this.#noMark,
  ): void {
    const up = direction === 'up';
    const datagram = { bytes, length: bytes.length, local: up ? SERVER : CLIENT, remote: from, ecn };
    (up ? this.server : this.client).receive(this.now, datagram);
  }

  /** A turn of one endpoint: the one whose datagrams go this way. Returns what it sends. */
  turnOnly(direction: Direction): Uint8Array[] {
    const before = this.left.length;
    this.#turn(direction);
    return this.left.slice(before).map((one) => one.bytes);
  }

  /** Turns both endpoints until nothing happens at this instant. */
  settle(): void {
    let before: number;
    do {
      before = this.left.length;
      this.#turn('up');
      this.#turn('down');
    } while (this.left.length > before);
  }

  nextInstant(): Micros {
    return Math.min(this.client.nextTimeout(), this.server.nextTimeout(), this.flying[0]?.at ?? NEVER);
  }

  /** Runs virtual time up to an instant, or until nothing will ever happen, or `while_` says that it is enough. */
  run(until: Micros = NEVER, while_: () => boolean = () => true): void {
    this.settle();
    for (let steps = 0; while_(); steps++) {
      if (steps > 2_000_000) throw new Error('two million steps: something does not end');
      const next = this.nextInstant();
      if (next > until || next === NEVER) break;
      if (next > this.now) this.now = next;
      while (this.flying.length > 0 && this.flying[0]!.at <= this.now) {
        const { direction, bytes, ecn } = this.flying.shift()!;
        this.receiveOnly(direction, bytes, undefined, ecn);
      }
      this.settle();
      if (this.nextInstant() <= this.now && this.flying.length === 0) throw new Error(`time stands still at ${this.now}`);
    }
    if (until !== NEVER && until > this.now && while_()) this.now = until;
  }

  /** Until both ends say that the handshake is confirmed. */
  handshake(): this {
    this.run(
      this.now + 10_000_000,
      () => !(this.clientEvents.some((e) => e.type === 'handshake-confirmed') && this.accepted?.handshakeComplete),
    );
    return this;
  }

  /** Everything that has come on a stream, at one end. */
  readAll(connection: Connection, id: number): { data: string; fin: boolean } {
    let data = '';
    let fin = false;
    for (let piece = connection.read(this.now, id); piece !== undefined; piece = connection.read(this.now, id)) {
      data += fromLatin1(piece.data);
      fin ||= piece.fin;
    }
    return { data, fin };
  }

  /** Of what nobody marks. */
  get #noMark(): Datagram['ecn'] {
    return this.options.ecn === undefined ? ECN_UNSUPPORTED : 0;
  }

  /** @param direction  where its datagrams go: 'up' is the client's turn */
  #turn(direction: Direction): void {
    const slot: Datagram = { bytes: this.#slot, length: 0, local: CLIENT, remote: SERVER, ecn: this.#noMark };
    turn(
      direction === 'up' ? this.client : this.server,
      this.now,
      { slot: () => slot, send: (filled) => this.#send(direction, filled.bytes.slice(0, filled.length), filled.remote, filled.ecn) },
      (event) => this.#handle(direction, event),
    );
  }
  readonly #slot = new Uint8Array(65_536);

  #send(direction: Direction, bytes: Uint8Array, to: Address, left: Datagram['ecn']): void {
    const n = ++this.datagrams[direction];
    this.left.push({ at: this.now, direction, bytes: bytes.slice(), to, ecn: left });
    const ecn = left === ECN_UNSUPPORTED ? left : (this.options.ecn?.(direction, n, left) ?? left);
    if (this.options.drop?.(direction, n, bytes) ?? false) return;
    if (this.options.impair === undefined) this.inject(direction, bytes, undefined, undefined, ecn);
    else
      for (const copy of this.options.impair(direction, n, bytes))
        this.inject(direction, copy.bytes, this.now + this.#delay + copy.late, undefined, ecn);
  }

  #handle(direction: Direction, event: EndpointEvent): void {
    this.endpointEvents.push(event);
    if (event.type === 'accepted') this.accepted = event.connection;
    if (event.type !== 'active') return;
    const { connection } = event;
    for (let one = connection.pollEvent(); one !== undefined; one = connection.pollEvent()) {
      if (direction === 'up') {
        this.clientEvents.push(one);
        this.options.use?.(this, one);
      } else {
        this.serverEvents.push(one);
        this.options.serve?.(this, one);
      }
    }
  }
}
