import { type SentRecord, Space } from '@quiclab/recovery';
import type { Micros } from '@quiclab/sansio';
import type { Level } from '@quiclab/tls';
import { EARLY, type PacketBuilder } from '../packet/builder.ts';
import type { PathOutcome } from '../path/paths.ts';
import { onEcnLost } from './ecn-feedback.ts';
import type { Parts } from './parts.ts';
import { onPacketLost } from './sent-outcome.ts';
import { countLost } from './statistics.ts';

/** Tells the observer of a packet that leaves; its payload is in the view. */
export function reportSent(now: Micros, parts: Parts, packet: PacketBuilder, path: number): void {
  const { observer, view, spaces, versions, retry } = parts;
  const { record } = packet;
  const short = record.space === Space.APPLICATION && !packet.early;
  showRecord(parts, record);
  view.path = path;
  view.sentAt = now;
  view.version = short ? 0 : packet.early ? versions.original : versions.current;
  view.keyPhase = short ? spaces[Space.APPLICATION]!.keys.writeGeneration : -1;
  view.tokenLength = record.space === Space.INITIAL ? retry.token.length : 0;
  view.waited = false;
  observer.packetSent(now, view);
  if (record.inFlight) reportRecovery(now, parts);
}

/** Tells the parts, the counters and the observer of packets declared lost. */
export function reportLost(now: Micros, parts: Parts, lost: readonly SentRecord[]): void {
  for (const record of lost) {
    countLost(parts, record);
    onEcnLost(parts, record);
    if (parts.observed) {
      showRecord(parts, record);
      parts.view.forget();
      parts.observer.packetLost(now, parts.view, record.lostBy);
    }
    onPacketLost(parts, record);
    if (parts.config.mtuDiscovery) parts.paths.onLost(now, record);
  }
  parts.path.ecn.settle(parts.recovery);
}

/** Tells the observer which packets an ACK frame has acknowledged. */
export function reportAcked(now: Micros, parts: Parts, level: Level): void {
  const { acked, lateAcked } = parts.path.recovery;
  if (acked.length + lateAcked.length === 0) return;
  const numbers = parts.view.acked;
  while (numbers.length > 0) numbers.pop(); // `length = 0` would give the memory back
  for (const { packetNumber } of lateAcked) numbers.push(packetNumber);
  for (const { packetNumber } of acked) numbers.push(packetNumber);
  parts.observer.packetsAcked(now, level, numbers);
}

export function reportRecovery(now: Micros, parts: Parts): void {
  const { recovery } = parts.path;
  reportTimer(now, parts);
  parts.observer.recoveryUpdated(
    now,
    parts.path.id,
    recovery.controller.congestionWindow,
    recovery.bytesInFlight,
    parts.budget.rate,
    recovery.rtt,
    recovery.controller.phase,
    recovery.ptoCount,
    recovery.controller.slowStartThreshold ?? Number.POSITIVE_INFINITY,
  );
}

/** Tells the observer that the loss detection timer is at another instant than it was told last. */
function reportTimer(now: Micros, { observer, view, path: { recovery }, spaces }: Parts): void {
  const { deadline, deadlineIsLoss, deadlineSpace } = recovery;
  if (deadline === view.timerTold) return;
  view.timerTold = deadline;
  observer.timerSet(now, deadlineIsLoss ? 'loss' : 'probe', spaces[deadlineSpace]!.level, deadline);
}

/** Tells the observer why nothing more leaves now, if that is not what it was told last. */
export function reportRefusal(now: Micros, { observer, view, budget, spaces }: Parts): void {
  const { keys, early } = spaces[Space.APPLICATION]!;
  const by = keys.canWrite || early.canWrite ? budget.refusedBy : 'keys';
  if (by === view.refusalTold) return;
  view.refusalTold = by;
  observer.sendingRefused(now, by);
}

/** The connection goes on elsewhere, or has nowhere to go: then it ends without a word. RFC 9000 §9.3.2. */
export function reportPath(now: Micros, parts: Parts, outcome: PathOutcome): void {
  if (outcome === '') return;
  if (outcome === 'lost') {
    parts.lifecycle.expire({ kind: 'path-lost' });
    return;
  }
  const { id, local, remote } = parts.path;
  parts.events.push({ type: 'path-changed', local, remote });
  parts.observer.pathChanged(now, id, local, remote);
}

function showRecord(parts: Parts, record: SentRecord): void {
  const { view } = parts;
  view.level = record.level === EARLY ? 'early' : parts.spaces[record.space]!.level;
  view.packetNumber = record.packetNumber;
  view.path = record.path;
  view.datagram = record.datagram;
  view.bytes = record.bytes;
  view.ackEliciting = record.ackEliciting;
  view.inFlight = record.inFlight;
  view.mtuProbe = record.mtuProbe;
  view.sentAt = record.sentAt;
  view.frames.numbers = record.frames;
}
