/** A stream ID (RFC 9000 §2.1): its two low bits tell who opened it and whether it is bidirectional. */
export type StreamId = number;

/** RFC 9218 §4: urgency 0 (first) to 7, default 3; incremental: may be interleaved with others of its urgency. */
export interface StreamPriority {
  readonly urgency: number;
  readonly incremental: boolean;
}

/** Which stream fills the next packet. */
export interface StreamScheduler {
  /** The stream has something that may be sent (again). Repeated calls are allowed and may change the priority. */
  onReady(id: StreamId, priority: StreamPriority): void;
  onNotReady(id: StreamId): void;
  /** -1 when none is ready. Asking changes nothing. */
  next(): StreamId;
  /** So many octets of this stream just went into a packet. */
  onSent(id: StreamId, bytes: number): void;
  /** A packet is full and the next one begins; what "one stream per packet" hangs on. */
  onPacketDone(): void;
  /** Whether another stream may share the packet with those already in it. */
  readonly sharesPackets: boolean;
}
