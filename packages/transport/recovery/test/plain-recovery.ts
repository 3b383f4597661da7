import type { Micros } from '@quiclab/sansio';

interface Packet {
  readonly packetNumber: number;
  readonly sentAt: Micros;
  readonly bytes: number;
  readonly ackEliciting: boolean;
  readonly inFlight: boolean;
}

/**
 * The slow twin of one space: Appendix A of RFC 9002 as it is printed, with a Map, times as sums, and packets that hold nothing
 * but ACKs left out of loss detection (§6.1: only what is in flight is lost).
 */
export class PlainSpace {
  readonly sent = new Map<number, Packet>();
  readonly lost = new Set<number>();
  largestAcked = -1;
  lossTime: Micros = Number.POSITIVE_INFINITY;

  onPacketSent(packet: Packet): void {
    this.sent.set(packet.packetNumber, packet);
  }

  detectAndRemoveAcked(ranges: readonly (readonly [number, number])[]): number[] {
    this.largestAcked = Math.max(this.largestAcked, ranges[0]![1]);
    const acked = [...this.sent.keys()].filter((n) => ranges.some(([from, to]) => n >= from && n <= to)).sort((a, b) => a - b);
    for (const n of acked) this.sent.delete(n);
    return acked;
  }

  detectAndRemoveLost(now: Micros, smoothed: Micros, latest: Micros): number[] {
    const lossDelay = Math.max(Math.ceil((9 * Math.max(smoothed, latest)) / 8), 1_000);
    this.lossTime = Number.POSITIVE_INFINITY;
    const lost: number[] = [];
    for (const packet of this.sent.values()) {
      if (packet.packetNumber > this.largestAcked || !packet.inFlight) continue;
      if (packet.sentAt + lossDelay <= now || this.largestAcked >= packet.packetNumber + 3) {
        this.sent.delete(packet.packetNumber);
        this.lost.add(packet.packetNumber);
        lost.push(packet.packetNumber);
      } else {
        this.lossTime = Math.min(this.lossTime, packet.sentAt + lossDelay);
      }
    }
    return lost.sort((a, b) => a - b);
  }

  get bytesInFlight(): number {
    let sum = 0;
    for (const packet of this.sent.values()) if (packet.inFlight) sum += packet.bytes;
    return sum;
  }
}
