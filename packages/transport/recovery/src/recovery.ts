import type { CongestionController } from '@quiclab/congestion';
import { type Micros, NEVER } from '@quiclab/sansio';
import type { LossDetector, ProbePolicy, Space } from './ports.ts';
import { INITIAL_RTT, RttEstimator } from './rtt.ts';
import { SentPacketLog } from './sent-packet-log.ts';
import type { SentRecord } from './sent-record.ts';

export interface RecoveryOptions {
  readonly side: 'client' | 'server';
  readonly controller: CongestionController;
  lossDetector(space: Space): LossDetector;
  readonly probes: ProbePolicy;
  readonly initialRtt?: Micros;
}

/** One path's loss recovery over the three packet number spaces: RFC 9002 Appendix A as a class. */
export class Recovery {
  readonly rtt: RttEstimator;
  controller: CongestionController;
  bytesInFlight = 0;
  ptoCount = 0;
  /** When `onDeadline` wants to run: loss time or probe timeout; NEVER when neither is armed. */
  deadline: Micros = NEVER;
  /** The peer's max_ack_delay, once known. After a change of this or of a flag below, call `updateDeadline`. */
  maxAckDelay: Micros = 0;
  handshakeConfirmed = false;
  hasHandshakeKeys = false;
  /** Client: the server is known to have validated our address (RFC 9002 §6.2.2.1). Set here too, by an ACK in the Handshake space. */
  peerValidatedAddress = false;
  /** Server: nothing may be sent until more arrives, so no probe timeout is armed. */
  amplificationBlocked = false;
  /** Newly acknowledged by the last `onAck`, ascending. */
  readonly acked: SentRecord[] = [];
  /** Acknowledged by the last `onAck` after they had been declared lost: their frames did arrive. */
  readonly lateAcked: SentRecord[] = [];
  /** Declared lost by the last `onAck` or `onDeadline`, ascending within a space; `lostBy` says why. */
  readonly lost: SentRecord[] = [];
  /** RFC 9002 §7.8; see `onAppLimited`. */
  appLimited = false;
  /** How many packets were declared lost in error, so far. */
  spuriousLosses = 0;
  readonly #sent: readonly SentPacketLog[] = [new SentPacketLog(0), new SentPacketLog(1), new SentPacketLog(2)];

  constructor(options: RecoveryOptions) {
    this.rtt = new RttEstimator(options.initialRtt ?? INITIAL_RTT);
    this.controller = options.controller;
  }

  /** What was sent in a space: `oldest()` and `after()` walk what is outstanding, for the content of probes. */
  sentPackets(space: Space): SentPacketLog {
    return this.#sent[space]!;
  }

  /** The record for a packet about to be built; its `frames` is empty. The same one is handed out again unless it is `sent`. */
  record(_space: Space): SentRecord {
    throw new Error('not yet');
  }

  /** A packet left; its record has number, bytes, ackEliciting, inFlight. Numbers ascend; those passed over count as skipped. */
  sent(_now: Micros, _space: Space, _record: SentRecord): void {
    throw new Error('not yet');
  }

  /**
   * The sender stopped because it had nothing more to say, though window and pacer would have let it (RFC 9002 §7.8).
   * Holds until the next packet in flight is sent. Waiting for the pacer, for the window or for a slot is not that.
   */
  onAppLimited(): void {
    throw new Error('not yet');
  }

  /** Whether the congestion window lets a packet of this size leave: it fits, or it is the one that entering recovery allows (§7.3.2). */
  windowAllows(_bytes: number): boolean {
    throw new Error('not yet');
  }

  /**
   * Takes an ACK frame: ranges descending and disjoint, `smallest[i]` to `largest[i]` inclusive. Fills `acked`, `lateAcked`
   * and `lost`. False when it acknowledges a packet that was never sent: close with PROTOCOL_VIOLATION (RFC 9000 §13.1).
   * @param ackDelay decoded, in µs
   */
  onAck(
    _now: Micros,
    _space: Space,
    _count: number,
    _largest: readonly number[],
    _smallest: readonly number[],
    _ackDelay: Micros,
  ): boolean {
    throw new Error('not yet');
  }

  /** After `onAck`, when validated counts show new CE marks (RFC 9002 §7.1). */
  onEcnMarks(_now: Micros, _newMarks: number): void {
    throw new Error('not yet');
  }

  /** To be called when `deadline` <= now. 'loss': `lost` is filled; 'probe': see `probesOwed`; 'none': called too early. */
  onDeadline(_now: Micros): 'loss' | 'probe' | 'none' {
    throw new Error('not yet');
  }

  /** Ack-eliciting datagrams that must be sent in this space, whatever window and pacer say. */
  probesOwed(_space: Space): number {
    throw new Error('not yet');
  }

  onProbeSent(_space: Space): void {
    throw new Error('not yet');
  }

  /** How many ack-eliciting packets of a space are in flight. Probes should carry something of every such space (§6.2.4). */
  ackElicitingInFlight(_space: Space): number {
    throw new Error('not yet');
  }

  /** Keys of a space are gone, RFC 9002 §6.4. */
  discardSpace(_now: Micros, _space: Space): void {
    throw new Error('not yet');
  }

  /** Another path: window and RTT start over; packets sent before count for neither (RFC 9000 §9.4). */
  onPathChange(_now: Micros, _controller: CongestionController, _initialRtt?: Micros): void {
    throw new Error('not yet');
  }

  /** Recomputes `deadline` after a flag changed. It may lie in the past: what came due while blocked is due now (§6.2.2.1). */
  updateDeadline(_now: Micros): void {
    throw new Error('not yet');
  }
}
