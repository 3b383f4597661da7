import type { RttView } from '@quiclab/congestion';
import { MILLISECOND, type Micros, NEVER } from '@quiclab/sansio';
import type { LossDetector, SentPackets } from './ports.ts';

export interface ThresholdOptions {
  /** kPacketThreshold: so many packets behind the largest acknowledged is lost. Default 3. */
  readonly packetThreshold?: number;
  /** kTimeThreshold, in round trips. Default 9/8. */
  readonly timeThreshold?: number;
  /** kGranularity. Default 1 ms. */
  readonly granularity?: Micros;
}

/** How long a packet may be outstanding once a later one has been acknowledged; whole µs, rounded up. RFC 9002 §6.1.2. */
export function lossDelay(rtt: RttView, timeThreshold = 9 / 8, granularity: Micros = MILLISECOND): Micros {
  return Math.max(Math.ceil(timeThreshold * Math.max(rtt.smoothed, rtt.latest)), granularity);
}

/** RFC 9002 §6.1: lost by packets (§6.1.1) or by time (§6.1.2). */
export function packetAndTimeThreshold(options: ThresholdOptions = {}): LossDetector {
  const packetThreshold = options.packetThreshold ?? 3;
  const timeThreshold = options.timeThreshold ?? 9 / 8;
  const granularity = options.granularity ?? MILLISECOND;
  return {
    packetThreshold,
    detect: (now, sent, rtt) => detectLost(now, sent, lossDelay(rtt, timeThreshold, granularity), packetThreshold),
    onSpuriousLoss(): void {}, // the thresholds are fixed
  };
}

/** One walk from the oldest packet on, up to the first that is not lost by either threshold. Returns when that one will be, or NEVER. */
export function detectLost(now: Micros, sent: SentPackets, delay: Micros, packetThreshold: number): Micros {
  const largestAcked = sent.largestAcked;
  let packet = sent.oldest();
  while (packet !== undefined && packet.packetNumber < largestAcked) {
    const byPackets = largestAcked - packet.packetNumber >= packetThreshold;
    // sentAt + delay is the sum that arms the timer: testing any other rounds differently, and the timer fires for nothing
    if (!byPackets && packet.sentAt + delay > now) return packet.sentAt + delay; // those after it were sent no earlier
    sent.declareLost(packet.packetNumber, byPackets ? 'packets' : 'time');
    packet = sent.after(packet.packetNumber);
  }
  return NEVER;
}
