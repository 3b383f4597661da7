import type { RttView } from '@quiclab/congestion';
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
  return new AdaptiveThreshold(options);
}

/** A class, since it is asked for every ACK: a literal with a getter is a hash table to V8. */
class AdaptiveThreshold implements LossDetector {
  packetThreshold: number;
  #timeThreshold: number;
  readonly #leastPackets: number;
  readonly #mostPackets: number;
  readonly #leastTime: number;
  readonly #mostTime: number;
  readonly #keptFor: number;
  readonly #granularity: Micros;
  #roundTrip: Micros; // as it was when the last loss was declared: by now it may have grown, and excuse what it did not then
  #lossesSince: Micros; // packets that left since then, once lost, are another round trip's
  #roundsWithLoss: number;

  constructor({ packetThreshold = 3, timeThreshold = 9 / 8, granularity = MILLISECOND, ...options }: AdaptiveOptions) {
    this.packetThreshold = packetThreshold;
    this.#timeThreshold = timeThreshold;
    this.#leastPackets = packetThreshold;
    this.#mostPackets = options.mostPackets ?? 300;
    this.#leastTime = timeThreshold;
    this.#mostTime = options.mostTime ?? 2;
    this.#keptFor = options.keptFor ?? 16;
    this.#granularity = granularity;
    this.#roundTrip = 0;
    this.#lossesSince = -1;
    this.#roundsWithLoss = 0;
  }

  detect(now: Micros, sent: SentPackets, rtt: RttView): Micros {
    const oldest = sent.oldest();
    const number = oldest?.packetNumber ?? -1;
    const sentAt = oldest?.sentAt ?? 0;
    const again = detectLost(now, sent, lossDelay(rtt, this.#timeThreshold, this.#granularity), this.packetThreshold);
    if (number < 0 || sent.oldest()?.packetNumber === number) return again; // if any is lost, the oldest is
    this.#roundTrip = Math.max(rtt.smoothed, rtt.latest);
    this.#onLoss(now, sentAt);
    return again;
  }

  onSpuriousLoss(packet: SentPacket, largestAcked: number, now: Micros): void {
    this.#roundsWithLoss = 0;
    this.packetThreshold = Math.max(this.packetThreshold, Math.min(largestAcked - packet.packetNumber + 1, this.#mostPackets));
    if (this.#roundTrip === 0) return;
    const waited = (now - packet.sentAt) / this.#roundTrip;
    if (waited < this.#timeThreshold) return;
    const enough = (Math.floor(waited / TIME_STEP) + 1) * TIME_STEP;
    this.#timeThreshold = Math.max(this.#timeThreshold, Math.min(enough, this.#mostTime));
  }

  #onLoss(now: Micros, sentAt: Micros): void {
    if (sentAt <= this.#lossesSince) return;
    this.#lossesSince = now;
    if (++this.#roundsWithLoss < this.#keptFor) return;
    this.#roundsWithLoss = 0;
    this.packetThreshold = this.#leastPackets + Math.floor((this.packetThreshold - this.#leastPackets) / 2);
    this.#timeThreshold = this.#leastTime + (this.#timeThreshold - this.#leastTime) / 2;
  }
}
