import { record, recordsOf, type Unknowns } from '../recorded/qlog-file.ts';

/** One event of a log. */
export interface LogEvent {
  readonly place: string;
  /** Milliseconds, as the log counts; from its first event where it counts from some epoch. */
  readonly time: number;
  readonly name: string;
  readonly data: Unknowns;
}

/** What qlog 0.3 and what the drafts say, told by an event's category. */
export type LogDialect = 'current' | '0.3';

export interface Log {
  readonly title: string;
  /** client, server, network; '' where it is not said. */
  readonly vantage: string;
  readonly dialect: LogDialect;
  readonly events: readonly LogEvent[];
}

const MOST_EVENTS = 2_000_000;

/** A qlog as events. Throws an Error that names the line, or the event. */
export function readLog(text: string): Log {
  let head: Unknowns | undefined;
  let first: number | undefined;
  let last = 0;
  const events: LogEvent[] = [];
  for (const { event, place } of recordsOf(text)) {
    const { name, time, data } = event;
    if (name === undefined) {
      if (head !== undefined || events.length > 0) throw new Error(`qlog, ${place}: an event without a name`);
      if (event.trace === undefined && event.qlog_version === undefined && event.file_schema === undefined)
        throw new Error(`qlog, ${place}: neither the head of a qlog nor one of its events`);
      head = event;
      continue;
    }
    if (typeof name !== 'string') throw new Error(`qlog, ${place}: its name is no text`);
    if (typeof time !== 'number' || !Number.isFinite(time)) throw new Error(`qlog, ${place}: it has no time`);
    if (typeof data !== 'object' || data === null || Array.isArray(data)) throw new Error(`qlog, ${place}: it has no data`);
    if (events.length === MOST_EVENTS) throw new Error(`qlog, ${place}: at most ${MOST_EVENTS} events are read`);
    const format = record(record(record(head).trace).common_fields).time_format;
    const isDelta = format === 'delta' || format === 'relative_to_previous_event';
    first ??= time;
    last = isDelta ? last + time : time > FROM_AN_EPOCH ? time - first : time;
    events.push({ place, time: last, name, data: data as Unknowns });
  }
  if (events.length === 0) throw new Error('qlog: there are no events in it');
  const { vantage_point, title } = record(record(head).trace);
  const categories = /^(transport|recovery|connectivity|security|http):/;
  return {
    title: String(record(head).title ?? title ?? ''),
    vantage: String(record(vantage_point).type ?? ''),
    dialect: record(head).qlog_version !== undefined || events.some(({ name }) => categories.test(name)) ? '0.3' : 'current',
    events,
  };
}

/** Milliseconds of thirty years: what counts more than that counts from 1970. */
const FROM_AN_EPOCH = 30 * 365 * 86_400_000;
