import type { RttEstimator } from '@quiclab/recovery';
import type { Micros } from '@quiclab/sansio';
import type { TcpConfig } from '../config.ts';

/** RTO, doubled for each expiry. RFC 6298 §2, §5.5. */
export function retransmissionTimeout(rtt: RttEstimator, config: TcpConfig, first: Micros, expiries: number): Micros {
  let timeout = first;
  if (rtt.hasSample) timeout = Math.max(config.minRto, rtt.smoothed + Math.max(4 * rtt.variation, config.rtoMargin));
  for (let i = 0; i < expiries && timeout < config.maxRto; i++) timeout *= 2;
  return Math.min(timeout, config.maxRto);
}

/** PTO: when a tail loss probe leaves. RFC 8985 §7.2. */
export function probeTimeout(rtt: RttEstimator, config: TcpConfig, loneSegment: boolean): Micros {
  if (!rtt.hasSample) return config.initialRto;
  return 2 * rtt.smoothed + (loneSegment ? config.peerAckDelay : 0);
}
