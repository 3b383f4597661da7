import type { HttpConnection, HttpEvent, HttpOver } from '@quiclab/http-semantics';
import type { StreamEvent } from '@quiclab/http3';
import { type CloseCause, type Connection, type ConnectionEvent, isStreamEvent } from '@quiclab/quic';
import type { Micros } from '@quiclab/sansio';

/** What is done with the events of an HTTP connection; one for each connection. */
export interface HttpApp {
  onReady(now: Micros, http: HttpConnection): void;
  onEvent(now: Micros, http: HttpConnection, event: HttpEvent): void;
  onClosed(now: Micros, cause: CloseCause): void;
  /** Everything that concerns the connection and not HTTP. */
  onConnectionEvent?(now: Micros, event: ConnectionEvent): void;
}

/** A QUIC connection, HTTP over it, and the application above. */
export class HttpOverQuic {
  readonly #connection: Connection;
  readonly #makeHttp: (connection: Connection) => HttpOver<StreamEvent>;
  readonly #app: HttpApp;
  #http: HttpOver<StreamEvent> | undefined = undefined;

  constructor(connection: Connection, makeHttp: (connection: Connection) => HttpOver<StreamEvent>, app: HttpApp) {
    this.#connection = connection;
    this.#makeHttp = makeHttp;
    this.#app = app;
  }

  /** Hands everything up that the connection has to tell. */
  onActive(now: Micros): void {
    if (this.#connection.sendsEarly) this.begin(now);
    for (let event = this.#connection.pollEvent(); event !== undefined; event = this.#connection.pollEvent()) {
      // requests in 0-RTT come to a server before its handshake is complete
      if (event.type === 'handshake-complete' || event.type === 'stream-opened') this.begin(now);
      if (event.type === 'closed') this.#app.onClosed(now, event.cause);
      else if (isStreamEvent(event)) this.#http?.onTransport(now, event);
      else this.#app.onConnectionEvent?.(now, event);
    }
    const http = this.#http;
    if (http === undefined) return;
    for (let event = http.pollEvent(); event !== undefined; event = http.pollEvent()) this.#app.onEvent(now, http, event);
  }

  /** HTTP begins with the end of the handshake, or with early data. */
  begin(now: Micros): void {
    if (this.#http !== undefined) return;
    this.#http = this.#makeHttp(this.#connection);
    this.#http.start(now);
    this.#app.onReady(now, this.#http);
  }
}
