import type { CongestionController } from '@quiclab/congestion';
import { DeliveryRate, MutableAckSummary, type RttEstimator, WindowUse } from '@quiclab/recovery';
import { type Micros, NEVER } from '@quiclab/sansio';
import type { TcpConfig } from '../config.ts';
import type { Observer } from '../observer.ts';
import { Mistakes } from './mistakes.ts';
import { Rack } from './rack.ts';
import { probeTimeout, retransmissionTimeout } from './retransmission-timeout.ts';
import type { SackBlocks } from './sack-blocks.ts';
import { Scoreboard } from './scoreboard.ts';
import type { SentSegment } from './sent-segment.ts';
import { TailProbe } from './tail-probe.ts';
import { WindowValidation } from './window-validation.ts';

const NO_POINT = -1;
const DUPLICATE_THRESHOLD = 3;
/** RFC 6298 §5.7: after a handshake whose SYN was lost. */
const RTO_AFTER_LOST_SYN: Micros = 3_000_000;

/**
 * What is lost, and when to worry: RACK-TLP (RFC 8985), and the retransmission timer (RFC 6298). It sends nothing: `board.nextLost` says
 * what has to leave again, `probe.owed` that a probe must, `deadline` when it wants to be asked.
 */
export class LossRecovery {
  readonly board = new Scoreboard();
  readonly rtt: RttEstimator;
  readonly probe = new TailProbe();
  readonly mistakes: Mistakes;
  /** When `onDeadline` wants to run. */
  deadline: Micros = NEVER;
  /** Retransmission timeouts in a row. */
  expiries = 0;
  /** The sender has run out of things to say; see `onAppLimited`. */
  appLimited = false;
  /** So far. */
  retransmissions = 0;
  timeouts = 0;
  probes = 0;

  readonly #config: TcpConfig;
  readonly #controller: CongestionController;
  readonly #observer: Observer;
  readonly #sackPermitted: boolean;
  readonly #firstRto: Micros;
  readonly #rack = new Rack();
  readonly #rate = new DeliveryRate();
  readonly #windowUse = new WindowUse();
  /** Instead of the two above, where the configuration has it so. */
  readonly #validation: WindowValidation | undefined;
  readonly #nowLost: SentSegment[] = [];
  readonly #ack = new MutableAckSummary();
  readonly #loss = { lostBytes: 0, largestSentAt: 0, bytesInFlight: 0, persistent: false, timeout: false };
  #minRtt: Micros = NEVER;
  #duplicateAcks = 0; // without SACK
  #recoveryPoint = NO_POINT; // RFC 6675 §2: in recovery until it is acknowledged
  #repairAllowed = false;
  #reducedAt: Micros = -1;
  #kind: 'retransmission' | 'tail-probe' | 'reordering' = 'retransmission';
  #rtoBase: Micros = 0; // from when the retransmission timeout counts
  #reorderingDeadline: Micros = NEVER;
  // of the acknowledgement at hand
  #ackedBytes = 0;
  #roundTrip: Micros = -1;
  #isAmbiguous = false;
  #repairedTimeout: SentSegment | undefined = undefined;

  constructor(
    config: TcpConfig,
    controller: CongestionController,
    observer: Observer,
    options: { readonly sackPermitted: boolean; readonly synLost: boolean; readonly rtt: RttEstimator },
  ) {
    this.#config = config;
    this.#controller = controller;
    this.#observer = observer;
    this.mistakes = new Mistakes(this.board, controller, observer);
    this.#validation = config.windowUse === 'round' ? new WindowValidation() : undefined;
    this.#sackPermitted = options.sackPermitted;
    this.#firstRto = options.synLost ? RTO_AFTER_LOST_SYN : config.initialRto;
    this.rtt = options.rtt;
    if (this.rtt.hasSample) this.#minRtt = this.rtt.min;
  }

  get inRecovery(): boolean {
    return this.board.una < this.#recoveryPoint;
  }

  get rto(): Micros {
    return retransmissionTimeout(this.rtt, this.#config, this.#firstRto, this.expiries);
  }

  // sending ------------------------------------------------------------------------------------------------------------

  /**
   * Whether the congestion window lets so much data leave: it fits, or it is the one segment that a reduction allows (RFC 6675 §5, step 4.3),
   * or nothing is in flight whose acknowledgement could change that. A FIN needs no room.
   */
  windowAllows(length: number): boolean {
    const { bytesInFlight } = this.board;
    return bytesInFlight === 0 || bytesInFlight + length <= this.#controller.congestionWindow || this.#repairAllowed;
  }

  /** New data, or the FIN, leaves: positions up to `end`. */
  onNewSent(now: Micros, end: number, fin: boolean, timestamp: number): void {
    const segment = this.board.add(now, end, fin);
    if (this.board.log.count === 1) this.#rtoBase = now;
    this.#onSent(now, segment, timestamp);
  }

  /** A copy of it leaves. */
  onRetransmitted(now: Micros, segment: SentSegment, timestamp: number): void {
    this.retransmissions++;
    if (segment.start === this.board.una) this.#rtoBase = now;
    this.#onSent(now, segment, timestamp);
  }

  #onSent(now: Micros, segment: SentSegment, timestamp: number): void {
    const { board, probe } = this;
    this.#rate.onSent(now, segment, board.bytesInFlight);
    board.launch(now, segment, timestamp);
    this.#windowUse.onSent(board.bytesInFlight);
    this.#validation?.onSent();
    this.appLimited = false;
    this.#repairAllowed = false;
    this.#controller.onPacketSent(now, segment.bytes, board.bytesInFlight);
    if (probe.owed) {
      probe.onSent(segment);
      this.#rtoBase = now; // RFC 8985 §7.3
    } else if (segment.transmissions === 1) this.#armProbe(now);
    this.#schedule();
  }

  /** The sender stopped, for whatever reason: after segments have left, and after each time that none could. */
  onStopped(gate: string): void {
    const { board } = this;
    this.#validation?.onStopped(gate === 'window' || board.bytesInFlight >= this.#controller.congestionWindow, board.una, board.next);
  }

  /** The sender stopped because it had nothing more to say, though window and pacer would have let it. RFC 2861. */
  onAppLimited(): void {
    if (this.board.bytesInFlight >= this.#controller.congestionWindow) return;
    this.appLimited = true;
    this.#rate.onAppLimited(this.board.bytesInFlight);
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
    const { board } = this;
    const priorInFlight = board.bytesInFlight;
    const wasRecovering = this.inRecovery;
    const advanced = ack > board.una;
    this.#ackedBytes = 0;
    this.#ack.largestSentAt = 0;
    this.#roundTrip = -1;
    this.#isAmbiguous = false;
    if (advanced) this.#takeCumulative(now, ack, echo);
    for (let i = 0; i < blocks.count; i++) this.#takeSelective(now, blocks.starts[i]!, blocks.ends[i]!, echo);
    this.#sampleRoundTrip(now, advanced, echoAge);
    if (blocks.duplicateStart >= 0) this.#onDuplicate(now, blocks);
    const repaired = this.#repairedTimeout;
    if (repaired !== undefined) {
      // its copy has arrived, unless the timer is found to be wrong by the same acknowledgement: then it was the original
      if (!this.mistakes.timeoutWasOne) this.#rack.onDelivered(now, repaired, false, this.#minRtt);
      this.#repairedTimeout = undefined;
    }
    this.mistakes.onAck(now, advanced, !this.inRecovery);

    const lostBytes = this.#detectOnAck(now, advanced, wasRecovering, duplicate);
    if (this.probe.onAck(ack, blocks, duplicate)) this.#onSilentRepair(now);
    if (this.#ackedBytes > 0) this.#tellAck(now, priorInFlight, lostBytes);
    if (advanced) {
      this.expiries = 0;
      this.#rtoBase = now;
      this.#duplicateAcks = 0;
      if (wasRecovering && !this.inRecovery) this.#rack.onRecovered();
    }
    if (this.#ackedBytes > 0) this.#armProbe(now);
    this.#schedule();
    return this.#ackedBytes > 0;
  }

  #takeCumulative(now: Micros, ack: number, echo: number): void {
    const { board } = this;
    const { log } = board;
    const before = board.una;
    while (log.count > 0 && log.at(0).end <= ack) {
      const segment = log.at(0);
      if (segment.sacked) board.sackedSegments--;
      else {
        this.#deliver(now, segment, echo, segment.start === before);
        this.#observer.streamAcked(now, segment.start, dataOf(segment), 'cumulative');
      }
      log.dropFirst();
    }
    this.#ackedBytes += board.advance(ack);
    if (!this.#sackPermitted) board.correctPresumption();
  }

  /** The segments of a block that it is news of. */
  #takeSelective(now: Micros, start: number, end: number, echo: number): void {
    const { board } = this;
    let isNews = false;
    for (let i = board.firstMissing(start, end); i >= 0 && i < board.log.count; ) {
      const segment = board.log.at(i);
      if (segment.end > end) break;
      isNews = true;
      if (!segment.sacked && segment.start >= start) {
        this.#deliver(now, segment, echo, false);
        board.onSacked(segment);
        this.#observer.streamAcked(now, segment.start, dataOf(segment), 'sack');
      }
      if (segment.end === end) break;
      i = board.firstMissing(segment.end, end);
    }
    if (isNews) board.onBlock(start, end);
  }

  #deliver(now: Micros, segment: SentSegment, echo: number, isFirst: boolean): void {
    const retransmitted = segment.transmissions > 1;
    // RFC 3522. Of what lies beyond a hole the echo tells nothing: it is that of the last in order (RFC 7323 §4.3), whatever RFC 8985 §6.2 says
    const isOriginal = isFirst && retransmitted && echo >= 0 && ((echo - segment.timestamp) | 0) < 0;
    if (retransmitted && segment.lostByTimeout) this.#repairedTimeout = segment;
    else this.#rack.onDelivered(now, segment, isOriginal, this.#minRtt);
    const arrivedFrom = retransmitted && (isOriginal || now - segment.sentAt < this.#minRtt) ? segment.originalSentAt : segment.sentAt;
    this.#ack.largestSentAt = Math.max(this.#ack.largestSentAt, arrivedFrom);
    if (retransmitted) this.#isAmbiguous = true;
    else {
      // the oldest of them counts the delay of the acknowledgement in, which the timeout must allow for; the newest is the path's own
      if (this.#roundTrip < 0) this.#roundTrip = now - segment.sentAt;
      this.#minRtt = Math.min(this.#minRtt, now - segment.sentAt);
    }
    const wasLost = segment.lost;
    this.board.deliver(segment);
    this.#ackedBytes += segment.bytes;
    this.#rate.onAcked(now, segment);
    if (segment.lostSentAt < 0) return;
    const wasMistake = wasLost || isOriginal;
    if (wasMistake && !segment.lostByTimeout) this.#rack.onMistake();
    this.mistakes.onDelivered(now, segment, wasMistake);
  }

  /** Karn's algorithm, RFC 6298 §3: where something was sent twice only the timestamp tells how long it took, of what moved the edge (RFC 7323 §4.1). */
  #sampleRoundTrip(now: Micros, advanced: boolean, echoAge: Micros): void {
    if (this.#roundTrip >= 0 && !this.#isAmbiguous) this.rtt.sample(now, this.#roundTrip, 0);
    else if (advanced && this.#isAmbiguous && echoAge > 0) this.rtt.sample(now, echoAge, 0);
    if (this.#minRtt < this.rtt.min) this.rtt.min = this.#minRtt;
  }

  #tellAck(now: Micros, priorInFlight: number, lostBytes: number): void {
    const ack = this.#ack;
    this.#rate.sample(now, ack);
    ack.ackedBytes = this.#ackedBytes;
    ack.lostBytes = lostBytes;
    ack.priorInFlight = priorInFlight;
    ack.bytesInFlight = this.board.bytesInFlight;
    ack.appLimited = !this.#isUsed();
    this.#controller.onAck(now, ack, this.rtt);
    this.#windowUse.onAcked(now, ack.largestSentAt, priorInFlight);
  }

  #isUsed(): boolean {
    const { congestionWindow, phase } = this.#controller;
    if (this.#validation !== undefined) return this.#validation.used(congestionWindow, phase === 'slow-start');
    return !this.appLimited && !this.#windowUse.underused(congestionWindow);
  }

  #onDuplicate(now: Micros, blocks: SackBlocks): void {
    if (this.retransmissions === 0) return; // the network has copied it, or the peer makes it up
    if (!this.probe.caused(blocks)) this.#rack.onDuplicate(this.board.una, this.board.next);
    if (this.mistakes.onDuplicate(now, blocks.duplicateStart, blocks.duplicateEnd)) this.#rack.onMistake();
  }

  // losses -------------------------------------------------------------------------------------------------------------

  #detectOnAck(now: Micros, advanced: boolean, wasRecovering: boolean, duplicate: boolean): number {
    if (this.#sackPermitted) return this.#detect(now);
    if (duplicate) this.#onDuplicateAck(now);
    // RFC 5681 §3.2, RFC 6582 §3.2: the third duplicate, and in recovery whatever acknowledges only a part of it
    const isLost = duplicate ? this.#duplicateAcks === DUPLICATE_THRESHOLD && !wasRecovering : advanced && this.inRecovery;
    const { log } = this.board;
    if (!isLost || log.count === 0 || log.at(0).lost || (advanced && log.at(0).transmissions > 1)) return 0;
    this.#nowLost.push(log.at(0));
    return this.#lose(now, 'duplicates');
  }

  /** Each is one segment that has left the network (RFC 5681 §3.2, RFC 3042). */
  #onDuplicateAck(now: Micros): void {
    this.#duplicateAcks++;
    const segment = this.board.presumeArrived();
    if (segment === undefined) return;
    this.#ackedBytes += segment.bytes;
    this.#ack.largestSentAt = Math.max(this.#ack.largestSentAt, segment.originalSentAt);
    this.#rate.onAcked(now, segment);
  }

  #detect(now: Micros): number {
    this.#reorderingDeadline = this.#rack.detect(now, this.board.log, this.#reorderingWindow(this.inRecovery), this.#nowLost);
    return this.#lose(now, 'rack');
  }

  #reorderingWindow(inRecovery: boolean): Micros {
    const minRtt = this.#minRtt < NEVER ? this.#minRtt : 0;
    return this.#rack.reorderingWindow(inRecovery, this.board.sackedSegments, minRtt, this.rtt.smoothed);
  }

  /** Declares lost what `#nowLost` holds, and tells the controller. Returns how many octets that is. */
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
      this.board.lose(segment, loss.timeout);
      this.#observer.streamLost(now, segment.start, dataOf(segment), by);
    }
    lost.length = 0;
    if (!this.inRecovery) this.#recoveryPoint = this.board.next;
    this.#tellLoss(now);
    return loss.lostBytes;
  }

  /** RFC 8985 §7.4.2: answered like any other loss. */
  #onSilentRepair(now: Micros): void {
    const { probe } = this;
    const loss = this.#loss;
    loss.lostBytes = probe.end - probe.start;
    loss.largestSentAt = probe.sentAt;
    loss.timeout = false;
    this.#observer.streamLost(now, probe.start, loss.lostBytes - (probe.fin ? 1 : 0), 'probe');
    this.#tellLoss(now);
  }

  #tellLoss(now: Micros): void {
    const loss = this.#loss;
    loss.bytesInFlight = this.board.bytesInFlight;
    const window = this.#controller.congestionWindow;
    this.#controller.onLoss(now, loss, this.rtt);
    if (this.#controller.congestionWindow < window && loss.largestSentAt > this.#reducedAt) {
      this.#reducedAt = now;
      this.#repairAllowed = !loss.timeout;
    }
  }

  // the timer ----------------------------------------------------------------------------------------------------------

  /** To be called when `deadline` <= now. What has to leave then: see `board.nextLost` and `probe.owed`. */
  onDeadline(now: Micros): void {
    if (this.deadline > now) return;
    if (this.#kind === 'reordering') {
      this.#observer.timeout(now, 'reordering', 0);
      this.#detect(now);
    } else if (this.#kind === 'tail-probe') {
      this.probes++;
      this.#observer.timeout(now, 'tail-probe', 0);
      this.probe.onDue();
      this.#rtoBase = now;
    } else this.#onExpiry(now);
    this.#schedule();
  }

  /** RFC 6298 §5.4 to §5.6, RFC 8985 §6.3. */
  #onExpiry(now: Micros): void {
    const { log } = this.board;
    this.expiries++;
    this.timeouts++;
    this.#observer.timeout(now, 'retransmission', this.expiries);
    if (log.at(0).sacked) this.board.renege(); // the first that is missing was said to have arrived
    // §6.3: the first, and what has been out for longer than a round trip; what left lately may well arrive
    const usual = this.#sackPermitted && this.#rack.order > 0 ? this.#rack.rtt : this.rtt.smoothed;
    const roundTrip = usual + this.#reorderingWindow(true);
    for (let i = 0; i < log.count; i++) {
      const segment = log.at(i);
      if (segment.sacked || segment.lost) continue;
      if (i === 0 || segment.sentAt + roundTrip <= now) this.#nowLost.push(segment);
    }
    const isFirst = this.expiries === 1 && !this.inRecovery;
    this.#lose(now, 'timeout');
    this.#recoveryPoint = this.board.next;
    this.mistakes.onExpiry(isFirst && this.#config.forwardRto && this.#sackPermitted);
    this.#rtoBase = now;
    this.probe.cancel();
    this.#reorderingDeadline = NEVER;
  }

  #armProbe(now: Micros): void {
    const { log, sackedSegments } = this.board;
    const allowed = this.#config.tailLossProbes && this.#sackPermitted && sackedSegments === 0 && !this.inRecovery && log.count > 0;
    this.probe.arm(now, allowed);
  }

  #schedule(): void {
    const { log } = this.board;
    this.deadline = NEVER;
    if (log.count === 0) return;
    if (this.#reorderingDeadline < NEVER) {
      this.#kind = 'reordering';
      this.deadline = this.#reorderingDeadline;
      return;
    }
    this.#kind = 'retransmission';
    this.deadline = this.#rtoBase + this.rto;
    if (this.probe.base === NEVER) return;
    this.#kind = 'tail-probe'; // in place of the first expiry, if it comes to that. RFC 8985 §7.2
    this.deadline = Math.min(this.deadline, this.probe.base + probeTimeout(this.rtt, this.#config, log.count === 1));
  }
}

/** Octets of data in it. */
const dataOf = (segment: SentSegment): number => segment.bytes - (segment.fin ? 1 : 0);
