import type { HttpEvent } from '@quiclab/http-semantics';
import { Http3Connection } from '@quiclab/http3';
import { type CloseCause, type Connection, describeClose, isStreamEvent } from '@quiclab/quic';
import { MILLISECOND, NEVER } from '@quiclab/sansio';
import type { Piece } from './body.ts';
import type { Host, TransportOptions } from './host.ts';
import { LIMITS } from './limits.ts';
import { LONGEST_TIMER_MS } from './patience.ts';

/** What is told of one exchange. */
export interface ExchangeListener {
  onEvent(event: HttpEvent): void;
  /** The connection is gone. */
  onLost(error: Error): void;
}

export type OnRequest = (session: Session, request: Extract<HttpEvent, { type: 'request' }>) => void;

/** What a session tells whoever made it. */
export interface SessionHooks {
  /** At a server. */
  readonly onRequest?: OnRequest;
  /** At a client: what a next connection to this server may begin with. */
  readonly onSession?: (data: Uint8Array) => void;
  readonly onToken?: (data: Uint8Array) => void;
}

/** How a connection ended, as an error; `cause` says by whose hand. */
export class ConnectionLostError extends Error {
  override readonly cause: CloseCause;
  constructor(cause: CloseCause) {
    super(describeClose(cause));
    this.name = 'ConnectionLostError';
    this.cause = cause;
  }
}

/** HTTP/3 on one QUIC connection, with a listener for each exchange. */
export class Session {
  readonly http: Http3Connection;
  readonly connection: Connection;
  /** Settles when the handshake does. */
  readonly established: Promise<void>;
  /** Settles when the connection is over, well or not. */
  readonly over: Promise<void>;
  /** Set once the connection is over. */
  lost: ConnectionLostError | undefined = undefined;
  /** For how long a head, and content, is waited for. */
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  /** Exchanges were begun on it before. */
  used = false;

  readonly #host: Host;
  readonly #hooks: SessionHooks;
  /** While exchanges are under way, the connection does not fall idle. RFC 9000 §10.1.2. */
  readonly #keepsAlive: boolean;
  readonly #listeners = new Map<number, ExchangeListener>();
  #establish!: () => void;
  #refuse!: (error: Error) => void;
  #onOver!: () => void;
  #roomWanted: (() => void)[] = [];
  #idleWanted: (() => void)[] = [];
  #started = false;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(host: Host, connection: Connection, hooks: SessionHooks, options: TransportOptions) {
    this.#host = host;
    this.#hooks = hooks;
    this.connection = connection;
    this.#keepsAlive = options.keepAlive ?? true;
    const { side } = connection;
    this.headersTimeoutMs = options.headersTimeoutMs ?? (side === 'server' ? LIMITS.requestTime : LIMITS.responseTime).value;
    this.bodyTimeoutMs = options.bodyTimeoutMs ?? LIMITS.bodyTime.value;
    const headersTimeout = this.headersTimeoutMs * MILLISECOND;
    this.http = new Http3Connection({ side, transport: connection, random: host.random, headersTimeout });
    this.established = new Promise((resolve, reject) => {
      this.#establish = resolve;
      this.#refuse = reject;
    });
    this.over = new Promise((resolve) => {
      this.#onOver = resolve;
    });
    this.established.catch(() => {}); // whoever waits is told; nobody has to
    // RFC 9114 §7.2.4.2: until the server's SETTINGS come, the defaults hold; nothing that we send early hangs on others
    if (this.sendsEarly) this.#start(this.now);
  }

  /** At a client: what is sent now leaves before the handshake is complete. At a server, and else: false. */
  get sendsEarly(): boolean {
    return this.connection.sendsEarly;
  }

  get now(): number {
    return this.#host.clock.now();
  }

  listen(id: number, listener: ExchangeListener): void {
    this.#listeners.set(id, listener);
    if (this.#keepsAlive && this.#listeners.size === 1) this.connection.keepAlive(true);
  }

  forget(id: number): void {
    this.#listeners.delete(id);
    if (this.#keepsAlive && this.#listeners.size === 0) this.connection.keepAlive(false);
    this.#tellIdle();
  }

  /** The connection has events. Called within a turn. */
  turn(): void {
    const now = this.now;
    for (let event = this.connection.pollEvent(); event !== undefined; event = this.connection.pollEvent()) {
      if (event.type === 'handshake-complete') {
        this.#start(now);
        this.#establish();
      } else if (event.type === 'closed') this.#onClosed(event.cause);
      else if (event.type === 'session') this.#hooks.onSession?.(event.data);
      else if (event.type === 'token') this.#hooks.onToken?.(event.data);
      else if (isStreamEvent(event)) {
        if (event.type === 'stream-opened') this.#start(now); // in 0-RTT it comes before the handshake is complete
        this.http.onTransport(now, event);
      }
    }
    this.#drain();
    this.#watchTime();
  }

  /** The application has called `http`: what that led to is told, and what there is to send is sent. */
  touched(): void {
    this.#drain();
    this.#host.driver.wake();
  }

  /** The next piece of the peer's content; credit for it leaves at once. */
  readBody(id: number): Piece | undefined {
    const piece = this.http.readBody(this.now, id);
    this.touched();
    return piece;
  }

  /** Octets taken; what was taken leaves at once. */
  writeBody(id: number, data: Uint8Array): number {
    const taken = this.http.writeBody(this.now, id, data);
    this.touched();
    return taken;
  }

  /** Resolves when `http.request` may have a stream again, or will have none any more. */
  room(): Promise<void> {
    return new Promise((resolve) => this.#roomWanted.push(resolve));
  }

  /** Resolves when no exchange is under way. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWanted.push(resolve);
      this.#tellIdle();
    });
  }

  #start(now: number): void {
    if (this.#started) return;
    this.#started = true;
    this.http.start(now);
  }

  /** A timer for the next deadline; when it goes off and that has passed, for the one after it. */
  #watchTime(): void {
    const due = this.http.nextTimeout();
    if (due === NEVER || this.#timer !== undefined || this.lost !== undefined) return;
    const ms = Math.min(Math.max(0, Math.ceil((due - this.now) / MILLISECOND)), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.http.onTimeout(this.now);
      this.touched();
      this.#watchTime();
    }, ms).unref();
  }

  #drain(): void {
    for (let event = this.http.pollEvent(); event !== undefined; event = this.http.pollEvent()) {
      if (event.type === 'request') this.#hooks.onRequest?.(this, event);
      else if (event.type === 'requests-available' || event.type === 'goaway') this.#tellRoom();
      else if ('id' in event) this.#listeners.get(event.id)?.onEvent(event);
    }
  }

  #onClosed(cause: CloseCause): void {
    this.lost = new ConnectionLostError(cause);
    clearTimeout(this.#timer);
    this.#refuse(this.lost);
    this.#onOver();
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) listener.onLost(this.lost);
    this.#tellRoom();
    this.#tellIdle();
  }

  #tellRoom(): void {
    const wanted = this.#roomWanted;
    this.#roomWanted = [];
    for (const tell of wanted) tell();
  }

  #tellIdle(): void {
    if (this.#listeners.size > 0) return;
    const wanted = this.#idleWanted;
    this.#idleWanted = [];
    for (const tell of wanted) tell();
  }
}
