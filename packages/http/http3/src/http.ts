import type { Fields } from '@quiclab/http-semantics';
import type { Micros } from '@quiclab/sansio';
import type { StreamPriority } from '@quiclab/streams';
import type { StreamEvent } from './transport.ts';

/**
 * What has happened to the exchanges of a connection. `id` is the exchange: at HTTP/3 its stream. The three connections of
 * this package (`Http3Connection`, `HqConnection`, `SingleConnection`) tell the same events.
 */
export type HttpEvent =
  /** `end`: there is no content. `early`: it came in 0-RTT, so it may be a replay (RFC 8470). */
  | { readonly type: 'request'; readonly id: number; readonly fields: Fields; readonly end: boolean; readonly early: boolean }
  /** Informational ones (1xx) come before the one that is final. */
  | {
      readonly type: 'response';
      readonly id: number;
      readonly status: number;
      readonly fields: Fields;
      readonly informational: boolean;
      readonly end: boolean;
    }
  /** Readable: content, or its end, may be read; told once until `readBody` says undefined. Writable: after `writeBody` took less than it was given. */
  | { readonly type: 'body-readable' | 'body-writable'; readonly id: number }
  | { readonly type: 'trailers'; readonly id: number; readonly fields: Fields }
  /** The peer has all that we sent. Told, like 'stopped', also when the exchange is over for us. */
  | { readonly type: 'sent'; readonly id: number }
  /** Reset: the peer sends no more of its message; at a client the exchange is over. Stopped: the peer wants no more of ours. */
  | { readonly type: 'reset' | 'stopped'; readonly id: number; readonly code: number }
  /** The exchange is over: the peer's message was malformed, or its GOAWAY says that it was not looked at (REQUEST_REJECTED: may be sent again). */
  | { readonly type: 'failed'; readonly id: number; readonly code: number; readonly reason: string }
  /** The peer's SETTINGS. */
  | { readonly type: 'settings'; readonly settings: readonly (readonly [id: number, value: number])[] }
  /** Make no new requests here; those from `id` on were not processed (their 'failed' follows). */
  | { readonly type: 'goaway'; readonly id: number }
  /** `request` had no stream, and may have one now. */
  | { readonly type: 'requests-available' }
  /** We closed the connection, for a fault of the peer or because we were asked to. All exchanges are over, without further events. */
  | { readonly type: 'closed'; readonly code: number; readonly reason: string };

/** HTTP over one connection, as a machine over a transport's streams. Calls for exchanges that are over are ignored. */
export interface HttpConnection {
  /** Opens what the protocol needs. Once, when the transport takes streams. */
  start(now: Micros): void;
  onTransport(now: Micros, event: StreamEvent): void;
  /** What happened, oldest first. To be asked until undefined before the transport is asked for packets: what is put off to the last moment is done then. */
  pollEvent(): HttpEvent | undefined;
  /**
   * Client: begins an exchange. undefined: no stream free ('requests-available' follows), or no new requests here at all
   * (see `acceptsRequests`). Throws UsageError for fields that are no request.
   */
  request(now: Micros, fields: Fields, end: boolean): number | undefined;
  /** Server: an informational response, any number of times, then the final one. Throws UsageError for fields that are no response. */
  respond(now: Micros, id: number, fields: Fields, end: boolean): void;
  /** Octets taken (copied); when fewer than given, 'body-writable' follows. */
  writeBody(now: Micros, id: number, data: Uint8Array): number;
  /** The next content; the data is the caller's to keep. undefined: nothing now. Not reading holds the peer back. */
  readBody(now: Micros, id: number): { readonly data: Uint8Array; readonly fin: boolean } | undefined;
  /** Our message is complete. */
  finish(now: Micros, id: number, trailers?: Fields): void;
  /** We want no more of the peer's message, and go on with ours. */
  stopReading(now: Micros, id: number, code?: number): void;
  /** Gives the exchange up, both ways. Default: REQUEST_CANCELLED. */
  cancel(now: Micros, id: number, code?: number): void;
  /**
   * Client: says how the response should be scheduled from here on (RFC 9218 §7), and so orders what the request has still to
   * say. Server: does so itself. The field `priority` of a request or a response does the same; the last word counts.
   */
  prioritize(now: Micros, id: number, priority: StreamPriority): void;
  /** No new exchanges; those under way go on. RFC 9114 §5.2. */
  goaway(now: Micros): void;
  close(now: Micros, code?: number, reason?: string): void;
  /** Whether new exchanges may begin: neither closed nor in GOAWAY. */
  readonly acceptsRequests: boolean;
  /** Exchanges under way. */
  readonly openExchanges: number;
  readonly closed: boolean;
}
