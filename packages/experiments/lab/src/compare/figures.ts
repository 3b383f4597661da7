import { criticalChain, directionOf, FrameKind, RESPONSE } from '@quiclab/ledger';
import { type ModelRun, median } from '@quiclab/report';
import type { Micros } from '@quiclab/sansio';
import { type AccountedObject, accountRun, type RunRecord } from '../record.ts';

/** What one run comes to. Throws where the ledger's accounts part. EXPERIMENTS §4. @param objects  its account, for whoever has it already */
export function figuresOf(record: RunRecord, objects: readonly AccountedObject[] = accountRun(record)): ModelRun {
  const chain = criticalChain(objects.map(({ life }) => life))!;
  const { connections, up, down } = record;
  const blocked = { own: 0, other: 0, connection: 0 };
  let blockedByteTime = 0;
  for (const object of objects) {
    blockedByteTime += object.blockedByteTime;
    for (const { from, to, blame } of object.intervals) {
      const whose = blame === 'own' || blame === 'connection' ? blame : 'other';
      blocked[whose] += to - from;
    }
  }
  return {
    model: record.model,
    seed: record.seed,
    pageLoad: record.finishedAt - record.startedAt,
    medianCompletion: median(objects.map(({ completedAt, requestedAt }): Micros => completedAt - requestedAt)),
    blockedOwn: blocked.own,
    blockedOther: blocked.other,
    blockedConnection: blocked.connection,
    blockedByteTime,
    connections: connections.length,
    handshakes: connections.filter(({ readyAt }) => readyAt >= 0).length,
    headerOctets: headerOctets(record),
    repairs: repairs(record),
    packetsUp: up.entered,
    packetsDown: down.entered,
    lost: down.injectedDrops,
    queueDropped: down.queueDrops,
    states: chain.sums,
    gaps: chain.gaps,
  };
}

function headerOctets({ log: { frames } }: RunRecord): number {
  let octets = 0;
  for (let i = 0; i < frames.length; i += 7) {
    const kind = frames[i + 6];
    if (kind === FrameKind.HEADERS || kind === FrameKind.TRAILERS || kind === FrameKind.TABLE) octets += frames[i + 4]!;
  }
  return octets;
}

/** Packets from the server that carried octets below those that had left before: octets leave in order for the first time. */
function repairs({ log: { sendings } }: RunRecord): number {
  const sent = new Map<number, number>(); // by carrier: octets that have left
  const packets = new Set<string>();
  for (let i = 0; i < sendings.length; i += 6) {
    const carrier = sendings[i + 1]!;
    if (directionOf(carrier) !== RESPONSE) continue;
    const before = sent.get(carrier) ?? 0;
    const [offset, length] = [sendings[i + 2]!, sendings[i + 3]!];
    if (length > 0 && offset < before) packets.add(`${Math.floor(carrier / 2 ** 33)} ${sendings[i + 5]}`);
    sent.set(carrier, Math.max(before, offset + length));
  }
  return packets.size;
}
