import { RangeSet } from '@quiclab/bytes';
import { type Micros, NEVER } from '@quiclab/sansio';
import type { Blame, BlockedInterval, ExchangeAccount, ExchangeId } from './account.ts';
import type { OwnerMap } from './owners.ts';

/** Arrivals in order of time, as columns. */
export interface Arrivals {
  readonly times: readonly Micros[];
  readonly offsets: readonly number[];
  readonly lengths: readonly number[];
}

/** Octets [start, end) of a carrier that arrived together and became deliverable together; NEVER where they did not. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  readonly arrived: Micros;
  deliverable: Micros;
}

export interface CarrierReplay {
  readonly owners: OwnerMap;
  /** Ascending by offset, disjoint. */
  readonly segments: readonly Segment[];
  readonly accounts: readonly Omit<ExchangeAccount, 'carrier' | 'lostPackets' | 'lostAt'>[];
}

/** Goes through the arrivals of one carrier once more, now that every owner is known. `end` closes what is open. */
export function replayCarrier(owners: OwnerMap, arrivals: Arrivals, end: Micros): CarrierReplay {
  const replay = new Replay(owners);
  for (let i = 0; i < arrivals.times.length; i++)
    replay.arrive(arrivals.times[i]!, arrivals.offsets[i]!, arrivals.offsets[i]! + arrivals.lengths[i]!);
  return replay.finish(end);
}

class Replay {
  readonly #owners: OwnerMap;
  readonly #arrived = new RangeSet();
  readonly #held: Segment[] = []; // arrived and not deliverable, ascending by offset
  readonly #segments: Segment[] = [];
  readonly #exchanges = new Map<ExchangeId, Exchange>();
  readonly #pending = new Set<Exchange>(); // those that have octets among #held
  #deliverable = 0; // all octets below this have arrived: it is the lowest that is missing

  constructor(owners: OwnerMap) {
    this.#owners = owners;
    for (const [id, stretches] of owners.byExchange()) this.#exchanges.set(id, new Exchange(id, stretches));
  }

  arrive(now: Micros, from: number, to: number): void {
    if (from === this.#deliverable && this.#held.length === 0) {
      this.#pass(now, from, to);
      return;
    }
    const pieces = missingWithin(this.#arrived, from, to);
    if (pieces.length === 0) return;
    for (const [start, end] of pieces) {
      this.#arrived.add(start, end);
      this.#hold({ start, end, arrived: now, deliverable: NEVER });
      this.#eachOwner(start, end, (exchange, bytes) => exchange.arrive(now, bytes));
    }
    this.#release(now);
    for (const exchange of this.#pending) {
      exchange.setBlame(now, this.#blame(exchange));
      if (exchange.pendingBytes === 0) this.#pending.delete(exchange);
    }
  }

  /** What comes in order, behind no hole: nobody waits, and nobody is to blame. */
  #pass(now: Micros, start: number, end: number): void {
    const owners = this.#owners;
    this.#arrived.add(start, end);
    this.#segments.push({ start, end, arrived: now, deliverable: now });
    this.#deliverable = end;
    for (let i = owners.indexOf(start); i < owners.count && owners.start(i) < end; i++) {
      const owner = owners.owner(i);
      if (owner !== 'connection') this.#exchanges.get(owner)!.pass(now, Math.min(end, owners.end(i)) - Math.max(start, owners.start(i)));
    }
  }

  finish(end: Micros): CarrierReplay {
    for (const segment of this.#held) {
      this.#segments.push(segment);
      this.#eachOwner(segment.start, segment.end, (exchange, bytes) => exchange.countLate(bytes));
    }
    const accounts = [...this.#exchanges.values()].map((exchange) => exchange.account(end));
    return { owners: this.#owners, segments: this.#segments, accounts };
  }

  /** Keeps the held segments ascending; the usual arrival is beyond all of them. */
  #hold(segment: Segment): void {
    let at = this.#held.length;
    while (at > 0 && this.#held[at - 1]!.start > segment.start) at--;
    this.#held.splice(at, 0, segment);
  }

  /** Hands on all that has become contiguous. */
  #release(now: Micros): void {
    if (this.#arrived.start(0) !== 0) return;
    const contiguous = this.#arrived.end(0);
    let released = 0;
    while (released < this.#held.length && this.#held[released]!.start < contiguous) {
      const segment = this.#held[released++]!;
      segment.deliverable = now;
      this.#segments.push(segment);
      const late = segment.arrived < now;
      this.#eachOwner(segment.start, segment.end, (exchange, bytes) => exchange.deliver(now, bytes, late));
    }
    this.#held.splice(0, released);
    this.#deliverable = contiguous;
  }

  #eachOwner(start: number, end: number, tell: (exchange: Exchange, bytes: number) => void): void {
    for (let i = this.#owners.indexOf(start); i < this.#owners.count && this.#owners.start(i) < end; i++) {
      const owner = this.#owners.owner(i);
      if (owner === 'connection') continue;
      const exchange = this.#exchanges.get(owner)!;
      tell(exchange, Math.min(end, this.#owners.end(i)) - Math.max(start, this.#owners.start(i)));
      this.#pending.add(exchange);
    }
  }

  /**
   * With m the exchange's first octet that is not deliverable: its own fault where m is missing, even if lower holes exist
   * (independent streams would not have helped), else that of the owner of the lowest missing octet, which is below m.
   */
  #blame(exchange: Exchange): Blame | undefined {
    if (exchange.pendingBytes === 0) return undefined;
    const first = exchange.firstAtOrAfter(this.#deliverable, this.#owners);
    return this.#arrived.has(first) ? this.#owners.ownerOf(this.#deliverable) : 'own';
  }
}

/** One exchange on one carrier while its account is being drawn up. */
class Exchange {
  readonly #id: ExchangeId;
  readonly #stretches: readonly number[];
  #cursor = 0; // into #stretches: those before lie wholly below what is deliverable
  readonly #intervals: { from: Micros; to: Micros; blame: Blame }[] = [];
  #blame: Blame | undefined = undefined;
  #blameSince: Micros = 0;
  #pendingSince: Micros = 0;
  #byteTime = 0;
  #bytes = 0;
  #lateBytes = 0;
  #firstArrived: Micros = NEVER;
  #lastDeliverable: Micros = NEVER;
  /** Octets that have arrived and are not deliverable. */
  pendingBytes = 0;

  constructor(id: ExchangeId, stretches: readonly number[]) {
    this.#id = id;
    this.#stretches = stretches;
  }

  arrive(now: Micros, bytes: number): void {
    if (this.#firstArrived === NEVER) this.#firstArrived = now;
    this.#bytes += bytes;
    this.#changePending(now, bytes);
  }

  /** Both at once. */
  pass(now: Micros, bytes: number): void {
    if (this.#firstArrived === NEVER) this.#firstArrived = now;
    this.#lastDeliverable = now;
    this.#bytes += bytes;
  }

  deliver(now: Micros, bytes: number, late: boolean): void {
    this.#lastDeliverable = now;
    if (late) this.#lateBytes += bytes;
    this.#changePending(now, -bytes);
  }

  countLate(bytes: number): void {
    this.#lateBytes += bytes;
  }

  /** The exchange's first octet at `offset` or above, which there is as long as some are pending. Offsets must not descend. */
  firstAtOrAfter(offset: number, owners: OwnerMap): number {
    while (owners.end(this.#stretches[this.#cursor]!) <= offset) this.#cursor++;
    return Math.max(offset, owners.start(this.#stretches[this.#cursor]!));
  }

  setBlame(now: Micros, blame: Blame | undefined): void {
    if (blame === this.#blame) return;
    this.#record(now);
    this.#blame = blame;
    this.#blameSince = now;
  }

  account(end: Micros): CarrierReplay['accounts'][number] {
    this.#record(end);
    this.#changePending(end, 0);
    const sum = (intervals: readonly BlockedInterval[]): Micros => intervals.reduce((total, { from, to }) => total + to - from, 0);
    return {
      exchange: this.#id,
      bytes: this.#bytes,
      firstArrived: this.#firstArrived,
      lastDeliverable: this.pendingBytes === 0 ? this.#lastDeliverable : NEVER,
      intervals: this.#intervals,
      blocked: {
        own: sum(this.#intervals.filter(({ blame }) => blame === 'own')),
        other: sum(this.#intervals.filter(({ blame }) => blame !== 'own')),
      },
      blockedByteTime: this.#byteTime,
      lateBytes: this.#lateBytes,
    };
  }

  #changePending(now: Micros, by: number): void {
    this.#byteTime += this.pendingBytes * (now - this.#pendingSince);
    this.#pendingSince = now;
    this.pendingBytes += by;
  }

  /** Several arrivals of one instant pass through states of no length: those leave nothing behind. */
  #record(now: Micros): void {
    if (this.#blame === undefined || now === this.#blameSince) return;
    const last = this.#intervals.at(-1);
    if (last !== undefined && last.to === this.#blameSince && last.blame === this.#blame) last.to = now;
    else this.#intervals.push({ from: this.#blameSince, to: now, blame: this.#blame });
  }
}

/** The stretches of [from, to) that are not in the set, ascending. */
function missingWithin(set: RangeSet, from: number, to: number): [number, number][] {
  let low = 0;
  let high = set.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (set.end(middle) <= from) low = middle + 1;
    else high = middle;
  }
  const missing: [number, number][] = [];
  let at = from;
  for (let i = low; i < set.count && set.start(i) < to; i++) {
    if (set.start(i) > at) missing.push([at, set.start(i)]);
    at = set.end(i);
  }
  if (at < to) missing.push([at, to]);
  return missing;
}
