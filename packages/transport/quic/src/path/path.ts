import type { Pacer } from '@quiclab/congestion';
import type { ProbePolicy, Recovery, SentRecord } from '@quiclab/recovery';
import { type Address, type Micros, type Random, sameAddress } from '@quiclab/sansio';
import type { Policies } from '../config.ts';
import type { Watch } from '../connection/watch.ts';
import type { PathEcn } from './ecn.ts';
import type { MtuDiscovery } from './mtu.ts';
import { PathValidation } from './validation.ts';

/** Below this, what the anti-amplification limit leaves is not worth a datagram. */
export const LEAST_DATAGRAM = 100;

/** What happened on one path. Packets are QUIC packets, of which a datagram may hold several. */
export interface PathCounters {
  datagramsSent: number;
  datagramsReceived: number;
  packetsSent: number;
  packetsReceived: number;
  packetsAcknowledged: number;
  packetsLost: number;
  bytesAcknowledged: number;
  bytesLost: number;
}

/** What loss recovery knows of one path. µs and octets. */
export interface PathRecovery {
  readonly latestRtt: Micros;
  readonly smoothedRtt: Micros;
  readonly rttVariation: Micros;
  readonly minRtt: Micros;
  readonly congestionWindow: number;
}

/** Where datagrams go: addresses, what they carry, the pacer, the amplification budget; recovery is the connection's, and told when the path changes. */
export class Path {
  readonly id: number;
  readonly local: Address;
  readonly remote: Address;
  readonly recovery: Recovery;
  readonly pacer: Pacer;
  readonly validation: PathValidation;
  readonly mtu: MtuDiscovery;
  readonly ecn: PathEcn;
  readonly #watch: Watch;
  readonly #probes: ProbePolicy;
  /** The connection ID of the peer's that packets on this path go to, where it is not the one that the active path uses. RFC 9000 §9.5. */
  peerId: Uint8Array | undefined;
  /** The path that the connection uses: its budget is what recovery waits for. */
  active: boolean;
  /** RFC 9000 §8.1: until the address is validated we send at most three times what came from there. */
  validated: boolean;
  /** Octets of UDP payload. */
  received: number;
  sent: number;
  /** What happened here so far; see PathStats. */
  readonly counters: PathCounters;
  /** RTT and window as they were when the connection went elsewhere; undefined while it is here, or never was. */
  left: PathRecovery | undefined;

  constructor(
    id: number,
    local: Address,
    remote: Address,
    recovery: Recovery,
    policies: Policies,
    random: Random,
    mtu: MtuDiscovery,
    ecn: PathEcn,
    watch: Watch,
  ) {
    this.id = id;
    this.local = local;
    this.remote = remote;
    this.recovery = recovery;
    this.pacer = policies.pacer({ local, remote, maxDatagramSize: mtu.size });
    this.validation = new PathValidation(random);
    this.mtu = mtu;
    this.ecn = ecn;
    this.#watch = watch;
    this.#probes = policies.probes;
    this.peerId = undefined;
    this.active = false;
    this.validated = false;
    this.received = 0;
    this.sent = 0;
    this.counters = {
      datagramsSent: 0,
      datagramsReceived: 0,
      packetsSent: 0,
      packetsReceived: 0,
      packetsAcknowledged: 0,
      packetsLost: 0,
      bytesAcknowledged: 0,
      bytesLost: 0,
    };
    this.left = undefined;
  }

  /** Whether a datagram with these addresses belongs to it. A local address, or host, left open matches any. */
  is(local: Address, remote: Address): boolean {
    if (!sameAddress(this.remote, remote)) return false;
    if (this.local.port === 0 || sameAddress(this.local, local)) return true;
    return (this.local.host === '' || local.host === '') && this.local.port === local.port;
  }

  /** The probe timeout without back-off: what closing, idling and key updates count in. */
  get probeTimeout(): Micros {
    return this.#probes.timeout(this.recovery.rtt, this.recovery.maxAckDelay, 0);
  }

  /** Octets of the largest datagram that this path is known to carry, and the peer to take. RFC 9000 §14. */
  get datagramSize(): number {
    return this.mtu.size;
  }

  /** The peer takes no larger datagrams. RFC 9000 §18.2. */
  limitDatagramSize(octets: number): void {
    const before = this.mtu.size;
    this.mtu.limit(octets);
    if (this.mtu.size !== before) this.#tellSize();
  }

  /** For `mtuDiscovery`: a packet of the application space that left on this path was acknowledged. */
  onAcked(now: Micros, record: SentRecord): void {
    const { size, state } = this.mtu;
    this.mtu.onAcked(now, record);
    if (this.mtu.size !== size || this.mtu.state !== state) this.#onMtu(now, size);
  }

  /** The same for one that was lost. Whoever has moved away no longer hears what was sent to where he was, small or large. */
  onLost(now: Micros, record: SentRecord): void {
    if (!this.active && !record.mtuProbe) return;
    const { size, state } = this.mtu;
    this.mtu.onLost(now, record);
    if (this.mtu.size !== size || this.mtu.state !== state) this.#onMtu(now, size);
  }

  #onMtu(now: Micros, before: number): void {
    if (this.mtu.size !== before) this.#tellSize();
    this.#watch.observer.mtuUpdated(now, this.id, before, this.mtu.size, this.mtu.state === 'complete');
  }

  #tellSize(): void {
    this.pacer.onMaxDatagramSize(this.mtu.size);
    if (this.active) this.recovery.controller.onMaxDatagramSize(this.mtu.size);
  }

  /** A datagram came: its length is credited three times. The caller updates recovery's deadline when it is done with the datagram. */
  credit(octets: number): void {
    this.received += octets;
    this.counters.datagramsReceived++;
    this.#noteBlocked();
  }

  onSent(now: Micros, octets: number): void {
    this.sent += octets;
    this.counters.datagramsSent++;
    if (this.validated || !this.active) return;
    this.#noteBlocked();
    this.recovery.updateDeadline(now);
  }

  validate(): void {
    this.validated = true;
    this.#noteBlocked();
  }

  /** RTT and window here: as they are, as they were when the connection went elsewhere, or all 0. */
  get metrics(): PathRecovery {
    if (!this.active) return this.left ?? UNKNOWN;
    const { rtt, controller } = this.recovery;
    return {
      latestRtt: rtt.latest,
      smoothedRtt: rtt.smoothed,
      rttVariation: rtt.variation,
      minRtt: rtt.min,
      congestionWindow: controller.congestionWindow,
    };
  }

  /** From now on, or no more, the path that the connection uses. */
  setActive(active: boolean): void {
    this.left = active ? undefined : this.metrics;
    this.active = active;
    this.#noteBlocked();
  }

  /** Octets that may still go to an address not yet validated; Infinity once it is. */
  get amplificationBudget(): number {
    return this.validated ? Number.POSITIVE_INFINITY : Math.max(0, 3 * this.received - this.sent);
  }

  #noteBlocked(): void {
    if (this.active) this.recovery.amplificationBlocked = this.amplificationBudget < LEAST_DATAGRAM;
  }
}

const UNKNOWN: PathRecovery = { latestRtt: 0, smoothedRtt: 0, rttVariation: 0, minRtt: 0, congestionWindow: 0 };
