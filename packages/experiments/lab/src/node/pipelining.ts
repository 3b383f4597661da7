import type { HttpConnection } from '@quiclab/http-semantics';
import { Http1Client } from '@quiclab/http1';
import { connect, driveStream, type SocketStream, type StreamDriver } from '@quiclab/net';
import type { Clock } from '@quiclab/sansio';
import type { Carrier, Dial, HttpHandler } from '../carriers/carrier.ts';
import { ALPN } from '../models/model.ts';
import type { NodeDialOptions } from './dial.ts';

/** Pipelining, which Node's client does not do: our HTTP/1.1 over Node's TLS and the kernel's TCP. */
export function pipeliningDial({ model, remote, ca, clock }: NodeDialOptions): Dial {
  return (_now, host, handler, cautious) => {
    const carrier = new PipeliningCarrier(handler, clock, model.exchanges, cautious);
    connect({ ...remote, tls: { serverName: host, alpn: [ALPN[model.protocol]], ca } }).then(
      (stream) => carrier.connected(stream),
      (error: Error) => carrier.ended(error.message),
    );
    return carrier;
  };
}

class PipeliningCarrier implements Carrier {
  #http: Http1Client | undefined = undefined;
  #driver: StreamDriver | undefined = undefined;
  #over = false;
  readonly #handler: HttpHandler;
  readonly #clock: Clock;
  readonly #pipelining: number;
  readonly #cautious: boolean;

  constructor(handler: HttpHandler, clock: Clock, pipelining: number, cautious: boolean) {
    this.#handler = handler;
    this.#clock = clock;
    this.#pipelining = pipelining;
    this.#cautious = cautious;
  }

  get http(): HttpConnection | undefined {
    return this.#http;
  }

  connected(stream: SocketStream): void {
    const now = this.#clock.now();
    if (this.#over) {
      stream.abort(now, 'given up meanwhile');
      return;
    }
    const http = new Http1Client({ transport: stream, pipelining: this.#pipelining, cautious: this.#cautious });
    this.#http = http;
    this.#driver = driveStream(http, stream, {
      clock: this.#clock,
      handle: (event) => this.#handler.onHttp(this.#clock.now(), http, event),
      onClosed: (_clean, reason) => this.ended(reason),
      onError: (error) => this.ended(error.stack ?? error.message),
    });
    http.start(now);
    this.#handler.onReady?.(now, http);
    this.pump();
  }

  ended(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#handler.onClosed?.(this.#clock.now(), reason);
  }

  pump(): void {
    this.#driver?.turnNow();
  }

  close(now: number): void {
    this.#over = true;
    this.#http?.close(now);
    this.pump();
  }
}
