import { fromLatin1, latin1 } from '@quiclab/bytes';
import { makeCertificate, nodeProvider } from '@quiclab/crypto/node';
import {
  type Connection,
  type ConnectionEvent,
  Endpoint,
  type EndpointEvent,
  Observer,
  type PacketView,
  type Policies,
  standardPolicies,
  type TransportConfig,
} from '@quiclab/quic';
import { type Address, type Datagram, type Micros, NEVER, seededRandom, turn } from '@quiclab/sansio';
import { clientHandshake, serverHandshake } from '@quiclab/tls';

export const CLIENT: Address = { host: '10.0.0.1', port: 1000 };
export const SERVER: Address = { host: '10.0.0.2', port: 443 };
export const text = latin1;
export const fromText = fromLatin1;

const certificate = makeCertificate({
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
  readonly frames: readonly (readonly number[])[];
}

export class Recorder extends Observer {
  readonly sent: Sent[] = [];
  readonly received: Sent[] = [];
  readonly lost: number[] = [];
  readonly drops: string[] = [];
  override packetSent(now: Micros, packet: PacketView): void {
    this.sent.push(copy(now, packet));
  }
  override packetReceived(now: Micros, packet: PacketView): void {
    this.received.push(copy(now, packet));
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
  return { at, level: packet.level, packetNumber: packet.packetNumber, bytes: packet.bytes, datagram: packet.datagram, frames };
}

export interface PairOptions {
  readonly seed?: number;
  readonly oneWayDelay?: Micros;
  readonly config?: Partial<TransportConfig>;
  readonly clientConfig?: Partial<TransportConfig>;
  readonly serverConfig?: Partial<TransportConfig>;
  readonly policies?: Partial<Policies>;
  readonly certificates?: readonly Uint8Array[];
  readonly padding?: number;
  readonly version?: number;
  /** Drops a datagram: `up` goes to the server; n counts from 1 in each direction. */
  drop?(direction: 'up' | 'down', n: number, bytes: Uint8Array): boolean;
  /** What a server does with its events; default: nothing. */
  serve?(pair: Pair, event: ConnectionEvent): void;
}

interface Flying {
  readonly at: Micros;
  readonly direction: 'up' | 'down';
  readonly bytes: Uint8Array;
}

/** Two endpoints, constant delay, no rate: the smallest world in which a handshake happens. */
export class Pair {
  now: Micros = 0;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly connection: Connection;
  accepted: Connection | undefined = undefined;
  readonly clientEvents: ConnectionEvent[] = [];
  readonly serverEvents: ConnectionEvent[] = [];
  readonly endpointEvents: EndpointEvent[] = [];
  readonly clientObserver = new Recorder();
  readonly serverObserver = new Recorder();
  readonly datagrams = { up: 0, down: 0 };
  flying: Flying[] = [];
  readonly #options: PairOptions;
  readonly #delay: Micros;

  constructor(options: PairOptions = {}) {
    this.#options = options;
    this.#delay = options.oneWayDelay ?? 10_000;
    const random = seededRandom(options.seed ?? 1);
    this.client = new Endpoint({
      policies: {
        ...standardPolicies({
          random: random.fork('client'),
          crypto: nodeProvider,
          handshake: clientHandshake({
            provider: nodeProvider,
            trust: { ca: [certificate.certificate], verify: options.certificates === undefined },
            ...(options.padding === undefined ? {} : { padding: options.padding }),
          }),
        }),
        observer: () => this.clientObserver,
        ...options.policies,
      },
      config: { ...options.config, ...options.clientConfig },
    });
    this.server = new Endpoint({
      policies: {
        ...standardPolicies({
          random: random.fork('server'),
          crypto: nodeProvider,
          handshake: serverHandshake({
            provider: nodeProvider,
            certificates: options.certificates ?? [certificate.certificate],
            privateKey: certificate.privateKey,
          }),
        }),
        observer: () => this.serverObserver,
        ...options.policies,
      },
      config: { ...options.config, ...options.serverConfig },
      accept: { alpn: ['test'] },
    });
    this.connection = this.client.connect(0, {
      remote: SERVER,
      local: CLIENT,
      serverName: 'server.test',
      alpn: ['test'],
      ...(options.version === undefined ? {} : { version: options.version }),
    });
  }

  /** Puts a datagram on the way, as if an endpoint (or somebody else) had sent it. */
  inject(direction: 'up' | 'down', bytes: Uint8Array, at = this.now + this.#delay): void {
    this.flying.push({ at, direction, bytes });
    this.flying.sort((a, b) => a.at - b.at);
  }

  /** Turns both endpoints until nothing happens at this instant. */
  settle(): void {
    this.#turn(this.client, 'up');
    this.#turn(this.server, 'down');
    this.#turn(this.client, 'up');
  }

  nextInstant(): Micros {
    return Math.min(this.client.nextTimeout(), this.server.nextTimeout(), this.flying[0]?.at ?? NEVER);
  }

  /** Runs virtual time up to an instant, or until nothing will ever happen. */
  run(until: Micros = NEVER, while_: () => boolean = () => true): void {
    this.settle();
    for (let steps = 0; while_(); steps++) {
      if (steps > 2_000_000) throw new Error('two million steps: something does not end');
      const next = this.nextInstant();
      if (next > until || next === NEVER) break;
      if (next > this.now) this.now = next;
      while (this.flying.length > 0 && this.flying[0]!.at <= this.now) {
        const { direction, bytes } = this.flying.shift()!;
        const datagram =
          direction === 'up'
            ? { bytes, length: bytes.length, local: SERVER, remote: CLIENT, ecn: 0 as const }
            : { bytes, length: bytes.length, local: CLIENT, remote: SERVER, ecn: 0 as const };
        (direction === 'up' ? this.server : this.client).receive(this.now, datagram);
      }
      this.settle();
    }
    if (until !== NEVER && until > this.now) this.now = until;
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

  #turn(endpoint: Endpoint, direction: 'up' | 'down'): void {
    const slot: Datagram = { bytes: new Uint8Array(65_536), length: 0, local: CLIENT, remote: SERVER, ecn: 0 };
    turn(
      endpoint,
      this.now,
      {
        slot: () => slot,
        send: (filled) => {
          const n = ++this.datagrams[direction];
          const bytes = filled.bytes.slice(0, filled.length);
          if (!(this.#options.drop?.(direction, n, bytes) ?? false)) this.inject(direction, bytes);
        },
      },
      (event) => {
        this.endpointEvents.push(event);
        if (event.type === 'accepted') this.accepted = event.connection;
        if (event.type !== 'active') return;
        const { connection } = event;
        for (let one = connection.pollEvent(); one !== undefined; one = connection.pollEvent()) {
          (direction === 'up' ? this.clientEvents : this.serverEvents).push(one);
          if (direction === 'down') this.#options.serve?.(this, one);
        }
      },
    );
  }
}
