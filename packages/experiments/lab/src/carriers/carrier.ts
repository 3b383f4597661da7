import type { HttpConnection, HttpEvent } from '@quiclab/http-semantics';
import type { Micros } from '@quiclab/sansio';
import type { TicketKeeper } from '@quiclab/tls';
import type { Timers } from '../timers.ts';

/** What an application does with the events of its HTTP connection. */
export interface HttpHandler {
  onHttp(now: Micros, http: HttpConnection, event: HttpEvent): void;
  /** The connection takes requests, or is about to get some. */
  onReady?(now: Micros, http: HttpConnection): void;
  /** The connection is over; `reason` says by whose hand. */
  onClosed?(now: Micros, reason: string): void;
}

/** A connection in some world, with HTTP on it: QUIC's, or TCP with TLS. */
export interface Carrier {
  /** undefined until the connection is there. */
  readonly http: HttpConnection | undefined;
  /** Hands events up until there are none. To be called after the application has called `http`, too. */
  pump(now: Micros): void;
  /** Ends the connection; what was said before still leaves. */
  close(now: Micros): void;
}

/** Opens a connection to a host of that name. `cautious`: it follows one that was lost, and pipelines only when it has answered once (RFC 9112 §9.3.2). */
export type Dial = (now: Micros, host: string, handler: HttpHandler, cautious: boolean) => Carrier;

/** Serves the nth connection of the notes. What it does later, by these timers, is followed by whatever the connection has to say then. */
export type Serve = (timers: Timers, connection: number) => HttpHandler;

/** Who a server is, by TLS. */
export interface ServerIdentity {
  readonly certificates: readonly Uint8Array[];
  readonly privateKey: Uint8Array;
  /** Sessions are resumed, early data taken. */
  readonly tickets?: TicketKeeper;
}

/** Timers for an application on a connection: what it has said by then is handed on. */
export const pumped = (timers: Timers, carrier: () => Carrier | undefined): Timers => ({
  at: (when, action) =>
    timers.at(when, (now) => {
      action(now);
      carrier()?.pump(now);
    }),
});
