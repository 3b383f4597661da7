import type { Micros } from '@quiclab/sansio';
import type { ExchangeId } from './account.ts';
import type { Ledger } from './ledger.ts';

/**
 * What one change (a dropped packet) did to one exchange, octet by octet: δ = deliverable₁ − deliverable₀ =
 * slot (arrived₁ − arrived₀) + wait (the change of deliverable − arrived). EXPERIMENTS §4, Influence.
 */
export interface Influence {
  readonly exchange: ExchangeId;
  /** Octets compared: the nth of the exchange in one run with the nth in the other. */
  readonly bytes: number;
  /** The change of the instant at which the last octet became deliverable. */
  readonly completion: Micros;
  /** Means over the octets, in µs. */
  readonly meanSlot: number;
  readonly meanWait: number;
  /** The largest change of one octet, either way: 0 says that no octet moved at all. */
  readonly largestSlot: Micros;
  readonly largestWait: Micros;
}

/**
 * Compares two runs. Every octet must have become deliverable in both, and each exchange must have as many in one as in the
 * other; throws where that does not hold, since the difference would be no statement about the change.
 * @param counterpart  of an exchange of the changed run, the one of the base: by their numbers unless told, but numbers are given in the
 *                     order of issue, and a loss can change that
 */
export function influence(base: Ledger, changed: Ledger, counterpart: (exchange: ExchangeId) => ExchangeId = (same) => same): Influence[] {
  const before = timelines(base);
  const after = new Map([...timelines(changed)].map(([exchange, steps]) => [counterpart(exchange), steps]));
  const exchanges = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b);
  return exchanges.map((exchange) => compare(exchange, before.get(exchange) ?? [], after.get(exchange) ?? []));
}

/** Octets of an exchange up to its `end`th (from where the one before ends): when they arrived and became deliverable. */
interface Step {
  readonly end: number;
  readonly arrived: Micros;
  readonly deliverable: Micros;
}

function timelines(ledger: Ledger): Map<ExchangeId, Step[]> {
  const steps = new Map<ExchangeId, Step[]>();
  for (const { owners, segments } of ledger.replays().values())
    for (const { start, end, arrived, deliverable } of segments)
      for (let i = owners.indexOf(start); i < owners.count && owners.start(i) < end; i++) {
        const owner = owners.owner(i);
        if (owner === 'connection') continue;
        if (deliverable === Number.POSITIVE_INFINITY)
          throw new Error(`ledger: octets of exchange ${owner} never became deliverable; influence compares whole runs`);
        const own = steps.get(owner) ?? [];
        steps.set(owner, own);
        const bytes = Math.min(end, owners.end(i)) - Math.max(start, owners.start(i));
        own.push({ end: (own.at(-1)?.end ?? 0) + bytes, arrived, deliverable });
      }
  return steps;
}

function compare(exchange: ExchangeId, before: readonly Step[], after: readonly Step[]): Influence {
  const bytes = before.at(-1)?.end ?? 0;
  if (bytes !== (after.at(-1)?.end ?? 0))
    throw new Error(`ledger: exchange ${exchange} has ${bytes} octets in one run and ${after.at(-1)?.end ?? 0} in the other`);
  let slot = 0;
  let wait = 0;
  let largestSlot = 0;
  let largestWait = 0;
  for (let i = 0, j = 0, at = 0; at < bytes; ) {
    const x = before[i]!;
    const y = after[j]!;
    const end = Math.min(x.end, y.end);
    const moved = y.arrived - x.arrived;
    const waited = y.deliverable - y.arrived - (x.deliverable - x.arrived);
    slot += moved * (end - at);
    wait += waited * (end - at);
    largestSlot = Math.max(largestSlot, Math.abs(moved));
    largestWait = Math.max(largestWait, Math.abs(waited));
    at = end;
    if (x.end === at) i++;
    if (y.end === at) j++;
  }
  const last = (steps: readonly Step[]): Micros => steps.reduce((latest, step) => Math.max(latest, step.deliverable), 0);
  return {
    exchange,
    bytes,
    completion: last(after) - last(before),
    meanSlot: bytes === 0 ? 0 : slot / bytes,
    meanWait: bytes === 0 ? 0 : wait / bytes,
    largestSlot,
    largestWait,
  };
}
