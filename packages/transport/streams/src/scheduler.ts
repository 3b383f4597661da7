/** A stream ID (RFC 9000 §2.1): its two low bits tell who opened it and whether it is bidirectional. */
export type StreamId = number;

/** RFC 9218 §4: urgency 0 (first) to 7, default 3; incremental: may be interleaved with others of its urgency. */
export interface StreamPriority {
  readonly urgency: number;
  readonly incremental: boolean;
}

/**
 * Which stream fills the next packet. The connection asks `next` until the packet is full, tells after each frame `onSent` and,
 * when the stream has run dry, `onNotReady`; then `onPacketDone`, if anything was written. Calls for streams that it was never
 * told of, or that are not ready, mean nothing.
 */
export interface StreamScheduler {
  /**
   * The stream has something that may be sent (again). Told after every write, so mostly of one that is ready already: which
   * changes its priority, if it is another one, and nothing else.
   */
  onReady(id: StreamId, priority: StreamPriority): void;
  onNotReady(id: StreamId): void;
  /** -1 when none is ready. Asking changes nothing. */
  next(): StreamId;
  /** So many octets of this stream just went into a packet. */
  onSent(id: StreamId, bytes: number): void;
  /** A packet is full and the next one begins. */
  onPacketDone(): void;
  /** Whether another stream may share the packet with those already in it; if not, it goes when `next` names another one. */
  readonly sharesPackets: boolean;
}
