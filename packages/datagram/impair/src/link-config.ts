import type { Micros } from '@quiclab/sansio';
import type { RecordedFate } from './fates.ts';
import type { Impairment, ImpairmentMaker, LinkQueue, LinkRate } from './port.ts';
import { CoDelQueue, DropTailQueue } from './queues.ts';
import { FixedRate } from './rates.ts';
import { checkMicros } from './variations.ts';

/**
 * One direction of a path. The order on it: queue, rate, then what befalls a packet that leaves (loss, corruption), then
 * delay, jitter, reordering and duplication. A configuration keeps no state: use it for as many links as you like.
 */
export interface LinkConfig {
  /** bit/s, or a rate of your own. Absent or 0: no limit, and a packet has left in the instant in which it came. */
  readonly rate?: number | (() => LinkRate);
  /** One way, µs. */
  readonly delay: Micros;
  /** What may wait, besides the packet being sent; 1,000 packets unless told. Nothing waits where there is no rate. */
  readonly queue?: QueueLimits | (() => LinkQueue);
  readonly loss?: Judge | readonly Judge[];
  readonly corrupt?: Judge;
  /** What is done to the ECN bits: `bleach`, `remark`. After what the queue has marked, unless judged on entering. */
  readonly ecn?: Judge;
  /** Added to the delay; packets keep their order unless `jitterReorders`. */
  readonly jitter?: Judge;
  readonly jitterReorders?: boolean;
  readonly reorder?: Judge;
  readonly duplicate?: Judge;
  /** The fates of an earlier run, instead of all judges above. */
  readonly replay?: readonly RecordedFate[];
  /** Judge packets when they enter instead of when they leave: a lost one then uses no queue and no rate. */
  readonly judged?: 'leaving' | 'entering';
  /** Larger IP packets are dropped. Absent: none is too large. */
  readonly mtu?: number;
  /** Packets of ECN-capable transports are marked when at least so many wait: a step, as DCTCP and L4S have it (RFC 8257 §3.1). CoDel marks with `ecn`. */
  readonly ecnThreshold?: number;
  /** Steps, at instants counted from the start of the link. The packet being sent keeps its rate. For blackouts: `blackout()` as loss. */
  readonly schedule?: readonly LinkChange[];
  /**
   * Octets that a datagram takes besides its payload: 28 (IPv4 and UDP) unless told; 48 with IPv6, 0 where it counts its own headers.
   * A TCP segment takes the UDP header's eight less, as it counts its own: 20, 40, 0. Below 0 where the payload is a tunnel's packet, and
   * the path is to charge for the one inside it: −22 for VXLAN, whose header and Ethernet's stand before that.
   */
  readonly overhead?: number;
}

export type Judge = Impairment | ImpairmentMaker;

export interface QueueLimits {
  readonly packets?: number;
  readonly bytes?: number;
}

export interface LinkChange {
  readonly at: Micros;
  /** bit/s; 0: no limit from now on. */
  readonly rate?: number;
  readonly delay?: Micros;
  /** For packets that enter from now on. */
  readonly mtu?: number;
}

/** Controlled delay instead of drop-tail, as `queue`. */
export const codel =
  (...options: ConstructorParameters<typeof CoDelQueue>): (() => LinkQueue) =>
  () =>
    new CoDelQueue(...options);

const USUAL_QUEUE = 1_000;

export function makeQueue(queue: LinkConfig['queue']): LinkQueue {
  if (typeof queue === 'function') return queue();
  if (queue === undefined) return new DropTailQueue(USUAL_QUEUE);
  return new DropTailQueue(queue.packets ?? (queue.bytes === undefined ? USUAL_QUEUE : Number.POSITIVE_INFINITY), queue.bytes);
}

export function makeRate(rate: LinkConfig['rate']): LinkRate | undefined {
  if (typeof rate === 'function') return rate();
  return rate === undefined || rate === 0 ? undefined : new FixedRate(rate);
}

export function checkConfig(config: LinkConfig): void {
  checkMicros(config.delay, 'a link delay');
  const { overhead = 28, mtu = 1_500, ecnThreshold = 0 } = config;
  if (!Number.isInteger(overhead)) throw new RangeError(`an overhead of ${overhead} octets: it must be a whole number`);
  checkMtu(mtu, overhead);
  if (!(ecnThreshold >= 0)) throw new RangeError(`an ECN threshold of ${ecnThreshold} packets: it must be 0 or more`);
  for (const change of config.schedule ?? []) {
    checkMicros(change.at, 'the instant of a change');
    if (change.delay !== undefined) checkMicros(change.delay, 'a link delay');
    if (change.rate !== undefined && change.rate !== 0) new FixedRate(change.rate);
    if (change.mtu !== undefined) checkMtu(change.mtu, overhead);
  }
}

function checkMtu(mtu: number, overhead: number): void {
  if (!(mtu > overhead)) throw new RangeError(`an MTU of ${mtu} octets leaves no room beside ${overhead} of headers`);
}
