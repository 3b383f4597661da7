import type { Micros } from './time.ts';

/**
 * Ordered octets both ways, as TCP, TLS over it, or a socket hands them to whoever speaks over them. Calls after the end are
 * ignored. What happens is told as ByteStreamEvents, by whichever way the implementation tells its events.
 */
export interface ByteStream {
  /** Octets that were taken and have not reached the peer, as far as is known: while they become fewer, the path is slow and the peer is there. Default 0. */
  readonly unacknowledged?: number;
  /** Octets taken (copied); fewer than given where there is no room: 'writable' follows. */
  write(now: Micros, data: Uint8Array): number;
  /** The next octets; the data is the caller's to keep. undefined: nothing now; `fin`: nothing will follow. Not reading holds the peer back. */
  read(now: Micros): { readonly data: Uint8Array; readonly fin: boolean } | undefined;
  /** Nothing more will be written; the other direction goes on. */
  finish(now: Micros): void;
  /** Gives up both directions at once; what has not left is lost. */
  abort(now: Micros, reason: string): void;
}

export type ByteStreamEvent =
  /** There is something to read, or the end: told once until `read` says undefined. Writable: after `write` took less than it was given. */
  | { readonly type: 'readable' | 'writable' }
  /** Both directions are over. Clean: each end said that it was done, and all that was written has been acknowledged or handed on. */
  | { readonly type: 'closed'; readonly clean: boolean; readonly reason: string };
