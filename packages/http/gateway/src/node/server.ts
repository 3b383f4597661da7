import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { nodeProvider, readPem, systemRandom } from '@quiclab/crypto/node';
import { H1_ALPN, Http1Server } from '@quiclab/http1';
import { H2_ALPN, Http2Connection } from '@quiclab/http2';
import { Listener, type SocketStream } from '@quiclab/net';
import { type Address, MILLISECOND, type Micros } from '@quiclab/sansio';
import { type HandshakeFactory, serverHandshake, ticketKeeper } from '@quiclab/tls';
import { type MonotonicClock, monotonicClock } from '@quiclab/udp';
import type { Logger } from 'pino';
import { Gateway } from '../gateway.ts';
import { LIMITS } from '../limits.ts';
import { type Windows, windowsFor } from '../windows.ts';
import { type Identity, identityOf } from './certificate.ts';
import { OriginDialer } from './dial.ts';
import { logging } from './log.ts';
import { QuicHost } from './quic-host.ts';
import { gatewayOptions, originOf, type ServerOptions, VERSIONS, type Version } from './server-options.ts';
import { StreamHop } from './stream-hop.ts';
import { webSocketKey } from './web-socket-key.ts';
import { http2Windows, quicWindows } from './windows.ts';

/** How a gateway ended: requests that were under way then, and were or were not finished. */
export interface Ended {
  readonly finished: number;
  readonly brokenOff: number;
}

export interface GatewayServer extends AsyncDisposable {
  /** Where TLS and QUIC are spoken, and clear text: undefined where they are not. */
  readonly address: Address | undefined;
  readonly clearAddress: Address | undefined;
  readonly certificate: { readonly pem: string; readonly spkiSha256: string; readonly selfSigned: boolean };
  readonly name: string;
  readonly requests: number;
  readonly connections: { readonly front: number; readonly back: number };
  /** Another certificate for new connections over TLS and QUIC. Sessions that are resumed go on without one. */
  setCertificate(cert: string, key?: string): void;
  /** Takes nothing new, lets what is under way finish, for so long (ms, default 5,000), then ends. */
  close(graceMs?: number): Promise<Ended>;
}

const MAX_FIELD_SECTION_SIZE = 65_536;
/** Requests that a client has under way at once on a connection over HTTP/2 or HTTP/3. */
const CLIENT_STREAMS = 100;
const CONNECT_TIMEOUT = 10_000_000;
const GRACE_MS = 5_000;
/** What a client may still take to close its connections, once all requests are over. */
const CLOSING_MS = 1_000;

/** A gateway on real sockets. Rejects with the system's error where a port cannot be bound, and with a TypeError for options that make no sense. */
export async function startGateway(options: ServerOptions): Promise<GatewayServer> {
  const server = new RunningGateway(options);
  try {
    await server.open();
  } catch (error) {
    await server.giveUp();
    throw error;
  }
  return server;
}

class RunningGateway implements GatewayServer {
  readonly name: string;
  readonly #options: ServerOptions;
  readonly #clock: MonotonicClock = monotonicClock();
  #identity: Identity;
  readonly #gateway: Gateway;
  readonly #dialer: OriginDialer;
  readonly #logger: Logger | undefined;
  readonly #versions: readonly Version[];
  readonly #tickets = ticketKeeper({ provider: nodeProvider, random: systemRandom });
  #quicHandshake: HandshakeFactory;
  #listeners: Listener[] = [];
  #tls: Listener | undefined = undefined;
  #clear: Listener | undefined = undefined;
  #quic: QuicHost | undefined = undefined;
  #alarm: NodeJS.Timeout | undefined = undefined;
  #closed: Promise<Ended> | undefined = undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#logger = options.logger;
    this.#versions = options.listen ?? VERSIONS;
    const origin = originOf(options.origin);
    const secure = origin.protocol === 'https:';
    const back = options.back ?? 'h1';
    if (back === 'h3' && !secure) throw new TypeError('an origin over HTTP/3 needs an https URL');
    if (this.#versions.length === 0 && options.clearPort === undefined) throw new TypeError('nothing to listen to');
    if (options.originCa !== undefined && readPem(options.originCa).certificates.length === 0)
      throw new TypeError('the file of roots for the origin holds no certificate');
    this.#identity = identityOf(options.cert, options.key);
    this.#quicHandshake = this.#handshakeFor(this.#identity);
    this.name = options.name ?? drawnName();
    if (!/^[!#$%&'*+\-.^_`|~\w]+$/.test(this.name)) throw new TypeError(`'${this.name}' is no token, so no name for Via`);
    const host = origin.hostname.replace(/^\[|\]$/g, '');
    this.#dialer = new OriginDialer({
      clock: this.#clock,
      host,
      port: Number(origin.port || (secure ? 443 : 80)),
      version: back,
      secure,
      ...(options.originName === undefined ? {} : { serverName: options.originName }),
      ...(options.originCa === undefined ? {} : { ca: options.originCa }),
      verify: options.verifyOrigin ?? true,
      connectTimeout: options.connectTimeout ?? CONNECT_TIMEOUT,
      stallTimeout: options.bodyTimeout ?? LIMITS.bodyTime.value,
      maxFieldSectionSize: options.maxFieldSectionSize ?? MAX_FIELD_SECTION_SIZE,
      windows: this.#windowsFor(LIMITS.sharing.value),
      onFault: (error) => this.#fault(error),
      onFailure: (failure, detail) => this.#logger?.warn({ error: failure.error, detail }, failure.what),
    });
    this.#gateway = new Gateway({
      ...gatewayOptions(options),
      ...(options.observer === undefined && options.logger !== undefined ? { observer: logging(options.logger) } : {}),
      name: this.name,
      origin: { scheme: secure ? 'https' : 'http', authority: origin.host },
      ...(back === 'h1' ? { exchangesPerConnection: 1 } : {}),
      date: (now) => new Date(now / 1000).toUTCString(),
      ports: { dial: (_now, made) => this.#dialer.dial(made), alarm: (at) => this.#setAlarm(at), webSocketKey },
    });
  }

  get address(): Address | undefined {
    return this.#tls?.address ?? this.#quic?.address;
  }

  get clearAddress(): Address | undefined {
    return this.#clear?.address;
  }

  get certificate(): GatewayServer['certificate'] {
    const { cert: pem, spkiSha256, selfSigned } = this.#identity;
    return { pem, spkiSha256, selfSigned };
  }

  get requests(): number {
    return this.#gateway.requests;
  }

  get connections(): { readonly front: number; readonly back: number } {
    return this.#gateway.connections;
  }

  setCertificate(cert: string, key?: string): void {
    this.#identity = identityOf(cert, key);
    this.#tls?.setCertificate({ cert: this.#identity.cert, key: this.#identity.key });
    this.#quicHandshake = this.#handshakeFor(this.#identity);
  }

  // --- the beginning ----------------------------------------------------------------------------------------------------

  async open(): Promise<void> {
    const { host: given = '127.0.0.1', clearPort } = this.#options;
    const host = isIP(given) === 0 ? (await lookup(given)).address : given;
    await this.#openSecure(host);
    if (clearPort !== undefined)
      this.#clear = await this.#listen({ host, port: clearPort, onStream: (stream) => this.#onStream(stream, false) });
  }

  /** TLS over TCP and QUIC over UDP share the number of a port. */
  async #openSecure(host: string): Promise<void> {
    const { port = 0, allowTls12 = false } = this.#options;
    const { cert, key } = this.#identity;
    const alpn = [...(this.#versions.includes('h2') ? [H2_ALPN] : []), ...(this.#versions.includes('h1') ? [H1_ALPN] : [])];
    for (let attempt = 1; ; attempt++) {
      if (alpn.length > 0)
        this.#tls = await this.#listen({
          host,
          port,
          tls: { cert, key, alpn, allowTls12 },
          onStream: (stream) => this.#onStream(stream, true),
        });
      if (!this.#versions.includes('h3')) return;
      try {
        this.#quic = await this.#openQuic(host, this.#tls?.address.port ?? port);
        this.#gateway.offer(`h3=":${this.#quic.address.port}"; ma=86400`); // RFC 7838 §3
        return;
      } catch (error) {
        // a port that is free over TCP may not be over UDP: another one, where any will do
        if (port !== 0 || attempt === 10 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
        await this.#tls?.close();
        this.#listeners = this.#listeners.filter((listener) => listener !== this.#tls);
      }
    }
  }

  async #listen(options: Parameters<typeof Listener.open>[0]): Promise<Listener> {
    const { maxClients } = this.#options;
    const listener = await Listener.open({
      ...options,
      ...(maxClients === undefined ? {} : { maxConnections: maxClients }),
      ...(this.#logger === undefined ? {} : { logger: this.#logger }),
    });
    this.#listeners.push(listener);
    return listener;
  }

  #openQuic(host: string, port: number): Promise<QuicHost> {
    const { maxClients } = this.#options;
    return QuicHost.open({
      host,
      port,
      clock: this.#clock,
      handshake: (begun) => this.#quicHandshake(begun), // whichever certificate there is by then
      transport: {
        ...(maxClients === undefined ? {} : { maxConnections: maxClients }),
        maxStreamsBidi: CLIENT_STREAMS,
        ...quicWindows(this.#windowsFor(CLIENT_STREAMS)),
      },
      http: this.#http,
      accept: (made) =>
        this.#gateway.accept(this.#clock.now(), made.http, {
          version: '3',
          secure: true,
          client: made.connection.remote,
          wake: () => made.wake(),
          reset: (id) => made.reset(id),
        }),
      onFault: (error) => this.#fault(error),
    });
  }

  #handshakeFor({ chain: certificates, privateKey }: Identity): HandshakeFactory {
    return serverHandshake({ provider: nodeProvider, certificates, privateKey, tickets: this.#tickets, earlyData: true });
  }

  get #http(): { readonly maxFieldSectionSize: number; readonly headersTimeout: Micros; readonly enableConnectProtocol: true } {
    const { maxFieldSectionSize = MAX_FIELD_SECTION_SIZE, headTimeout: headersTimeout = LIMITS.headTime.value } = this.#options;
    return { maxFieldSectionSize, headersTimeout, enableConnectProtocol: true }; // RFC 8441, RFC 9220
  }

  #windowsFor(streams: number): Windows {
    return windowsFor(streams, this.#options.maxRequests, this.#options.maxBuffered);
  }

  #onStream(stream: SocketStream, secure: boolean): void {
    const version = stream.tls?.alpn === H2_ALPN ? '2' : '1.1';
    const http =
      version === '2'
        ? new Http2Connection({
            side: 'server',
            transport: stream,
            maxConcurrentStreams: CLIENT_STREAMS,
            ...this.#http,
            ...http2Windows(this.#windowsFor(CLIENT_STREAMS)),
          })
        : new Http1Server({ transport: stream, scheme: secure ? 'https' : 'http', expectContinue: 'application', ...this.#http });
    const stallTimeout = this.#options.bodyTimeout ?? LIMITS.bodyTime.value;
    const options = { clock: this.#clock, stallTimeout, onFault: (error: Error) => this.#fault(error) };
    new StreamHop(http, stream, options, (self) =>
      this.#gateway.accept(this.#clock.now(), http, { version, secure, client: stream.remote, wake: () => self.wake() }),
    );
  }

  // --- time -----------------------------------------------------------------------------------------------------------------

  #setAlarm(at: Micros): void {
    clearTimeout(this.#alarm);
    this.#alarm = undefined;
    if (at === Number.POSITIVE_INFINITY) return;
    const ms = Math.min(Math.max(1, Math.ceil((at - this.#clock.now()) / MILLISECOND)), 0x7fff_ffff);
    this.#alarm = setTimeout(() => this.#onAlarm(), ms).unref(); // the listeners keep the process running
  }

  #onAlarm(): void {
    try {
      this.#gateway.onTimeout(this.#clock.now());
    } catch (error) {
      this.#fault(error as Error);
    }
  }

  // --- the end --------------------------------------------------------------------------------------------------------------

  close(graceMs: number = GRACE_MS): Promise<Ended> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** It could not begin. */
  async giveUp(): Promise<void> {
    for (const listener of this.#listeners) await listener.close();
    await this.#quic?.close();
    await this.#dialer.close();
  }

  async #close(graceMs: number): Promise<Ended> {
    const before = this.#gateway.requests;
    this.#logger?.info({ requests: before, graceMs }, 'closing');
    for (const listener of this.#listeners) await listener.stop();
    this.#gateway.drain(this.#clock.now());
    await within(graceMs, new Promise<void>((resolve) => this.#gateway.whenIdle(resolve)));
    const brokenOff = this.#gateway.requests;
    this.#gateway.close(this.#clock.now());
    // what was said last is on its way; who does not take it is not waited for
    await within(brokenOff > 0 ? 0 : CLOSING_MS, Promise.all(this.#listeners.map((listener) => listener.idle())));
    for (const listener of this.#listeners) await listener.close();
    await this.#quic?.close();
    await this.#dialer.close();
    clearTimeout(this.#alarm);
    const ended = { finished: before - brokenOff, brokenOff };
    this.#logger?.info(ended, 'closed');
    return ended;
  }

  #fault(error: Error): void {
    this.#logger?.fatal({ err: error }, 'the gateway has a fault');
    void this.close(0).then(() => this.#options.onFault?.(error));
  }
}

/** Resolves when that has happened, or after so long. */
async function within(ms: number, happening: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([happening, patience]);
  clearTimeout(timer);
}

function drawnName(): string {
  return `quiclab-${systemRandom.uint32().toString(16).padStart(8, '0')}`;
}
