import { EVERY_MESSAGE, Gate, REQUEST, type State, WHOLE } from '@quiclab/ledger';
import { type Attempt, type Exchange, type Message, NEVER, type Octet, type Scenario } from './scenario.ts';

/**
 * The slow twin of the walk: EXPERIMENTS §4 read aloud, octet by octet and microsecond by microsecond. It asks the scenario, not the log.
 */
export class SlowStates {
  readonly #scenario: Scenario;
  readonly #arrivals = new Map<string, number>();
  readonly #handed = new Map<Message, number[]>();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** Copies of an octet that leave at the end of the run or before. */
  #copies(carrier: number, place: number, fin: boolean): { sent: number; arrived: number; opened: number; lost: number }[] {
    return this.#scenario.packets.filter(({ pieces }) =>
      pieces.some(
        (piece) =>
          piece.carrier === carrier &&
          (fin ? piece.fin && piece.offset + piece.length === place : piece.offset <= place && place < piece.offset + piece.length),
      ),
    );
  }

  #first(carrier: number, place: number, fin: boolean, what: 'arrived' | 'opened' | 'sent'): number {
    const key = `${carrier} ${place} ${fin} ${what}`;
    let at = this.#arrivals.get(key);
    if (at === undefined) {
      at = Math.min(NEVER, ...this.#copies(carrier, place, fin).map((copy) => copy[what]));
      this.#arrivals.set(key, at);
    }
    return at;
  }

  arrived(carrier: number, octet: Octet): number {
    return this.#first(carrier, octet.place, octet.part === 'fin', 'arrived');
  }

  /** When everything up to a place has arrived (or could be opened). */
  #upTo(carrier: number, place: number, what: 'arrived' | 'opened'): number {
    let at = 0;
    for (let i = 0; i <= place; i++) at = Math.max(at, this.#first(carrier, i, false, what));
    return at;
  }

  deliverable(carrier: number, octet: Octet): number {
    if (octet.part !== 'fin') return this.#upTo(carrier, octet.place, 'arrived');
    return Math.max(this.#upTo(carrier, octet.place - 1, 'arrived'), this.arrived(carrier, octet));
  }

  /** The place of the lowest octet of a carrier that is missing at `now`. */
  lowestMissing(carrier: number, now: number): number {
    let place = 0;
    while (this.#first(carrier, place, false, 'arrived') <= now) place++;
    return place;
  }

  recordWhole({ carrier }: Message, octet: Octet): number {
    return octet.recordEnd < 0 ? 0 : this.#upTo(carrier, octet.recordEnd, 'arrived');
  }

  fieldsWhole(message: Message, octet: Octet): number {
    if (octet.part !== 'header section' && octet.part !== 'trailer section') return 0;
    const section = message.octets.filter(({ frame }) => frame === octet.frame);
    return Math.max(
      message.unblocked.get(octet.frame) ?? 0,
      ...section.map((each) => Math.max(this.deliverable(message.carrier, each), this.recordWhole(message, each))),
    );
  }

  /** When it was opened, with all that it needs. */
  #opened(message: Message, octet: Octet): number {
    const { carrier } = message;
    if (octet.part === 'fin')
      return Math.max(this.#upTo(carrier, octet.place - 1, 'opened'), this.#first(carrier, octet.place, true, 'opened'));
    const section = octet.part === 'header section' || octet.part === 'trailer section';
    const needed = section ? message.octets.filter(({ frame }) => frame === octet.frame) : [octet];
    return Math.max(...needed.map(({ place, recordEnd }) => this.#upTo(carrier, recordEnd < 0 ? place : recordEnd, 'opened')));
  }

  /** Readable, with all before it in the message. */
  readable(message: Message, nth: number): number {
    let at = 0;
    for (let i = 0; i <= nth; i++) {
      const octet = message.octets[i]!;
      at = Math.max(
        at,
        this.deliverable(message.carrier, octet),
        this.recordWhole(message, octet),
        this.fieldsWhole(message, octet),
        this.#opened(message, octet),
      );
    }
    return at;
  }

  handed(message: Message, nth: number): number {
    const octet = message.octets[nth]!;
    const readable = this.readable(message, nth);
    if (message.reads.length === 0) return readable;
    if (octet.part === 'header section') return message.reads[0]![0];
    if (octet.part === 'content') return message.reads.find(([, count]) => count > octet.nth)?.[0] ?? NEVER;
    return readable;
  }

  produced(message: Message, nth: number, issued: number): number {
    let at = 0;
    for (let i = 0; i <= nth; i++) at = Math.max(at, this.#producedAlone(message, message.octets[i]!, issued));
    return at;
  }

  #producedAlone(message: Message, octet: Octet, issued: number): number {
    const { productions } = message;
    if (productions.length === 0) return message.direction === REQUEST ? issued : octet.laid;
    if (octet.part === 'header section') return productions[0]![0];
    if (octet.nth >= 0) return productions.find(([, count]) => count > octet.nth)?.[0] ?? octet.laid;
    return productions.find(([, count]) => count === WHOLE)?.[0] ?? 0;
  }

  attemptAt({ attempts }: Exchange, now: number): Attempt | undefined {
    return attempts.find(({ bound, unbound }) => bound <= now && now < unbound);
  }

  /** The message that c is in, and c; undefined: all that is known was handed over. */
  c(attempt: Attempt, now: number): { message: Message; nth: number } | undefined {
    for (const message of [attempt.request, attempt.response]) {
      let handed = this.#handed.get(message);
      if (handed === undefined) {
        handed = message.octets.map((_, i) => this.handed(message, i));
        this.#handed.set(message, handed);
      }
      const nth = handed.findIndex((at) => at > now);
      if (nth >= 0) return { message, nth };
    }
    return undefined;
  }

  state(exchange: Exchange, now: number): State {
    const { connections } = this.#scenario;
    const attempt = this.attemptAt(exchange, now);
    if (attempt === undefined) {
      const since = exchange.attempts.filter(({ unbound }) => unbound <= now).at(-1)?.unbound ?? 0;
      const connection = connections[exchange.waits.filter(([at]) => since <= at && at <= now).at(-1)?.[1] ?? -1];
      return connection !== undefined && connection.connecting <= now && now < connection.ready ? 'connecting' : 'queued';
    }
    const found = this.c(attempt, now);
    if (found === undefined) return 'server';
    const { message, nth } = found;
    const { carrier } = message;
    const octet = message.octets[nth]!;
    if (this.arrived(carrier, octet) <= now) {
      if (this.deliverable(carrier, octet) > now) return 'held(other)';
      if (this.recordWhole(message, octet) > now) return 'held(record)';
      if (this.fieldsWhole(message, octet) > now) return 'held(fields)';
      return this.readable(message, nth) > now ? 'held(keys)' : 'held(application)';
    }
    const copies = this.#copies(carrier, octet.place, octet.part === 'fin').filter(({ sent }) => sent <= now);
    if (copies.some(({ arrived }) => now < arrived && arrived < NEVER)) return 'transit';
    const neverSent = copies.length === 0;
    const { connecting, ready } = connections[attempt.connection]!;
    if (message === attempt.request && neverSent && now < ready) return connecting <= now ? 'connecting' : 'queued';
    if (this.produced(message, nth, exchange.issued) > now) return 'server';
    if (message === attempt.response && this.#earlierUnsent(attempt, now)) return 'order';
    const last = copies.at(-1);
    if (last !== undefined && last.lost > now) return 'undetected';
    return this.#gate(attempt, message, octet, neverSent && octet.part !== 'fin', now);
  }

  #earlierUnsent({ connection, id }: Attempt, now: number): boolean {
    const { connections, exchanges } = this.#scenario;
    if (connections[connection]!.style !== 'ordered') return false;
    return exchanges.some(({ attempts }) =>
      attempts.some(
        ({ connection: same, id: earlier, response }) =>
          same === connection &&
          earlier < id &&
          response.octets.some((octet) => this.#first(response.carrier, octet.place, octet.part === 'fin', 'sent') > now),
      ),
    );
  }

  #gate({ connection, id }: Attempt, { carrier, direction }: Message, octet: Octet, needsCredit: boolean, now: number): State {
    const { gates, limits, content, packets } = this.#scenario;
    const flow = 2 * Math.floor(carrier / 2 ** 33) + (carrier % 2);
    const told = (changes: readonly (readonly [number, number])[] | undefined): number =>
      changes?.filter(([at]) => at <= now).at(-1)?.[1] ?? 0;
    const ofContent = (which: number): number => told(content.get(`${connection} ${direction} ${which}`));
    const notLaid = needsCredit && octet.nth >= 0 && now < octet.laid;
    const mask = told(gates.get(flow)) | (notLaid ? ofContent(id) | ofContent(EVERY_MESSAGE) : 0);
    const raises = limits.get(carrier);
    if (mask & Gate.KEYS) return 'stalled(keys)';
    if (mask & Gate.AMPLIFICATION) return 'stalled(amplification)';
    if (mask & Gate.CONNECTION_CREDIT && needsCredit) return 'stalled(connection credit)';
    if (mask & Gate.STREAM_CREDIT) return 'stalled(stream credit)';
    if (needsCredit && raises !== undefined && !raises.some(([at, limit]) => at <= now && limit > octet.place))
      return 'stalled(stream credit)';
    if (mask & Gate.WINDOW) return 'stalled(window)';
    if (mask & Gate.PACER) return 'stalled(pacer)';
    const again = this.#copies(carrier, octet.place, octet.part === 'fin').find(({ sent }) => sent > now)?.sent ?? NEVER;
    const others = packets.some((packet) => packet.flow === flow && now < packet.sent && packet.sent < again);
    return others ? 'stalled(scheduler)' : 'stalled(outlet)';
  }

  /** Whom the message that c is in is blocked by; '' where it is not. */
  blame(exchange: Exchange, now: number): '' | 'own' | 'other' {
    const attempt = this.attemptAt(exchange, now);
    const found = attempt && this.c(attempt, now);
    if (attempt === undefined || found === undefined) return '';
    const { carrier, octets } = found.message;
    const real = octets.filter(({ part }) => part !== 'fin');
    if (!real.some((octet) => this.arrived(carrier, octet) <= now && this.deliverable(carrier, octet) > now)) return '';
    const m = real.find((octet) => this.deliverable(carrier, octet) > now)!;
    if (this.arrived(carrier, m) > now) return 'own';
    const lowest = this.lowestMissing(carrier, now);
    if (real.some(({ place }) => place === lowest)) throw new Error('m is the first octet of its message that is not deliverable');
    return 'other';
  }

  /** When the last octet of the response was readable, on the connection it was answered on. */
  end({ attempts }: Exchange): number {
    const { response } = attempts.at(-1)!;
    return this.readable(response, response.octets.length - 1);
  }
}
