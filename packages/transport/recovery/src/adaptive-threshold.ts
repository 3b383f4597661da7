import { MILLISECOND, type Micros } from '@quiclab/sansio';
import { detectLost, lossDelay, type ThresholdOptions } from './loss-detector.ts';
import type { LossDetector, SentPacket, SentPackets } from './ports.ts';

export interface AdaptiveOptions extends ThresholdOptions {
  /** What the packet threshold may rise to. Default 300. */
  readonly mostPackets?: number;
  /** What the time threshold may rise to, in round trips. Default 2: a round trip more than it takes without reordering (RFC 8985 §7.2). */
  readonly mostTime?: number;
  /** After so many round trips with losses, none of them a mistake, what was added is halved. Default 16 (RFC 8985 §7.2). */
  readonly keptFor?: number;
}

/** The time threshold rises in steps, so that a round trip that varies does not pass it again at once. */
const TIME_STEP = 1 / 4;

/**
 * The thresholds of RFC 9002 §6.1 at first. A packet that arrives after it was declared lost raises them to what would have let it arrive:
 * one packet more than it was behind (§6.1.1), and a quarter round trip more than it was late (§6.1.2). What is high costs
 * something only where packets are lost, so only losses bring it down again.
 */
export function adaptiveThreshold(options: AdaptiveOptions = {}): LossDetector {
  const { packetThreshold: leastPackets = 3, timeThreshold: leastTime = 9 / 8, granularity = MILLISECOND } = options;
  const { mostPackets = 300, mostTime = 2, keptFor = 16 } = options;
  let packets = leastPackets;
  let time = leastTime;
  let roundTrip: Micros = 0; // as it was when the last loss was declared: by now it may have grown, and excuse what it did not then
  let lossesSince: Micros = -1; // packets that left since then, once lost, are another round trip's
  let roundsWithLoss = 0;

  function onLoss(now: Micros, sentAt: Micros): void {
    if (sentAt <= lossesSince) return;
    lossesSince = now;
    if (++roundsWithLoss < keptFor) return;
    roundsWithLoss = 0;
    packets = leastPackets + Math.floor((packets - leastPackets) / 2);
    time = leastTime + (time - leastTime) / 2;
  }

  return {
    get packetThreshold() {
      return packets;
    },
    detect(now, sent: SentPackets, rtt): Micros {
      const oldest = sent.oldest();
      const number = oldest?.packetNumber ?? -1;
      const sentAt = oldest?.sentAt ?? 0;
      const again = detectLost(now, sent, lossDelay(rtt, time, granularity), packets);
      if (number < 0 || sent.oldest()?.packetNumber === number) return again; // if any is lost, the oldest is
      roundTrip = Math.max(rtt.smoothed, rtt.latest);
      onLoss(now, sentAt);
      return again;
    },
    onSpuriousLoss(packet: SentPacket, largestAcked: number, now: Micros): void {
      roundsWithLoss = 0;
      packets = Math.max(packets, Math.min(largestAcked - packet.packetNumber + 1, mostPackets));
      if (roundTrip === 0) return;
      const waited = (now - packet.sentAt) / roundTrip;
      if (waited >= time) time = Math.max(time, Math.min((Math.floor(waited / TIME_STEP) + 1) * TIME_STEP, mostTime));
    },
  };
}
