import type { HttpConnection } from '@quiclab/http-semantics';
import { connect, driveStream, Listener, type SocketStream, type StreamDriver } from '@quiclab/net';
import type { Clock } from '@quiclab/sansio';
import type { Carrier, Dial, HttpHandler, Serve } from '../carriers/carrier.ts';
import { httpOverTcp, type TimedHttp } from '../models/http.ts';
import { ALPN, type Model } from '../models/model.ts';
import { realTimers } from '../worlds/real-timers.ts';
import type { NodeDialOptions } from './dial.ts';
import type { NodeServer } from './serve.ts';

/** Pipelining, which Node's client does not do: our HTTP/1.1 over Node's TLS and the kernel's TCP. */
export function pipeliningDial({ model, remote, ca, clock }: NodeDialOptions): Dial {
  return (_now, host, handler, cautious) => {
    const carrier = new StreamCarrier(handler, clock);
    connect({ ...remote, tls: { serverName: host, alpn: [ALPN[model.protocol]], ca } }).then(
      (stream) => carrier.connected(stream, httpOverTcp(model, { side: 'client', transport: stream }, undefined, cautious)),
      (error: Error) => carrier.ended(error.message),
    );
    return carrier;
  };
}

export interface PipeliningServeOptions {
  readonly model: Model;
  readonly serve: Serve;
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  readonly host: string;
  readonly clock: Clock;
}

/** And the server's end: Node's own gives connections up on which requests come while an answer waits for the socket ('Parse Error: Paused'). */
export async function pipeliningServe({ model, serve, cert, key, host, clock }: PipeliningServeOptions): Promise<NodeServer> {
  let accepted = 0;
  const listener = await Listener.open({
    host,
    tls: { cert, key, alpn: [ALPN[model.protocol]] },
    onStream: (stream) => {
      const timers = realTimers(clock, () => carrier.pump());
      const carrier = new StreamCarrier(serve(timers, accepted++), clock);
      carrier.connected(stream, httpOverTcp(model, { side: 'server', transport: stream }, undefined, false));
    },
  });
  return { port: listener.address.port, close: () => void listener.close() };
}

/** A connection over a socket, driven by what happens to it. */
class StreamCarrier implements Carrier {
  #http: TimedHttp | undefined = undefined;
  #driver: StreamDriver | undefined = undefined;
  #over = false;
  readonly #handler: HttpHandler;
  readonly #clock: Clock;

  constructor(handler: HttpHandler, clock: Clock) {
    this.#handler = handler;
    this.#clock = clock;
  }

  get http(): HttpConnection | undefined {
    return this.#http;
  }

  connected(stream: SocketStream, http: TimedHttp): void {
    const now = this.#clock.now();
    if (this.#over) {
      stream.abort(now, 'given up meanwhile');
      return;
    }
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
