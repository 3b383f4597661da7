import { type Micros, NEVER } from '@quiclab/sansio';
import { flowOfCarrier, type RunLog } from './run-log.ts';

/**
 * What became of the octets of one carrier, in cells: stretches that the same packets carried. The last cell stands for all that was
 * never sent. Where the stream was ended, the end is an octet of its own behind the others.
 */
export class CarrierTimeline {
  /** First octet of each cell, ascending from 0. */
  readonly starts: number[];
  /** Per cell: when the first copy came, when it could be opened, and when the first of the copies that arrive has left; NEVER where none does. */
  readonly arrived: Micros[];
  readonly opened: Micros[];
  readonly leaves: Micros[];
  /** Per cell: when all octets up to its last have arrived, and could be opened. */
  readonly deliverable: Micros[] = [];
  readonly readable: Micros[] = [];
  /** The octet that stands for the end of the stream; -1: none was sent. */
  readonly fin: number;
  // copies that did not arrive, per cell a chain in the order of sending
  readonly #first: number[];
  readonly #last: number[];
  readonly #next: number[] = [];
  readonly #sentAt: Micros[] = [];
  readonly #lostAt: Micros[] = [];

  constructor(boundaries: readonly number[], fin: number) {
    const starts = [0];
    for (const boundary of ascending(boundaries)) if (boundary > starts[starts.length - 1]!) starts.push(boundary);
    this.starts = starts;
    this.fin = fin;
    this.arrived = starts.map(() => NEVER);
    this.opened = starts.map(() => NEVER);
    this.leaves = starts.map(() => NEVER);
    this.#first = starts.map(() => -1);
    this.#last = starts.map(() => -1);
  }

  /** The cell that holds an octet. */
  cellOf(offset: number): number {
    const { starts } = this;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  endOf(cell: number): number {
    return cell + 1 < this.starts.length ? this.starts[cell + 1]! : Number.POSITIVE_INFINITY;
  }

  /** A packet carried [from, to). In the order of sending. @param arrived  NEVER: it did not arrive */
  copy(from: number, to: number, sent: Micros, arrived: Micros, opened: Micros, lost: Micros): void {
    const { starts } = this;
    for (let cell = this.cellOf(from); cell < starts.length && starts[cell]! < to; cell++)
      if (arrived < NEVER) {
        if (arrived < this.arrived[cell]!) this.arrived[cell] = arrived;
        if (opened < this.opened[cell]!) this.opened[cell] = opened;
        if (sent < this.leaves[cell]!) this.leaves[cell] = sent;
      } else {
        const entry = this.#next.length;
        this.#next.push(-1);
        this.#sentAt.push(sent);
        this.#lostAt.push(lost);
        if (this.#last[cell]! < 0) this.#first[cell] = entry;
        else this.#next[this.#last[cell]!] = entry;
        this.#last[cell] = entry;
      }
  }

  /** All copies are known. */
  settle(): void {
    let deliverable = 0;
    let readable = 0;
    for (let cell = 0; cell < this.starts.length; cell++) {
      deliverable = Math.max(deliverable, this.arrived[cell]!);
      readable = Math.max(readable, this.opened[cell]!);
      this.deliverable.push(deliverable);
      this.readable.push(readable);
    }
  }

  /** The first copy of the cell that did not arrive, -1 where there is none. */
  firstLost(cell: number): number {
    return this.#first[cell]!;
  }
  /** The one after it. */
  nextLost(copy: number): number {
    return this.#next[copy]!;
  }
  sentAt(copy: number): Micros {
    return this.#sentAt[copy]!;
  }
  /** When the sender gave it up; NEVER where it did not. */
  lostAt(copy: number): Micros {
    return this.#lostAt[copy]!;
  }

  /** When the octets of the cell left for the first time. */
  firstSent(cell: number): Micros {
    const lost = this.#first[cell]!;
    return lost < 0 ? this.leaves[cell]! : Math.min(this.leaves[cell]!, this.#sentAt[lost]!);
  }
}

/** A carrier of which nothing was sent. */
export const SILENT = new CarrierTimeline([], -1);
SILENT.settle();

/** Most carriers were sent in order. */
function ascending(numbers: readonly number[]): readonly number[] {
  for (let i = 1; i < numbers.length; i++) if (numbers[i]! < numbers[i - 1]!) return [...numbers].sort((a, b) => a - b);
  return numbers;
}

/** The timelines of all carriers on which something was sent. */
export function carrierTimelines(log: RunLog): Map<number, CarrierTimeline> {
  const { sendings, arrivals, losses } = log;
  const rows = new Map<number, number[]>();
  let carrier = -1; // of the row before: segments of one connection follow each other
  let own: number[] = [];
  for (let i = 0; i < sendings.length; i += 6) {
    if (sendings[i + 1] !== carrier) {
      carrier = sendings[i + 1]!;
      const known = rows.get(carrier);
      own = known ?? [];
      if (known === undefined) rows.set(carrier, own);
    }
    own.push(i);
  }
  const arrivalOf = new ByPacket(); // its row
  for (let i = 0; i < arrivals.length; i += 4) {
    const earlier = arrivalOf.get(arrivals[i + 1]!, arrivals[i + 2]!);
    if (earlier < 0 || arrivals[i]! < arrivals[earlier]!) arrivalOf.set(arrivals[i + 1]!, arrivals[i + 2]!, i);
  }
  const lossOf = new ByPacket();
  for (let i = 0; i < losses.length; i += 3) lossOf.set(losses[i + 1]!, losses[i + 2]!, i);

  const timelines = new Map<number, CarrierTimeline>();
  for (const [carrier, own] of rows) {
    const boundaries: number[] = [];
    let fin = -1;
    for (const i of own) {
      const end = sendings[i + 2]! + sendings[i + 3]!;
      boundaries.push(sendings[i + 2]!, end);
      if (sendings[i + 4] === 0) continue;
      fin = end;
      boundaries.push(end + 1);
    }
    const timeline = new CarrierTimeline(boundaries, fin);
    const flow = flowOfCarrier(carrier);
    for (const i of own) {
      const row = arrivalOf.get(flow, sendings[i + 5]!);
      const lost = lossOf.get(flow, sendings[i + 5]!);
      const from = sendings[i + 2]!;
      timeline.copy(
        from,
        from + sendings[i + 3]! + sendings[i + 4]!,
        sendings[i]!,
        row < 0 ? NEVER : arrivals[row]!,
        row < 0 ? NEVER : arrivals[row + 3]!,
        lost < 0 ? NEVER : losses[lost]!,
      );
    }
    timeline.settle();
    timelines.set(carrier, timeline);
  }
  return timelines;
}

/** A row of a list for each packet: by its flow, and by what it is called there, which are small numbers both. */
class ByPacket {
  readonly #flows: (number[] | undefined)[] = [];

  /** -1: none. */
  get(flow: number, copy: number): number {
    return this.#flows[flow]?.[copy] ?? -1;
  }

  set(flow: number, copy: number, row: number): void {
    while (this.#flows.length <= flow) this.#flows.push(undefined);
    const rows = (this.#flows[flow] ??= []);
    if (copy < rows.length + FEW_MISSING) while (rows.length < copy) rows.push(-1);
    rows[copy] = row;
  }
}

/** So many numbers in a row that packets may leave out before the list has holes. */
const FEW_MISSING = 1_000;

/** A packet, as a number: its flow and what it is called there. */
export const packetOf = (flow: number, copy: number): number => copy * FLOWS + flow;
const FLOWS = 2 ** 20;
