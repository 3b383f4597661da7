import { type Micros, NEVER } from '@quiclab/sansio';
import { type CarrierTimeline, carrierTimelines, SILENT } from './carriers.ts';
import { connectionOf, type Direction, directionOf, FrameKind, messageOf, RESPONSE, type RunLog, WHOLE } from './run-log.ts';

/**
 * Octets of one message with one history: they came in the same packet, can be read at the same instant, were produced at one and handed
 * over at one. A message is a list of these, in the order of its octets.
 */
export interface Atom {
  readonly timeline: CarrierTimeline;
  readonly cell: number;
  /** Where its first octet lies on the carrier. */
  readonly offset: number;
  /** Whether it is an octet at all, or the end of a stream, which takes none. */
  readonly octets: boolean;
  /** Whether it is of the header section, and whether it is content; or the frame header before it, which goes with it. */
  readonly header: boolean;
  readonly content: boolean;
  readonly ofContent: boolean;
  /** When the sending application had it, and when it was laid out. */
  readonly produced: Micros;
  readonly laid: Micros;
  /** Until when it cannot be read because of its record, its field section, and the keys of what it needs; then it is readable. */
  readonly recordWhole: Micros;
  readonly fieldsWhole: Micros;
  readonly readable: Micros;
  /** When the application that receives it had it. */
  readonly handed: Micros;
}

/** Everything that the log says of one message: one direction of one exchange on one connection. */
export interface Message {
  readonly key: number;
  readonly carrier: number;
  readonly atoms: readonly Atom[];
}

/** Puts messages together from frames, records, packets, and what the applications said. */
export class Messages {
  readonly timelines: ReadonlyMap<number, CarrierTimeline>;
  readonly #log: RunLog;
  readonly #frames: ReadonlyMap<number, readonly number[]>; // by message: rows
  readonly #records: ReadonlyMap<number, Records>; // by carrier
  readonly #productions: ReadonlyMap<number, Steps>;
  readonly #reads: ReadonlyMap<number, Steps>;
  readonly #unblocked = new Map<string, Micros>();
  readonly #sharers = new Map<number, number>(); // by carrier: the one message that it carries, or -1 for several

  constructor(log: RunLog) {
    this.#log = log;
    this.timelines = carrierTimelines(log);
    this.#productions = stepsByMessage(log.productions);
    this.#reads = stepsByMessage(log.reads);
    this.#records = recordsByCarrier(log.records);
    for (let i = 0; i < log.unblockings.length; i += 3)
      this.#unblocked.set(`${log.unblockings[i + 1]} ${log.unblockings[i + 2]}`, log.unblockings[i]!);
    const frames = new Map<number, number[]>();
    for (let i = 0; i < log.frames.length; i += FRAME) {
      const carrier = log.frames[i + 1]!;
      const id = log.frames[i + 2]!;
      if (id < 0) continue;
      const message = messageOf(connectionOf(carrier), id, directionOf(carrier));
      const own = frames.get(message);
      if (own === undefined) frames.set(message, [i]);
      else own.push(i);
      this.#sharers.set(carrier, (this.#sharers.get(carrier) ?? message) === message ? message : -1);
    }
    this.#frames = frames;
  }

  /**
   * Where octets [from, to) of the frames on a carrier lie: the stretches of the carrier itself, without what records add. What is laid
   * out and in no record yet lies from NOWHERE on, where nothing is ever sent.
   */
  eachStretch(carrier: number, from: number, to: number, tell: (start: number, end: number, recordEnd: number) => void): void {
    const records = this.#records.get(carrier);
    if (records === undefined) {
      tell(from, to, -1);
      return;
    }
    let at = from;
    for (let i = records.indexOf(from); at < to && i < records.plain.length; i++) {
      const plain = records.plain[i]!;
      const end = Math.min(to, plain + records.lengths[i]!);
      if (end <= at) continue;
      tell(records.starts[i]! + at - plain, records.starts[i]! + end - plain, records.ends[i]!);
      at = end;
    }
    if (at < to) tell(NOWHERE, NOWHERE + to - at, NOWHERE + to - at);
  }

  /** @param issued  when a request is produced of which nothing else is said */
  message(connection: number, id: number, direction: Direction, issued: Micros): Message {
    const key = messageOf(connection, id, direction);
    const rows = this.#frames.get(key) ?? [];
    const carrier = rows.length === 0 ? -1 : this.#log.frames[rows[0]! + 1]!;
    const builder = new Builder(this.#productions.get(key), this.#reads.get(key), direction === RESPONSE ? -1 : issued);
    const timeline = this.timelines.get(carrier) ?? SILENT;
    for (const row of rows) this.#frame(row, carrier, timeline, builder);
    if (timeline.fin >= 0 && this.#sharers.get(carrier) === key) builder.fin(timeline);
    return { key, carrier, atoms: builder.atoms };
  }

  #frame(row: number, carrier: number, timeline: CarrierTimeline, builder: Builder): void {
    const { frames } = this.#log;
    const laid = frames[row]!;
    if (frames[row + 1] !== carrier) throw new Error(`ledger: a message on carriers ${carrier} and ${frames[row + 1]}`);
    const offset = frames[row + 3]!;
    const end = offset + frames[row + 4]!;
    const kind = frames[row + 6]!;
    const payload = kind === FrameKind.DATA ? offset + frames[row + 5]! : end;
    const section = kind === FrameKind.HEADERS || kind === FrameKind.TRAILERS;
    if (section) {
      let open = this.#unblocked.get(`${carrier} ${offset}`) ?? 0;
      let whole = open;
      this.eachStretch(carrier, offset, end, (_from, to, recordEnd) => {
        const last = timeline.cellOf((recordEnd < 0 ? to : recordEnd) - 1);
        whole = Math.max(whole, timeline.deliverable[last]!);
        open = Math.max(open, timeline.readable[last]!);
      });
      builder.section(whole, open);
    }
    const tell = (from: number, to: number, recordEnd: number): void => builder.stretch(timeline, from, to, recordEnd);
    builder.frame(laid, kind);
    if (offset < payload) this.eachStretch(carrier, offset, payload, tell);
    if (payload < end) {
      builder.payload();
      this.eachStretch(carrier, payload, end, tell);
    }
    builder.endFrame();
  }
}

/** Cuts what frames cover into atoms. */
class Builder {
  readonly atoms: Atom[] = [];
  readonly #productions: Steps | undefined;
  readonly #reads: Steps | undefined;
  readonly #issued: Micros; // -1: produced when laid out
  #laid: Micros = 0;
  #kind = -1; // of the frame; -1: none, it is the end of the stream
  #headers = 0; // header sections so far
  #content = 0; // octets of content before the next atom
  #inContent = false;
  #fieldsWhole = 0;
  #fieldsOpen = 0;
  #produced = 0; // running: octets are in order
  #readable = 0;

  constructor(productions: Steps | undefined, reads: Steps | undefined, issued: Micros) {
    this.#productions = productions;
    this.#reads = reads;
    this.#issued = issued;
  }

  frame(laid: Micros, kind: number): void {
    this.#laid = laid;
    this.#kind = kind;
    if (kind === FrameKind.HEADERS) this.#headers++;
  }
  section(whole: Micros, open: Micros): void {
    this.#fieldsWhole = whole;
    this.#fieldsOpen = open;
  }
  payload(): void {
    this.#inContent = true;
  }
  endFrame(): void {
    this.#inContent = false;
    this.#kind = -1;
    this.#fieldsWhole = 0;
    this.#fieldsOpen = 0;
  }

  /** Octets [from, to) of the carrier are next. @param recordEnd  where their record ends; -1: they are in none */
  stretch(timeline: CarrierTimeline, from: number, to: number, recordEnd: number): void {
    const recordCell = recordEnd < 0 ? -1 : timeline.cellOf(recordEnd - 1);
    let cell = timeline.cellOf(from);
    for (let at = from; at < to; ) {
      let end = Math.min(to, timeline.endOf(cell));
      if (this.#inContent) {
        const next = Math.min(nextBoundary(this.#productions, this.#content), nextBoundary(this.#reads, this.#content));
        end = Math.min(end, at + next - this.#content);
      }
      this.#push(timeline, cell, at, end - at, recordCell);
      at = end;
      if (end === timeline.endOf(cell)) cell++;
    }
  }

  fin(timeline: CarrierTimeline): void {
    this.#push(timeline, timeline.cellOf(timeline.fin), timeline.fin, 0, -1);
  }

  #push(timeline: CarrierTimeline, cell: number, offset: number, length: number, recordCell: number): void {
    const recordWhole = recordCell < 0 ? 0 : timeline.deliverable[recordCell]!;
    const open = Math.max(timeline.readable[recordCell < 0 ? cell : recordCell]!, this.#fieldsOpen);
    this.#produced = Math.max(this.#produced, this.#producedAt());
    this.#readable = Math.max(this.#readable, recordWhole, this.#fieldsWhole, open);
    this.atoms.push({
      timeline,
      cell,
      offset,
      octets: length > 0,
      header: this.#kind === FrameKind.HEADERS,
      content: this.#inContent,
      ofContent: this.#kind === FrameKind.DATA,
      produced: this.#produced,
      laid: this.#laid,
      recordWhole,
      fieldsWhole: this.#fieldsWhole,
      readable: this.#readable,
      handed: this.#handedAt(offset),
    });
    if (this.#inContent) this.#content += length;
  }

  #producedAt(): Micros {
    const steps = this.#productions;
    if (steps === undefined) return this.#issued >= 0 ? this.#issued : this.#kind < 0 ? this.#produced : this.#laid;
    if (this.#kind === FrameKind.HEADERS) return steps.times[0]!;
    if (this.#kind === FrameKind.DATA) return stepAbove(steps, this.#content) ?? this.#laid;
    return steps.counts[steps.counts.length - 1] === WHOLE ? steps.times[steps.times.length - 1]! : this.#produced;
  }

  #handedAt(offset: number): Micros {
    const steps = this.#reads;
    const first = this.#kind === FrameKind.HEADERS && this.#headers === 1;
    if (steps === undefined || !(this.#inContent || first)) return this.#readable;
    const at = first ? steps.times[0]! : (stepAbove(steps, this.#content) ?? NEVER);
    if (at < this.#readable)
      throw new Error(
        `ledger: ${first ? 'a header section' : `octet ${this.#content} of the content`}, at ${offset} of its carrier, was read at ${at}; it was readable at ${this.#readable}`,
      );
    return at;
  }
}

/** Where on a carrier there is what was laid out and is in no record yet: nothing is ever sent there. */
export const NOWHERE = 2 ** 52;
const FRAME = 7;

/** Who has had how many octets of content, and since when: counts ascend. */
interface Steps {
  readonly times: Micros[];
  readonly counts: number[];
}

function stepsByMessage(rows: readonly number[]): Map<number, Steps> {
  const steps = new Map<number, Steps>();
  for (let i = 0; i < rows.length; i += 3) {
    let own = steps.get(rows[i + 1]!);
    if (own === undefined) {
      own = { times: [], counts: [] };
      steps.set(rows[i + 1]!, own);
    }
    if (own.counts.length > 0 && rows[i + 2]! <= own.counts[own.counts.length - 1]!) continue;
    own.times.push(rows[i]!);
    own.counts.push(rows[i + 2]!);
  }
  return steps;
}

/** The first step whose count is above `content`. */
function firstAbove(steps: Steps, content: number): number {
  let low = 0;
  let high = steps.counts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (steps.counts[middle]! > content) high = middle;
    else low = middle + 1;
  }
  return low;
}

const stepAbove = (steps: Steps, content: number): Micros | undefined => steps.times[firstAbove(steps, content)];

const nextBoundary = (steps: Steps | undefined, content: number): number =>
  steps?.counts[firstAbove(steps, content)] ?? Number.POSITIVE_INFINITY;

/** The records of one carrier: where their plain octets begin and how many they are, and on the carrier where those begin and the record ends. */
class Records {
  readonly plain: number[] = [];
  readonly lengths: number[] = [];
  readonly starts: number[] = [];
  readonly ends: number[] = [];

  /** The record that holds a plain octet, or the one after which it will come. */
  indexOf(offset: number): number {
    let low = 0;
    let high = this.plain.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.plain[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function recordsByCarrier(rows: readonly number[]): Map<number, Records> {
  const records = new Map<number, Records>();
  for (let i = 0; i < rows.length; i += 6) {
    let own = records.get(rows[i]!);
    if (own === undefined) {
      own = new Records();
      records.set(rows[i]!, own);
    }
    own.plain.push(rows[i + 4]!);
    own.lengths.push(rows[i + 5]!);
    own.starts.push(rows[i + 1]! + rows[i + 3]!);
    own.ends.push(rows[i + 1]! + rows[i + 2]!);
  }
  return records;
}
