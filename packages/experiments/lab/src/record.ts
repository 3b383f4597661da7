import {
  accountOf,
  type BlockedInterval,
  ledgerOf as blameOf,
  connectionOf,
  directionOf,
  type ExchangeAccount,
  type ExchangeRecord,
  flowOf,
  type Ledger,
  type Piece,
  type RunLog,
} from '@quiclab/ledger';
import type { Micros } from '@quiclab/sansio';
import type { FetchedObject } from './apps/page-client.ts';
import type { Protocol } from './models/model.ts';
import type { PooledConnection } from './models/pool.ts';

/** A datagram that a link dropped: the nth that entered, from 1. */
export interface LinkDrop {
  readonly index: number;
  readonly at: Micros;
  readonly kind: string;
  readonly cause: string;
}

/** What one link did. */
export interface LinkFigures {
  readonly entered: number;
  readonly delivered: number;
  readonly injectedDrops: number;
  readonly queueDrops: number;
  readonly realisedLoss: number;
  readonly drops: readonly LinkDrop[];
}

/** Everything noted of one run, before anything is computed from it. */
export interface RunRecord {
  /** The model's name, and what it speaks. */
  readonly model: string;
  readonly protocol: Protocol;
  readonly seed: number;
  readonly startedAt: Micros;
  readonly finishedAt: Micros;
  readonly objects: readonly FetchedObject[];
  readonly connections: readonly PooledConnection[];
  readonly log: RunLog;
  /** Which packets each datagram carried that entered a link: rows as in `Carried`. */
  readonly carried: { readonly up: readonly number[]; readonly down: readonly number[] };
  readonly up: LinkFigures;
  readonly down: LinkFigures;
  readonly lateness?: { readonly p50: Micros; readonly p99: Micros };
}

/** Tells the log which packets of exchanges the links dropped. */
export function noteDrops(
  log: RunLog,
  carried: RunRecord['carried'],
  drops: { readonly up: LinkFigures; readonly down: LinkFigures },
): void {
  for (const direction of ['up', 'down'] as const) {
    const dropped = new Map(drops[direction].drops.map(({ index, at }) => [index, at]));
    const rows = carried[direction];
    for (let i = 0; i < rows.length; i += 3) {
      const at = dropped.get(rows[i]!);
      if (at !== undefined) log.dropped(at, rows[i + 1]!, rows[i + 2]!);
    }
  }
}

/** What octets of exchanges each datagram carried that entered a link: of the nth, from 1, at [n − 1]. */
export function piecesOn({ log, carried, up, down }: RunRecord, link: 'up' | 'down'): Piece[][] {
  const pieces = Array.from({ length: (link === 'up' ? up : down).entered }, (): Piece[] => []);
  const datagramOf = new Map<string, number>();
  const rows = carried[link];
  for (let i = 0; i < rows.length; i += 3) datagramOf.set(`${rows[i + 1]} ${rows[i + 2]}`, rows[i]!);
  const { sendings } = log;
  for (let i = 0; i < sendings.length; i += 6) {
    const carrier = sendings[i + 1]!;
    const datagram = datagramOf.get(`${flowOf(connectionOf(carrier), directionOf(carrier))} ${sendings[i + 5]}`);
    if (datagram !== undefined) pieces[datagram - 1]?.push({ carrier, offset: sendings[i + 2]!, length: sendings[i + 3]! });
  }
  return pieces;
}

/** One exchange of a run: what the page got, what it waited for, and who kept it waiting. */
export interface AccountedObject extends FetchedObject {
  readonly life: ExchangeRecord;
  readonly lostPackets: number;
  readonly lostAt: readonly Micros[];
  readonly blocked: { readonly own: Micros; readonly other: Micros };
  readonly blockedByteTime: number;
  readonly intervals: readonly BlockedInterval[];
}

/** A run's record as a ledger: who owned what, what came when, what was dropped. EXPERIMENTS §4. */
export const ledgerOf = ({ log }: RunRecord): Ledger => blameOf(log);

/** Puts a run's record through the ledger. Throws where its accounts part. */
export function accountRun(record: RunRecord): AccountedObject[] {
  const { exchanges, overlay } = accountOf(record.log);
  const accounts = new Map<number, ExchangeAccount[]>(); // of an exchange one for each of its carriers
  for (const account of overlay) {
    const own = accounts.get(account.exchange);
    if (own === undefined) accounts.set(account.exchange, [account]);
    else own.push(account);
  }
  return record.objects.map((object) => {
    const life = exchanges[object.exchange]!;
    const own = accounts.get(object.exchange) ?? [];
    return {
      id: object.id,
      exchange: object.exchange,
      connection: object.connection,
      onConnection: object.onConnection,
      attempts: object.attempts,
      status: object.status,
      bytes: object.bytes,
      sha256: object.sha256,
      requestedAt: object.requestedAt,
      headersAt: object.headersAt,
      completedAt: object.completedAt,
      life,
      lostPackets: own[0]?.lostPackets ?? 0,
      lostAt: own[0]?.lostAt ?? [],
      blocked: { own: life.blocked.own, other: life.blocked.other },
      blockedByteTime: own.reduce((sum, { blockedByteTime }) => sum + blockedByteTime, 0),
      intervals: life.blocked.intervals,
    };
  });
}
