import type { Recovery, Space } from '@quiclab/recovery';
import { type Datagram, ECN_UNSUPPORTED, type Ecn, type Micros } from '@quiclab/sansio';
import type { AckRecord } from '@quiclab/wire';
import type { Watch } from '../connection/watch.ts';

/**
 * RFC 9000 Appendix A.4, and two more: 'disabled' by configuration; 'unsupported' where the system does not let us set the bits.
 * What leaves is marked while 'testing' and 'capable'.
 */
export type EcnState = 'testing' | 'unknown' | 'failed' | 'capable' | 'disabled' | 'unsupported';

/**
 * What has shown that a path, or a peer, cannot be used with ECN; '' nothing has. RFC 9000 §13.4.2.
 *
 * - 'no-counts': marked packets were acknowledged without counts
 * - 'too-few': the counts rose by less than the marked packets that were acknowledged: marks are cleared on the way
 * - 'fewer': a count fell
 * - 'ect1': packets came as ECT(1), which none was sent as
 * - 'too-many': more came marked than left marked
 * - 'all-ce': every marked packet of the test came as CE
 * - 'all-lost': every marked packet of the test was lost
 */
export type EcnFailure = '' | 'no-counts' | 'too-few' | 'fewer' | 'ect1' | 'too-many' | 'all-ce' | 'all-lost';

export interface EcnStats {
  readonly state: EcnState;
  readonly failure: EcnFailure;
  /** Packets that left here as ECT(0). */
  readonly marked: number;
  /** Of those, as the peer says: came as CE. Only what was believed. */
  readonly congestionExperienced: number;
  /** Packets that came here with these bits; 0 where the system does not let us read them. */
  readonly receivedEct0: number;
  readonly receivedEct1: number;
  readonly receivedCe: number;
}

const ECT_0 = 2;
/** A test ends after so many packets, or so many probe timeouts. RFC 9000 §13.4.2. */
const TEST_PACKETS = 10;
const TEST_TIMEOUTS = 3;
/** A capable path on which nobody answers for so many probe timeouts may have begun to lose what is marked. */
const SUSPICIOUS_TIMEOUTS = 3;

/** What it asks of its path: the probe timeout, and how often it has passed since the peer was last heard. */
interface Timeouts {
  readonly probeTimeout: Micros;
  readonly recovery: { readonly ptoCount: number };
}

const SPACES: readonly Space[] = [0, 1, 2];

/** What was sent marked in one packet number space, on whatever path, and what the peer has said of it last. RFC 9000 §13.4.1. */
export class EcnCounting {
  marked = 0;
  ect0 = 0;
  ect1 = 0;
  ce = 0;
  /** Marks that the peer had reported beyond what was sent, when it was no (or another) path's turn to be judged. */
  surplus = 0;

  note(ack: AckRecord): void {
    if (!ack.hasEcn) return;
    this.ect0 = ack.ect0;
    this.ect1 = ack.ect1;
    this.ce = ack.ce;
  }

  /**
   * Of packets of a path that is not judged: whatever it does to the bits must not be held against the next.
   * @param markedHere  packets that left marked on the path that is, and may not have been counted yet
   */
  excuse(ack: AckRecord, markedHere: number): void {
    this.note(ack);
    this.surplus = Math.max(this.surplus, this.ect0 + this.ect1 + this.ce - (this.marked - markedHere));
  }
}

/** Whether ECN can be used on one path: marks what leaves, and believes what the peer reports only if it can be true. RFC 9000 §13.4.2, Appendix A.4. */
export class PathEcn {
  state: EcnState;
  failure: EcnFailure;
  /** See EcnStats. */
  marked: number;
  congestionExperienced: number;
  receivedEct0: number;
  receivedEct1: number;
  receivedCe: number;
  readonly #path: number;
  readonly #watch: Watch;
  /** Of this test: when it began, -1 before; packets sent marked, acknowledged and lost; what they came as. */
  #testedAt: Micros;
  #tested: number;
  #acknowledged: number;
  #lost: number;
  #cameEct0: boolean;
  #cameCe: boolean;
  /** CE marks that the controller is told of as soon as the path is known to be capable. RFC 9002 §7.1. */
  #unanswered: number;
  /** It was capable, and nobody answers: it may be tested once more. */
  #suspected: boolean;

  constructor(path: number, enabled: boolean, watch: Watch) {
    this.state = enabled ? 'testing' : 'disabled';
    this.failure = '';
    this.marked = 0;
    this.congestionExperienced = 0;
    this.receivedEct0 = 0;
    this.receivedEct1 = 0;
    this.receivedCe = 0;
    this.#path = path;
    this.#watch = watch;
    this.#testedAt = -1;
    this.#tested = 0;
    this.#acknowledged = 0;
    this.#lost = 0;
    this.#cameEct0 = false;
    this.#cameCe = false;
    this.#unanswered = 0;
    this.#suspected = false;
  }

  // ---- what leaves --------------------------------------------------------------------------------------------------

  /** What the next datagram leaves as. @param slot  what its slot says: ECN_UNSUPPORTED, or that it can be set */
  codepoint(now: Micros, slot: Datagram['ecn'], path: Timeouts): Ecn {
    const { state } = this;
    if (slot === ECN_UNSUPPORTED && (state === 'testing' || state === 'unknown' || state === 'capable')) this.#become('unsupported');
    else if (state === 'testing' && this.#testedAt >= 0 && now >= this.#testedAt + TEST_TIMEOUTS * path.probeTimeout)
      this.#become('unknown');
    else if (state === 'capable' && path.recovery.ptoCount >= SUSPICIOUS_TIMEOUTS) {
      this.#begin('unknown');
      this.#suspected = true;
    }
    return this.state === 'testing' || this.state === 'capable' ? ECT_0 : 0;
  }

  /** A packet left marked. */
  onMarked(now: Micros): void {
    this.marked++;
    if (this.state !== 'testing') return;
    if (this.#testedAt < 0) this.#testedAt = now;
    if (this.marked === 1) this.#watch.observer.ecnState(now, this.#path, '', 'testing', '');
    if (++this.#tested >= TEST_PACKETS) this.#become('unknown');
  }

  // ---- what is heard of it ------------------------------------------------------------------------------------------

  onMarkedAcked(): void {
    this.#acknowledged++;
  }

  onMarkedLost(): void {
    this.#lost++;
  }

  /** Whether counts are of interest. */
  get judged(): boolean {
    return this.state === 'testing' || this.state === 'unknown' || this.state === 'capable';
  }

  /**
   * Takes the counts of an ACK frame that has raised the largest acknowledged packet number, to that of a packet sent here.
   * @param acked  packets that it newly acknowledges and that were sent here, marked
   * @returns CE marks that the controller is to be told of
   */
  onCounts(counting: EcnCounting, ack: AckRecord, acked: number): number {
    if (!this.judged) {
      counting.excuse(ack, 0);
      return 0;
    }
    if (!ack.hasEcn) {
      if (acked > 0) this.#fail('no-counts');
      return 0;
    }
    const ect0 = ack.ect0 - counting.ect0;
    const ect1 = ack.ect1 - counting.ect1;
    const ce = ack.ce - counting.ce;
    counting.note(ack);
    const failure = judge(ect0, ect1, ce, acked, ack.ect0 + ack.ect1 + ack.ce - counting.marked - counting.surplus);
    if (failure !== '') {
      this.#fail(failure);
      return 0;
    }
    if (ect0 > 0) this.#cameEct0 = true;
    if (ce > 0) this.#cameCe = true;
    this.congestionExperienced += ce;
    this.#unanswered += ce;
    if (this.state === 'unknown' && this.#acknowledged > 0 && this.#cameEct0) this.#become('capable');
    if (this.state !== 'capable') return 0;
    const marks = this.#unanswered;
    this.#unanswered = 0;
    return marks;
  }

  /** What became of the packets of a test that is over, once it is known of all of them. To be called after losses and ACKs. */
  settle(recovery: Recovery): void {
    if (this.state !== 'unknown' || this.#isOutstanding(recovery)) return;
    const allLost = this.#acknowledged === 0 && this.#lost > 0;
    const allCe = this.#acknowledged > 0 && this.#cameCe && !this.#cameEct0;
    if (!allLost && !allCe) return;
    // what had been capable may have gone through an outage: that is for another test to tell
    if (this.#suspected) this.#begin('testing');
    else this.#fail(allLost ? 'all-lost' : 'all-ce');
  }

  /** Whether a marked packet is on its way that will be acknowledged or lost. */
  #isOutstanding(recovery: Recovery): boolean {
    for (const space of SPACES) {
      const sent = recovery.sentPackets(space);
      for (let record = sent.oldest(); record !== undefined; record = sent.after(record.packetNumber))
        if (record.ecn !== 0 && record.path === this.#path) return true;
    }
    return false;
  }

  #begin(state: 'testing' | 'unknown'): void {
    this.#testedAt = -1;
    this.#tested = 0;
    this.#acknowledged = 0;
    this.#lost = 0;
    this.#cameEct0 = false;
    this.#cameCe = false;
    this.#suspected = false;
    this.#become(state);
  }

  #fail(failure: EcnFailure): void {
    this.failure = failure;
    this.#become('failed');
  }

  #become(state: EcnState): void {
    const before = this.state;
    this.state = state;
    this.#watch.observer.ecnState(this.#watch.now, this.#path, before, state, this.failure);
  }

  // ---- what comes ---------------------------------------------------------------------------------------------------

  /** A packet came here; for the statistics. What the peer is told is counted in each space. */
  onReceived(ecn: Ecn): void {
    if (ecn === ECT_0) this.receivedEct0++;
    else if (ecn === 1) this.receivedEct1++;
    else if (ecn === 3) this.receivedCe++;
  }

  get stats(): EcnStats {
    const { state, failure, marked, congestionExperienced, receivedEct0, receivedEct1, receivedCe } = this;
    return { state, failure, marked, congestionExperienced, receivedEct0, receivedEct1, receivedCe };
  }
}

/**
 * RFC 9000 §13.4.2.1: by how much counts rose, and whether that can be.
 * @param acked    packets newly acknowledged that were sent as ECT(0)
 * @param surplus  marks reported beyond what was sent
 */
function judge(ect0: number, ect1: number, ce: number, acked: number, surplus: number): EcnFailure {
  if (ect0 < 0 || ect1 < 0 || ce < 0) return 'fewer';
  if (ect1 > 0) return 'ect1';
  if (ect0 + ce < acked) return 'too-few';
  return surplus > 0 ? 'too-many' : '';
}
