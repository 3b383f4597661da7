import type { FrameObserver } from '@quiclab/http-semantics';

/** Whose octets are whose (in stream 0), and when the peer's credit for content is used up. */
export interface Http2Observer extends FrameObserver {
  /** There is no credit left for content of this exchange, or (-1) for anybody's; or there is some again. Told when it changes. RFC 9113 §5.2.1 */
  creditChanged?(exchange: number, usedUp: boolean): void;
}
