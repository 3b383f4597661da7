import { type BlockedInterval, Ledger } from '@quiclab/ledger';
import type { Micros } from '@quiclab/sansio';
import type { FetchedObject } from './apps/page-client.ts';
import type { ModelId } from './model.ts';

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

/** Everything noted of one run, before anything is computed from it. Flat lists are as observe.ts has them. */
export interface RunRecord {
  readonly model: ModelId;
  readonly seed: number;
  readonly startedAt: Micros;
  readonly finishedAt: Micros;
  readonly objects: readonly FetchedObject[];
  readonly arrivals: readonly number[];
  readonly carried: readonly (readonly number[])[];
  readonly owners: readonly number[];
  readonly up: LinkFigures;
  readonly down: LinkFigures;
  readonly lateness?: { readonly p50: Micros; readonly p99: Micros };
}

/** One exchange of a run: what the page got, and who kept it waiting. */
export interface AccountedObject extends FetchedObject {
  readonly lostPackets: number;
  readonly lostAt: readonly Micros[];
  readonly blocked: { readonly own: Micros; readonly other: Micros };
  readonly blockedByteTime: number;
  readonly intervals: readonly BlockedInterval[];
}

/** A run's record as a ledger: who owned what, what came when, what was dropped. EXPERIMENTS §4. */
export function ledgerOf(record: RunRecord): Ledger {
  const ledger = new Ledger();
  if (record.model === 'h3') for (const { exchange } of record.objects) ledger.ownCarrier(exchange, exchange);
  else
    for (let i = 0; i < record.owners.length; i += 4) {
      const exchange = record.owners[i + 3]!;
      ledger.onOwner(record.owners[i]!, record.owners[i + 1]!, record.owners[i + 2]!, exchange < 0 ? 'connection' : exchange);
    }
  const { arrivals } = record;
  for (let i = 0; i < arrivals.length; i += 4) ledger.onArrived(arrivals[i]!, arrivals[i + 1]!, arrivals[i + 2]!, arrivals[i + 3]!);
  for (const { index, at } of record.down.drops) {
    const flat = record.carried[index - 1] ?? [];
    const pieces = [];
    for (let i = 0; i < flat.length; i += 3) pieces.push({ carrier: flat[i]!, offset: flat[i + 1]!, length: flat[i + 2]! });
    ledger.onDropped(at, pieces);
  }
  ledger.close(Math.max(record.finishedAt, arrivals[arrivals.length - 4] ?? 0));
  return ledger;
}

/** Puts a run's record through the ledger. */
export function accountRun(record: RunRecord): AccountedObject[] {
  const accounts = new Map(
    ledgerOf(record)
      .exchanges()
      .map((account) => [account.exchange, account]),
  );
  return record.objects.map((object) => {
    const account = accounts.get(object.exchange);
    return {
      ...object,
      lostPackets: account?.lostPackets ?? 0,
      lostAt: account?.lostAt ?? [],
      blocked: account?.blocked ?? { own: 0, other: 0 },
      blockedByteTime: account?.blockedByteTime ?? 0,
      intervals: account?.intervals ?? [],
    };
  });
}
