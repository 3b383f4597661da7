import { fixedWindow, newReno, unpaced } from '@quiclab/congestion';
import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { type LinkConfig, listed } from '@quiclab/impair';
import { accountRun, ledgerOf, type ModelId, piecesOn, type RunRecord, runSimulated, type SimulatedRun } from '@quiclab/lab';
import { directionOf, type Influence, influence, type Piece, RESPONSE } from '@quiclab/ledger';
import { MILLISECOND, type Micros } from '@quiclab/sansio';
import { roundRobinByByte } from '@quiclab/streams';
import { definePage, type Page } from '@quiclab/workload';

// One page over one path, without loss and with exactly one packet dropped on the way down. EXPERIMENTS §4, Influence.

export interface Scene {
  readonly page: Page;
  readonly down: LinkConfig;
  readonly up?: LinkConfig;
  readonly ends?: SimulatedRun['ends'];
}

/** N objects of equal size, all asked for at once; one stream per packet, the streams in turn. */
export const equalObjects = (n: number, size: number): Page =>
  definePage({ name: 'equal objects', objects: Array.from({ length: n }, (_, i) => ({ path: `/${i}`, size })) });

const PLENTY = 1 << 24;
/** Credit and send buffers that are larger than any page here: nothing but window, pacer and path holds data back. */
const UNLIMITED_CREDIT = { initialMaxData: PLENTY, initialMaxStreamData: PLENTY, sendBuffer: PLENTY };

/** A window of so many octets that nothing changes, and no pacer. */
export const constantWindow = (octets: number): SimulatedRun['ends'] => ({
  policies: { congestion: () => fixedWindow(octets), pacer: () => unpaced },
  config: UNLIMITED_CREDIT,
});

export const usualControl: SimulatedRun['ends'] = { config: UNLIMITED_CREDIT };

export const newRenoControl: SimulatedRun['ends'] = {
  policies: { congestion: ({ maxDatagramSize }) => newReno({ maxDatagramSize }) },
  config: UNLIMITED_CREDIT,
};

/** No rate limit, no pacer, window and credit larger than the page: all of it leaves at once, and so does a repair. */
export const idealPath = (page: Page, delay: Micros = 20 * MILLISECOND): Scene => ({
  page,
  up: { delay },
  down: { delay },
  ends: constantWindow(PLENTY),
});

/** @param lost  which datagram of the way down is dropped, counted from 1 with those of the handshake */
export function runOnce(model: ModelId, scene: Scene, lost?: number): RunRecord {
  const { page, up = { delay: scene.down.delay }, down, ends } = scene;
  const sizes = new Map(page.objects.map(({ path, size }) => [path, size]));
  const record = runSimulated({
    model,
    seed: 1,
    page,
    source: (path) => new Uint8Array(sizes.get(path)!),
    links: { up, down: lost === undefined ? down : { ...down, loss: listed(lost) } },
    ends: { crypto: nullProtection(nodeProvider), ...ends },
    // all requests in one packet: the responses begin together
    clientPolicies: { scheduler: () => roundRobinByByte() },
  });
  const drops = record.down.drops.map(({ index }) => index);
  if (record.up.drops.length > 0 || drops.join() !== (lost === undefined ? '' : `${lost}`))
    throw new Error(
      `dropped were ${drops} on the way down, ${record.up.drops.length} on the way up; it should have been ${lost ?? 'none'}`,
    );
  return record;
}

export interface OneLoss {
  /** Which datagram was dropped; the row of the matrices. */
  readonly lost: number;
  readonly record: RunRecord;
  /** One for each exchange; the columns. */
  readonly influences: readonly Influence[];
  /** The exchanges with octets in the dropped packet: the diagonal. */
  readonly carried: ReadonlySet<number>;
  /** And those with octets in it or behind it on the same carrier. */
  readonly behind: ReadonlySet<number>;
}

/** Drops each datagram of the way down in turn. */
export function* eachLoss(model: ModelId, scene: Scene, base: RunRecord, first = 1): Generator<OneLoss> {
  const ledger = ledgerOf(base);
  for (let lost = first; lost <= base.down.entered; lost++) {
    const record = runOnce(model, scene, lost);
    const { carried, behind } = exchangesAt(record, lost);
    yield { lost, record, influences: influence(ledger, ledgerOf(record)), carried, behind };
  }
}

function exchangesAt(record: RunRecord, lost: number): { carried: Set<number>; behind: Set<number> } {
  const carried = new Set<number>();
  const behind = new Set<number>();
  for (const { carrier, offset, length } of piecesOf(record, lost))
    for (const frame of framesOf(record)) {
      if (frame.carrier !== carrier || frame.offset + frame.length <= offset) continue;
      behind.add(frame.exchange);
      if (frame.offset < offset + length) carried.add(frame.exchange);
    }
  return { carried, behind };
}

/** The frames of the responses, and whose they are. */
export function framesOf({ log: { frames }, objects }: RunRecord): (Piece & { readonly exchange: number })[] {
  const exchanges = new Map(objects.map(({ exchange, onConnection }) => [onConnection, exchange]));
  const found: (Piece & { readonly exchange: number })[] = [];
  for (let i = 0; i < frames.length; i += 7) {
    const [carrier, id, offset, length] = frames.slice(i + 1, i + 5) as [number, number, number, number];
    if (directionOf(carrier) === RESPONSE) found.push({ carrier, offset, length, exchange: exchanges.get(id)! });
  }
  return found;
}

const pieces = new WeakMap<RunRecord, Piece[][]>();

/** The octets of exchanges in the nth datagram of the way down, from 1. */
export function piecesOf(record: RunRecord, n: number): readonly Piece[] {
  let all = pieces.get(record);
  if (all === undefined) {
    all = piecesOn(record, 'down');
    pieces.set(record, all);
  }
  return all[n - 1] ?? [];
}

/** When octets of responses came: at, carrier, offset, length. */
export function arrivalsOf({ log: { receipts } }: RunRecord): [number, number, number, number][] {
  const arrivals: [number, number, number, number][] = [];
  for (let i = 0; i < receipts.length; i += 4)
    if (directionOf(receipts[i + 1]!) === RESPONSE) arrivals.push(receipts.slice(i, i + 4) as [number, number, number, number]);
  return arrivals;
}

/** When the last of these octets came for the first time. */
export function arrivalOf(record: RunRecord, { carrier, offset, length }: Piece): Micros {
  let came = -1;
  let octets = 0;
  for (const [at, where, from, count] of arrivalsOf(record)) {
    const start = Math.max(offset, from);
    const end = Math.min(offset + length, from + count);
    if (where !== carrier || start >= end) continue;
    came = at;
    octets += end - start;
  }
  if (octets !== length) throw new Error(`of ${length} octets from ${offset} on of carrier ${carrier} only ${octets} came`);
  return came;
}

/** From the instant at which the lost copy would have arrived to the arrival of its repair. */
export function repairTime(base: RunRecord, { record, lost }: OneLoss): Micros {
  const [piece] = piecesOf(record, lost);
  return arrivalOf(record, piece!) - arrivalOf(base, piece!);
}

/** The sum over all octets of (deliverable − arrived), in octets × µs. */
export const blockedByteTime = (record: RunRecord): number => accountRun(record).reduce((sum, object) => sum + object.blockedByteTime, 0);

/** Octets of stream data in each datagram from the nth on. */
export const payloads = (record: RunRecord, from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => piecesOf(record, from + i)).map(([piece, ...more]) =>
    piece && more.length === 0 ? piece.length : -1,
  );
