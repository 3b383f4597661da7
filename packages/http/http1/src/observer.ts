import type { FrameObserver } from '@quiclab/http-semantics';
import type { Micros } from '@quiclab/sansio';

/**
 * Whose octets are whose (in stream 0), and whose turn it is. A head is one frame without a header, content of known length too;
 * a chunk is a frame with its size line for a header and its CRLF inside; the last chunk, trailers included, is the end.
 */
export interface Http1Observer extends FrameObserver {
  /**
   * The first exchange whose response is not wholly laid out (server), or not wholly read (client), has changed: that response is in
   * order now, and all others wait for it, be they ready or not. -1: there is none.
   */
  turnChanged?(now: Micros, exchange: number): void;
}
