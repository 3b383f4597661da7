import { nodeProvider, systemRandom } from '@quiclab/crypto/node';
import { H3, H3_ALPN } from '@quiclab/http3';
import { type Connection, Endpoint, type EndpointEvent, type Policies, standardPolicies, type TransportConfig } from '@quiclab/quic';
import type { Address, Random } from '@quiclab/sansio';
import type { HandshakeFactory } from '@quiclab/tls';
import { type Driver, drive, type MonotonicClock, monotonicClock, UdpSocket } from '@quiclab/udp';
import type { Remembered } from './resumption.ts';
import { type OnRequest, Session, type SessionHooks } from './session.ts';

/** What both sides may set beside what HTTP is about. */
export interface TransportOptions {
  /** Windows, timeouts, limits of QUIC. `mtuDiscovery` is on by default here: probes are no larger than what the interface takes. */
  readonly transport?: Partial<TransportConfig>;
  /** Replaces parts of QUIC: a congestion controller, a stream scheduler (by default streams take turns, whatever their priority), an observer that writes qlog. */
  readonly policies?: Partial<Omit<Policies, 'crypto' | 'handshake'>>;
  /** False: every handshake is a full one, and no session is kept (client) or given (server). Default true. */
  readonly resume?: boolean;
  /** False: nothing is sent (client) or taken (server) in 0-RTT, where it could be a replay. Default true, for safe methods only (RFC 8470). */
  readonly earlyData?: boolean;
  /**
   * False: a connection on which nothing is heard for the idle timeout (`transport.maxIdleTimeout`, 30 s by default, or the peer's) is lost,
   * with the requests that wait there for an answer. Default true: while requests are under way, and only then, the peer is asked for a
   * sign of life after half of that time (PING, RFC 9000 §10.1.2).
   */
  readonly keepAlive?: boolean;
  /**
   * How long the head of the peer's message may take, in ms: at a server a request's, from the first octet on, default 60,000; at a
   * client the response's, once the request is sent, default 300,000. Infinity: for ever.
   */
  readonly headersTimeoutMs?: number;
  /** How long content may stand still, in either direction, while it is the peer that we wait for, in ms. Default 300,000. Infinity: for ever. */
  readonly bodyTimeoutMs?: number;
}

export interface HostOptions extends TransportOptions {
  readonly bind: { readonly host: string; readonly port: number };
  readonly handshake: HandshakeFactory;
  /** Present: a server. Called for each connection. */
  readonly accept?: () => OnRequest;
  /** The program has a fault: nothing is driven any more. */
  readonly onFault: (error: Error) => void;
}

/** A socket, a QUIC endpoint on it, and the sessions of its connections. */
export class Host {
  readonly clock: MonotonicClock = monotonicClock();
  readonly random: Random = systemRandom;
  readonly address: Address;
  readonly driver: Driver;
  readonly sessions = new Map<Connection, Session>();
  readonly #endpoint: Endpoint;
  readonly #options: HostOptions;

  static async open(options: HostOptions): Promise<Host> {
    return new Host(options, await UdpSocket.bind(options.bind));
  }

  private constructor(options: HostOptions, socket: UdpSocket) {
    this.#options = options;
    this.address = socket.address();
    const policies = {
      ...standardPolicies({ random: this.random, crypto: nodeProvider, handshake: options.handshake }),
      ...options.policies,
    };
    const server = options.accept !== undefined;
    const { datagramSize = 0, mtuDiscovery = true } = options.transport ?? {};
    this.#endpoint = new Endpoint({
      policies,
      config: { ...options.transport, mtuDiscovery },
      maxProbeSize: (local, remote) => socket.largestDatagram(local, remote),
      ...(server ? { accept: { alpn: [H3_ALPN] } } : {}),
    });
    this.driver = drive(this.#endpoint, socket, {
      clock: this.clock,
      slotSize: Math.max(1_500, datagramSize, mtuDiscovery ? socket.largestSlot : 0),
      handle: (event) => this.#handle(event),
      onError: (error) => options.onFault(error),
    });
  }

  /** @param remembered  what an earlier connection left: with a session that allows it, the new one takes early requests at once */
  connect(remote: Address, serverName: string, remembered: Remembered = {}, hooks: SessionHooks = {}): Session {
    const { session, token } = remembered;
    const connection = this.#endpoint.connect(this.clock.now(), {
      remote,
      serverName,
      alpn: [H3_ALPN],
      ...(session && { session, earlyData: this.#options.earlyData ?? true }),
      ...(token && { token }),
    });
    const made = new Session(this, connection, hooks, this.#options);
    this.sessions.set(connection, made);
    this.driver.wake();
    return made;
  }

  /** Closes all connections, lets that be said, and closes the socket. */
  async close(): Promise<void> {
    this.#endpoint.close(this.clock.now(), H3.NO_ERROR, '');
    this.driver.ref(); // until the socket is closed
    this.driver.turnNow();
    await this.driver.close();
  }

  #handle(event: EndpointEvent): void {
    const { connection } = event;
    if (event.type === 'drained') {
      this.sessions.delete(connection);
      return;
    }
    let session = this.sessions.get(connection);
    if (session === undefined) {
      const onRequest = this.#options.accept?.();
      session = new Session(this, connection, onRequest === undefined ? {} : { onRequest }, this.#options);
      this.sessions.set(connection, session);
    }
    session.turn();
  }
}
