import { record } from '../recorded/qlog-file.ts';
import { aligned, type Pair, REACH } from './alignment.ts';
import { datagramOf, describeEvent, isAboutPacket, shortName, streamsOf } from './describe.ts';
import { type FateInOne, fateInOne } from './fate-in-one.ts';
import type { Log, LogEvent } from './log.ts';
import { type ComparedLog, compared, type Sameness } from './sameness.ts';

/** An event as it is told. */
export interface ToldEvent {
  readonly place: string;
  readonly time: number;
  readonly text: string;
}

/** A row of the two logs side by side; null: this one has nothing there. */
export interface Row {
  readonly a: ToldEvent | null;
  readonly b: ToldEvent | null;
}

export interface Parting {
  /** The first event that is not the same; null: that log has ended. */
  readonly a: ToldEvent | null;
  readonly b: ToldEvent | null;
  /** 'differs': the same thing, at another time or with other details; 'more in a', 'more in b': the other goes on with what comes after it; else 'other'. */
  readonly kind: 'differs' | 'more in a' | 'more in b' | 'other';
  /** Members that differ, where it is the same thing: 'data.frames[0].ack_delay 0 and 8'. */
  readonly details: readonly string[];
  /** Which packet fared otherwise in one of them, as far as the logs know; null: none. */
  readonly fateInOne: FateInOne | null;
  /** What was before, what comes then. */
  readonly before: readonly Row[];
  readonly after: readonly Row[];
}

/** How often, in a and in b. */
export interface Count {
  readonly what: string;
  readonly a: number;
  readonly b: number;
}

/** When the last octets of a stream were sent, received or read, ms; null: it is not in this log. */
export interface StreamEnd {
  readonly stream: string;
  readonly a: number | null;
  readonly b: number | null;
}

export interface LogDifference {
  readonly same: boolean;
  /** Events that were compared. */
  readonly events: { readonly a: number; readonly b: number };
  /** The logs are of different dialects: packets alone were compared. */
  readonly packetsOnly: boolean;
  readonly parting: Parting | null;
  /** What was counted, and is not the same. */
  readonly counts: readonly Count[];
  /** Those that end at other times; none where times are ignored. */
  readonly streams: readonly StreamEnd[];
}

export interface DifferenceOptions extends Sameness {
  /** How many rows before and after. */
  readonly context: number;
}

/** Where two logs of the same end part. Throws an Error where they are of different ends. */
export function differenceOfLogs(a: Log, b: Log, options: DifferenceOptions): LogDifference {
  if (a.vantage !== '' && b.vantage !== '' && a.vantage !== b.vantage)
    throw new Error(`the first log is of a ${a.vantage}, the second of a ${b.vantage}: only logs of the same end are compared`);
  const packetsOnly = a.dialect !== b.dialect;
  const [one, other] = [compared(a, options, packetsOnly), compared(b, options, packetsOnly)];
  const most = Math.max(one.keys.length, other.keys.length);
  let at = 0;
  while (at < most && one.keys[at] === other.keys[at]) at++;
  return {
    same: at === most,
    events: { a: one.events.length, b: other.events.length },
    packetsOnly,
    parting: at === most ? null : partingAt(one, other, at, options),
    counts: counted(one.events, other.events),
    streams: options.ignoreTime ? [] : streamEnds(one.events, other.events),
  };
}

const told = (event: LogEvent | undefined): ToldEvent | null =>
  event === undefined ? null : { place: event.place, time: event.time, text: describeEvent(event) };

function partingAt(one: ComparedLog, other: ComparedLog, at: number, { context }: DifferenceOptions): Parting {
  const texts = ({ events }: ComparedLog): string[] => events.slice(at, at + REACH).map(describeEvent);
  const pairs = aligned(texts(one), texts(other));
  const row = ({ a, b }: Pair): Row => ({ a: a < 0 ? null : told(one.events[at + a]), b: b < 0 ? null : told(other.events[at + b]) });
  const [eventA, eventB] = [one.events[at], other.events[at]];
  const [first] = pairs;
  const isShared = first !== undefined && first.a >= 0 && first.b >= 0;
  const following = pairs.findIndex(({ a, b }) => a >= 0 && b >= 0);
  const alone = following < 0 ? pairs : pairs.slice(0, following);
  const kind = isShared ? 'differs' : alone.every(({ b }) => b < 0) ? 'more in a' : alone.every(({ a }) => a < 0) ? 'more in b' : 'other';
  return {
    a: told(eventA),
    b: told(eventB),
    kind,
    details: isShared ? detailsOf(eventA!, eventB!) : [],
    fateInOne: fateInOne(one.events, other.events, at),
    before: Array.from({ length: Math.min(context, at) }, (_, i) => i - Math.min(context, at)).map((i) => ({
      a: told(one.events[at + i]),
      b: told(other.events[at + i]),
    })),
    after: byTime(pairs.map(row)).slice(0, context + 1),
  };
}

/** Rows, with those between two that both logs have in the order of time. */
function byTime(rows: readonly Row[]): Row[] {
  const ordered: Row[] = [];
  let alone: Row[] = [];
  const timeOf = ({ a, b }: Row): number => (a ?? b)!.time;
  for (const row of rows) {
    if (row.a === null || row.b === null) alone.push(row);
    else {
      ordered.push(...alone.sort((x, y) => timeOf(x) - timeOf(y)), row);
      alone = [];
    }
  }
  return [...ordered, ...alone.sort((x, y) => timeOf(x) - timeOf(y))];
}

const MOST_DETAILS = 5;

function detailsOf(a: LogEvent, b: LogEvent): string[] {
  const found: string[] = [];
  const walk = (one: unknown, other: unknown, path: string): void => {
    if (found.length >= MOST_DETAILS) return;
    if (typeof one === 'object' && typeof other === 'object' && one !== null && other !== null) {
      for (const key of new Set([...Object.keys(one), ...Object.keys(other)]))
        walk(record(one)[key], record(other)[key], Array.isArray(one) ? `${path}[${key}]` : `${path}${path === '' ? '' : '.'}${key}`);
    } else if (one !== other) found.push(`${path} ${shown(one)} and ${shown(other)}`);
  };
  walk({ time: a.time, data: a.data }, { time: b.time, data: b.data }, '');
  return found;
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 60);

/** What events are counted as; '' where they are not. */
function categoryOf(event: LogEvent): string {
  const name = shortName(event.name);
  if (isAboutPacket(event)) return `packets ${name.slice('packet_'.length)}`;
  if (event.data.link !== undefined) {
    const how = name === 'datagram_dropped' ? ` by the ${event.data.trigger}` : '';
    return `datagrams ${name.slice('datagram_'.length)} ${event.data.link}${how}`;
  }
  if (name === 'timer_updated' && event.data.event_type === 'expired') return `timers expired: ${event.data.timer_type}`;
  return '';
}

function counted(a: readonly LogEvent[], b: readonly LogEvent[]): Count[] {
  const counts = new Map<string, [number, number]>();
  const add = (what: string, index: 0 | 1, value: number): void => {
    const count = counts.get(what) ?? [0, 0];
    count[index] += value;
    counts.set(what, count);
  };
  for (const [index, events] of [a, b].entries())
    for (const event of events) {
      const category = categoryOf(event);
      if (category === '') continue;
      add(category, index as 0 | 1, 1);
      if (category === 'packets sent' || category === 'packets received')
        add(`octets ${category.slice('packets '.length)}`, index as 0 | 1, Number(record(event.data.raw).length ?? 0));
    }
  return [...counts].filter(([, [one, other]]) => one !== other).map(([what, [one, other]]) => ({ what, a: one, b: other }));
}

function streamEnds(a: readonly LogEvent[], b: readonly LogEvent[]): StreamEnd[] {
  const [one, other] = [endsIn(a), endsIn(b)];
  return [...new Set([...one.keys(), ...other.keys()])]
    .map((stream) => ({ stream, a: one.get(stream) ?? null, b: other.get(stream) ?? null }))
    .filter((end) => end.a !== end.b);
}

function endsIn(events: readonly LogEvent[]): Map<string, number> {
  const ends = new Map<string, number>();
  const carried = new Map<string, readonly string[]>(); // by datagram on a link
  for (const event of events) {
    const name = shortName(event.name);
    const { stream_id, to } = event.data;
    let streams: readonly string[] = [];
    if (name === 'packet_sent' || name === 'packet_received') streams = streamsOf(event).map(({ stream }) => stream);
    else if ((name === 'stream_data_moved' || name === 'data_moved') && to === 'application') streams = [String(stream_id)];
    else if (name === 'datagram_enqueued')
      carried.set(
        datagramOf(event),
        streamsOf(event).map(({ stream }) => stream),
      );
    else if (name === 'datagram_delivered') streams = carried.get(datagramOf(event)) ?? [];
    for (const stream of streams) ends.set(stream, event.time);
  }
  return ends;
}
