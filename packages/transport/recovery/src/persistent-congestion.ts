import type { Micros } from '@quiclab/sansio';
import type { SentPacketLog } from './sent-packet-log.ts';
import type { SentRecord } from './sent-record.ts';

/** kPersistentCongestionThreshold, RFC 9002 §7.6.1. */
export const PERSISTENT_CONGESTION_THRESHOLD = 3;

/**
 * RFC 9002 §7.6.2: whether two ack-eliciting packets are lost, one of them just now, that were sent further apart than
 * `duration`, with no packet of any space sent between them acknowledged. Packets sent at or before `since`, the first RTT
 * sample, do not count, nor do those that explore. A packet acknowledged at the very instant of one of the two counts as between: probes leave in pairs.
 * @param lost  just declared lost, ascending within each space, and still in the logs
 */
export function persistentCongestion(
  logs: readonly SentPacketLog[],
  lost: readonly SentRecord[],
  since: Micros,
  duration: Micros,
): boolean {
  for (let i = lost.length - 1; i >= 0; i--) {
    const newest = lost[i]!;
    if (!newest.ackEliciting || newest.explores || newest.sentAt - since <= duration) continue;
    let start = since; // what was sent later, up to `newest`, was not acknowledged
    for (const log of logs) {
      start = Math.max(
        start,
        log.newestAckedBefore(newest.sentAt, log.space === newest.space ? newest.packetNumber : Number.MAX_SAFE_INTEGER),
      );
    }
    for (const log of logs) {
      const oldest = log.oldestLostAfter(start, log.space === newest.space ? newest.packetNumber : Number.MAX_SAFE_INTEGER);
      if (newest.sentAt - oldest > duration) return true;
    }
    while (i > 0 && lost[i - 1]!.space === newest.space && lost[i - 1]!.sentAt > start) i--; // they end the same stretch, earlier
  }
  return false;
}
