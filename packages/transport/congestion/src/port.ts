import type { Micros } from '@quiclab/sansio';

/**
 * How much may be in flight, and how fast it may leave. RFC 9002 §7. A controller is never told packet numbers and never
 * counts bytes in flight itself: those belong to the sent packets.
 */
export interface CongestionController {
  /** Octets that may be in flight. */
  readonly congestionWindow: number;
  /** Octets per second; 0 leaves it to the pacer's rule: window / smoothed RTT, times a gain. */
  readonly pacingRate: number;
  /** Whether the window still grows exponentially; what a pacer's gain and qlog's congestion state hang on. */
  readonly phase: 'slow-start' | 'congestion-avoidance' | 'recovery' | 'application-limited';
  /** Octets up to which the window grows exponentially, for those who watch; Infinity, or absent: there is no such limit. */
  readonly slowStartThreshold?: number;
  onPacketSent(now: Micros, bytes: number, bytesInFlight: number): void;
  /** Once for each ACK frame that acknowledges something new. */
  onAck(now: Micros, ack: AckSummary, rtt: RttView): void;
  onLoss(now: Micros, loss: LossSummary, rtt: RttView): void;
  onEcnMarks(now: Micros, newMarks: number, largestSentAt: Micros): void;
  onSpuriousLoss(now: Micros, bytes: number, sentAt: Micros): void;
  onMaxDatagramSize(bytes: number): void;
}

export interface RttView {
  readonly latest: Micros;
  readonly smoothed: Micros;
  readonly variation: Micros;
  readonly min: Micros;
}

/** What one ACK frame said; one object, filled anew for each. Has what delivery-rate estimation reads. */
export interface AckSummary {
  readonly ackedBytes: number;
  readonly lostBytes: number;
  readonly largestSentAt: Micros;
  /** Bytes in flight before this ACK was processed. */
  readonly priorInFlight: number;
  readonly bytesInFlight: number;
  /** Octets delivered on this path so far, and when the newest packet acknowledged here was sent. */
  readonly delivered: number;
  readonly priorDelivered: number;
  readonly inFlightAtSend: number;
  /** Over how long `delivered - priorDelivered` was delivered; 0 where unknown. */
  readonly interval: Micros;
  /** Whether the sender had run out of things to say when this ACK came, with room in the window: it must not grow (RFC 9002 §7.8). */
  readonly appLimited: boolean;
  /** Whether the delivery-rate sample is too low because the sender had run out before the newest acknowledged packet left. */
  readonly sampleAppLimited: boolean;
}

export interface LossSummary {
  readonly lostBytes: number;
  readonly largestSentAt: Micros;
  readonly bytesInFlight: number;
  /** RFC 9002 §7.6: everything across a period of three probe timeouts was lost. */
  readonly persistent: boolean;
  /** TCP's retransmission timer found it (RFC 5681 §3.1, RFC 9438 §4.8): slow start from the loss window, unless that turns out to be a mistake. */
  readonly timeout?: boolean;
}

/** Spreads what the window allows over time. RFC 9002 §7.7. A burst covers at least 2 ms: Node's timers are no finer. */
export interface Pacer {
  /** When `bytes` may leave: `now` or earlier means at once. `rate` in octets per second. */
  earliest(now: Micros, bytes: number, rate: number): Micros;
  onSent(now: Micros, bytes: number, rate: number): void;
  /** A full datagram has so many octets from now on. RFC 9000 §14.2. */
  onMaxDatagramSize(bytes: number): void;
}
