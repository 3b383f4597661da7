import type { Pacer } from '@quiclab/congestion';
import { type ProbePolicy, Recovery } from '@quiclab/recovery';
import type { Address, Micros } from '@quiclab/sansio';
import type { Policies, TransportConfig } from '../config.ts';

/** Below this, what the anti-amplification limit leaves is not worth a datagram. */
export const LEAST_DATAGRAM = 100;

/** Where datagrams go, and everything measured there: RTT and recovery, controller, pacer, amplification budget. */
export class Path {
  readonly id: number;
  readonly local: Address;
  readonly remote: Address;
  readonly recovery: Recovery;
  readonly pacer: Pacer;
  readonly #probes: ProbePolicy;
  /** Octets of the largest datagram that this path is known to carry, and the peer to take. RFC 9000 §14. */
  datagramSize: number;
  /** RFC 9000 §8.1: until the address is validated we send at most three times what came from there. */
  validated: boolean;
  received: number;
  sent: number;

  constructor(id: number, side: 'client' | 'server', local: Address, remote: Address, policies: Policies, config: TransportConfig) {
    this.id = id;
    this.local = local;
    this.remote = remote;
    this.datagramSize = config.datagramSize;
    const facts = { local, remote, maxDatagramSize: config.datagramSize };
    this.recovery = new Recovery({
      side,
      controller: policies.congestion(facts),
      lossDetector: (space) => policies.lossDetector(space),
      probes: policies.probes,
      initialRtt: config.initialRtt,
    });
    this.pacer = policies.pacer(facts);
    this.#probes = policies.probes;
    this.validated = side === 'client';
    this.received = 0;
    this.sent = 0;
  }

  /** The probe timeout without back-off: what closing, idling and key updates count in. */
  get probeTimeout(): Micros {
    return this.#probes.timeout(this.recovery.rtt, this.recovery.maxAckDelay, 0);
  }

  /** The peer takes no larger datagrams. RFC 9000 §18.2. */
  limitDatagramSize(octets: number): void {
    if (octets >= this.datagramSize) return;
    this.datagramSize = octets;
    this.recovery.controller.onMaxDatagramSize(octets);
  }

  /** A datagram came: its length is credited three times. The caller updates recovery's deadline when it is done with the datagram. */
  credit(octets: number): void {
    this.received += octets;
    this.#noteBlocked();
  }

  onSent(now: Micros, octets: number): void {
    this.sent += octets;
    if (this.validated) return;
    this.#noteBlocked();
    this.recovery.updateDeadline(now);
  }

  validate(): void {
    this.validated = true;
    this.#noteBlocked();
  }

  /** Octets that may still go to an address not yet validated; Infinity once it is. */
  get amplificationBudget(): number {
    return this.validated ? Number.POSITIVE_INFINITY : Math.max(0, 3 * this.received - this.sent);
  }

  #noteBlocked(): void {
    this.recovery.amplificationBlocked = this.amplificationBudget < LEAST_DATAGRAM;
  }
}
