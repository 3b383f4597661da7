import { type BlockedInterval, Ledger } from '@quiclab/ledger';
import type { Micros } from '@quiclab/sansio';
import type { FetchedObject } from './apps/page-client.ts';
import type { Protocol } from './models/model.ts';
import type { PooledConnection } from './models/pool.ts';
import { connectionOf, exchangeOf, idOf } from './observe.ts';

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

/** What a client notes. Flat lists are as observe.ts has them; connections are numbered as they were opened. */
export interface ClientNotes {
  /** What the server knows each connection by. */
  readonly keys: readonly string[];
  readonly arrivals: readonly number[];
}

/** What a server notes; its connections are numbered as they were accepted. */
export interface ServerNotes {
  readonly keys: readonly string[];
  readonly carried: readonly (readonly number[])[];
  readonly owners: readonly number[];
}

/** Everything noted of one run, before anything is computed from it. Carriers and exchanges are numbered by `exchangeOf`. */
export interface RunRecord {
  /** The model's name, and what it speaks. */
  readonly model: string;
  readonly protocol: Protocol;
  readonly seed: number;
  readonly startedAt: Micros;
  readonly finishedAt: Micros;
  readonly objects: readonly FetchedObject[];
  readonly connections: readonly PooledConnection[];
  readonly arrivals: readonly number[];
  readonly carried: readonly (readonly number[])[];
  readonly owners: readonly number[];
  readonly up: LinkFigures;
  readonly down: LinkFigures;
  readonly lateness?: { readonly p50: Micros; readonly p99: Micros };
}

/** What both ends noted, with the client's numbers of connections throughout. */
export function joinNotes(client: ClientNotes, server: ServerNotes): Pick<RunRecord, 'arrivals' | 'carried' | 'owners'> {
  const { arrivals } = client;
  const { carried, owners } = server;
  const numbers = server.keys.map((key) => client.keys.indexOf(key));
  if (numbers.every((number, i) => number === i)) return { arrivals, carried, owners };
  const renumber = (numberedByServer: number): number => {
    const number = numbers[connectionOf(numberedByServer)];
    if (number === undefined || number < 0)
      throw new Error(`the server speaks of ${numberedByServer}, a connection that the client did not open`);
    return exchangeOf(number, idOf(numberedByServer));
  };
  return {
    arrivals,
    carried: carried.map((pieces) => pieces.map((value, i) => (i % 3 === 0 ? renumber(value) : value))),
    owners: owners.map((value, i) => (i % 4 === 0 || (i % 4 === 3 && value >= 0) ? renumber(value) : value)),
  };
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
  // a stream that is named as its exchange carries nothing else
  const alone = new Set(record.protocol === 'h3' ? record.objects.map(({ exchange }) => exchange) : []);
  for (const exchange of alone) ledger.ownCarrier(exchange, exchange);
  for (let i = 0; i < record.owners.length; i += 4) {
    const exchange = record.owners[i + 3]!;
    if (!alone.has(exchange))
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
