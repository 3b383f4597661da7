import type { HttpConnection, HttpOver } from '@quiclab/http-semantics';
import type { StreamEvent } from '@quiclab/http3';
import { type Connection, describeClose, isStreamEvent } from '@quiclab/quic';
import type { Micros } from '@quiclab/sansio';
import type { Carrier, HttpHandler } from './carrier.ts';

const H3_NO_ERROR = 0x100;

/** One QUIC connection, with HTTP on it as soon as it takes octets: after the handshake, or in 0-RTT. */
export class QuicCarrier implements Carrier {
  readonly #connection: Connection;
  readonly #makeHttp: () => HttpOver<StreamEvent>;
  readonly #handler: HttpHandler;
  #http: HttpOver<StreamEvent> | undefined = undefined;
  #pumping = false;

  constructor(connection: Connection, makeHttp: () => HttpOver<StreamEvent>, handler: HttpHandler) {
    this.#connection = connection;
    this.#makeHttp = makeHttp;
    this.#handler = handler;
  }

  get http(): HttpConnection | undefined {
    return this.#http;
  }

  pump(now: Micros): void {
    if (this.#pumping) return; // the application was called from below, which goes on
    this.#pumping = true;
    try {
      if (this.#connection.sendsEarly) this.#start(now);
      for (let event = this.#connection.pollEvent(); event !== undefined; event = this.#connection.pollEvent()) {
        if (event.type === 'handshake-complete') this.#start(now);
        else if (event.type === 'closed') this.#handler.onClosed?.(now, describeClose(event.cause));
        else if (isStreamEvent(event)) {
          if (event.type === 'stream-opened') this.#start(now); // in 0-RTT it comes before the handshake is complete
          this.#http?.onTransport(now, event);
        }
        this.#pumpHttp(now);
      }
      this.#pumpHttp(now);
    } finally {
      this.#pumping = false;
    }
  }

  close(now: Micros): void {
    this.#connection.close(now, H3_NO_ERROR, '');
  }

  #start(now: Micros): void {
    if (this.#http !== undefined) return;
    this.#http = this.#makeHttp();
    this.#http.start(now);
    this.#handler.onReady?.(now, this.#http);
  }

  #pumpHttp(now: Micros): void {
    const http = this.#http;
    if (http === undefined) return;
    for (let event = http.pollEvent(); event !== undefined; event = http.pollEvent()) this.#handler.onHttp(now, http, event);
  }
}
