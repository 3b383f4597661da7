import type { SentRecord } from '@quiclab/recovery';
import { type Micros, SECOND } from '@quiclab/sansio';

/** "The smallest allowed maximum datagram size", octets: what every path carries, and Initials and path probes must show; BASE_PLPMTU, too. RFC 9000 §8.2.1, §14.1, §14.3. */
export const SMALLEST_MAX_DATAGRAM = 1200;

/** A size of which so many probes were lost is not carried. RFC 8899 §5.1.2. */
const MAX_PROBES = 3;
/** PMTU_RAISE_TIMER: so long after a search whether the path has become wider is asked anew. RFC 8899 §5.1.1. */
const RAISE_AFTER: Micros = 600 * SECOND;
/** So many packets, larger than what every path carries, must be lost, and none of those after them arrive. RFC 8899 §4.3. */
const BLACK_HOLE_LOSSES = 3;
const IPV6_AND_UDP = 40 + 8;
const IPV4_AND_UDP = 20 + 8;

/**
 * UDP payloads that MTUs in use leave, ascending: tunnels, PPPoE (1,492), Ethernet, InfiniBand (2,044), Wi-Fi (2,304), FDDI, jumbo
 * frames, loopback. A search that knows them needs few probes, each of which may be lost (RFC 8899 §5.3.2).
 */
const COMMON_SIZES: readonly number[] = [
  ...new Set(
    [1280, 1300, 1350, 1400, 1420, 1440, 1460, 1480, 1492, 1500, 2044, 2304, 4352, 9000, 9216, 16_384, 32_768, 65_535].flatMap((mtu) => [
      mtu - IPV6_AND_UDP,
      mtu - IPV4_AND_UDP,
    ]),
  ),
].sort((a, b) => a - b);

/** The middle one of the common sizes above `carried` and below `refused`, and not above `room`; 0: there is none. */
export function commonSizeBetween(carried: number, refused: number, room: number): number {
  let first = 0;
  while (first < COMMON_SIZES.length && COMMON_SIZES[first]! <= carried) first++;
  let end = first;
  while (end < COMMON_SIZES.length && COMMON_SIZES[end]! < refused && COMMON_SIZES[end]! <= room) end++;
  return end > first ? COMMON_SIZES[(first + end) >> 1]! : 0;
}

/**
 * What a path carries: DPLPMTUD, RFC 8899, as RFC 9000 §14.3 has it. Its BASE state is confirmed by the handshake or by path validation,
 * and its ERROR state is not here: without 1,200 octets there is no QUIC. The probe timer is loss detection.
 *
 * A search goes on, and begins anew after PMTU_RAISE_TIMER, when a datagram has left that was as large as may be: who has
 * little to say is not served by larger ones, and an idle connection is not woken up.
 */
export class MtuDiscovery {
  /** Octets of the largest datagram that the path is known to carry: PLPMTU less the headers of IP and UDP. */
  size: number;
  /** Whether a larger size is looked for; 'off' until there was a reason to. */
  state: 'off' | 'searching' | 'complete';
  /** A probe is to leave, as soon as the window has room for it. */
  wanted: boolean;
  probesSent: number;
  probesLost: number;
  /** How often what had been carried no longer was. */
  blackHoles: number;
  /** What the peer takes, our interface, and the driver's slots. */
  #bound: number;
  /** Where the driver knows its interface: most paths carry what that does, so it is tried before all else. */
  readonly #known: boolean;
  /** Least size that was found not to be carried; above `#bound` while there is none. */
  #refused: number;
  /** What is tried before the common sizes; 0 for nothing. */
  #first: number;
  /** Packet number of the probe in flight; -1 for none: there is one at most. */
  #probe: number;
  /** The size that was lost last, and how often in a row (PROBE_COUNT). */
  #attempted: number;
  #attempts: number;
  /** What left before says nothing about what is carried now. */
  #since: Micros;
  #raiseAt: Micros;
  /** How long nothing is probed after the next black hole, should it come before `#forgivenAt`. */
  #pause: Micros;
  #forgivenAt: Micros;
  /** Of packets larger than 1,200: the largest that arrived, and the newest that did. */
  #arrivedLargest: number;
  #arrivedLargestAt: number;
  #arrivedNewest: number;
  #arrivedNewestAt: number;
  /** Those lost of which nothing as large has arrived since: how many, the first packet number, the most octets. */
  #suspects: number;
  #suspectsFrom: number;
  #suspectsLargest: number;

  /**
   * @param size   octets that the path is taken to carry from the beginning
   * @param bound  octets of the largest that the interface takes whole; Infinity where nobody knows
   */
  constructor(size: number, bound: number) {
    this.size = size;
    this.state = 'off';
    this.wanted = false;
    this.probesSent = 0;
    this.probesLost = 0;
    this.blackHoles = 0;
    this.#bound = bound;
    this.#known = bound < Number.POSITIVE_INFINITY;
    this.#refused = bound + 1;
    this.#first = 0;
    this.#probe = -1;
    this.#attempted = 0;
    this.#attempts = 0;
    this.#since = 0;
    this.#raiseAt = 0;
    this.#pause = 0;
    this.#forgivenAt = 0;
    this.#arrivedLargest = 0;
    this.#arrivedLargestAt = -1;
    this.#arrivedNewest = 0;
    this.#arrivedNewestAt = -1;
    this.#suspects = 0;
    this.#suspectsFrom = -1;
    this.#suspectsLargest = 0;
  }

  /** The peer takes no larger datagrams. RFC 9000 §18.2. */
  limit(octets: number): void {
    if (this.size > octets) this.size = octets;
    if (this.#bound > octets) this.#bound = octets;
  }

  /** A datagram of full size left on this path, which may be probed. @param room  octets that a slot for datagrams has */
  onFullDatagram(now: Micros, room: number): void {
    if (this.state === 'off') {
      this.limit(room);
      this.#search(now);
    } else if (this.state === 'complete' && now >= this.#raiseAt) this.#search(now);
    this.wanted = this.state === 'searching' && this.#probe < 0;
  }

  /**
   * Octets of the next probe; 0: none that is worth while.
   * @param window  of which a probe takes half at most: what waits for it has the rest (RFC 9000 §14.4), and a minimum window of two
   *                datagrams does not grow with the datagrams (RFC 8899 §3)
   */
  probeSize(window: number): number {
    return this.#next(Math.floor(window / 2));
  }

  onProbeSent(packetNumber: number): void {
    this.#probe = packetNumber;
    this.wanted = false;
    this.probesSent++;
  }

  onAcked(now: Micros, record: SentRecord): void {
    if (!record.mtuProbe) {
      this.#onLargeArrived(record);
      return;
    }
    if (record.packetNumber === this.#probe) this.#probe = -1;
    if (record.sentAt < this.#since || record.bytes <= this.size) return;
    this.size = record.bytes;
    this.#attempts = 0;
    if (this.#refused <= this.size) this.#refused = this.#bound + 1; // three were lost by chance, or late
    this.state = 'searching';
    this.#onLargeArrived(record);
    this.#settle(now);
  }

  onLost(now: Micros, record: SentRecord): void {
    if (!record.mtuProbe) {
      this.#onLargeLost(now, record);
      return;
    }
    if (record.packetNumber === this.#probe) this.#probe = -1;
    this.probesLost++;
    if (record.sentAt < this.#since || record.bytes <= this.size || record.bytes >= this.#refused) return;
    this.#attempts = record.bytes === this.#attempted ? this.#attempts + 1 : 1;
    this.#attempted = record.bytes;
    if (this.#attempts < MAX_PROBES) return;
    this.#refused = record.bytes;
    this.#attempts = 0;
    this.#settle(now);
  }

  #search(now: Micros): void {
    this.state = 'searching';
    this.#refused = this.#bound + 1;
    this.#attempts = 0;
    if (this.#first <= this.size) this.#first = this.#known ? this.#bound : 0;
    this.#settle(now);
  }

  #next(room: number): number {
    if (this.#attempts > 0 && this.#attempted <= room) return this.#attempted; // it may have been chance
    if (this.#first > this.size && this.#first < this.#refused && this.#first <= room) return this.#first;
    const size = commonSizeBetween(this.size, this.#refused, room);
    if (size > 0) return size;
    return this.#bound > this.size && this.#bound < this.#refused && this.#bound <= room ? this.#bound : 0;
  }

  #settle(now: Micros): void {
    if (this.#next(Number.POSITIVE_INFINITY) > 0) return;
    this.state = 'complete';
    this.wanted = false;
    this.#raiseAt = now + RAISE_AFTER;
  }

  // black holes: RFC 8899 §4.3 ------------------------------------------------------------------------------------------

  #onLargeArrived({ bytes, packetNumber }: SentRecord): void {
    if (bytes <= SMALLEST_MAX_DATAGRAM) return;
    if (bytes >= this.#arrivedLargest) {
      this.#arrivedLargest = bytes;
      this.#arrivedLargestAt = Math.max(this.#arrivedLargestAt, packetNumber);
    }
    if (packetNumber > this.#arrivedNewestAt) {
      this.#arrivedNewest = bytes;
      this.#arrivedNewestAt = packetNumber;
    }
    if (packetNumber > this.#suspectsFrom && bytes >= this.#suspectsLargest) this.#suspects = 0;
  }

  /** Congestion loses large and small, and of the large not all; that one is lost at all means that something sent after it has arrived. */
  #onLargeLost(now: Micros, { bytes, packetNumber, sentAt }: SentRecord): void {
    if (bytes <= SMALLEST_MAX_DATAGRAM || this.size <= SMALLEST_MAX_DATAGRAM || sentAt < this.#since) return;
    if (packetNumber < this.#arrivedLargestAt && bytes <= this.#arrivedLargest) return;
    if (packetNumber < this.#arrivedNewestAt && bytes <= this.#arrivedNewest) return;
    if (this.#suspects === 0) {
      this.#suspectsFrom = packetNumber;
      this.#suspectsLargest = 0;
    }
    this.#suspectsLargest = Math.max(this.#suspectsLargest, bytes);
    if (++this.#suspects >= BLACK_HOLE_LOSSES) this.#fallBack(now);
  }

  /**
   * Back to the base. The size that has been is tried first: it may have been a burst of losses, and then one round trip repairs the
   * mistake. Whoever drops large packets now and then, but lets probes pass, makes each pause four times the one before.
   */
  #fallBack(now: Micros): void {
    const pause = now < this.#forgivenAt ? this.#pause : 0;
    this.#pause = pause === 0 ? SECOND : Math.min(4 * pause, RAISE_AFTER);
    this.#forgivenAt = now + pause + RAISE_AFTER;
    this.blackHoles++;
    this.#first = this.size;
    this.#refused = this.size + 1;
    this.size = SMALLEST_MAX_DATAGRAM;
    this.#since = now;
    this.#attempts = 0;
    this.#arrivedLargest = 0;
    this.#arrivedLargestAt = -1;
    this.#arrivedNewest = 0;
    this.#arrivedNewestAt = -1;
    this.#suspects = 0;
    this.wanted = false;
    this.state = pause === 0 ? 'searching' : 'complete';
    this.#raiseAt = now + pause;
  }
}
