import type { Micros } from '@quiclab/sansio';
import type { Blame, BlockedInterval, ExchangeAccount } from './account.ts';
import type { Lived, Phase } from './lives.ts';
import type { Atom } from './messages.ts';
import { addSums, type State, type StateInterval, type StateSums } from './states.ts';

/** How long an exchange was blocked, and in which states. */
export interface BlockedTime {
  readonly own: Micros;
  readonly other: Micros;
  /** In order of time; neighbours differ in blame or have a pause between them. */
  readonly intervals: readonly BlockedInterval[];
  /** The parts of each state in which it was blocked. */
  readonly sums: StateSums;
}

/**
 * Holds the two accounts of one exchange against each other. What was blocked is known twice: from the arrivals that the receiver noted
 * (`overlay`), and from what the sender sent and what became of it, by which the states were found. It must be the same time, all of
 * held(other) must be in it, and nobody can be blocked by an octet that is not on the carrier yet. EXPERIMENTS §4.
 *
 * Throws where that does not hold, with the exchange, the first instant, and both figures: then a log, or this package, is wrong.
 */
export function audit({ life, phases }: Lived, overlay: readonly ExchangeAccount[]): BlockedTime {
  const intervals: BlockedInterval[] = [];
  const sums: Partial<Record<State, Micros>> = {};
  for (const phase of phases) {
    const account = overlay.find(({ carrier }) => carrier === phase.message.carrier);
    const blamed = clip(account?.intervals ?? [], phase);
    const blocked = clip(blockedByStates(phase.message.atoms), phase);
    comparePasts(life.exchange, blamed, blocked);
    addSums(sums, statesWithin(life.exchange, life.intervals, blamed));
    for (const interval of blamed) push(intervals, interval);
  }
  const length = (of: (blame: Blame) => boolean): Micros =>
    intervals.reduce((sum, { from, to, blame }) => (of(blame) ? sum + to - from : sum), 0);
  const own = length((blame) => blame === 'own');
  const other = length((blame) => blame !== 'own');
  const held = life.sums['held(other)'] ?? 0;
  let parts = held;
  for (const state in sums) if (state !== 'held(other)') parts += sums[state as State]!;
  if (parts !== own + other)
    throw new Error(
      `ledger: exchange ${life.exchange} was blocked for ${own + other} µs by its arrivals, and for ${parts} µs by its states, ${held} of them held(other)`,
    );
  return { own, other, intervals, sums };
}

/** When some octet of a message had arrived and was not deliverable, as far as the sender's side knows. */
function blockedByStates(atoms: readonly Atom[]): BlockedInterval[] {
  const intervals: BlockedInterval[] = [];
  const earliest: Micros[] = []; // arrival of this octet or a later one
  let least = Number.POSITIVE_INFINITY;
  for (let i = atoms.length - 1; i >= 0; i--) {
    const { timeline, cell, octets } = atoms[i]!;
    if (octets) least = Math.min(least, timeline.arrived[cell]!);
    earliest[i] = least;
  }
  let before = 0; // all octets before are deliverable
  for (let i = 0; i < atoms.length; i++) {
    const { timeline, cell, octets } = atoms[i]!;
    if (!octets) continue;
    const deliverable = timeline.deliverable[cell]!;
    const from = Math.max(before, earliest[i]!);
    if (from < deliverable) push(intervals, { from, to: deliverable, blame: 'own' });
    before = Math.max(before, deliverable);
  }
  return intervals;
}

const clip = (intervals: readonly BlockedInterval[], { from, to }: Phase): BlockedInterval[] =>
  intervals
    .map((interval) => ({ from: Math.max(from, interval.from), to: Math.min(to, interval.to), blame: interval.blame }))
    .filter((interval) => interval.from < interval.to);

function push(intervals: BlockedInterval[], next: BlockedInterval): void {
  const last = intervals.at(-1);
  if (last !== undefined && last.to === next.from && last.blame === next.blame)
    intervals[intervals.length - 1] = { from: last.from, to: next.to, blame: next.blame };
  else intervals.push(next);
}

/** Both say the same of every microsecond. */
function comparePasts(exchange: number, byArrivals: readonly BlockedInterval[], byStates: readonly BlockedInterval[]): void {
  const plain = (intervals: readonly BlockedInterval[]): BlockedInterval[] => {
    const joined: BlockedInterval[] = [];
    for (const { from, to } of intervals) push(joined, { from, to, blame: 'own' });
    return joined;
  };
  const arrivals = plain(byArrivals);
  const states = plain(byStates);
  for (let i = 0; i < Math.max(arrivals.length, states.length); i++) {
    const a = arrivals[i];
    const s = states[i];
    if (a !== undefined && s !== undefined && a.from === s.from && a.to === s.to) continue;
    const say = (interval: BlockedInterval | undefined): string =>
      interval === undefined ? 'not at all any more' : `from ${interval.from} to ${interval.to}`;
    const at =
      a?.from === s?.from ? Math.min(a!.to, s!.to) : Math.min(a?.from ?? Number.POSITIVE_INFINITY, s?.from ?? Number.POSITIVE_INFINITY);
    throw new Error(
      `ledger: at ${at} the accounts of exchange ${exchange} part: by its arrivals it is blocked ${say(a)}, by its states ${say(s)}`,
    );
  }
}

/** c itself is missing: who waits for it waits for octets of its own. */
const MISSING = /^(transit|undetected|stalled)/;
/** c is not on the carrier, so nothing of the message behind it is. */
const ABSENT = /^(queued|connecting|server|order)/;

/** Which states the blocked time was spent in. */
function statesWithin(exchange: number, states: readonly StateInterval[], blamed: readonly BlockedInterval[]): StateSums {
  const sums: Partial<Record<State, Micros>> = {};
  let i = 0;
  for (const { from, to, blame } of blamed) {
    while (i < states.length && states[i]!.to <= from) i++;
    for (let j = i; j < states.length && states[j]!.from < to; j++) {
      const { state } = states[j]!;
      const at = Math.max(from, states[j]!.from);
      if (ABSENT.test(state) || (MISSING.test(state) && blame !== 'own') || (state === 'held(other)' && blame === 'own'))
        throw new Error(`ledger: at ${at} exchange ${exchange} is ${state}, and by its arrivals it is blocked by ${blame}`);
      sums[state] = (sums[state] ?? 0) + Math.min(to, states[j]!.to) - at;
    }
  }
  return sums;
}
