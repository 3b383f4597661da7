import type { CongestionController } from '@quiclab/congestion';
import { type Micros, NEVER } from '@quiclab/sansio';
import { DeliveryRate, MutableAckSummary } from './delivery-rate.ts';
import { PERSISTENT_CONGESTION_THRESHOLD, persistentCongestion } from './persistent-congestion.ts';
import { type LossDetector, type ProbePolicy, SPACES, Space } from './ports.ts';
import { ProbeTimeouts } from './probe-timeouts.ts';
import { standardProbes } from './probes.ts';
import { INITIAL_RTT, RttEstimator } from './rtt.ts';
import { SentPacketLog } from './sent-packet-log.ts';
import type { SentRecord } from './sent-record.ts';
import { WindowUse } from './window-use.ts';

export interface RecoveryOptions {
  readonly side: 'client' | 'server';
  readonly controller: CongestionController;
  /** Asked once for each space. */
  lossDetector(space: Space): LossDetector;
  readonly probes: ProbePolicy;
  readonly initialRtt?: Micros;
}

const LATE_ACK_TIMEOUTS = 3; // a lost packet is remembered for so many probe timeouts

/**
 * One path's loss recovery over the three packet number spaces: RFC 9002 Appendix A as a class. It owns what was sent, the
 * bytes in flight and the RTT; the thresholds, the probe timeout and the window are ports. It sends nothing: `deadline` says
 * when it wants to be asked, `probesOwed` what must leave, `lost` what has to be said again.
 */
export class Recovery {
  readonly rtt: RttEstimator;
  bytesInFlight = 0;
  /** When `onDeadline` wants to run: loss time or probe timeout; NEVER when neither is armed. */
  deadline: Micros = NEVER;
  /** The peer's max_ack_delay, once known; of several that it may keep to, the longest (draft-ietf-quic-ack-frequency §7). After a change of this or of a flag below, call `updateDeadline`. */
  maxAckDelay: Micros = 0;
  handshakeConfirmed = false;
  hasHandshakeKeys = false;
  /** Client: the server is known to have validated our address (RFC 9002 §6.2.2.1). Set here too, by an ACK in the Handshake space. */
  peerValidatedAddress: boolean;
  /** Server: nothing may be sent until more arrives, so no probe timeout is armed. */
  amplificationBlocked = false;
  /** Newly acknowledged by the last `onAck`, ascending. */
  readonly acked: SentRecord[] = [];
  /** Acknowledged by the last `onAck` after they had been declared lost: their frames did arrive. */
  readonly lateAcked: SentRecord[] = [];
  /** Declared lost by the last `onAck` or `onDeadline`, ascending within a space; `lostBy` says why. */
  readonly lost: SentRecord[] = [];
  /** RFC 9002 §7.3.2: entering recovery, one packet may leave beyond the window, to repair what was lost. What explores has to wait for it. */
  repairAllowed = false;
  /** Whether the sender has run out of things to say; see `onAppLimited`. */
  appLimited = false;
  /** So far: packets declared lost that arrived, and periods of persistent congestion (RFC 9002 §7.6). */
  spuriousLosses = 0;
  persistentCongestions = 0;

  #controller: CongestionController;
  readonly #probes: ProbePolicy;
  readonly #detectors: readonly LossDetector[];
  readonly #logs: readonly SentPacketLog[] = SPACES.map((space) => new SentPacketLog(space));
  readonly #lossTimes: Micros[] = [NEVER, NEVER, NEVER];
  readonly #timeouts: ProbeTimeouts;
  #pathId = 0;
  /** When the window was last reduced: what left before does not begin another recovery period. */
  #reducedAt: Micros = -1;
  #largestAckedSentAt: Micros = 0;
  readonly #rate = new DeliveryRate();
  readonly #windowUse = new WindowUse();
  readonly #ack = new MutableAckSummary();
  readonly #loss = { lostBytes: 0, largestSentAt: 0, bytesInFlight: 0, persistent: false };

  constructor(options: RecoveryOptions) {
    this.rtt = new RttEstimator(options.initialRtt ?? INITIAL_RTT);
    this.peerValidatedAddress = options.side === 'server'; // clients validate the server's address by the handshake itself
    this.#controller = options.controller;
    this.#probes = options.probes;
    this.#detectors = SPACES.map((space) => options.lossDetector(space));
    this.#timeouts = new ProbeTimeouts(this, this.#logs, options.probes);
  }

  get controller(): CongestionController {
    return this.#controller;
  }

  /** Of 1-RTT packets, as their loss detector says. */
  get packetThreshold(): number {
    return this.#detectors[Space.APPLICATION]!.packetThreshold;
  }

  // sending ------------------------------------------------------------------------------------------------------------

  /** The record for a packet about to be built; its `frames` is empty. The same one is handed out again unless it is `sent`. */
  record(space: Space): SentRecord {
    return this.#logs[space]!.spare();
  }

  /** A packet left; its record has number, bytes, ackEliciting, inFlight. Numbers ascend; those passed over count as never sent. */
  sent(now: Micros, space: Space, record: SentRecord): void {
    const log = this.#logs[space]!;
    record.sentAt = now;
    record.pathId = this.#pathId;
    log.add(record);
    if (log.lost.length > 0) this.#onLogFull(now, space);
    if (!record.inFlight) return;
    this.#rate.onSent(now, record, this.bytesInFlight);
    this.bytesInFlight += record.bytes;
    this.#windowUse.onSent(this.bytesInFlight);
    this.appLimited = false;
    if (!record.explores) this.repairAllowed = false;
    this.#controller.onPacketSent(now, record.bytes, this.bytesInFlight);
    if (record.ackEliciting) this.#timeouts.onSent(now, space);
    this.updateDeadline(now);
  }

  /**
   * The sender stopped because it had nothing more to say, though window and pacer would have let it (RFC 9002 §7.8).
   * Holds until the next packet in flight is sent. Waiting for the pacer, for the window or for a slot is not that.
   */
  onAppLimited(): void {
    if (this.bytesInFlight >= this.#controller.congestionWindow) return;
    this.appLimited = true;
    this.#rate.onAppLimited(this.bytesInFlight);
  }

  /** Whether the congestion window lets a packet of this size leave: it fits, or it is the one that entering recovery allows (§7.3.2). */
  windowAllows(bytes: number): boolean {
    return this.bytesInFlight + bytes <= this.#controller.congestionWindow || this.repairAllowed;
  }

  /** Ack-eliciting datagrams that must leave in this space, whatever window and pacer say (RFC 9002 §7.5). */
  probesOwed(space: Space): number {
    return this.#timeouts.owed(space);
  }

  /**
   * Something came that shows that the peer lacks what is outstanding in a space, or our acknowledgement: owes what a probe
   * timeout would, now and without its back-off. RFC 9002 §6.2.3. How often in a connection is for the caller to limit.
   * @returns false, and nothing is owed, when the peer can have sent it before what left last could arrive
   */
  hasten(now: Micros, space: Space): boolean {
    return this.#timeouts.hasten(now, space);
  }

  onProbeSent(space: Space): void {
    this.#timeouts.onProbeSent(space);
  }

  /** Probe timeouts since the peer was last heard. */
  get ptoCount(): number {
    return this.#timeouts.count;
  }

  /** What was sent in a space: `oldest()` and `after()` walk what is in flight, for the content of probes. */
  sentPackets(space: Space): SentPacketLog {
    return this.#logs[space]!;
  }

  /** How many ack-eliciting packets of a space are in flight. Probes should carry something of every such space (§6.2.4). */
  ackElicitingInFlight(space: Space): number {
    return this.#logs[space]!.ackElicitingInFlight;
  }

  // acknowledgements ---------------------------------------------------------------------------------------------------

  /**
   * Takes an ACK frame (Appendix A.7): ranges descending and disjoint, `smallest[i]` to `largest[i]` inclusive. Fills `acked`,
   * `lateAcked` and `lost`. False when it names a packet that was never sent: close with PROTOCOL_VIOLATION (RFC 9000 §13.1).
   * @param ackDelay decoded, in µs
   */
  onAck(now: Micros, space: Space, count: number, largest: readonly number[], smallest: readonly number[], ackDelay: Micros): boolean {
    this.#clearResults();
    const log = this.#logs[space]!;
    if (!log.wereSent(count, largest, smallest)) return false;
    const priorInFlight = this.bytesInFlight;
    log.acknowledge(count, largest, smallest, this.acked);
    log.acknowledgeLost(now - LATE_ACK_TIMEOUTS * this.#timeouts.duration(0), count, largest, smallest, this.lateAcked);
    if (this.lateAcked.length > 0) this.#onLateAcked(now, space);
    if (this.acked.length === 0) return true;

    const ackedBytes = this.#takeAcked(now, space, largest[0]!, ackDelay);
    const lostBytes = this.#detectLost(now, space);
    this.#rate.sample(now, this.#ack);
    if (ackedBytes > 0) {
      const ack = this.#ack;
      ack.ackedBytes = ackedBytes;
      ack.lostBytes = lostBytes;
      ack.priorInFlight = priorInFlight;
      ack.bytesInFlight = this.bytesInFlight;
      ack.appLimited = this.appLimited || this.#windowUse.underused(this.#controller.congestionWindow);
      this.#controller.onAck(now, ack, this.rtt);
      this.#windowUse.onAcked(now, ack.largestSentAt, priorInFlight);
    }
    // only an ACK in the Handshake space proves that the server has validated our address (§6.2.2.1)
    if (space === Space.HANDSHAKE) this.peerValidatedAddress = true;
    this.#timeouts.onAck(space);
    this.updateDeadline(now);
    return true;
  }

  /** After `onAck`, when validated counts show new CE marks (RFC 9002 §7.1). */
  onEcnMarks(now: Micros, newMarks: number): void {
    const window = this.#controller.congestionWindow;
    this.#controller.onEcnMarks(now, newMarks, this.#largestAckedSentAt);
    if (this.#controller.congestionWindow < window) this.#onReduction(now, this.#largestAckedSentAt);
  }

  // the timer ----------------------------------------------------------------------------------------------------------

  /**
   * To be called when `deadline` <= now (Appendix A.9); after it, the deadline lies ahead. 'loss': `lost` is filled, or the loss
   * time has moved with the RTT; 'probe': see `probesOwed`; 'none': called too early. Probes can become due along with losses.
   */
  onDeadline(now: Micros): 'loss' | 'probe' | 'none' {
    this.#clearResults();
    this.updateDeadline(now); // a flag may have changed since: nothing is owed by a server that has reached its limit
    if (this.deadline > now) return 'none';
    const isLoss = this.#earliestLossTime() <= now;
    if (isLoss) {
      for (const space of SPACES) if (this.#lossTimes[space]! <= now) this.#detectLost(now, space);
      this.updateDeadline(now);
      if (this.deadline > now) return 'loss';
    }
    this.#timeouts.onTimeout(now);
    this.updateDeadline(now);
    return isLoss ? 'loss' : 'probe';
  }

  /** Whether `deadline` is the loss time, of packets that are about to be lost (§6.1.2), and not the probe timeout; and in which space. */
  get deadlineIsLoss(): boolean {
    return this.#earliestLossTime() < NEVER;
  }
  get deadlineSpace(): Space {
    const lossTime = this.#earliestLossTime();
    return lossTime < NEVER ? SPACES[this.#lossTimes.indexOf(lossTime)]! : this.#timeouts.space;
  }

  /** Recomputes `deadline` (Appendix A.8) after a flag changed. It may lie in the past: what came due while blocked is due now (§6.2.2.1). */
  updateDeadline(now: Micros): void {
    const lossTime = this.#earliestLossTime();
    if (lossTime < NEVER) this.deadline = lossTime;
    else if (this.amplificationBlocked) this.deadline = NEVER;
    else this.deadline = this.#timeouts.next(now);
  }

  // the connection's progress ------------------------------------------------------------------------------------------

  /** Keys of a space are gone: its packets can no longer be acknowledged, and are not lost either. RFC 9002 §6.4. */
  discardSpace(now: Micros, space: Space): void {
    this.#discard(space, -1);
    this.#lossTimes[space] = NEVER;
    this.#timeouts.discard(space);
    this.updateDeadline(now);
  }

  /** What was sent is not waited for any more: the probe timeout begins anew, without back-off. RFC 9002 §6.3. */
  restartTimeouts(now: Micros): void {
    this.#timeouts.restart();
    this.updateDeadline(now);
  }

  /** Forgets the packets of a space with one of the sender's tags, for example rejected 0-RTT (RFC 9002 §6.4). */
  discardLevel(now: Micros, space: Space, level: number): void {
    this.#discard(space, level);
    this.updateDeadline(now);
  }

  /** Another path, or a Retry: window and RTT start over; packets sent before count for neither (RFC 9000 §9.4, RFC 9002 §6.3). */
  onPathChange(now: Micros, controller: CongestionController, initialRtt: Micros = INITIAL_RTT): void {
    this.#pathId++;
    this.#controller = controller;
    this.bytesInFlight = 0;
    this.rtt.reset(initialRtt);
    this.#rate.reset();
    this.#windowUse.reset();
    this.repairAllowed = false;
    this.#reducedAt = -1;
    this.restartTimeouts(now);
  }

  // steps --------------------------------------------------------------------------------------------------------------

  #clearResults(): void {
    empty(this.acked);
    empty(this.lateAcked);
    empty(this.lost);
  }

  /** Takes `acked` out of flight and takes an RTT sample. Returns how many octets of this path it was. */
  #takeAcked(now: Micros, space: Space, largest: number, ackDelay: Micros): number {
    let ackedBytes = 0;
    let ackEliciting = false;
    for (const record of this.acked) {
      ackEliciting ||= record.ackEliciting;
      if (!record.inFlight || record.pathId !== this.#pathId) continue;
      this.bytesInFlight -= record.bytes;
      if (record.elsewhere) continue; // RFC 9000 §9.4
      ackedBytes += record.bytes;
      this.#ack.largestSentAt = record.sentAt;
      this.#rate.onAcked(now, record);
    }
    const newest = this.acked[this.acked.length - 1]!;
    this.#largestAckedSentAt = newest.sentAt;
    if (newest.packetNumber === largest && ackEliciting && newest.pathId === this.#pathId && !newest.elsewhere) {
      this.rtt.sample(now, now - newest.sentAt, this.#believedAckDelay(space, ackDelay));
    }
    return ackedBytes;
  }

  /** RFC 9002 §5.3: Initial packets are not acknowledged late; until the handshake is confirmed, any delay is believed. */
  #believedAckDelay(space: Space, ackDelay: Micros): Micros {
    if (space === Space.INITIAL) return 0;
    return this.handshakeConfirmed ? Math.min(ackDelay, this.maxAckDelay) : ackDelay;
  }

  /** So much is outstanding that the log gave up its oldest packet, which counts as lost: the deadline is now, and says so. */
  #onLogFull(now: Micros, space: Space): void {
    this.#lossTimes[space] = now;
    this.deadline = now;
  }

  #onLateAcked(now: Micros, space: Space): void {
    for (const record of this.lateAcked) {
      this.spuriousLosses++;
      this.#detectors[space]!.onSpuriousLoss(record, this.#logs[space]!.largestAcked, now);
      if (record.pathId === this.#pathId && !record.explores) this.#controller.onSpuriousLoss(now, record.bytes, record.sentAt);
    }
  }

  /** Asks the detector and tells the controller (Appendices A.10, B.8). Returns how many octets in flight on this path were lost, but for packets that explore. */
  #detectLost(now: Micros, space: Space): number {
    const log = this.#logs[space]!;
    const lossTime = this.#detectors[space]!.detect(now, log, this.rtt);
    this.#lossTimes[space] = lossTime > now ? lossTime : now + 1; // a detector that says "now" again and again must not stop time
    if (log.lost.length === 0) return 0;

    let lostBytes = 0;
    let largestSentAt = 0;
    for (const record of log.lost) {
      this.lost.push(record);
      if (!record.inFlight || record.pathId !== this.#pathId) continue;
      this.bytesInFlight -= record.bytes;
      if (record.explores) continue; // RFC 9000 §9.4, §14.4: no sign of congestion
      lostBytes += record.bytes;
      largestSentAt = Math.max(largestSentAt, record.sentAt);
    }
    if (lostBytes > 0) this.#tellLoss(now, log, lostBytes, largestSentAt);
    for (const record of log.lost) log.remember(now, record);
    empty(log.lost);
    return lostBytes;
  }

  #tellLoss(now: Micros, log: SentPacketLog, lostBytes: number, largestSentAt: Micros): void {
    const loss = this.#loss;
    loss.lostBytes = lostBytes;
    loss.largestSentAt = largestSentAt;
    loss.bytesInFlight = this.bytesInFlight;
    // the peer's max_ack_delay belongs to this duration in every space (§7.6.1)
    const timeout = Math.max(this.#probes.timeout(this.rtt, this.maxAckDelay, 0), standardProbes.timeout(this.rtt, this.maxAckDelay, 0));
    const duration = PERSISTENT_CONGESTION_THRESHOLD * timeout; // of its formula at least, however early a policy probes
    loss.persistent = this.rtt.hasSample && persistentCongestion(this.#logs, log.lost, this.rtt.firstSampleAt, duration);
    if (loss.persistent) {
      this.persistentCongestions++;
      this.rtt.onPersistentCongestion();
    }
    const window = this.#controller.congestionWindow;
    this.#controller.onLoss(now, loss, this.rtt);
    if (this.#controller.congestionWindow < window) this.#onReduction(now, largestSentAt);
  }

  /** A controller may reduce its window step by step: only the first step begins a recovery period. */
  #onReduction(now: Micros, sentAt: Micros): void {
    if (sentAt <= this.#reducedAt) return;
    this.#reducedAt = now;
    this.repairAllowed = true;
  }

  #discard(space: Space, level: number): void {
    const log = this.#logs[space]!;
    for (let record = log.first(); record !== undefined; record = record.next) {
      if (record.inFlight && record.pathId === this.#pathId && (level < 0 || record.level === level)) this.bytesInFlight -= record.bytes;
    }
    log.clear(level);
  }

  #earliestLossTime(): Micros {
    return Math.min(this.#lossTimes[0]!, this.#lossTimes[1]!, this.#lossTimes[2]!);
  }
}

/** Keeps the memory for the next time, which `length = 0` gives back. */
function empty(records: SentRecord[]): void {
  while (records.length > 0) records.pop();
}
