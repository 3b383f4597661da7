import type { Ecn, Micros } from '@quiclab/sansio';
import type { LinkPacket } from './port.ts';

/** Why a packet did not arrive: because an impairment said so, or because of what else was on the link. */
export type DropKind = 'injected' | 'queue' | 'mtu';

/** Override what you watch; watching changes nothing. Packets are the link's: look at them during the call only. */
export class LinkObserver {
  /** It entered; so many packets and octets wait before it, the one being sent not counted. */
  entered(_now: Micros, _packet: LinkPacket, _waiting: number, _waitingBytes: number): void {}
  dropped(_now: Micros, _packet: LinkPacket, _kind: DropKind, _cause: string): void {}
  /** ECN: congestion experienced. */
  marked(_now: Micros, _packet: LinkPacket): void {}
  /** Its ECN bits were changed, by no queue; the packet has what they are now. */
  remarked(_now: Micros, _packet: LinkPacket, _before: Ecn): void {}
  /** Its last bit is out, it was judged, and it (or `copies` of it) will arrive; the first at `arrivesAt`. */
  departed(_now: Micros, _packet: LinkPacket, _arrivesAt: Micros, _copies: number): void {}
  /** It came out at the other end. */
  delivered(_now: Micros, _packet: LinkPacket): void {}
}

const LONGEST_BURST = 64;

/** What happened on a link so far. Injected and queue drops are kept apart. */
export class LinkStats {
  entered = 0;
  /** Octets of IP packets that entered: the offered load. */
  enteredBytes = 0;
  /** Arrivals, second copies included. */
  delivered = 0;
  deliveredBytes = 0;
  injectedDrops = 0;
  queueDrops = 0;
  mtuDrops = 0;
  duplicated = 0;
  corrupted = 0;
  /** By the queue, as a sign of congestion. */
  marked = 0;
  /** Whose ECN bits something else has changed. */
  remarked = 0;
  /** Time spent sending, in µs; over the elapsed time it is the utilisation. */
  busy: Micros = 0;
  mostWaiting = 0;
  /** Bursts of injected drops: [n] is how many had n + 1 packets with consecutive indexes; the last entry, that many or more. */
  readonly bursts: number[] = [];
  #lastLost = -1;
  #burst = 0;

  /** Injected drops over what was judged: the realised loss rate. 0 when nothing was. */
  get realisedLoss(): number {
    const judged = this.entered - this.queueDrops - this.mtuDrops;
    return judged === 0 ? 0 : this.injectedDrops / judged;
  }

  onInjectedDrop(index: number): void {
    this.injectedDrops++;
    this.#burst = index === this.#lastLost + 1 ? this.#burst + 1 : 1;
    this.#lastLost = index;
    if (this.#burst > LONGEST_BURST) return;
    while (this.bursts.length < this.#burst) this.bursts.push(0);
    this.bursts[this.#burst - 1]!++;
    if (this.#burst > 1) this.bursts[this.#burst - 2]!--;
  }
}
