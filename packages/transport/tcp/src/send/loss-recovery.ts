import { RangeSet } from '@quiclab/bytes';
import type { CongestionController } from '@quiclab/congestion';
import { DeliveryRate, MutableAckSummary, type RttEstimator, WindowUse } from '@quiclab/recovery';
import { type Micros, NEVER } from '@quiclab/sansio';
import type { TcpConfig } from '../config.ts';
import type { Observer } from '../observer.ts';
import { Doubts } from './doubts.ts';
import { Rack } from './rack.ts';
import { probeTimeout, retransmissionTimeout } from './retransmission-timeout.ts';
import type { SackBlocks } from './sack-blocks.ts';
import { SegmentLog } from './segment-log.ts';
import type { SentSegment } from './sent-segment.ts';

const NO_POINT = -1;
const DUPLICATE_THRESHOLD = 3;
/** RFC 6298 §5.7: after a handshake whose SYN was lost. */
const RTO_AFTER_LOST_SYN: Micros = 3_000_000;

/**
 * What was sent, what has arrived, what is lost and when to worry: RACK-TLP (RFC 8985) with SACK (RFC 2018), the retransmission timer
 * (RFC 6298), and how mistakes are found out (timestamps, RFC 3522; DSACK, RFC 2883; F-RTO, RFC 5682). It sends nothing: `nextLost`
 * says what has to leave again, `probeOwed` that a probe must leave, `deadline` when it wants to be asked. Bytes in flight are positions.
 */
export class LossRecovery {
  readonly log = new SegmentLog();
  readonly rtt: RttEstimator;
  bytesInFlight = 0;
  /** SND.UNA and SND.NXT as positions. */
  una = 0;
  next = 0;
  /** When `onDeadline` wants to run. */
  deadline: Micros = NEVER;
  /** A tail loss probe must leave, whatever window and pacer say. */
  probeOwed = false;
  /** Retransmission timeouts in a row. */
  expiries = 0;
  /** The sender has run out of things to say; see `onAppLimited`. */
  appLimited = false;
  /** So far. */
  retransmissions = 0;
  timeouts = 0;
  probes = 0;
  spuriousLosses = 0;

  readonly #config: TcpConfig;
  readonly #controller: CongestionController;
  readonly #observer: Observer;
  readonly #sackPermitted: boolean;
  readonly #firstRto: Micros;
  readonly #rack = new Rack();
  readonly #rate = new DeliveryRate();
  readonly #windowUse = new WindowUse();
  readonly #doubts = new Doubts();
  readonly #sacked = new RangeSet();
  readonly #lost = new RangeSet();
  readonly #nowLost: SentSegment[] = [];
  readonly #ack = new MutableAckSummary();
  readonly #loss = { lostBytes: 0, largestSentAt: 0, bytesInFlight: 0, persistent: false, timeout: false };
  #minRtt: Micros = NEVER;
  #sackedSegments = 0;
  #duplicateAcks = 0; // without SACK
  #recoveryPoint = NO_POINT; // RFC 6675 §2: in recovery until it is acknowledged
  #repairAllowed = false;
  #reducedAt: Micros = -1;
  #kind: 'retransmission' | 'tail-probe' | 'reordering' = 'retransmission';
  #rtoBase: Micros = 0; // from when the retransmission timeout counts
  #probeBase: Micros = NEVER; // from when the probe timeout does; NEVER: it is not armed
  #reorderingDeadline: Micros = NEVER;
  #probeEnd = -1; // TLP.end_seq; -1: no probe is out
  #probeStart = 0;
  #probeRetransmitted = false;
  #probeSentAt: Micros = 0; // of what is in it, for the first time
  #forward: 'no' | 'expired' | 'trying' = 'no'; // F-RTO
  #ackedBytes = 0;
  #roundTrip: Micros = -1;
  #isAmbiguous = false;

  constructor(
    config: TcpConfig,
    controller: CongestionController,
    observer: Observer,
    options: { readonly sackPermitted: boolean; readonly synLost: boolean; readonly rtt: RttEstimator },
  ) {
    this.#config = config;
    this.#controller = controller;
    this.#observer = observer;
    this.#sackPermitted = options.sackPermitted;
    this.#firstRto = options.synLost ? RTO_AFTER_LOST_SYN : config.initialRto;
    this.rtt = options.rtt;
    if (this.rtt.hasSample) this.#minRtt = this.rtt.min;
  }

  get inRecovery(): boolean {
    return this.una < this.#recoveryPoint;
  }

  /** F-RTO: what is new goes before what is to be sent again. RFC 5682 §3.1. */
  get newDataFirst(): boolean {
    return this.#forward === 'trying';
  }

  get rto(): Micros {
    return retransmissionTimeout(this.rtt, this.#config, this.#firstRto, this.expiries);
  }

  // sending ------------------------------------------------------------------------------------------------------------

  /** Whether the congestion window lets so much leave: it fits, or it is the one segment that a reduction allows (RFC 6675 §5, step 4.3). */
  windowAllows(bytes: number): boolean {
    return this.bytesInFlight + bytes <= this.#controller.congestionWindow || this.#repairAllowed;
  }

  /** The lowest that is to be sent again. */
  nextLost(): SentSegment | undefined {
    return this.#lost.count === 0 ? undefined : this.log.at(this.log.indexOf(this.#lost.start(0)));
  }

  /** For a tail loss probe with nothing new to say: the highest that has not arrived. */
  highestMissing(): SentSegment | undefined {
    for (let i = this.log.count - 1; i >= 0; i--) if (!this.log.at(i).sacked) return this.log.at(i);
    return undefined;
  }

  /** New data, or the FIN, leaves: positions up to `end`. */
  onNewSent(now: Micros, end: number, fin: boolean, timestamp: number): SentSegment {
    const segment = this.log.add(this.next, end, fin);
    segment.originalSentAt = now;
    if (this.log.count === 1) this.#rtoBase = now;
    this.next = end;
    this.#launch(now, segment, timestamp);
    if (!this.probeOwed) this.#armProbe(now);
    this.#onProbeLeft(now, segment, false);
    this.#schedule();
    return segment;
  }

  /** A copy of it leaves. */
  onRetransmitted(now: Micros, segment: SentSegment, timestamp: number): void {
    this.retransmissions++;
    if (segment.lost) {
      this.#lost.remove(segment.start, segment.end);
      segment.lost = false;
    }
    if (segment.start === this.una) this.#rtoBase = now;
    this.#launch(now, segment, timestamp);
    this.#onProbeLeft(now, segment, true);
    this.#schedule();
  }

  /** The sender stopped because it had nothing more to say, though window and pacer would have let it. RFC 2861. */
  onAppLimited(): void {
    if (this.bytesInFlight >= this.#controller.congestionWindow) return;
    this.appLimited = true;
    this.#rate.onAppLimited(this.bytesInFlight);
  }

  // acknowledgements ---------------------------------------------------------------------------------------------------

  /**
   * An acceptable acknowledgement: una ≤ ack ≤ next.
   * @param echo       the timestamp that it echoes, -1 without one
   * @param echoAge    how long ago that was written
   * @param duplicate  it repeats the last one and says nothing else: counts where there is no SACK (RFC 5681 §2)
   * @returns whether it acknowledges anything new
   */
  onAck(now: Micros, ack: number, blocks: SackBlocks, echo: number, echoAge: Micros, duplicate: boolean): boolean {
    const priorInFlight = this.bytesInFlight;
    const wasRecovering = this.inRecovery;
    const advanced = ack > this.una;
    this.#ackedBytes = 0;
    this.#ack.largestSentAt = 0;
    this.#roundTrip = -1;
    this.#isAmbiguous = false;
    let timeoutWasSpurious = false;
    if (advanced) timeoutWasSpurious = this.#takeCumulative(now, ack, echo);
    for (let i = 0; i < blocks.count; i++)
      if (this.#takeSelective(now, blocks.starts[i]!, blocks.ends[i]!, echo)) timeoutWasSpurious = true;
    this.#sampleRoundTrip(now, advanced, echoAge);
    if (this.#minRtt < this.rtt.min) this.rtt.min = this.#minRtt;
    if (blocks.duplicateStart >= 0) this.#onDuplicate(now, blocks.duplicateStart, blocks.duplicateEnd);
    if (timeoutWasSpurious) this.#undoTimeout(now);
    if (this.#forward !== 'no') this.#onForwardAck(advanced, ack);

    const lostBytes = this.#detectOnAck(now, advanced, wasRecovering, duplicate);
    this.#onProbeAcked(now, ack, blocks, duplicate);
    if (this.#ackedBytes > 0) this.#tellController(now, priorInFlight, lostBytes);
    if (advanced) {
      this.expiries = 0;
      this.#rtoBase = now;
      if (wasRecovering && !this.inRecovery) this.#rack.onRecovered();
    }
    if (this.#ackedBytes > 0) this.#armProbe(now);
    this.#schedule();
    return this.#ackedBytes > 0;
  }

  /** Karn's algorithm, RFC 6298 §3: where something was sent twice only the timestamp tells how long it took, of what moved the edge (RFC 7323 §4.1). */
  #sampleRoundTrip(now: Micros, advanced: boolean, echoAge: Micros): void {
    if (this.#roundTrip >= 0 && !this.#isAmbiguous) this.rtt.sample(now, this.#roundTrip, 0);
    else if (advanced && this.#isAmbiguous && echoAge > 0) this.rtt.sample(now, echoAge, 0);
  }

  #takeCumulative(now: Micros, ack: number, echo: number): boolean {
    const before = this.una;
    let timeoutWasSpurious = false;
    while (this.log.count > 0) {
      const segment = this.log.at(0);
      if (segment.end > ack) {
        if (segment.start < ack) this.#cut(segment, ack);
        break;
      }
      if (segment.sacked) this.#sackedSegments--;
      else {
        const isFirst = segment.start === before;
        if (this.#deliver(now, segment, echo, isFirst)) timeoutWasSpurious = true;
        this.#observer.streamAcked(now, segment.start, segment.bytes - (segment.fin ? 1 : 0), 'cumulative');
      }
      this.log.dropFirst();
    }
    this.una = ack;
    this.#duplicateAcks = 0;
    while (this.#sacked.count > 0 && this.#sacked.end(0) <= ack) this.#sacked.dropFirst();
    if (this.#lost.count > 0) this.#lost.remove(0, ack);
    return timeoutWasSpurious;
  }

  /** A part of a segment was acknowledged, which none of our own peers does: the rest stays as it is. */
  #cut(segment: SentSegment, ack: number): void {
    const octets = ack - segment.start;
    this.bytesInFlight -= octets * segment.copies;
    this.#ackedBytes += segment.sacked ? 0 : octets;
    this.#ack.largestSentAt = Math.max(this.#ack.largestSentAt, segment.originalSentAt);
    segment.start = ack;
    segment.bytes -= octets;
  }

  #takeSelective(now: Micros, start: number, end: number, echo: number): boolean {
    if (this.#sacked.hasAll(start, end)) return false;
    let timeoutWasSpurious = false;
    for (let i = this.log.indexOf(start); i < this.log.count; i++) {
      const segment = this.log.at(i);
      if (segment.end > end) break;
      if (segment.sacked || segment.start < start) continue;
      if (this.#deliver(now, segment, echo, false)) timeoutWasSpurious = true;
      segment.sacked = true;
      this.#sackedSegments++;
      this.#observer.streamAcked(now, segment.start, segment.bytes - (segment.fin ? 1 : 0), 'sack');
    }
    this.#sacked.add(start, end);
    return timeoutWasSpurious;
  }

  /** @returns whether it proves that the retransmission timer was wrong */
  #deliver(now: Micros, segment: SentSegment, echo: number, isFirst: boolean): boolean {
    const retransmitted = segment.transmissions > 1;
    const isOriginal = retransmitted && echo >= 0 && ((echo - segment.timestamp) | 0) < 0;
    this.#rack.onDelivered(now, segment, isOriginal, this.#minRtt);
    const arrivedFrom = retransmitted && (isOriginal || now - segment.sentAt < this.#minRtt) ? segment.originalSentAt : segment.sentAt;
    this.#ack.largestSentAt = Math.max(this.#ack.largestSentAt, arrivedFrom);
    if (!retransmitted) {
      // the oldest of them counts the delay of the acknowledgement in, which the timeout must allow for; the newest is the path's own
      if (this.#roundTrip < 0) this.#roundTrip = now - segment.sentAt;
      this.#minRtt = Math.min(this.#minRtt, now - segment.sentAt);
    } else this.#isAmbiguous = true;
    if (segment.copies > 0) {
      this.bytesInFlight -= segment.bytes * segment.copies;
      segment.copies = 0;
      this.log.land(segment);
    }
    this.#ackedBytes += segment.bytes;
    this.#rate.onAcked(now, segment);
    return segment.lostSentAt >= 0 && this.#clearUp(now, segment, isOriginal && isFirst);
  }

  /**
   * What was declared lost has arrived: was it a mistake? Certainly where it was not sent again; RFC 3522 tells by the timestamp, of the
   * first missing one. Else a DSACK may, later.
   */
  #clearUp(now: Micros, segment: SentSegment, isProven: boolean): boolean {
    if (segment.lost) {
      this.#lost.remove(segment.start, segment.end);
      segment.lost = false;
    } else if (!isProven) {
      this.#doubts.add(segment.start, segment.end, segment.lostSentAt);
      return false;
    }
    this.#tellSpurious(now, segment.start, segment.bytes, segment.lostSentAt);
    segment.lostSentAt = -1;
    return segment.lostByTimeout;
  }

  #onDuplicate(now: Micros, start: number, end: number): void {
    this.#rack.onDuplicate(this.una, this.next);
    const sentAt = this.#doubts.settle(start, end);
    if (sentAt >= 0) this.#tellSpurious(now, start, end - start, sentAt);
  }

  #tellSpurious(now: Micros, start: number, bytes: number, sentAt: Micros): void {
    this.spuriousLosses++;
    this.#observer.streamSpurious(now, start, bytes);
    this.#controller.onSpuriousLoss(now, bytes, sentAt);
  }

  /** RFC 3522, RFC 5682: the timer was wrong, so that what it gave up and was not sent again is on its way still. */
  #undoTimeout(now: Micros): void {
    for (let i = 0; i < this.log.count; i++) {
      const segment = this.log.at(i);
      if (!segment.lost || !segment.lostByTimeout) continue;
      segment.lost = false;
      segment.lostByTimeout = false;
      segment.copies = 1;
      this.bytesInFlight += segment.bytes;
      this.#lost.remove(segment.start, segment.end);
      this.log.relaunch(segment);
      this.#tellSpurious(now, segment.start, segment.bytes, segment.lostSentAt);
      segment.lostSentAt = -1;
    }
    this.#forward = 'no';
  }

  /**
   * F-RTO, RFC 5682 §3.1: where the first acknowledgement after the expiry leaves something of what was sent before, new data goes next.
   * If the one after that acknowledges what was not sent again, the timer was wrong (see `#clearUp`); if not, it was right.
   */
  #onForwardAck(advanced: boolean, ack: number): void {
    this.#forward = this.#forward === 'expired' && advanced && ack < this.#recoveryPoint ? 'trying' : 'no';
  }

  #tellController(now: Micros, priorInFlight: number, lostBytes: number): void {
    const ack = this.#ack;
    this.#rate.sample(now, ack);
    ack.ackedBytes = this.#ackedBytes;
    ack.lostBytes = lostBytes;
    ack.priorInFlight = priorInFlight;
    ack.bytesInFlight = this.bytesInFlight;
    ack.appLimited = this.appLimited || this.#windowUse.underused(this.#controller.congestionWindow);
    this.#controller.onAck(now, ack, this.rtt);
    this.#windowUse.onAcked(now, ack.largestSentAt, priorInFlight);
  }

  // losses -------------------------------------------------------------------------------------------------------------

  #detectOnAck(now: Micros, advanced: boolean, wasRecovering: boolean, duplicate: boolean): number {
    if (this.#sackPermitted) return this.#detect(now);
    if (duplicate) this.#duplicateAcks++;
    // RFC 5681 §3.2, RFC 6582 §3.2: the third duplicate, and in recovery whatever acknowledges only a part of it
    const isLost = duplicate ? this.#duplicateAcks === DUPLICATE_THRESHOLD && !wasRecovering : advanced && this.inRecovery;
    if (!isLost || this.log.count === 0 || this.log.at(0).lost || (advanced && this.log.at(0).transmissions > 1)) return 0;
    this.#nowLost.push(this.log.at(0));
    return this.#lose(now, 'duplicates');
  }

  #detect(now: Micros): number {
    const window = this.#rack.reorderingWindow(
      this.inRecovery,
      this.#sackedSegments,
      this.#minRtt < NEVER ? this.#minRtt : 0,
      this.rtt.smoothed,
    );
    this.#reorderingDeadline = this.#rack.detect(now, this.log, window, this.#nowLost);
    return this.#lose(now, 'rack');
  }

  /** Declares lost what `#nowLost` holds, and tells the controller. */
  #lose(now: Micros, by: 'rack' | 'duplicates' | 'timeout'): number {
    const lost = this.#nowLost;
    if (lost.length === 0 && by !== 'timeout') return 0;
    const loss = this.#loss;
    loss.lostBytes = 0;
    loss.largestSentAt = 0;
    loss.timeout = by === 'timeout';
    for (const segment of lost) {
      loss.lostBytes += segment.bytes;
      loss.largestSentAt = Math.max(loss.largestSentAt, segment.sentAt);
      this.bytesInFlight -= segment.bytes * segment.copies;
      segment.copies = 0;
      segment.lost = true;
      segment.lostByTimeout = by === 'timeout';
      if (segment.lostSentAt < 0) segment.lostSentAt = segment.sentAt;
      this.log.land(segment);
      this.#lost.add(segment.start, segment.end);
      this.#observer.streamLost(now, segment.start, segment.bytes - (segment.fin ? 1 : 0), by);
    }
    lost.length = 0;
    if (!this.inRecovery) this.#recoveryPoint = this.next;
    this.#tellLoss(now);
    return loss.lostBytes;
  }

  #tellLoss(now: Micros): void {
    const loss = this.#loss;
    loss.bytesInFlight = this.bytesInFlight;
    const window = this.#controller.congestionWindow;
    this.#controller.onLoss(now, loss, this.rtt);
    if (this.#controller.congestionWindow < window && loss.largestSentAt > this.#reducedAt) {
      this.#reducedAt = now;
      this.#repairAllowed = !loss.timeout;
    }
  }

  // the timer ----------------------------------------------------------------------------------------------------------

  /** To be called when `deadline` <= now. What has to leave then: see `nextLost` and `probeOwed`. */
  onDeadline(now: Micros): void {
    if (this.deadline > now) return;
    if (this.#kind === 'reordering') {
      this.#observer.timeout(now, 'reordering', 0);
      this.#detect(now);
    } else if (this.#kind === 'tail-probe') {
      this.probes++;
      this.#observer.timeout(now, 'tail-probe', 0);
      this.probeOwed = true;
      this.#probeBase = NEVER;
      this.#rtoBase = now;
    } else this.#onExpiry(now);
    this.#schedule();
  }

  /** RFC 6298 §5.4 to §5.6, RFC 8985 §6.3. */
  #onExpiry(now: Micros): void {
    this.expiries++;
    this.timeouts++;
    this.#observer.timeout(now, 'retransmission', this.expiries);
    if (this.log.at(0).sacked) this.#renege();
    // §6.3: the first, and what has been out for longer than a round trip; what left lately may well arrive
    const window = this.#rack.reorderingWindow(true, this.#sackedSegments, this.#minRtt < NEVER ? this.#minRtt : 0, this.rtt.smoothed);
    const roundTrip = (this.#rack.sentAt < 0 ? this.rtt.smoothed : this.#rack.rtt) + window;
    for (let i = 0; i < this.log.count; i++) {
      const segment = this.log.at(i);
      if (segment.sacked || segment.lost) continue;
      if (i === 0 || segment.sentAt + roundTrip <= now) this.#nowLost.push(segment);
    }
    const isFirst = this.expiries === 1 && !this.inRecovery;
    this.#lose(now, 'timeout');
    this.#recoveryPoint = this.next;
    this.#forward = isFirst && this.#config.forwardRto && this.#sackPermitted ? 'expired' : 'no';
    this.#rtoBase = now;
    this.#probeBase = NEVER;
    this.#probeEnd = -1;
    this.probeOwed = false;
    this.#reorderingDeadline = NEVER;
  }

  /** The first that is missing was said to have arrived: the peer has thrown it away since. RFC 2018 §8. */
  #renege(): void {
    for (let i = 0; i < this.log.count; i++) this.log.at(i).sacked = false;
    this.#sackedSegments = 0;
    this.#sacked.clear();
  }

  #schedule(): void {
    this.deadline = NEVER;
    if (this.log.count === 0) return;
    if (this.#reorderingDeadline < NEVER) {
      this.#kind = 'reordering';
      this.deadline = this.#reorderingDeadline;
      return;
    }
    this.#kind = 'retransmission';
    this.deadline = this.#rtoBase + this.rto;
    if (this.#probeBase === NEVER) return;
    const probeAt = this.#probeBase + probeTimeout(this.rtt, this.#config, this.log.count === 1);
    if (probeAt >= this.deadline) return;
    this.#kind = 'tail-probe';
    this.deadline = probeAt;
  }

  // tail loss probes ---------------------------------------------------------------------------------------------------

  /** RFC 8985 §7.2: with SACK, nothing known to have arrived beyond a hole, not in recovery, and one probe at a time. */
  #armProbe(now: Micros): void {
    const mayProbe =
      this.#config.tailLossProbes &&
      this.#sackPermitted &&
      this.#sackedSegments === 0 &&
      !this.inRecovery &&
      this.#probeEnd < 0 &&
      this.log.count > 0;
    this.#probeBase = mayProbe ? now : NEVER;
  }

  #onProbeLeft(now: Micros, segment: SentSegment, retransmitted: boolean): void {
    if (!this.probeOwed) return;
    this.probeOwed = false;
    this.#probeStart = segment.start;
    this.#probeEnd = segment.end;
    this.#probeRetransmitted = retransmitted;
    this.#probeSentAt = segment.originalSentAt;
    this.#probeBase = NEVER;
    this.#rtoBase = now;
  }

  /** RFC 8985 §7.4: a probe that was a copy and did not come twice has repaired a loss, which is answered like any other. */
  #onProbeAcked(now: Micros, ack: number, blocks: SackBlocks, duplicate: boolean): void {
    if (this.#probeEnd < 0 || ack < this.#probeEnd) return;
    const end = this.#probeEnd;
    if (!this.#probeRetransmitted || blocks.duplicateEnd === end || (duplicate && blocks.count === 0)) {
      this.#probeEnd = -1;
      return;
    }
    if (ack === end) return; // the original, or the copy? a DSACK, or what is acknowledged next, tells
    this.#probeEnd = -1;
    const loss = this.#loss;
    loss.lostBytes = end - this.#probeStart;
    loss.largestSentAt = this.#probeSentAt;
    loss.timeout = false;
    this.#observer.streamLost(now, this.#probeStart, loss.lostBytes, 'probe');
    this.#tellLoss(now);
  }

  #launch(now: Micros, segment: SentSegment, timestamp: number): void {
    const { bytes } = segment;
    segment.sentAt = now;
    segment.timestamp = timestamp;
    segment.transmissions++;
    segment.copies++;
    this.#rate.onSent(now, segment, this.bytesInFlight);
    this.bytesInFlight += bytes;
    this.#windowUse.onSent(this.bytesInFlight);
    this.log.launch(segment);
    this.appLimited = false;
    this.#repairAllowed = false;
    this.#controller.onPacketSent(now, bytes, this.bytesInFlight);
  }
}
