import type { SentRecord } from '@quiclab/recovery';
import type { Micros } from '@quiclab/sansio';
import type { Level } from '@quiclab/tls';
import { EARLY } from '../packet/builder.ts';
import type { PathOutcome } from '../path/paths.ts';
import type { Parts } from './parts.ts';
import { onPacketLost } from './sent-outcome.ts';
import { countLost } from './statistics.ts';

/** Tells the observer of a packet that was opened and read; its frames are in the view's log already. */
export function reportReceived(
  now: Micros,
  parts: Parts,
  path: number,
  level: Level,
  packetNumber: number,
  size: number,
  ackEliciting: boolean,
): void {
  const { view, counters, observer } = parts;
  view.level = level;
  view.packetNumber = packetNumber;
  view.path = path;
  view.datagram = counters.datagramsReceived - 1;
  view.bytes = size;
  view.ackEliciting = ackEliciting;
  view.inFlight = ackEliciting;
  view.sentAt = now;
  observer.packetReceived(now, view);
}

/** Tells the observer of a packet that leaves. */
export function reportSent(now: Micros, parts: Parts, record: SentRecord, path: number): void {
  const { observer, view } = parts;
  const received = view.frames.numbers;
  showRecord(parts, record);
  view.path = path;
  view.sentAt = now;
  observer.packetSent(now, view);
  view.frames.numbers = received;
  if (record.inFlight) reportRecovery(now, parts);
}

/** Tells the parts, the counters and the observer of packets declared lost. */
export function reportLost(now: Micros, parts: Parts, lost: readonly SentRecord[]): void {
  for (const record of lost) {
    countLost(parts, record);
    if (parts.observed) {
      const received = parts.view.frames.numbers;
      showRecord(parts, record);
      parts.observer.packetLost(now, parts.view, record.lostBy);
      parts.view.frames.numbers = received;
    }
    onPacketLost(parts, record);
  }
}

export function reportRecovery(now: Micros, parts: Parts): void {
  const { recovery } = parts.path;
  parts.observer.recoveryUpdated(
    now,
    parts.path.id,
    recovery.controller.congestionWindow,
    recovery.bytesInFlight,
    parts.budget.rate,
    recovery.rtt,
  );
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
  view.path = parts.path.id;
  view.datagram = record.datagram;
  view.bytes = record.bytes;
  view.ackEliciting = record.ackEliciting;
  view.inFlight = record.inFlight;
  view.sentAt = record.sentAt;
  view.frames.numbers = record.frames;
}
