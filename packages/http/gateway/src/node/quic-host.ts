import { nodeProvider, systemRandom } from '@quiclab/crypto/node';
import { H3, H3_ALPN, Http3Connection, type Http3Options } from '@quiclab/http3';
import {
  type CloseCause,
  type Connection,
  describeClose,
  Endpoint,
  type EndpointEvent,
  isStreamEvent,
  standardPolicies,
  type TransportConfig,
} from '@quiclab/quic';
import { type Address, MILLISECOND, NEVER } from '@quiclab/sansio';
import type { HandshakeFactory } from '@quiclab/tls';
import { type Driver, drive, type MonotonicClock, UdpSocket } from '@quiclab/udp';
import type { Hop } from '../hop.ts';

export interface QuicHostOptions {
  readonly host: string;
  readonly port: number;
  readonly clock: MonotonicClock;
  readonly handshake: HandshakeFactory;
  readonly transport?: Partial<TransportConfig>;
  readonly http?: Pick<Http3Options, 'maxFieldSectionSize' | 'headersTimeout' | 'enableConnectProtocol'>;
  /** Present: connections are accepted. The hop of one that was. */
  readonly accept?: (connection: QuicConnection) => Hop;
  /** The program has a fault: nothing is driven any more. */
  readonly onFault: (error: Error) => void;
}

const LONGEST_TIMER_MS = 0x7fff_ffff;

/** A UDP socket, a QUIC endpoint on it, and HTTP/3 on its connections. */
export class QuicHost {
  readonly clock: MonotonicClock;
  readonly #socket: UdpSocket;
  readonly #endpoint: Endpoint;
  readonly #driver: Driver;
  readonly #options: QuicHostOptions;
  readonly #connections = new Map<Connection, QuicConnection>();
  #onEmpty: () => void = () => {};

  static async open(options: QuicHostOptions): Promise<QuicHost> {
    return new QuicHost(options, await UdpSocket.bind(options));
  }

  private constructor(options: QuicHostOptions, socket: UdpSocket) {
    this.#options = options;
    this.#socket = socket;
    this.clock = options.clock;
    this.#endpoint = new Endpoint({
      policies: standardPolicies({ random: systemRandom, crypto: nodeProvider, handshake: options.handshake }),
      config: { mtuDiscovery: true, ...options.transport },
      maxProbeSize: (local, remote) => socket.largestDatagram(local, remote),
      ...(options.accept === undefined ? {} : { accept: { alpn: [H3_ALPN] } }),
    });
    this.#driver = drive(this.#endpoint, socket, {
      clock: options.clock,
      slotSize: Math.max(1_500, socket.largestSlot),
      handle: (event) => this.#handle(event),
      onError: (error) => options.onFault(error),
    });
  }

  get address(): Address {
    return this.#socket.address();
  }

  get connections(): number {
    return this.#connections.size;
  }

  connect(remote: Address, serverName: string): QuicConnection {
    const connection = this.#endpoint.connect(this.clock.now(), { remote, serverName, alpn: [H3_ALPN] });
    const made = new QuicConnection(this, connection, this.#options.http ?? {});
    this.#connections.set(connection, made);
    this.wake();
    return made;
  }

  wake(): void {
    this.#driver.wake();
  }

  /** Resolves when no connection is left, those among them that only wait for stray packets. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      if (this.#connections.size === 0) resolve();
    });
  }

  /** Closes all connections, lets that be said, and closes the socket. */
  async close(): Promise<void> {
    this.#endpoint.close(this.clock.now(), H3.NO_ERROR, '');
    this.#driver.turnNow();
    await this.#driver.close();
    for (const connection of this.#connections.values()) connection.end('the gateway is closed');
    this.#connections.clear();
  }

  #handle({ type, connection }: EndpointEvent): void {
    let known = this.#connections.get(connection);
    if (type === 'drained') {
      this.#connections.delete(connection);
      if (this.#connections.size === 0) this.#onEmpty();
      return;
    }
    if (known === undefined) {
      if (this.#options.accept === undefined) return;
      known = new QuicConnection(this, connection, this.#options.http ?? {});
      known.hop = this.#options.accept(known);
      this.#connections.set(connection, known);
    }
    known.turn();
  }
}

/** HTTP/3 on one QUIC connection, as a hop of the gateway. */
export class QuicConnection {
  readonly http: Http3Connection;
  readonly connection: Connection;
  /** Settles when the handshake does; rejects with how the connection ended. */
  readonly established: Promise<void>;
  hop: Hop | undefined = undefined;
  readonly #host: QuicHost;
  #establish!: () => void;
  #refuse!: (cause: CloseCause) => void;
  /** How it ended. */
  over: CloseCause | undefined = undefined;
  #started = false;
  #over = false;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(host: QuicHost, connection: Connection, options: NonNullable<QuicHostOptions['http']>) {
    this.#host = host;
    this.connection = connection;
    this.http = new Http3Connection({ side: connection.side, transport: connection, random: systemRandom, ...options });
    this.established = new Promise((resolve, reject) => {
      this.#establish = resolve;
      this.#refuse = reject;
    });
    this.established.catch(() => {}); // whoever waits is told; nobody has to
  }

  /** Within a turn: the connection has events. */
  turn(): void {
    const now = this.#host.clock.now();
    for (let event = this.connection.pollEvent(); event !== undefined; event = this.connection.pollEvent()) {
      if (isStreamEvent(event)) {
        if (event.type === 'stream-opened') this.#start(now); // in 0-RTT it comes before the handshake is complete
        this.http.onTransport(now, event);
      } else if (event.type === 'handshake-complete') {
        this.#start(now);
        this.#establish();
      } else if (event.type === 'closed') {
        this.over = event.cause;
        this.#refuse(event.cause);
        this.end(describeClose(event.cause));
      }
    }
    if (this.#over) return;
    this.hop?.turn(now);
    this.#watchTime(now);
  }

  wake(): void {
    this.connection.keepAlive((this.hop?.exchanges.size ?? 0) > 0); // RFC 9000 §10.1.2
    this.#host.wake();
  }

  /** The peer does not take what it was sent on this stream. */
  reset(id: number): void {
    this.connection.reset(id, H3.REQUEST_CANCELLED);
    this.wake();
  }

  close(code: number, reason: string): void {
    this.http.close(this.#host.clock.now(), code, reason);
    this.wake();
  }

  end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.hop?.lost(this.#host.clock.now(), reason);
  }

  #start(now: number): void {
    if (this.#started) return;
    this.#started = true;
    this.http.start(now);
  }

  /** A timer for the next deadline of HTTP; when it goes off, for the one after it. */
  #watchTime(now: number): void {
    const due = this.http.nextTimeout();
    if (due === NEVER || this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        if (this.#over) return;
        const later = this.#host.clock.now();
        if (this.http.nextTimeout() <= later) this.http.onTimeout(later);
        this.hop?.turn(later);
        this.#watchTime(later);
      },
      Math.min(Math.max(1, Math.ceil((due - now) / MILLISECOND)), LONGEST_TIMER_MS),
    ).unref();
  }
}
