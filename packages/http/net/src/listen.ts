import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import type { Address } from '@quiclab/sansio';
import type { Logger } from 'pino';
import { describeError, SocketStream } from './stream.ts';

/** A chain, leaf first, and its private key: PEM. */
export interface CertificatePem {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
}

/** TLS at the server. */
export interface ServerTls extends CertificatePem {
  /** Protocols that are spoken, the one liked best first (RFC 7301). A client that offers others only is refused. */
  readonly alpn?: readonly string[];
  /** Certificates for other names ('example.org', '*.example.org'), by SNI. */
  readonly names?: Readonly<Record<string, CertificatePem>>;
  /** TLS 1.2 will do. Default false: 1.3 only. */
  readonly allowTls12?: boolean;
}

export interface ListenOptions {
  /** A literal address, or a name of this machine. Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: one that is free. */
  readonly port?: number;
  readonly tls?: ServerTls;
  /** A connection, once TLS is through. The stream is the callee's from here on. */
  readonly onStream: (stream: SocketStream) => void;
  /** Connections at once, those among them that are still shaking hands; one more is reset. Default 10,000. */
  readonly maxConnections?: number;
  /** The same, of one host. Default: no limit of its own. */
  readonly maxConnectionsPerHost?: number;
  /** How long a TLS handshake may take, in ms. Default 10,000. */
  readonly handshakeTimeoutMs?: number;
  readonly logger?: Logger;
}

/** Live counts of what a listener saw. */
export interface ListenerCounters {
  accepted: number;
  /** Beyond the limits. */
  refused: number;
  /** TLS handshakes that failed, by code ('ERR_SSL_NO_SHARED_CIPHER'). */
  readonly handshakeFailures: Readonly<Record<string, number>>;
}

const MAX_CONNECTIONS = 10_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** A bound port. */
export class Listener {
  readonly #server: Server;
  readonly #tls: TlsServer | undefined;
  readonly #options: ListenOptions;
  readonly #open = new Set<Socket>();
  readonly #perHost = new Map<string, number>();
  /** Sockets that shake hands, by the peer's address: what TLS hands on does not say which socket it stands on. */
  readonly #handshaking = new Map<string, Socket>();
  readonly #streams = new Set<SocketStream>();
  readonly #failures: Record<string, number> = {};
  #accepted = 0;
  #refused = 0;
  #stopped: Promise<void> | undefined = undefined;
  #onEmpty: () => void = () => {};

  /** Resolves when the port is bound; rejects with the system's error, or with TLS's for a certificate or key that is none. */
  static async open(options: ListenOptions): Promise<Listener> {
    const listener = new Listener(options);
    const listening = once(listener.#server, 'listening');
    listener.#server.listen({ host: options.host ?? '127.0.0.1', port: options.port ?? 0, backlog: 1_024 });
    await listening;
    listener.#server.on('error', (error) => options.logger?.error({ err: error }, 'the listening socket failed'));
    options.logger?.debug({ local: listener.address }, 'listening');
    return listener;
  }

  private constructor(options: ListenOptions) {
    this.#options = options;
    this.#tls = options.tls === undefined ? undefined : this.#tlsServer(options.tls);
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket) =>
      this.#onSocket(socket),
    );
  }

  get address(): Address {
    const bound = this.#server.address();
    return typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : { host: '', port: 0 };
  }

  /** Connections that are open, those that shake hands among them. */
  get connections(): number {
    return this.#open.size;
  }

  counters(): ListenerCounters {
    return { accepted: this.#accepted, refused: this.#refused, handshakeFailures: this.#failures };
  }

  /** Another certificate for new connections. Rejects what is none with TLS's error; then the old one stays. */
  setCertificate({ cert, key }: CertificatePem): void {
    this.#tls?.setSecureContext({ cert: pem(cert), key: pem(key) });
  }

  /** Nothing new; what is open goes on. Resolves when the port is free. */
  stop(): Promise<void> {
    this.#stopped ??= new Promise((resolve) => {
      // Node calls back when the connections are gone, too; the port is free at once
      this.#server.close();
      for (const socket of this.#handshaking.values()) socket.destroy();
      setImmediate(resolve);
    });
    return this.#stopped;
  }

  /** Resolves when no connection is open. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      if (this.#open.size === 0) resolve();
    });
  }

  /** Stops, and gives up what is open. */
  async close(): Promise<void> {
    await this.stop();
    for (const stream of this.#streams) stream.abort(0, 'the listener was closed');
    for (const socket of this.#open) socket.destroy();
    await this.idle();
  }

  // --- one connection ---------------------------------------------------------------------------------------------------

  #onSocket(socket: Socket): void {
    const host = socket.remoteAddress ?? '';
    if (!this.#admit(host)) {
      this.#refused++;
      this.#options.logger?.debug({ host, open: this.#open.size }, 'refused: too many connections');
      socket.on('error', () => {}).resetAndDestroy();
      return;
    }
    this.#accepted++;
    this.#open.add(socket);
    this.#perHost.set(host, (this.#perHost.get(host) ?? 0) + 1);
    socket.once('close', () => this.#onClose(socket, host));
    if (this.#tls === undefined) {
      this.#hand(new SocketStream(socket), socket);
      return;
    }
    const peer = peerOf(socket);
    this.#handshaking.set(peer, socket);
    socket.once('close', () => this.#handshaking.delete(peer));
    this.#tls.emit('connection', socket); // as Node's documentation has it, for sockets that were accepted elsewhere
  }

  #admit(host: string): boolean {
    const { maxConnections = MAX_CONNECTIONS, maxConnectionsPerHost = Number.POSITIVE_INFINITY } = this.#options;
    return this.#stopped === undefined && this.#open.size < maxConnections && (this.#perHost.get(host) ?? 0) < maxConnectionsPerHost;
  }

  #onClose(socket: Socket, host: string): void {
    this.#open.delete(socket);
    const left = this.#perHost.get(host)! - 1;
    if (left > 0) this.#perHost.set(host, left);
    else this.#perHost.delete(host);
    if (this.#open.size === 0) this.#onEmpty();
  }

  #hand(stream: SocketStream, socket: Socket): void {
    this.#streams.add(stream);
    socket.once('close', () => this.#streams.delete(stream));
    this.#options.onStream(stream);
  }

  // --- TLS --------------------------------------------------------------------------------------------------------------

  #tlsServer(tls: ServerTls): TlsServer {
    const server = createTlsServer({
      cert: pem(tls.cert),
      key: pem(tls.key),
      ...(tls.alpn === undefined ? {} : { ALPNProtocols: [...tls.alpn] }),
      minVersion: tls.allowTls12 === true ? 'TLSv1.2' : 'TLSv1.3',
      handshakeTimeout: this.#options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
      allowHalfOpen: true,
    });
    for (const [name, { cert, key }] of Object.entries(tls.names ?? {})) server.addContext(name, { cert: pem(cert), key: pem(key) });
    server.on('secureConnection', (socket) => this.#onSecure(socket));
    server.on('tlsClientError', (error, socket) => {
      const { code = error.name } = error as NodeJS.ErrnoException;
      this.#failures[code] = (this.#failures[code] ?? 0) + 1;
      this.#options.logger?.debug({ code, remote: socket.remoteAddress }, `TLS handshake failed: ${describeError(error)}`);
      socket.destroy();
    });
    return server;
  }

  #onSecure(socket: TLSSocket): void {
    const peer = peerOf(socket);
    const raw = this.#handshaking.get(peer);
    if (raw === undefined) {
      socket.destroy(); // it is gone already
      return;
    }
    this.#handshaking.delete(peer);
    this.#hand(new SocketStream(socket, raw), raw);
  }
}

const peerOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`;
const pem = (text: string | Uint8Array): string | Buffer => (typeof text === 'string' ? text : Buffer.from(text));
