/** 'table': what is said of QPACK's dynamic table, on streams of their own (RFC 9204 §4.2). */
export type MappedKind = 'headers' | 'data' | 'trailers' | 'end' | 'reset' | 'table' | 'other';

/** Which octets of which stream belong to which exchange. For ledgers: a lost packet is blamed on whose octets it carried. */
export interface FrameObserver {
  /**
   * A frame of ours was laid out ('sent'), or the header of one of the peer's was read ('received').
   * @param exchange      whose frame it is; -1 for the connection's own
   * @param stream        which of the transport's; 0 where the connection is one stream of octets
   * @param offset        where it begins in the stream
   * @param length        its octets, header included
   * @param headerLength  those before its payload
   */
  frameMapped(
    direction: 'sent' | 'received',
    exchange: number,
    stream: number,
    offset: number,
    length: number,
    headerLength: number,
    kind: MappedKind,
  ): void;

  /**
   * A field section of the peer's that was whole had to wait until now for insertions into the table that it refers to (RFC 9204 §2.1.2).
   * @param offset  where its frame begins in the stream
   */
  fieldsUnblocked?(exchange: number, stream: number, offset: number): void;
}
