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
