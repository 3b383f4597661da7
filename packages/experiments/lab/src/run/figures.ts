import { connectionOf, criticalChain, directionOf, FrameKind, RESPONSE } from '@quiclab/ledger';
import { median, type PlanFigures, type PlanRun } from '@quiclab/report';
import { type Micros, NEVER, SECOND } from '@quiclab/sansio';
import { accountRun, type RunRecord } from '../record.ts';

/** What one page load comes to, whichever world it was in. Throws where the ledger's accounts part. EXPERIMENTS §4. */
export function figuresOf(record: RunRecord): Required<Pick<PlanRun, 'figures' | 'states' | 'gaps'>> {
  const objects = accountRun(record);
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
    figures: {
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
      ttfb: median(objects.flatMap(({ life }) => (life.firstHeader === NEVER ? [] : [life.firstHeader - life.issued]))),
      goodput: goodputOf(record),
    },
    states: chain.sums,
    gaps: chain.gaps,
  };
}

/** And what the client and the links see of one, where nobody keeps an account. */
export function seenOf(load: Pick<RunRecord, 'startedAt' | 'finishedAt' | 'objects' | 'connections' | 'up' | 'down'>): PlanFigures {
  const { connections, up, down } = load;
  return {
    ...timesOf(load),
    goodput: goodputOf(load),
    connections: connections.length,
    handshakes: connections.filter(({ readyAt }) => readyAt >= 0).length,
    packetsUp: up.entered,
    packetsDown: down.entered,
    lost: down.injectedDrops,
    queueDropped: down.queueDrops,
  };
}

/** What the client alone sees. */
export const timesOf = ({ startedAt, finishedAt, objects }: Pick<RunRecord, 'startedAt' | 'finishedAt' | 'objects'>): PlanFigures => ({
  pageLoad: finishedAt - startedAt,
  medianCompletion: median(objects.map(({ completedAt, requestedAt }) => completedAt - requestedAt)),
  ttfb: median(objects.map(({ headersAt, requestedAt }) => headersAt - requestedAt)),
});

/** Content over the time since requests could be sent, bit/s. */
function goodputOf({ objects, connections, finishedAt }: Pick<RunRecord, 'objects' | 'connections' | 'finishedAt'>): number {
  const ready = connections.flatMap(({ readyAt }) => (readyAt >= 0 ? [readyAt] : []));
  return perSecond(
    objects.reduce((sum, { bytes }) => sum + bytes, 0),
    finishedAt - Math.min(...ready),
  );
}

/** bit/s. */
export const perSecond = (octets: number, time: Micros): number => (time > 0 ? Math.round((8 * octets * SECOND) / time) : 0);

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
  const packets: Set<number>[] = []; // by connection
  let carrier = -1;
  let left = 0; // on that carrier
  for (let i = 0; i < sendings.length; i += 6) {
    if (sendings[i + 1] !== carrier) {
      if (carrier >= 0) sent.set(carrier, left);
      carrier = sendings[i + 1]!;
      left = sent.get(carrier) ?? 0;
    }
    const offset = sendings[i + 2]!;
    const length = sendings[i + 3]!;
    if (length > 0 && offset < left && directionOf(carrier) === RESPONSE)
      (packets[connectionOf(carrier)] ??= new Set()).add(sendings[i + 5]!);
    left = Math.max(left, offset + length);
  }
  return packets.reduce((sum, { size }) => sum + size, 0);
}
