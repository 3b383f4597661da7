import type { Fields } from './fields.ts';
import type { Priority } from './priority.ts';

/**
 * What has happened to the exchanges of a connection, whatever version of HTTP it speaks. `id` is the exchange: at HTTP/2 and
 * HTTP/3 its stream, at HTTP/1 its number. `code` is an error code of that version; 0 where it has none (HTTP/1).
 */
export type HttpEvent =
  /**
   * `end`: there is no content. `early`: it came in 0-RTT, so it may be a replay (RFC 8470). `version`: of the message, where it is
   * not that of the connection (RFC 9110 §2.5).
   */
  | {
      readonly type: 'request';
      readonly id: number;
      readonly fields: Fields;
      readonly end: boolean;
      readonly early: boolean;
      readonly version?: '1.0';
    }
  /** Informational ones (1xx) come before the one that is final. `version` as above. */
  | {
      readonly type: 'response';
      readonly id: number;
      readonly status: number;
      readonly fields: Fields;
      readonly informational: boolean;
      readonly end: boolean;
      readonly version?: '1.0';
    }
  /** Readable: content, or its end, may be read; told once until `readBody` says undefined. Writable: after `writeBody` took less than it was given. */
  | { readonly type: 'body-readable' | 'body-writable'; readonly id: number }
  | { readonly type: 'trailers'; readonly id: number; readonly fields: Fields }
  /** The peer has all that we sent. Told, like 'stopped', also when the exchange is over for us. */
  | { readonly type: 'sent'; readonly id: number }
  /**
   * The peer sends no more of its message; at a client the exchange is over. Unprocessed: the peer says that it has not looked at the
   * request, so that it may be sent again whatever its method.
   */
  | { readonly type: 'reset'; readonly id: number; readonly code: number; readonly unprocessed: boolean }
  /** The peer wants no more of our message. */
  | { readonly type: 'stopped'; readonly id: number; readonly code: number }
  /** The exchange is over: the peer's message was malformed, or the connection ends without an answer. `unprocessed` as above. */
  | { readonly type: 'failed'; readonly id: number; readonly code: number; readonly reason: string; readonly unprocessed: boolean }
  /** The peer's SETTINGS. */
  | { readonly type: 'settings'; readonly settings: readonly (readonly [id: number, value: number])[] }
  /** Make no new requests here; those from `id` on were not processed (their 'failed' follows). */
  | { readonly type: 'goaway'; readonly id: number }
  /** `request` had no stream, and may have one now. */
  | { readonly type: 'requests-available' }
  /** We closed the connection, for a fault of the peer or because we were asked to. All exchanges are over, without further events. */
  | { readonly type: 'closed'; readonly code: number; readonly reason: string };

/** HTTP over one connection, as an application sees it. `now` is in whole µs. Calls for exchanges that are over are ignored. */
export interface HttpConnection {
  /** What happened, oldest first. To be asked until undefined before the transport is asked for packets: what is put off to the last moment is done then. */
  pollEvent(): HttpEvent | undefined;
  /**
   * Client: begins an exchange. undefined: no stream free ('requests-available' follows), or no new requests here at all
   * (see `acceptsRequests`). Throws UsageError for fields that are no request.
   */
  request(now: number, fields: Fields, end: boolean): number | undefined;
  /** Server: an informational response, any number of times, then the final one. Throws UsageError for fields that are no response. */
  respond(now: number, id: number, fields: Fields, end: boolean): void;
  /** Octets taken (copied); when fewer than given, 'body-writable' follows. */
  writeBody(now: number, id: number, data: Uint8Array): number;
  /** The next content; the data is the caller's to keep. undefined: nothing now. Not reading holds the peer back. */
  readBody(now: number, id: number): { readonly data: Uint8Array; readonly fin: boolean } | undefined;
  /** Our message is complete. */
  finish(now: number, id: number, trailers?: Fields): void;
  /** We want no more of the peer's message, and go on with ours. */
  stopReading(now: number, id: number, code?: number): void;
  /** Gives the exchange up, both ways. Default: REQUEST_CANCELLED. */
  cancel(now: number, id: number, code?: number): void;
  /**
   * Client: says how the response should be scheduled from here on (RFC 9218 §7), and so orders what the request has still to
   * say. Server: does so itself. The field `priority` of a request or a response does the same; the last word counts.
   */
  prioritize(now: number, id: number, priority: Priority): void;
  /** No new exchanges; those under way go on. RFC 9114 §5.2. */
  goaway(now: number): void;
  close(now: number, code?: number, reason?: string): void;
  /** Whether new exchanges may begin: neither closed nor in GOAWAY. */
  readonly acceptsRequests: boolean;
  /** Exchanges under way. */
  readonly openExchanges: number;
  readonly closed: boolean;
}

/** The same as whoever has the transport sees it: a stream of octets, or QUIC's streams, whose events are `TransportEvent`. */
export interface HttpOver<TransportEvent> extends HttpConnection {
  /** Opens what the protocol needs. Once, when the transport takes octets. */
  start(now: number): void;
  onTransport(now: number, event: TransportEvent): void;
}
