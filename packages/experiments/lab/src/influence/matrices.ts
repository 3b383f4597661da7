import { listed } from '@quiclab/impair';
import { type Influence, influence, type Ledger, type Piece } from '@quiclab/ledger';
import type { Micros } from '@quiclab/sansio';
import { ledgerOf, piecesOn, type RunRecord } from '../record.ts';
import { runSimulated, type SimulatedRun } from '../worlds/simulated.ts';

/** One dropped packet: what it did to each stream. */
export interface InfluenceRow {
  /** The nth datagram of the way down. */
  readonly lost: number;
  /** By stream, µs: the change of the completion, and means over its octets. Columns as in `streams`. */
  readonly completion: readonly Micros[];
  readonly slot: readonly number[];
  readonly wait: readonly number[];
  /** The largest wait of a single octet. */
  readonly largestWait: readonly Micros[];
  /** Columns of the streams in the packet: the diagonal. */
  readonly carried: readonly number[];
  /** Columns of streams with an octet behind the hole, on the same carrier, that came between the hole and its repair. */
  readonly between: readonly number[];
}

/** Which streams wait for which packets: rows are dropped packets, columns streams. */
export interface InfluenceMatrices {
  readonly model: string;
  readonly streams: readonly { readonly id: string; readonly exchange: number }[];
  readonly rows: readonly InfluenceRow[];
  /** Packets that left nothing to compare: an exchange was sent again on another connection, or the page never came. */
  readonly failed: readonly { readonly lost: number; readonly reason: string }[];
  /** Of the run without loss. */
  readonly packets: number;
  readonly pageLoad: Micros;
  /** Packets that a queue dropped although none was injected: then a matrix says of more than of one packet. */
  readonly queueDrops: number;
}

export interface InfluenceOptions {
  /** At most so many packets are dropped, evenly spread; all unless told. */
  readonly most?: number;
  readonly progress?: (share: number) => void;
}

/** Runs without loss, and then again for each packet of the way down with exactly that one dropped. What the links lose otherwise is left out. */
export function influenceMatrices(
  run: SimulatedRun,
  { most = Number.POSITIVE_INFINITY, progress }: InfluenceOptions = {},
): InfluenceMatrices {
  const links = { up: lossless(run.links.up), down: lossless(run.links.down) };
  const base = runSimulated({ ...run, links });
  const before = ledgerOf(base);
  const streams = base.objects.map(({ id, exchange }) => ({ id, exchange })).sort((a, b) => a.exchange - b.exchange);
  const rows: InfluenceRow[] = [];
  const failed: InfluenceMatrices['failed'][number][] = [];
  let queueDrops = base.up.queueDrops + base.down.queueDrops;
  for (const [i, lost] of spread(base.down.entered, most).entries()) {
    try {
      const record = runSimulated({ ...run, links: { ...links, down: { ...links.down, loss: listed(lost) } } });
      queueDrops += record.up.queueDrops + record.down.queueDrops;
      rows.push(rowOf(lost, before, record, links.down.delay, streams));
    } catch (error) {
      failed.push({ lost, reason: error instanceof Error ? error.message : String(error) });
    }
    progress?.((i + 1) / Math.min(most, base.down.entered));
  }
  return {
    model: base.model,
    streams,
    rows,
    failed,
    packets: base.down.entered,
    pageLoad: base.finishedAt - base.startedAt,
    queueDrops,
  };
}

function lossless({ loss: _loss, replay: _replay, ...link }: SimulatedRun['links']['up']): SimulatedRun['links']['up'] {
  return link;
}

/** 1 to n, or so many of them at even distances. */
function spread(n: number, most: number): number[] {
  if (n <= most) return Array.from({ length: n }, (_, i) => i + 1);
  return Array.from({ length: most }, (_, i) => 1 + Math.floor((i * n) / most));
}

function rowOf(lost: number, before: Ledger, record: RunRecord, delay: Micros, streams: InfluenceMatrices['streams']): InfluenceRow {
  const after = ledgerOf(record);
  // exchanges have numbers in the order of issue, which the loss may have changed: an object is the same by its id
  const byId = new Map(streams.map(({ id }, i) => [id, i]));
  const column = new Map(record.objects.map(({ id, exchange }) => [exchange, byId.get(id)!]));
  const influences = influence(before, after, (exchange) => streams[column.get(exchange)!]!.exchange);
  const baseColumn = new Map(streams.map(({ exchange }, i) => [exchange, i]));
  const pieces = piecesOn(record, 'down')[lost - 1] ?? [];
  const drop = record.down.drops.find(({ index }) => index === lost)!;
  const hole = drop.at + delay; // when the lost copy would have come
  const columns = (exchanges: Iterable<number>): number[] =>
    [...new Set(exchanges)].map((exchange) => column.get(exchange)!).sort((a, b) => a - b);
  const by = (figure: (one: Influence) => number): number[] => {
    const values = Array.from({ length: streams.length }, () => 0);
    for (const one of influences) values[baseColumn.get(one.exchange)!] = figure(one);
    return values;
  };
  return {
    lost,
    completion: by(({ completion }) => completion),
    slot: by(({ meanSlot }) => meanSlot),
    wait: by(({ meanWait }) => meanWait),
    largestWait: by(({ largestWait }) => largestWait),
    carried: columns(pieces.flatMap((piece) => exchangesIn(after, piece))),
    between: columns(pieces.flatMap((piece) => cameBetween(after, piece, hole))),
  };
}

/** Whose octets lie in a stretch of a carrier. */
export function exchangesIn(ledger: Ledger, { carrier, offset, length }: Piece): number[] {
  const owners = ledger.replays().get(carrier)?.owners;
  const found: number[] = [];
  if (owners === undefined) return found;
  for (let i = owners.indexOf(offset); i < owners.count && owners.start(i) < offset + length; i++) {
    const owner = owners.owner(i);
    if (owner !== 'connection') found.push(owner);
  }
  return found;
}

/** Exchanges with an octet behind the piece that came after the piece should have, and before its repair. */
function cameBetween(ledger: Ledger, piece: Piece, hole: Micros): number[] {
  const segments = ledger.replays().get(piece.carrier)?.segments ?? [];
  const end = piece.offset + piece.length;
  const repaired = Math.max(...segments.filter((each) => each.start < end && each.end > piece.offset).map(({ arrived }) => arrived));
  return segments
    .filter(({ start, arrived }) => start >= end && arrived >= hole && arrived < repaired)
    .flatMap(({ start, end: to }) => exchangesIn(ledger, { carrier: piece.carrier, offset: start, length: to - start }));
}
