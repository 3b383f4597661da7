import { type Fields, fieldValue, type HttpEvent, isInformational } from '@quiclab/http-semantics';
import type { EventQueue, Micros } from '@quiclab/sansio';
import type { ClientExchange } from './client-exchange.ts';
import { bad } from './errors.ts';
import { responseFraming } from './framing.ts';
import { endHop, trailersOf } from './hop.ts';
import { LIMITS } from './limits.ts';
import type { Link } from './link.ts';
import { MessageReader } from './message-reader.ts';
import type { Http1Observer } from './observer.ts';
import { versionOf } from './start-line.ts';

const EMPTY = new Uint8Array(0);

/** What the one who has sent the requests makes of responses. */
export interface AnswerHandler {
  /** The final head has come. Last: the connection ends with this response. */
  onAnswer(now: Micros, exchange: ClientExchange, last: boolean, tunnel: boolean): void;
  onReceived(now: Micros, exchange: ClientExchange): void;
  /** The server has ended its direction between two responses. */
  onEnd(now: Micros): void;
}

/** The responses of a connection: each belongs to the first request that has none. RFC 9112 §9.2. */
export class Answers {
  readonly #link: Link;
  readonly #events: EventQueue<HttpEvent>;
  readonly #exchanges: readonly ClientExchange[];
  readonly #handler: AnswerHandler;
  readonly #reader: MessageReader;

  constructor(
    link: Link,
    events: EventQueue<HttpEvent>,
    exchanges: readonly ClientExchange[],
    handler: AnswerHandler,
    maxFieldSectionSize: number,
    observer: Http1Observer | undefined,
  ) {
    this.#link = link;
    this.#events = events;
    this.#exchanges = exchanges;
    this.#handler = handler;
    this.#reader = new MessageReader(false, link.in, maxFieldSectionSize, observer);
  }

  /** Reads on, as far as it may. Throws MessageFault. */
  advance(now: Micros): void {
    while (!this.#link.lingering && !this.#link.over) {
      const current = this.#current();
      if (current === undefined) {
        if (!this.#readHead(now)) return;
      } else if (!current.discarding) {
        this.#tellReadable(now, current);
        return;
      } else if (!this.#discard(now, current)) return;
    }
  }

  readBody(now: Micros, exchange: ClientExchange): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    if (exchange !== this.#current()) return undefined;
    for (;;) {
      switch (this.#reader.step(now)) {
        case 'content': {
          const fin = this.#reader.over;
          const data = this.#reader.takeContent();
          if (fin) this.#received(now, exchange);
          return { data, fin };
        }
        case 'trailers':
          this.#events.push({ type: 'trailers', id: exchange.id, fields: trailersOf(this.#reader.fields) });
          continue;
        case 'end':
          this.#received(now, exchange);
          return { data: EMPTY, fin: true };
        default:
          exchange.readableTold = false;
          return undefined;
      }
    }
  }

  /** More is announced of this response than anybody would read away. */
  tooMuchLeft(exchange: ClientExchange): boolean {
    return exchange === this.#current() && this.#reader.remaining > LIMITS.discarded.value;
  }

  /** Reads no more of a tunnel: there is no next message to reach. */
  leave(now: Micros, exchange: ClientExchange): void {
    if (exchange === this.#current()) this.#received(now, exchange);
  }

  /** Whose content is being read. */
  #current(): ClientExchange | undefined {
    const first = this.#exchanges[0];
    return first?.answered === true && !first.received ? first : undefined;
  }

  #readHead(now: Micros): boolean {
    const exchange = this.#exchanges[0];
    if (exchange?.out.framing === 'tunnel') return false; // read to its end, and still open for us
    this.#reader.exchange = exchange?.id ?? -1;
    const waits = exchange !== undefined && !exchange.received;
    switch (this.#reader.step(now)) {
      case 'head':
        if (!waits) break;
        this.#onHead(now, exchange);
        return true;
      case 'closed':
        this.#handler.onEnd(now);
        return false;
      default:
        if (waits || !this.#reader.withinHead) return false;
    }
    throw bad('a response that nobody asked for'); // RFC 9112 §9.2
  }

  #onHead(now: Micros, exchange: ClientExchange): void {
    const { statusLine, fields: received } = this.#reader;
    const { status, minor } = statusLine;
    const framing = responseFraming(exchange.method, exchange.upgrades, status, received, minor);
    const { fields: kept, options } = endHop(received);
    const fields: Fields = [[':status', String(status)], ...kept];
    this.#reader.frame(framing);
    if (isInformational(status) && status !== 101) {
      if (++exchange.informational > LIMITS.informational.value) throw bad(`${exchange.informational} informational responses`);
      if (exchange.told) this.#events.push({ type: 'response', id: exchange.id, status, fields, informational: true, end: false });
      this.#reader.next();
      return;
    }
    if (status === 101 && fieldValue(fields, 'upgrade') === undefined) throw bad('101 that does not say to which protocol'); // RFC 9110 §15.2.2
    exchange.answered = true;
    const end = framing.kind === 'none';
    if (exchange.told)
      this.#events.push({ type: 'response', id: exchange.id, status, fields, informational: false, end, ...versionOf(minor) });
    // RFC 9112 §9.3; keep-alive of HTTP/1.0 is not honoured
    const last = minor === 0 || options.has('close') || framing.kind === 'until-close';
    this.#handler.onAnswer(now, exchange, last, framing.kind === 'tunnel');
    if (end) this.#received(now, exchange);
  }

  #tellReadable(now: Micros, exchange: ClientExchange): void {
    if (exchange.readableTold || !(this.#link.in.more(now) || this.#link.in.over)) return;
    exchange.readableTold = true;
    this.#events.push({ type: 'body-readable', id: exchange.id });
  }

  /** Reads content away; false where there is none now. */
  #discard(now: Micros, exchange: ClientExchange): boolean {
    switch (this.#reader.step(now)) {
      case 'content':
        exchange.discarded += this.#reader.takeContent().length;
        if (this.#reader.over) this.#received(now, exchange);
        else if (exchange.discarded > LIMITS.discarded.value) throw bad('too much content that nobody wants');
        return true;
      case 'trailers':
        return true;
      case 'end':
        this.#received(now, exchange);
        return true;
      default:
        return false;
    }
  }

  #received(now: Micros, exchange: ClientExchange): void {
    exchange.received = true;
    this.#reader.next();
    this.#handler.onReceived(now, exchange);
  }
}
