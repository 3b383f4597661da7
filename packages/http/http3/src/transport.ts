import type { Micros } from '@quiclab/sansio';
import type { StreamId, StreamPriority } from '@quiclab/streams';

/** What an HTTP mapping needs of a transport. `@quiclab/quic`'s Connection fits it by shape. */
export interface QuicStreams {
  /** undefined: at the peer's limit; 'streams-available' follows. */
  openStream(kind: 'bidi' | 'uni'): StreamId | undefined;
  /** Octets taken (copied); fewer when blocked: 'stream-writable' follows. */
  write(now: Micros, id: StreamId, data: Uint8Array): number;
  /** The data is the caller's to keep. undefined when there is nothing to read now; fin with empty data at the end. */
  read(now: Micros, id: StreamId): { readonly data: Uint8Array; readonly fin: boolean } | undefined;
  /** How many streams of this kind the peer may have opened by now, in all. */
  streamsAllowed(kind: 'bidi' | 'uni'): number;
  finish(id: StreamId): void;
  reset(id: StreamId, code: number): void;
  stopSending(id: StreamId, code: number): void;
  /** Of what is sent, for whatever schedules it. Means nothing for streams that are gone. */
  prioritize(id: StreamId, priority: StreamPriority): void;
  close(now: Micros, code: number, reason: string): void;
}

export type StreamEvent =
  | { readonly type: 'stream-opened'; readonly id: StreamId; readonly early: boolean }
  /** Readable: there is data, or the end, to read. Told once until read to undefined. Finished: everything we sent is acknowledged. */
  | { readonly type: 'stream-readable' | 'stream-writable' | 'stream-finished'; readonly id: StreamId }
  | { readonly type: 'stream-reset' | 'stream-stopped'; readonly id: StreamId; readonly code: number }
  | { readonly type: 'streams-available'; readonly kind: 'bidi' | 'uni' };
