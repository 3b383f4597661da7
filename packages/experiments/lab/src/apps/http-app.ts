import type { HttpConnection, HttpEvent, HttpOver } from '@quiclab/http-semantics';
import type { StreamEvent } from '@quiclab/http3';
import { type CloseCause, type Connection, isStreamEvent } from '@quiclab/quic';
import type { Micros } from '@quiclab/sansio';

/** What an application does with the events of its HTTP connection. */
export interface HttpHandler {
  onHttp(now: Micros, http: HttpConnection, event: HttpEvent): void;
  onReady?(now: Micros, http: HttpConnection): void;
  onClosed?(now: Micros, cause: CloseCause): void;
}

/** One QUIC connection with HTTP on it and an application above: hands events up until there are none. */
export class HttpApp {
  readonly #connection: Connection;
  readonly #makeHttp: () => HttpOver<StreamEvent>;
  readonly #handler: HttpHandler;
  #http: HttpOver<StreamEvent> | undefined = undefined;

  constructor(connection: Connection, makeHttp: () => HttpOver<StreamEvent>, handler: HttpHandler) {
    this.#connection = connection;
    this.#makeHttp = makeHttp;
    this.#handler = handler;
  }

  get http(): HttpConnection | undefined {
    return this.#http;
  }

  /** To be called whenever the connection has events, and after the application has called it. */
  pump(now: Micros): void {
    for (let event = this.#connection.pollEvent(); event !== undefined; event = this.#connection.pollEvent()) {
      switch (event.type) {
        case 'handshake-complete':
          this.#http = this.#makeHttp();
          this.#http.start(now);
          this.#handler.onReady?.(now, this.#http);
          break;
        case 'closed':
          this.#handler.onClosed?.(now, event.cause);
          break;
        default:
          if (isStreamEvent(event)) this.#http?.onTransport(now, event);
      }
      this.#pumpHttp(now);
    }
    this.#pumpHttp(now);
  }

  #pumpHttp(now: Micros): void {
    const http = this.#http;
    if (http === undefined) return;
    for (let event = http.pollEvent(); event !== undefined; event = http.pollEvent()) this.#handler.onHttp(now, http, event);
  }
}
