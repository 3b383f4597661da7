import { carrierOf, type Direction, EVERY_MESSAGE, FrameKind, flowOf, Gate, REQUEST, RESPONSE, RunLog, WHOLE } from '@quiclab/ledger';
import { integerBelow, type Random } from '@quiclab/sansio';

// A run of a few octets and microseconds as plain objects, from which both the log and its slow twin are made.

export const NEVER = Number.POSITIVE_INFINITY;

export interface Octet {
  /** Where it lies on its carrier. */
  readonly place: number;
  readonly part: 'header section' | 'trailer section' | 'content' | 'framing' | 'fin';
  /** The place of the last octet of its record; -1: it is in none. */
  readonly recordEnd: number;
  /** The nth octet of content; of framing before content, that of the content it announces. */
  readonly nth: number;
  /** The section that it belongs to: number of the frame. */
  readonly frame: number;
  readonly laid: number;
}

export interface Message {
  readonly direction: Direction;
  readonly carrier: number;
  readonly octets: Octet[];
  /** [at, octets of content] */
  productions: (readonly [number, number])[];
  reads: (readonly [number, number])[];
  /** When the table that a section refers to was there, by frame. */
  readonly unblocked: Map<number, number>;
}

export interface Attempt {
  readonly connection: number;
  readonly id: number;
  readonly bound: number;
  readonly unbound: number;
  readonly request: Message;
  readonly response: Message;
}

export interface Exchange {
  readonly exchange: number;
  readonly issued: number;
  readonly waits: (readonly [at: number, connection: number])[];
  readonly attempts: Attempt[];
  completed: number;
}

export interface Connection {
  readonly connecting: number;
  readonly ready: number;
  readonly style: 'streams' | 'shared' | 'ordered';
  readonly records: boolean;
}

export interface Packet {
  readonly flow: number;
  readonly pieces: { readonly carrier: number; readonly offset: number; readonly length: number; readonly fin: boolean }[];
  readonly sent: number;
  readonly arrived: number;
  readonly opened: number;
  readonly lost: number;
}

export interface Scenario {
  readonly end: number;
  readonly connections: Connection[];
  readonly exchanges: Exchange[];
  readonly packets: Packet[];
  /** By flow and by carrier: [at, value], ascending. */
  readonly gates: Map<number, (readonly [number, number])[]>;
  readonly limits: Map<number, (readonly [number, number])[]>;
  /** By connection, direction and id. */
  readonly content: Map<string, (readonly [number, number])[]>;
  readonly log: RunLog;
}

/** One carrier while octets are laid onto it. */
interface Laying {
  readonly carrier: number;
  plain: number;
  wire: number;
  /** [place, when it may leave] */
  readonly ready: number[];
  readonly fin: boolean;
  laid: number;
}

export function randomScenario(random: Random): Scenario {
  const below = (n: number): number => integerBelow(random, n);
  const chance = (percent: number): boolean => below(100) < percent;
  const log = new RunLog();

  const connections: Connection[] = Array.from({ length: 1 + below(2) }, () => {
    const connecting = below(10);
    const style = (['streams', 'shared', 'ordered'] as const)[below(3)]!;
    return { connecting, ready: connecting + below(12), style, records: style !== 'streams' && chance(50) };
  });
  connections.forEach(({ connecting, ready, style }, connection) => {
    log.connecting(connecting, connection);
    log.ready(ready, connection);
    if (style === 'ordered') log.inOrder(connection);
  });

  // who goes where, and when
  interface Plan {
    readonly exchange: number;
    readonly connection: number;
    readonly id: number;
    readonly bound: number;
    readonly unbound: number;
  }
  const plans: Plan[] = [];
  const exchanges: Exchange[] = [];
  const ids = connections.map(() => 0);
  for (let exchange = 0; exchange < 1 + below(4); exchange++) {
    const issued = below(20);
    const waits: (readonly [number, number])[] = [];
    for (let at = issued + below(4), n = below(3); n > 0; n--, at += below(6)) waits.push([at, below(connections.length + 1) - 1]);
    exchanges.push({ exchange, issued, waits, attempts: [], completed: NEVER });
    log.issued(issued, exchange, -1);
    for (const [at, connection] of waits) log.awaits(at, exchange, connection);
    const first = below(connections.length);
    const bound = issued + below(12);
    const again = connections.length > 1 && chance(25);
    const unbound = again ? bound + below(40) : NEVER;
    plans.push({ exchange, connection: first, id: ids[first]!, bound, unbound });
    ids[first]! += 1;
    if (again) {
      plans.push({ exchange, connection: 1 - first, id: ids[1 - first]!, bound: unbound + below(10), unbound: NEVER });
      ids[1 - first]! += 1;
    }
  }
  plans.sort((a, b) => a.connection - b.connection || a.id - b.id);

  // frames
  const layings = new Map<number, Laying>();
  const layingOf = (carrier: number, fin: boolean, bound: number): Laying => {
    let laying = layings.get(carrier);
    if (laying === undefined) {
      laying = { carrier, plain: 0, wire: 0, ready: [], fin, laid: bound };
      layings.set(carrier, laying);
    }
    return laying;
  };
  let frames = 0;
  interface Frame {
    readonly kind: number;
    readonly headerLength: number;
    readonly length: number;
  }
  /** Octets wait here until they are put into records; without records they go on at once. */
  const unsealed = new Map<Laying, { readonly message: Message | undefined; readonly octet: Omit<Octet, 'place' | 'recordEnd'> }[]>();
  const seal = (laying: Laying, all: boolean): void => {
    const waiting = unsealed.get(laying) ?? [];
    while (waiting.length > 0 && (all || chance(70))) {
      const taken = waiting.splice(0, 1 + below(5));
      const at = Math.max(laying.laid, ...taken.map(({ octet }) => octet.laid));
      const header = 1 + below(2);
      const length = header + taken.length + below(2);
      log.record(laying.carrier, laying.wire, length, header, laying.plain, taken.length);
      taken.forEach(({ message, octet }, i) => {
        message?.octets.push({ ...octet, place: laying.wire + header + i, recordEnd: laying.wire + length - 1 });
      });
      for (let i = 0; i < length; i++) laying.ready.push(at);
      laying.wire += length;
      laying.plain += taken.length;
    }
  };
  const lay = (laying: Laying, records: boolean, message: Message | undefined, id: number, frame: Frame, at: number): void => {
    laying.laid = Math.max(laying.laid, at);
    const { kind, headerLength, length } = frame;
    const waiting = unsealed.get(laying) ?? [];
    unsealed.set(laying, waiting);
    const plainOffset = laying.plain + waiting.length;
    log.frame(laying.laid, laying.carrier, id, plainOffset, length, headerLength, kind);
    const number = frames++;
    const before = message?.octets.concat(waiting.flatMap(({ message: m, octet }) => (m === message ? [octet as Octet] : []))) ?? [];
    let nth = before.filter(({ part }) => part === 'content').length;
    for (let i = 0; i < length; i++) {
      const part =
        kind === FrameKind.HEADERS
          ? 'header section'
          : kind === FrameKind.TRAILERS
            ? 'trailer section'
            : kind === FrameKind.DATA && i >= headerLength
              ? 'content'
              : 'framing';
      const octet = { part, nth: kind === FrameKind.DATA ? nth : -1, frame: number, laid: laying.laid } as const;
      if (part === 'content') nth++;
      if (records) waiting.push({ message, octet });
      else {
        message?.octets.push({ ...octet, place: laying.plain, recordEnd: -1 });
        laying.ready.push(laying.laid);
        laying.plain++;
        laying.wire++;
      }
    }
    if (message !== undefined && (kind === FrameKind.HEADERS || kind === FrameKind.TRAILERS) && chance(15)) {
      const until = laying.laid + below(50);
      message.unblocked.set(number, until);
      log.unblocked(until, laying.carrier, plainOffset);
    }
    if (records) seal(laying, false);
  };

  connections.forEach(({ style, records }, connection) => {
    const own = plans.filter((plan) => plan.connection === connection);
    for (const direction of [REQUEST, RESPONSE] as const) {
      const queues: { message: Message; id: number; frames: Frame[]; bound: number; laying: Laying }[] = own.map((plan) => {
        const carrier = carrierOf(connection, style === 'streams' ? plan.id : 0, direction);
        const message: Message = { direction, carrier, octets: [], productions: [], reads: [], unblocked: new Map() };
        const list: Frame[] = [{ kind: FrameKind.HEADERS, headerLength: 1, length: 1 + below(4) }];
        for (let n = direction === RESPONSE ? below(4) : below(2); n > 0; n--) {
          const headerLength = below(3);
          list.push({ kind: FrameKind.DATA, headerLength, length: headerLength + 1 + below(5) });
        }
        if (chance(20)) list.push({ kind: FrameKind.TRAILERS, headerLength: 1, length: 2 });
        if (chance(30)) list.push({ kind: FrameKind.OTHER, headerLength: 1, length: 1 });
        const exchange = exchanges[plan.exchange]!;
        if (direction === REQUEST) exchange.attempts.push({ ...plan, request: message, response: { ...message } } as Attempt);
        else {
          const attempt = exchange.attempts.find((each) => each.connection === connection && each.id === plan.id)!;
          (attempt as { response: Message }).response = message;
        }
        const bound = plan.bound + (direction === RESPONSE ? below(30) : 0);
        return { message, id: plan.id, frames: list, bound, laying: layingOf(carrier, style === 'streams' && chance(70), bound) };
      });
      let at = 0;
      for (
        let left = queues.filter((queue) => queue.frames.length > 0);
        left.length > 0;
        left = left.filter((queue) => queue.frames.length > 0)
      ) {
        const queue = left[style === 'ordered' ? 0 : below(left.length)]!;
        at = Math.max(style === 'streams' ? 0 : at, queue.bound) + below(6);
        if (style !== 'streams' && chance(15))
          lay(queue.laying, records, undefined, -1, { kind: FrameKind.OTHER, headerLength: 1, length: 1 + below(3) }, at);
        lay(queue.laying, records, queue.message, queue.id, queue.frames.shift()!, at);
      }
      for (const { laying } of queues) seal(laying, true);
      for (const { message, laying } of queues)
        if (laying.fin) message.octets.push({ place: laying.wire, part: 'fin', recordEnd: -1, nth: -1, frame: -1, laid: laying.laid });
    }
  });

  // what the applications had, before it was laid out
  for (const { attempts } of exchanges)
    for (const { connection, id, request, response } of attempts)
      for (const message of [request, response]) {
        if (message.direction === REQUEST || chance(50)) continue;
        const { octets } = message;
        let at = Math.max(0, octets[0]!.laid - below(30));
        message.productions.push([at, 0]);
        const content = octets.filter(({ part }) => part === 'content');
        for (let n = below(3); n > 0 && content.length > 0; n--) {
          const upTo = content[below(content.length)]!;
          at = Math.max(at, upTo.laid - below(30));
          if (upTo.nth + 1 > message.productions.at(-1)![1] && content.slice(0, upTo.nth + 1).every(({ laid }) => laid >= 0))
            message.productions.push([
              Math.min(at, ...octets.slice(octets.indexOf(upTo) + 1).map(({ laid }) => laid), NEVER),
              upTo.nth + 1,
            ]);
        }
        // nothing may be produced after it was laid out
        message.productions = message.productions.map(([time, count], i, all) => {
          const from = i === 0 ? -1 : all[i - 1]![1];
          const covered = octets.filter(({ part, nth }) => (part === 'header section' ? i === 0 : nth >= from && nth < count && nth >= 0));
          return [Math.min(time, ...covered.map(({ laid }) => laid)), count] as const;
        });
        message.productions.forEach(([time], i, all) => {
          if (i > 0 && time < all[i - 1]![0]) all[i] = [all[i - 1]![0], all[i]![1]];
        });
        if (chance(50)) message.productions.push([Math.max(message.productions.at(-1)![0], octets[0]!.laid), WHOLE]);
        const late = message.productions.some(([time, count], i) =>
          octets.some(({ laid, part, nth }) => {
            const before = i === 0 ? -1 : message.productions[i - 1]![1];
            return laid < time && (part === 'header section' ? i === 0 : nth >= 0 ? nth >= before && nth < count : count === WHOLE);
          }),
        );
        if (late) message.productions = [[message.productions[0]![0], 0]];
        for (const [time, count] of message.productions) log.produced(time, connection, id, message.direction, count);
      }

  // packets: new octets in order, old ones again
  const packets: Packet[] = [];
  const copies = new Map<number, number>();
  const latest = Math.max(0, ...[...layings.values()].flatMap(({ ready }) => ready));
  const calm = latest + below(30);
  const next = new Map([...layings.keys()].map((carrier) => [carrier, 0]));
  const finSent = new Set<number>();
  const everything = chance(70);
  for (let now = 0; now <= calm; now++)
    for (let connection = 0; connection < connections.length; connection++)
      for (const direction of [REQUEST, RESPONSE] as const) {
        const flow = flowOf(connection, direction);
        const last = everything && now === calm;
        const own = [...layings.values()].filter(
          ({ carrier }) => carrier % 2 === direction && Math.floor(carrier / 2 ** 33) === connection,
        );
        if (!last && !chance(45)) continue;
        const send = (pieces: Packet['pieces']): void => {
          if (pieces.length === 0) return;
          const copy = copies.get(flow) ?? 0;
          copies.set(flow, copy + 1);
          const arrived = last || chance(60) ? now + 1 + below(12) : NEVER;
          const opened = arrived + (chance(10) ? below(15) : 0);
          const lost = chance(50) ? now + 1 + below(20) : NEVER;
          packets.push({ flow, pieces, sent: now, arrived, opened, lost });
          for (const { carrier, offset, length, fin } of pieces) log.sent(now, carrier, offset, length, fin ? 1 : 0, copy);
          if (arrived < NEVER) log.arrived(arrived, flow, copy, opened);
          if (lost < NEVER) log.declaredLost(lost, flow, copy);
        };
        const pieces: Packet['pieces'] = [];
        for (const { carrier, ready, wire, fin } of own) {
          if (!last && !chance(60)) continue;
          const from = next.get(carrier)!;
          let length = 0;
          while (from + length < wire && ready[from + length]! <= now && (last || length < 6) && (last || chance(85))) length++;
          const ends = fin && from + length === wire && (last || chance(70));
          if (last) pieces.push({ carrier, offset: 0, length: wire, fin });
          else if (length > 0 || (ends && !finSent.has(carrier))) pieces.push({ carrier, offset: from, length, fin: ends });
          else if (from > 0) {
            const offset = below(from);
            const again = 1 + below(from - offset);
            pieces.push({ carrier, offset, length: again, fin: ends && offset + again === wire });
          }
          if (ends) finSent.add(carrier);
          next.set(carrier, last ? wire : from + length);
          if (!last && chance(60)) break;
        }
        send(pieces);
      }
  for (const { attempts } of exchanges)
    for (const { request, response } of attempts)
      for (const { carrier, octets } of [request, response]) if (octets.at(-1)!.part === 'fin' && !finSent.has(carrier)) octets.pop(); // nothing says that it would end
  const arrivals = packets.filter(({ arrived }) => arrived < NEVER).sort((a, b) => a.arrived - b.arrived);
  for (const { arrived, pieces } of arrivals)
    for (const { carrier, offset, length } of pieces) if (length > 0) log.received(arrived, carrier, offset, length);

  const gates: Scenario['gates'] = new Map();
  const limits: Scenario['limits'] = new Map();
  for (let flow = 0; flow < 2 * connections.length; flow++) {
    const changes: (readonly [number, number])[] = [];
    for (let at = below(20); at < calm; at += 1 + below(15)) {
      const mask = chance(30) ? 0 : below(64) & below(64);
      changes.push([at, mask]);
      log.gates(at, flow, mask);
    }
    gates.set(flow, changes);
  }
  for (const { carrier, wire } of layings.values()) {
    if (chance(60)) continue;
    const raises: (readonly [number, number])[] = [];
    for (let at = below(20), limit = below(5); limit < wire; at += below(20), limit += 1 + below(8)) {
      raises.push([at, limit]);
      log.limit(at, carrier, limit);
    }
    if (raises.length > 0) limits.set(carrier, raises);
  }

  const content: Scenario['content'] = new Map();
  for (let connection = 0; connection < connections.length; connection++)
    for (const direction of [REQUEST, RESPONSE] as const)
      for (const id of [...Array.from({ length: ids[connection]! }, (_, i) => i), EVERY_MESSAGE]) {
        if (chance(60)) continue;
        const changes: (readonly [number, number])[] = [];
        for (let at = below(20); at < calm; at += 1 + below(12)) {
          const mask = chance(50) ? 0 : id === EVERY_MESSAGE ? Gate.CONNECTION_CREDIT : Gate.STREAM_CREDIT;
          changes.push([at, mask]);
          log.contentRefused(at, connection, id, direction, mask);
        }
        content.set(`${connection} ${direction} ${id}`, changes);
      }

  for (const { exchange, attempts } of exchanges) {
    attempts.sort((a, b) => a.bound - b.bound);
    for (const { connection, id, bound, unbound } of attempts) {
      log.bound(bound, exchange, connection, id);
      if (unbound < NEVER) log.unbound(unbound, exchange);
    }
  }
  return { end: calm + 40, connections, exchanges, packets, gates, limits, content, log };
}
