import { type Micros, NEVER } from '@quiclab/sansio';
import { type ProbePolicy, SPACES, Space } from './ports.ts';
import type { RttEstimator } from './rtt.ts';
import type { SentPacketLog } from './sent-packet-log.ts';

/** What it asks of its recovery. */
interface Facts {
  readonly rtt: RttEstimator;
  readonly maxAckDelay: Micros;
  readonly handshakeConfirmed: boolean;
  readonly hasHandshakeKeys: boolean;
  readonly peerValidatedAddress: boolean;
}

/** When to probe, in which of the three spaces, and what is still owed of that: RFC 9002 §6.2, and GetPtoTimeAndSpace of Appendix A.8. */
export class ProbeTimeouts {
  /** Timeouts since the peer was last heard: the back-off. */
  count = 0;
  /** Whose timeout `next` found to be the earliest. */
  space: Space = Space.INITIAL;
  readonly #facts: Facts;
  readonly #logs: readonly SentPacketLog[];
  readonly #policy: ProbePolicy;
  readonly #owed: number[] = [0, 0, 0];
  /** They are owed because the peer has shown that it lacks something, and not because it was silent. */
  readonly #hastened: boolean[] = [false, false, false];
  /** From when the timeout of a space counts: the last ack-eliciting packet, or the last timeout where its probe has not left. */
  readonly #base: Micros[] = [0, 0, 0];
  /** From when a client without packets in flight counts (RFC 9002 §6.2.2.1); -1 while it has no reason to. */
  #deadlockBase: Micros = -1;

  constructor(facts: Facts, logs: readonly SentPacketLog[], policy: ProbePolicy) {
    this.#facts = facts;
    this.#logs = logs;
    this.#policy = policy;
  }

  owed(space: Space): number {
    return this.#owed[space]!;
  }

  /** An ack-eliciting packet left. */
  onSent(now: Micros, space: Space): void {
    this.#base[space] = now;
  }

  onProbeSent(space: Space): void {
    if (this.#owed[space]! > 0) this.#owed[space]!--;
  }

  /** See `Recovery.hasten`. */
  hasten(now: Micros, space: Space): boolean {
    const { rtt } = this.#facts;
    if (rtt.hasSample && now <= this.#base[space]! + rtt.min) return false;
    this.#owed[space] = this.#datagrams(space);
    this.#hastened[space] = true;
    return true;
  }

  /** Something new was acknowledged in a space. */
  onAck(space: Space): void {
    this.#deadlockBase = -1;
    // §6.2.1, but not at a client whose address may not be validated: a busy server must not be probed harder for having answered
    if (!this.#peerCompletedAddressValidation()) return;
    this.count = 0;
    // the peer is heard, before the probes of a timeout have left; those that are hastened say what it lacks, until it has all of that
    for (const each of SPACES) {
      if (this.#hastened[each]! && (each !== space || this.#logs[each]!.ackElicitingInFlight > 0)) continue;
      this.#owed[each] = 0;
    }
  }

  /** The timeout that `next` had found has come. */
  onTimeout(now: Micros): void {
    const { space } = this;
    this.#owed[space] = this.#datagrams(space);
    this.#hastened[space] = false;
    this.count++;
    this.#base[space] = now; // until the probe itself has left
    // after a late wake-up, one timeout and not one for each space
    for (const other of SPACES) if (this.#timeOf(other) <= now) this.#base[other] = now;
    this.#deadlockBase = -1;
  }

  /** The keys of a space are gone. §6.4. */
  discard(space: Space): void {
    this.#owed[space] = 0;
    this.restart();
  }

  /** Nothing has been waited for yet. */
  restart(): void {
    this.count = 0;
    this.#deadlockBase = -1;
  }

  /** The probe timeout with its back-off. @param maxAckDelay  0 but in the Application space: only there a peer may hold ACKs back (§6.2.1) */
  duration(maxAckDelay: Micros): Micros {
    return this.#policy.timeout(this.#facts.rtt, maxAckDelay, this.count);
  }

  /** The earliest timeout of the spaces that may have one, else the client's against deadlock. */
  next(now: Micros): Micros {
    let earliest = NEVER;
    for (const space of SPACES) {
      if (this.#logs[space]!.ackElicitingInFlight === 0) continue;
      // §6.2.1: before confirmation one of the two ends might not have the keys
      if (space === Space.APPLICATION && !this.#facts.handshakeConfirmed) continue;
      const time = this.#timeOf(space);
      if (time < earliest) {
        earliest = time;
        this.space = space;
      }
    }
    if (earliest < NEVER || this.#peerCompletedAddressValidation()) {
      this.#deadlockBase = -1;
      return earliest;
    }
    // §6.2.2.1: the server may wait for more of ours before it can go on
    if (this.#deadlockBase < 0) this.#deadlockBase = now;
    this.space = this.#facts.hasHandshakeKeys ? Space.HANDSHAKE : Space.INITIAL;
    return this.#deadlockBase + this.duration(0);
  }

  #timeOf(space: Space): Micros {
    return this.#base[space]! + this.duration(space === Space.APPLICATION ? this.#facts.maxAckDelay : 0);
  }

  /** §6.2.4: with nothing to say again, a single packet. */
  #datagrams(space: Space): number {
    return this.#logs[space]!.ackElicitingInFlight > 0 ? this.#policy.datagrams(this.count) : 1;
  }

  #peerCompletedAddressValidation(): boolean {
    return this.#facts.peerValidatedAddress || this.#facts.handshakeConfirmed;
  }
}
