import type { ByteStream, Micros } from '@quiclab/sansio';
import type { StreamScheduler } from '@quiclab/streams';
import type { Http2Observer } from './observer.ts';

export interface Http2Options {
  readonly side: 'client' | 'server';
  readonly transport: ByteStream;
  /** Whose frame is next. Default: each in turn, a frame at a time. */
  readonly scheduler?: StreamScheduler;
  /**
   * Octets of the largest DATA frame, header included, and of what an exchange says in its turn. What a packet carries, where a lost
   * packet is to be one exchange's. Default 16,393: a payload of 16,384.
   */
  readonly frameSize?: number;
  /** Octets that an exchange holds before they are laid out; `writeBody` takes no more. Defaults of this and the rest are in `LIMITS`. */
  readonly maxQueued?: number;
  /** Octets that the peer may send of an exchange before anybody reads: to begin with, and at most (4 MiB). */
  readonly streamWindow?: number;
  readonly maxStreamWindow?: number;
  /** The same for all exchanges together, not below 65,535; at most 16 MiB. */
  readonly connectionWindow?: number;
  readonly maxConnectionWindow?: number;
  /** At a server: streams that a client may have open at once. */
  readonly maxConcurrentStreams?: number;
  /** The largest field section we take, as SETTINGS_MAX_HEADER_LIST_SIZE counts: octets, and 32 for each line. */
  readonly maxFieldSectionSize?: number;
  /** Octets of the table for decoding, SETTINGS_HEADER_TABLE_SIZE. */
  readonly headerTableSize?: number;
  /** Octets of the largest payload that we take, 16,384 to 16,777,215. */
  readonly maxFrameSize?: number;
  /** Frames in a row that say nothing before the peer is sent away. */
  readonly maxIgnoredFrames?: number;
  /** At a server: takes CONNECT with :protocol, and says so (RFC 8441). Default false. */
  readonly enableConnectProtocol?: boolean;
  /** In µs; a driver that does not call `onTimeout` does without them. */
  readonly settingsTimeout?: Micros;
  readonly headersTimeout?: Micros;
  readonly closeTimeout?: Micros;
  readonly observer?: Http2Observer;
}
