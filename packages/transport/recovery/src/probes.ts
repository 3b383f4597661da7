import type { RttView } from '@quiclab/congestion';
import { MILLISECOND, type Micros } from '@quiclab/sansio';
import type { ProbePolicy } from './ports.ts';

const MAX_BACKOFF = 30; // 2^30 times the timeout is beyond any idle timeout; the sum stays exact

/** RFC 9002 §6.2.1 and §6.2.4: doubling timeouts, two datagrams each. */
export const standardProbes: ProbePolicy = {
  timeout(rtt: RttView, maxAckDelay: Micros, ptoCount: number): Micros {
    return (rtt.smoothed + Math.max(4 * rtt.variation, MILLISECOND) + maxAckDelay) * (1 << Math.min(ptoCount, MAX_BACKOFF));
  },
  datagrams(): number {
    return 2;
  },
};

/** The same, with one datagram each: half the repairs on a path that lost all, and half the noise on one that lost nothing. RFC 9002 §6.2.4 leaves it open. */
export const singleProbes: ProbePolicy = { ...standardProbes, datagrams: () => 1 };

/**
 * One datagram more, and earlier: after two round trips, as TCP's tail loss probe (RFC 8985 §7.2). After that all is as RFC 9002
 * has it, which would have waited longer where round trips vary.
 */
export const tailLossProbes: ProbePolicy = {
  timeout(rtt: RttView, maxAckDelay: Micros, ptoCount: number): Micros {
    const standard = standardProbes.timeout(rtt, maxAckDelay, Math.max(0, ptoCount - 1));
    if (ptoCount > 0 || rtt.latest === 0) return standard; // a guess is not to be trusted twice
    return Math.min(standard, Math.max(2 * rtt.smoothed, rtt.smoothed + MILLISECOND) + maxAckDelay);
  },
  datagrams: (ptoCount) => (ptoCount === 0 ? 1 : 2),
};
