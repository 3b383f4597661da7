import type { RunRecord } from '@quiclab/lab';
import { connectionOf, directionOf, REQUEST, RESPONSE } from '@quiclab/ledger';
import type { Micros } from '@quiclab/sansio';

// EXPERIMENTS §4, Blocked time, read aloud: from what receivers noted of arrivals, and whose octets are where, octet by octet. Nothing of the
// ledger is asked but what the columns of its log are.

export interface Blocked {
  from: Micros;
  to: Micros;
  readonly blame: number | 'own' | 'connection';
}

const NEVER = Number.POSITIVE_INFINITY;
/** Nobody's octet in particular. */
const NOBODY = -1;

/** The octets of one carrier. */
interface Octets {
  /** By offset: the exchange, or NOBODY. */
  readonly owner: number[];
  readonly arrived: Micros[];
  readonly deliverable: Micros[];
  /** When any came. */
  readonly instants: Micros[];
}

/** By exchange: when it had octets that lay waiting for others, and whose were missing, while it was about the message that they are of. */
export function blockedByArrivals(record: RunRecord): Map<number, Blocked[]> {
  const { log } = record;
  const carriers = octetsOf(record);
  const blocked = new Map<number, Blocked[]>();
  const ended = new Map(record.objects.map(({ exchange, completedAt }) => [exchange, completedAt]));
  const unbound = new Map<number, Micros[]>(); // by exchange
  for (let i = 0; i < log.unbindings.length; i += 2) add(unbound, log.unbindings[i + 1]!, log.unbindings[i]!);
  for (let i = 0; i < log.bindings.length; i += 4) {
    const [bound, exchange, connection, id] = log.bindings.slice(i, i + 4) as [Micros, number, number, number];
    const over = Math.min(unbound.get(exchange)?.shift() ?? NEVER, ended.get(exchange)!);
    let from = bound;
    for (const direction of [REQUEST, RESPONSE] as const) {
      const carrier = carrierOfMessage(record, connection, id, direction);
      const to = direction === RESPONSE ? over : Math.min(over, requestDone(record, connection, id, carriers.get(carrier), exchange));
      const octets = carriers.get(carrier);
      if (octets !== undefined && from < to) for (const one of blockedWithin(octets, exchange, from, to)) join(blocked, exchange, one);
      from = Math.max(from, to);
    }
  }
  return blocked;
}

function add<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const own = map.get(key);
  if (own === undefined) map.set(key, [value]);
  else own.push(value);
}

function join(blocked: Map<number, Blocked[]>, exchange: number, next: Blocked): void {
  const last = blocked.get(exchange)?.at(-1);
  if (last !== undefined && last.to === next.from && last.blame === next.blame) last.to = next.to;
  else add(blocked, exchange, { ...next });
}

/** Where the octets of frames lie on their carrier: [start, end), behind the headers of the records that they are in. */
function* stretchesOf({ log }: RunRecord, carrier: number, offset: number, length: number): Generator<readonly [number, number]> {
  const { records } = log;
  let any = false;
  for (let i = 0; i < records.length; i += 6) {
    if (records[i] !== carrier) continue;
    any = true;
    const [, recordAt, , headerLength, plain, plainLength] = records.slice(i, i + 6) as [number, number, number, number, number, number];
    const from = Math.max(offset, plain);
    const to = Math.min(offset + length, plain + plainLength);
    if (from < to) yield [recordAt + headerLength + from - plain, recordAt + headerLength + to - plain];
  }
  if (!any) yield [offset, offset + length];
}

function octetsOf(record: RunRecord): Map<number, Octets> {
  const { receipts, frames, bindings } = record.log;
  const carriers = new Map<number, Octets>();
  for (let i = 0; i < receipts.length; i += 4) {
    const [at, carrier, offset, length] = receipts.slice(i, i + 4) as [Micros, number, number, number];
    let octets = carriers.get(carrier);
    if (octets === undefined) carriers.set(carrier, (octets = { owner: [], arrived: [], deliverable: [], instants: [] }));
    for (let n = octets.arrived.length; n < offset + length; n++) octets.arrived.push(NEVER);
    for (let n = offset; n < offset + length; n++) octets.arrived[n] = Math.min(octets.arrived[n]!, at);
    octets.instants.push(at);
  }
  for (const octets of carriers.values()) {
    let latest = 0;
    for (const at of octets.arrived) {
      latest = Math.max(latest, at);
      octets.deliverable.push(latest);
      octets.owner.push(NOBODY);
    }
    octets.instants.sort((a, b) => a - b);
  }
  const exchanges = new Map<string, number>();
  for (let i = 0; i < bindings.length; i += 4) exchanges.set(`${bindings[i + 2]} ${bindings[i + 3]}`, bindings[i + 1]!);
  for (let i = 0; i < frames.length; i += 7) {
    const [, carrier, id, offset, length] = frames.slice(i, i + 5) as [Micros, number, number, number, number];
    const exchange = exchanges.get(`${connectionOf(carrier)} ${id}`);
    if (exchange === undefined) continue;
    const owner = carriers.get(carrier)?.owner ?? [];
    for (const [start, end] of stretchesOf(record, carrier, offset, length))
      for (let n = start; n < Math.min(end, owner.length); n++) owner[n] = exchange;
  }
  return carriers;
}

/** -1: nothing of the message was laid out. */
function carrierOfMessage({ log: { frames } }: RunRecord, connection: number, id: number, direction: number): number {
  for (let i = 0; i < frames.length; i += 7) {
    const carrier = frames[i + 1]!;
    if (frames[i + 2] === id && connectionOf(carrier) === connection && directionOf(carrier) === direction) return carrier;
  }
  return -1;
}

/** When the server had taken all of a request: what it has read of it, and that its last octet was there. */
function requestDone({ log: { reads } }: RunRecord, connection: number, id: number, octets: Octets | undefined, exchange: number): Micros {
  let done = -1;
  for (let i = 0; i < reads.length; i += 3) {
    const message = reads[i + 1]!;
    if (connectionOf(message) === connection && directionOf(message) === REQUEST && Math.floor(message / 2) % 2 ** 32 === id)
      done = reads[i]!;
  }
  const last = octets?.owner.lastIndexOf(exchange) ?? -1;
  return done < 0 || last < 0 ? NEVER : Math.max(done, octets!.deliverable[last]!);
}

/** The instants of [from, to) at which octets of the exchange have arrived and are not deliverable. */
function blockedWithin({ owner, arrived, deliverable, instants }: Octets, exchange: number, from: Micros, to: Micros): Blocked[] {
  const mine: number[] = []; // octets, one of each history
  for (let n = 0; n < owner.length; n++) {
    const before = mine.at(-1);
    if (owner[n] === exchange && (before === undefined || arrived[n] !== arrived[before] || deliverable[n] !== deliverable[before]))
      mine.push(n);
  }
  const blocked: Blocked[] = [];
  const changes = [...new Set([from, ...instants.filter((at) => at > from && at < to), to])];
  let missing = 0; // the lowest octet that has not arrived
  for (let i = 0; i + 1 < changes.length; i++) {
    const now = changes[i]!;
    while (missing < arrived.length && arrived[missing]! <= now) missing++;
    if (!mine.some((n) => arrived[n]! <= now && deliverable[n]! > now)) continue;
    const m = mine.find((n) => deliverable[n]! > now)!;
    const whose = owner[missing]!;
    blocked.push({ from: now, to: changes[i + 1]!, blame: arrived[m]! > now ? 'own' : whose === NOBODY ? 'connection' : whose });
  }
  return blocked;
}
