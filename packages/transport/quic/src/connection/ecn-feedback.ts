import type { SentRecord } from '@quiclab/recovery';
import type { Micros } from '@quiclab/sansio';
import type { AckRecord } from '@quiclab/wire';
import type { PacketSpace } from '../space/space.ts';
import type { Parts } from './parts.ts';

/**
 * What an ACK frame says of the ECN marks of our packets, after recovery has taken it; new marks go to the controller.
 * RFC 9000 §13.4.2.1, RFC 9002 Appendix B.7.
 * @param raises  it has raised the largest acknowledged packet number; one that was overtaken proves nothing
 */
export function takeEcnCounts(now: Micros, parts: Parts, space: PacketSpace, ack: AckRecord, raises: boolean): void {
  const { path, paths } = parts;
  const { acked, lateAcked } = path.recovery;
  let marked = 0;
  for (const record of acked) {
    if (record.ecn === 0) continue;
    paths.byId(record.path)?.ecn.onMarkedAcked();
    if (record.path === path.id) marked++;
  }
  // A packet that had been given up for lost is not asked of the counts: an ACK that had no room for its range may have counted it.
  for (const record of lateAcked) if (record.ecn !== 0) paths.byId(record.path)?.ecn.onMarkedAcked();
  if (!raises) return;
  // §9.4: what left on another path says nothing about this one
  if (acked.length === 0 || acked[acked.length - 1]!.path !== path.id) {
    space.ecn.excuse(ack, path.ecn.marked);
    return;
  }
  const marks = path.ecn.onCounts(space.ecn, ack, marked);
  if (marks > 0) path.recovery.onEcnMarks(now, marks);
}

/** A packet was declared lost. One that was to find out whether its size passes says nothing about its mark. */
export function onEcnLost(parts: Parts, record: SentRecord): void {
  if (record.ecn !== 0 && !record.mtuProbe) parts.paths.byId(record.path)?.ecn.onMarkedLost();
}
