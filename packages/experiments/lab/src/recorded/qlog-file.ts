/** Before each record of JSON-SEQ (RFC 7464 §2.2). */
export const RECORD_SEPARATOR = String.fromCharCode(0x1e);

/** Octets of a log: more than one of hours. */
export const LARGEST_LOG = 1 << 28;
/** Of one record: a packet's, with all its frames, has some thousand. */
const LARGEST_RECORD = 1 << 22;

export type Unknowns = Readonly<Record<string, unknown>>;

export interface PlacedEvent {
  readonly event: Unknowns;
  /** 'line 7', 'event 7': where it is, for messages. */
  readonly place: string;
}

/**
 * The records of a qlog, its head among them where it has one: JSON text sequences, a record a line, or one JSON text with its `traces` (of which there must
 * be one). Throws an Error that names the line, or the event.
 */
export function* recordsOf(text: string): Generator<PlacedEvent> {
  if (text.length > LARGEST_LOG) throw new Error(`qlog: ${text.length} characters; at most ${LARGEST_LOG} are read`);
  if (text.includes(RECORD_SEPARATOR)) yield* sequence(text);
  else {
    const whole = parsed(text.trim());
    const { traces, trace, ...head } = record(whole);
    if (Array.isArray(traces) || Array.isArray(record(trace).events)) yield* contained(head, Array.isArray(traces) ? traces : [trace]);
    else yield* lines(text);
  }
}

function* sequence(text: string): Generator<PlacedEvent> {
  let line = 1;
  let first = true;
  for (let at = 0; at <= text.length; ) {
    const end = text.indexOf(RECORD_SEPARATOR, at);
    const one = text.slice(at, end < 0 ? text.length : end);
    if (!first || one.trim() !== '') yield placed(one, `line ${line}`);
    for (let feed = one.indexOf('\n'); feed >= 0; feed = one.indexOf('\n', feed + 1)) line++;
    first = false;
    if (end < 0) return;
    at = end + 1;
  }
}

function* lines(text: string): Generator<PlacedEvent> {
  let line = 0;
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    const one = text.slice(at, end < 0 ? text.length : end);
    line++;
    if (one.trim() !== '') yield placed(one, `line ${line}`);
    at = end < 0 ? text.length : end + 1;
  }
}

function* contained(head: Unknowns, traces: readonly unknown[]): Generator<PlacedEvent> {
  if (traces.length !== 1) throw new Error(`qlog: it has ${traces.length} traces; one is read`);
  const { events, ...trace } = record(traces[0]);
  if (!Array.isArray(events)) throw new Error('qlog: its trace has no events');
  yield { event: { ...head, trace }, place: 'the head' };
  for (const [i, event] of events.entries()) yield { event: checked(event, `event ${i + 1}`), place: `event ${i + 1}` };
}

function placed(text: string, place: string): PlacedEvent {
  if (text.length > LARGEST_RECORD)
    throw new Error(`qlog, ${place}: a record of ${text.length} characters; at most ${LARGEST_RECORD} are read`);
  const value = parsed(text);
  if (value === undefined) throw new Error(`qlog, ${place}: '${printable(text.trim().slice(0, 40))}' is not JSON`);
  return { event: checked(value, place), place };
}

function checked(value: unknown, place: string): Unknowns {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`qlog, ${place}: a record is an object`);
  return value as Unknowns;
}

/** What a terminal takes for an order is left out. */
export const printable = (text: string): string => text.replace(/\p{Cc}/gu, '?');

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
export const record = (value: unknown): Unknowns => (typeof value === 'object' && value !== null ? (value as Unknowns) : {});
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
