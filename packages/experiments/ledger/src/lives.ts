import { type Micros, NEVER } from '@quiclab/sansio';
import type { ExchangeId } from './account.ts';
import { SILENT } from './carriers.ts';
import { Gates, type Waiting } from './gates.ts';
import type { Atom, Message, Messages } from './messages.ts';
import { carrierOf, type Direction, REQUEST, RESPONSE, type RunLog } from './run-log.ts';
import type { ExchangeLife, State, StateInterval } from './states.ts';

/** A part of a life in which c was in one message: what of the time in which that message was blocked counts. */
export interface Phase {
  readonly from: Micros;
  readonly to: Micros;
  readonly message: Message;
}

/** A life, and what the other account of it needs. */
export interface Lived {
  readonly life: ExchangeLife;
  readonly phases: readonly Phase[];
}

/** Goes through the life of every exchange of the log, in the order of their numbers. */
export function liveAgain(log: RunLog, messages: Messages): Lived[] {
  const stage = new Stage(log, messages);
  return [...stage.exchanges.values()].sort((a, b) => a.exchange - b.exchange).map((exchange) => new Walk(stage, exchange).run());
}

/** One time that the request was laid onto a connection. */
interface Attempt {
  readonly connection: number;
  readonly id: number;
  readonly bound: Micros;
  unbound: Micros;
  readonly messages: readonly [request: Message, response: Message];
}

interface Exchange {
  readonly exchange: ExchangeId;
  readonly after: ExchangeId | -1;
  readonly issued: Micros;
  completed: Micros;
  readonly waitTimes: Micros[];
  readonly waitsFor: number[];
  readonly attempts: Attempt[];
}

/** What the walks of all exchanges ask. */
class Stage {
  readonly exchanges = new Map<ExchangeId, Exchange>();
  readonly gates: Gates;
  readonly end: Micros;
  readonly #connecting: Micros[] = []; // by connection
  readonly #ready: Micros[] = [];
  readonly #inOrder: ReadonlySet<number>;
  readonly #onConnection = new Map<number, Attempt[]>();

  constructor(log: RunLog, messages: Messages) {
    this.gates = new Gates(log);
    this.end = log.end;
    this.#inOrder = new Set(log.ordered);
    const { issues, completions, waits, bindings, unbindings, handshakes } = log;
    for (let i = 0; i < issues.length; i += 3) {
      const exchange = issues[i + 1]!;
      if (this.exchanges.has(exchange)) throw new Error(`ledger: exchange ${exchange} was issued twice`);
      this.exchanges.set(exchange, {
        exchange,
        after: issues[i + 2]!,
        issued: issues[i]!,
        completed: NEVER,
        waitTimes: [],
        waitsFor: [],
        attempts: [],
      });
    }
    for (let i = 0; i < completions.length; i += 2) this.#exchange(completions[i + 1]!).completed = completions[i]!;
    for (let i = 0; i < waits.length; i += 3) {
      const { waitTimes, waitsFor } = this.#exchange(waits[i + 1]!);
      waitTimes.push(waits[i]!);
      waitsFor.push(waits[i + 2]!);
    }
    for (let i = 0; i < handshakes.length; i += 3)
      (handshakes[i + 2] === 0 ? this.#connecting : this.#ready)[handshakes[i + 1]!] = handshakes[i]!;
    for (let i = 0; i < bindings.length; i += 4) {
      const exchange = this.#exchange(bindings[i + 1]!);
      const connection = bindings[i + 2]!;
      const id = bindings[i + 3]!;
      const attempt: Attempt = {
        connection,
        id,
        bound: bindings[i]!,
        unbound: NEVER,
        messages: [messages.message(connection, id, REQUEST, exchange.issued), messages.message(connection, id, RESPONSE, exchange.issued)],
      };
      exchange.attempts.push(attempt);
      const others = this.#onConnection.get(connection);
      if (others === undefined) this.#onConnection.set(connection, [attempt]);
      else others.push(attempt);
    }
    const taken = new Map<ExchangeId, number>();
    for (let i = 0; i < unbindings.length; i += 2) {
      const exchange = this.#exchange(unbindings[i + 1]!);
      const nth = taken.get(exchange.exchange) ?? 0;
      const attempt = exchange.attempts[nth];
      if (attempt === undefined) throw new Error(`ledger: exchange ${exchange.exchange} was unbound more often than bound`);
      attempt.unbound = unbindings[i]!;
      taken.set(exchange.exchange, nth + 1);
    }
  }

  connectingAt(connection: number): Micros {
    return this.#connecting[connection] ?? NEVER;
  }
  /** When nobody waits for the handshake any more; a connection of which none is told has none. */
  readyAt(connection: number): Micros {
    return this.#ready[connection] ?? (this.#connecting[connection] === undefined ? 0 : NEVER);
  }

  /** When all earlier responses on the connection have left, where those leave in order: all are laid out before a later one is. */
  turnOf({ connection, id }: Attempt): Micros {
    if (!this.#inOrder.has(connection)) return 0;
    let turn = 0;
    for (const attempt of this.#onConnection.get(connection)!) {
      const last = attempt.id < id ? attempt.messages[RESPONSE].atoms.at(-1) : undefined;
      if (last !== undefined) turn = Math.max(turn, last.timeline.firstSent(last.cell));
    }
    return turn;
  }

  #exchange(id: ExchangeId): Exchange {
    const exchange = this.exchanges.get(id);
    if (exchange === undefined) throw new Error(`ledger: exchange ${id} was never issued`);
    return exchange;
  }
}

/** Follows c through one life. */
class Walk {
  readonly #stage: Stage;
  readonly #exchange: Exchange;
  readonly #intervals: { from: Micros; to: Micros; state: State }[] = [];
  readonly #phases: Phase[] = [];
  readonly #tell = (state: State, until: Micros): void => this.#say(state, until);
  #at: Micros;

  constructor(stage: Stage, exchange: Exchange) {
    this.#stage = stage;
    this.#exchange = exchange;
    this.#at = exchange.issued;
  }

  run(): Lived {
    const { exchange, after, issued, attempts } = this.#exchange;
    const response = attempts.at(-1)?.messages[RESPONSE].atoms ?? [];
    const completed = this.#completed(response);
    const end = Math.min(completed, this.#stage.end);
    let unbound = issued;
    for (const attempt of attempts) {
      this.#waitForConnection(unbound, Math.min(attempt.bound, end));
      unbound = attempt.unbound;
      const over = Math.min(attempt.unbound, end);
      this.#message(attempt, REQUEST, over);
      this.#message(attempt, RESPONSE, over);
      this.#say('server', over); // of what was not laid out nothing is known
    }
    this.#waitForConnection(unbound, end);
    const sums: Partial<Record<State, Micros>> = {};
    for (const { from, to, state } of this.#intervals) sums[state] = (sums[state] ?? 0) + to - from;
    const life: ExchangeLife = {
      exchange,
      after,
      issued,
      completed,
      firstHeader: response.find(({ header }) => header)?.readable ?? NEVER,
      firstContent: response.find(({ content }) => content)?.readable ?? NEVER,
      attempts: attempts.length,
      intervals: this.#intervals,
      sums,
    };
    this.#check(life, end);
    return { life, phases: this.#phases };
  }

  /** When the last octet of the response was readable, if the client says that it has all. */
  #completed(response: readonly Atom[]): Micros {
    const { exchange, completed } = this.#exchange;
    if (completed === NEVER) return NEVER;
    const readable = response.at(-1)?.readable ?? NEVER;
    if (readable > completed)
      throw new Error(`ledger: exchange ${exchange} was complete at ${completed}, its last octet was readable at ${readable}`);
    return readable;
  }

  /** @param since  what was told before is of no interest any more */
  #waitForConnection(since: Micros, until: Micros): void {
    const { waitTimes, waitsFor } = this.#exchange;
    let next = 0;
    while (next < waitTimes.length && waitTimes[next]! < since) next++;
    let connection = -1;
    while (this.#at < until) {
      const to = Math.min(until, waitTimes[next] ?? NEVER);
      if (connection >= 0) this.#handshake(connection, to);
      this.#say('queued', to);
      connection = waitsFor[next++] ?? -1;
    }
  }

  /** Until a connection is ready: before its handshake begins the exchange is queued. */
  #handshake(connection: number, until: Micros): void {
    const ready = Math.min(until, this.#stage.readyAt(connection));
    this.#say('queued', Math.min(ready, this.#stage.connectingAt(connection)));
    this.#say('connecting', ready);
  }

  #message(attempt: Attempt, direction: Direction, over: Micros): void {
    const message = attempt.messages[direction];
    const from = this.#at;
    const atoms = direction === REQUEST && message.atoms.length === 0 ? [this.#notLaid()] : message.atoms;
    const carrier = message.carrier < 0 ? carrierOf(attempt.connection, 0, direction) : message.carrier;
    let turn = -1;
    for (const atom of atoms) {
      const until = Math.min(atom.handed, over);
      if (until <= this.#at) continue;
      if (turn < 0) turn = direction === REQUEST ? 0 : this.#stage.turnOf(attempt);
      this.#octet(attempt, direction, carrier, atom, turn, until);
    }
    if (this.#at > from) this.#phases.push({ from, to: this.#at, message });
  }

  /** c is of this atom, until it is handed over or all is over. */
  #octet(attempt: Attempt, direction: Direction, carrier: number, atom: Atom, turn: Micros, until: Micros): void {
    const { timeline, cell } = atom;
    const arrived = timeline.arrived[cell]!;
    if (this.#at < arrived) {
      const leaves = timeline.leaves[cell]!;
      this.#notOnPath(attempt, direction, carrier, atom, turn, Math.min(until, leaves, arrived));
      this.#say('transit', Math.min(until, arrived));
    }
    this.#say('held(other)', Math.min(until, timeline.deliverable[cell]!));
    this.#say('held(record)', Math.min(until, atom.recordWhole));
    this.#say('held(fields)', Math.min(until, atom.fieldsWhole));
    this.#say('held(keys)', Math.min(until, atom.readable));
    this.#say('held(application)', until);
  }

  /** Neither has c arrived, nor will a copy of it that is on the path. */
  #notOnPath(attempt: Attempt, direction: Direction, carrier: number, atom: Atom, turn: Micros, until: Micros): void {
    const { timeline, cell, offset, produced, laid, octets, ofContent } = atom;
    const { key } = attempt.messages[direction];
    const first = timeline.firstSent(cell);
    const unsent = Math.min(until, first);
    if (direction === REQUEST && this.#at < unsent) this.#handshake(attempt.connection, unsent);
    this.#say('server', Math.min(unsent, produced));
    this.#say('order', Math.min(unsent, turn));
    // the end of a stream needs no credit
    this.#stall({ carrier, offset, message: ofContent ? key : -1, laid, isNew: octets, leaves: first }, unsent);
    for (let copy = timeline.firstLost(cell); copy >= 0 && this.#at < until; ) {
      const next = timeline.nextLost(copy);
      const again = Math.min(next < 0 ? NEVER : timeline.sentAt(next), timeline.leaves[cell]!);
      const to = Math.min(until, again);
      this.#say('undetected', Math.min(to, timeline.lostAt(copy)));
      this.#stall({ carrier, offset, message: -1, laid, isNew: false, leaves: again }, to);
      copy = next;
    }
  }

  #stall(waiting: Waiting, until: Micros): void {
    if (this.#at < until) this.#stage.gates.explain(waiting, this.#at, until, this.#tell);
  }

  /** The request is on no carrier yet. */
  #notLaid(): Atom {
    return {
      timeline: SILENT,
      cell: 0,
      offset: 0,
      octets: true,
      header: true,
      content: false,
      ofContent: false,
      produced: this.#exchange.issued,
      laid: NEVER,
      recordWhole: NEVER,
      fieldsWhole: NEVER,
      readable: NEVER,
      handed: NEVER,
    };
  }

  /** From where we are until then it was in this state; the past stays as it is. */
  #say(state: State, until: Micros): void {
    if (until <= this.#at) return;
    const last = this.#intervals.at(-1);
    if (last?.state === state) last.to = until;
    else this.#intervals.push({ from: this.#at, to: until, state });
    this.#at = until;
  }

  /** Every microsecond once. */
  #check({ exchange, issued, sums, intervals }: ExchangeLife, end: Micros): void {
    let total = 0;
    for (const state in sums) total += sums[state as State]!;
    const to = (intervals as readonly StateInterval[]).at(-1)?.to ?? issued;
    if (total !== Math.max(0, end - issued) || to !== Math.max(issued, end))
      throw new Error(
        `ledger: the states of exchange ${exchange} sum to ${total} µs and reach to ${to}; it lived ${end - issued} µs, until ${end}`,
      );
  }
}
