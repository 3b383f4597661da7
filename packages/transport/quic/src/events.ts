import type { Address } from '@quiclab/sansio';
import type { StreamId } from '@quiclab/streams';
import type { Connection } from './connection/connection.ts';
import type { CloseCause } from './errors.ts';

export type StreamEvent =
  | { readonly type: 'stream-opened'; readonly id: StreamId; readonly early: boolean }
  /** Readable: data, or the end, may be read; told once until `read` says undefined. Finished: all that we sent is acknowledged, or all that a reset left. */
  | { readonly type: 'stream-readable' | 'stream-writable' | 'stream-finished'; readonly id: StreamId }
  /** Reset: the peer gave it up; what a RESET_STREAM_AT leaves is read before, and then this is told. */
  | { readonly type: 'stream-reset' | 'stream-stopped'; readonly id: StreamId; readonly code: number }
  | { readonly type: 'streams-available'; readonly kind: 'bidi' | 'uni' };

/** Whether an event is about streams: what an HTTP mapping wants to hear of, and nothing else is. */
export const isStreamEvent = (event: ConnectionEvent): event is StreamEvent => event.type.startsWith('stream');

/** RFC 9000's facts as an application sees them. */
export type ConnectionEvent =
  | StreamEvent
  | { readonly type: 'handshake-complete'; readonly alpn: string; readonly earlyData: 'none' | 'accepted' | 'rejected' }
  | { readonly type: 'handshake-confirmed' }
  /** At a client: an opaque record that resumes this session on a next connection, once. RFC 9001 §4.5. */
  | { readonly type: 'session'; readonly data: Uint8Array }
  /** At a client: brought back with the next connection to this server, it spares a Retry. RFC 9000 §8.1.3. */
  | { readonly type: 'token'; readonly data: Uint8Array }
  /** The peer is, or we are, somewhere else now. RFC 9000 §9. */
  | { readonly type: 'path-changed'; readonly local: Address; readonly remote: Address }
  /** A DATAGRAM frame: the data is the application's to keep. Early: it came in 0-RTT, and may be a replay. RFC 9221 §4. */
  | { readonly type: 'datagram'; readonly data: Uint8Array; readonly early: boolean }
  /** What became of one that `sendDatagram` took. One that was lost may be acknowledged late. RFC 9221 §5.2. */
  | { readonly type: 'datagram-acked' | 'datagram-lost'; readonly handle: number }
  | { readonly type: 'closed'; readonly cause: CloseCause };

/** `active`: the connection has events; told once, and again when more come up, or when some were polled and some were not. `drained`: it is gone, forget it. */
export type EndpointEvent = { readonly type: 'accepted' | 'active' | 'drained'; readonly connection: Connection };
