import { pacingRate } from '@quiclab/congestion';
import { type Micros, NEVER } from '@quiclab/sansio';
import { LEAST_DATAGRAM } from './path.ts';
import type { Paths } from './paths.ts';

/**
 * May I send now, how much, and if not, when? Amplification limit, congestion window and pacer in one answer.
 * RFC 9000 §8.1, RFC 9002 §7, §7.7.
 */
export class Budget {
  /** Octets that the next datagram may have; 0: none at all. */
  datagram: number;
  /** Only ACK and CONNECTION_CLOSE, which no window counts. */
  ackOnly: boolean;
  /** What refused: '' or the gate. */
  refusedBy: '' | 'amplification' | 'window' | 'pacer';
  /** When the pacer allows the next datagram; NEVER when that is not what we wait for. */
  deadline: Micros;
  readonly #paths: Paths;

  constructor(paths: Paths) {
    this.datagram = 0;
    this.ackOnly = false;
    this.refusedBy = '';
    this.deadline = NEVER;
    this.#paths = paths;
  }

  /** Fills the fields for a datagram that could have `room` octets. */
  ask(now: Micros, room: number): void {
    const path = this.#paths.active;
    const size = Math.min(room, path.datagramSize);
    this.datagram = Math.min(size, path.amplificationBudget);
    this.ackOnly = false;
    this.refusedBy = '';
    this.deadline = NEVER;
    if (this.datagram < size && this.datagram < LEAST_DATAGRAM) {
      this.datagram = 0;
      this.refusedBy = 'amplification';
      return;
    }
    this.#askGates(now, this.datagram);
  }

  /**
   * After `ask`, which has allowed a smaller datagram: may an MTU probe of so many octets leave? If not, data waits, too, or there
   * would never be room for it.
   */
  admitsProbe(now: Micros, octets: number): boolean {
    this.#askGates(now, octets);
    return !this.ackOnly;
  }

  #askGates(now: Micros, octets: number): void {
    const { recovery, pacer } = this.#paths.active;
    if (!recovery.windowAllows(octets)) {
      this.ackOnly = true;
      this.refusedBy = 'window';
      return;
    }
    if (!recovery.rtt.hasSample) return; // RFC 9002 §7.7: without a rate there is nothing to spread, and the window bounds the burst
    const earliest = pacer.earliest(now, octets, this.rate);
    if (earliest > now) {
      this.ackOnly = true;
      this.refusedBy = 'pacer';
      this.deadline = earliest;
    }
  }

  /** What the pacer keeps to, octets per second. */
  get rate(): number {
    const { recovery } = this.#paths.active;
    return recovery.rtt.hasSample ? pacingRate(recovery.controller, recovery.rtt) : 0;
  }

  onSent(now: Micros, octets: number): void {
    const { recovery, pacer } = this.#paths.active;
    if (recovery.rtt.hasSample) pacer.onSent(now, octets, this.rate);
  }
}
