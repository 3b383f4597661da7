import type { HttpConnection, HttpOver } from '@quiclab/http-semantics';
import { driveStream, type SocketStream, type StreamDriver } from '@quiclab/net';
import { type ByteStreamEvent, type Clock, MILLISECOND, type Micros } from '@quiclab/sansio';
import type { Hop } from '../hop.ts';

/** HTTP/1.1 or HTTP/2 at either end, with its deadlines. */
export interface StreamHttp extends HttpOver<ByteStreamEvent> {
  nextTimeout(): Micros;
  onTimeout(now: Micros): void;
}

export interface StreamHopOptions {
  readonly clock: Clock;
  /** For how long a peer that takes nothing is waited for, in µs. */
  readonly stallTimeout: Micros;
  readonly onFault: (error: Error) => void;
}

/** Drives HTTP on a TCP or TLS connection as a hop of the gateway: it asks for the events of all connections that are concerned. */
export class StreamHop {
  readonly http: HttpConnection;
  readonly stream: SocketStream;
  readonly #driver: StreamDriver;

  /** @param hopFor  makes the hop; called once, before anything is told */
  constructor(http: StreamHttp, stream: SocketStream, options: StreamHopOptions, hopFor: (self: StreamHop) => Hop) {
    const { clock, stallTimeout, onFault } = options;
    this.http = http;
    this.stream = stream;
    let hop: Hop | undefined;
    this.#driver = driveStream(
      {
        onTransport: (now, event) => http.onTransport(now, event),
        pollEvent: () => {
          hop?.turn(clock.now()); // who asks for one connection's events may have to do with others
          return undefined;
        },
        nextTimeout: () => http.nextTimeout(),
        onTimeout: (now) => http.onTimeout(now),
      },
      stream,
      {
        clock,
        handle: () => {},
        onClosed: (_clean, reason) => hop?.lost(clock.now(), reason === '' ? 'the connection was closed' : reason),
        onError: (error) => {
          hop?.lost(clock.now(), 'an error of the gateway');
          onFault(error);
        },
        stallTimeoutMs: stallTimeout / MILLISECOND,
      },
    );
    http.start(clock.now());
    hop = hopFor(this);
    this.#driver.wake();
  }

  wake(): void {
    this.#driver.wake();
  }
}
