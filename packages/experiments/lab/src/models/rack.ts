import type { RttView } from '@quiclab/congestion';
import type { LossDetector, SentPackets } from '@quiclab/recovery';
import { type Micros, NEVER } from '@quiclab/sansio';

const DUPLICATE_THRESHOLD = 3;

/**
 * TCP's rule for what is lost, RACK (RFC 8985 §6.2), for packets of QUIC: one that left before one that has arrived, when a quarter of the
 * least round trip has passed as well; at once where three have arrived beyond the first that is missing, or while what was lost is
 * being repaired. RFC 9002's own thresholds are a little more patient here and less there: under random loss of 5% that makes
 * transfers of 2 MB 1% longer or shorter, more than streams of their own do.
 */
export class RackDetector implements LossDetector {
  readonly packetThreshold = Number.POSITIVE_INFINITY; // it is not how far apart their numbers are, but how many have arrived
  #largestAcked = -1;
  #ackedSentAt: Micros = -1; // when that packet left
  #repairsSince: Micros = -1; // -1: nothing is being repaired

  detect(now: Micros, sent: SentPackets, rtt: RttView): Micros {
    if (sent.largestAcked !== this.#largestAcked) {
      this.#largestAcked = sent.largestAcked;
      this.#ackedSentAt = now - rtt.latest;
    }
    if (this.#ackedSentAt >= this.#repairsSince) this.#repairsSince = -1;
    const window = this.#repairsSince >= 0 || arrivedBeyondHole(sent) >= DUPLICATE_THRESHOLD ? 0 : Math.ceil(rtt.min / 4);
    let packet = sent.oldest();
    while (packet !== undefined && packet.packetNumber < sent.largestAcked) {
      const due = packet.sentAt + rtt.latest + Math.min(window, rtt.smoothed);
      if (due > now) return due; // those after it were sent no earlier
      if (this.#repairsSince < 0) this.#repairsSince = now;
      sent.declareLost(packet.packetNumber, 'time');
      packet = sent.after(packet.packetNumber);
    }
    return NEVER;
  }

  onSpuriousLoss(): void {}
}

/** Packets that have arrived above the oldest that is outstanding; those that were declared lost before count as well. */
function arrivedBeyondHole(sent: SentPackets): number {
  const oldest = sent.oldest();
  if (oldest === undefined || oldest.packetNumber > sent.largestAcked) return 0;
  let missing = 0;
  for (let packet: typeof oldest | undefined = oldest; packet !== undefined && packet.packetNumber < sent.largestAcked; missing++)
    packet = sent.after(packet.packetNumber);
  return sent.largestAcked - oldest.packetNumber + 1 - missing;
}
