import {
  contentLength,
  type Fields,
  fieldValue,
  type HttpEvent,
  isInformational,
  malformedRequest,
  malformedResponse,
  malformedTrailers,
  neverHasContent,
  type Priority,
  parsePriority,
  parseStatus,
} from '@quiclab/http-semantics';
import type { EventQueue, Micros } from '@quiclab/sansio';
import type { StreamId } from '@quiclab/streams';
import { H3 } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Exchanges } from './exchanges.ts';
import { LIMITS } from './limits.ts';
import type { MessageWriter } from './message-writer.ts';
import type { QuicStreams } from './transport.ts';

const EMPTY = new Uint8Array(0);

/** What the peer sends on request streams, judged and told to the application. RFC 9114 §4.1. */
export class Incoming {
  readonly #server: boolean;
  readonly #extendedConnect: boolean;
  readonly #transport: QuicStreams;
  readonly #exchanges: Exchanges;
  readonly #events: EventQueue<HttpEvent>;
  readonly #writer: MessageWriter;
  readonly #earlyPriorities = new Map<StreamId, Priority>();

  /** @param extendedConnect  whether we are a server that takes CONNECT with :protocol, and has said so */
  constructor(
    server: boolean,
    extendedConnect: boolean,
    transport: QuicStreams,
    exchanges: Exchanges,
    events: EventQueue<HttpEvent>,
    writer: MessageWriter,
  ) {
    this.#server = server;
    this.#extendedConnect = extendedConnect;
    this.#transport = transport;
    this.#exchanges = exchanges;
    this.#events = events;
    this.#writer = writer;
  }

  readable(now: Micros, exchange: Exchange): void {
    if (!exchange.finalReceived) this.#advance(now, exchange);
    else this.#tellReadable(exchange);
  }

  /** Insertions came that field sections may have waited for, in the order in which these did. */
  resume(now: Micros): void {
    for (const exchange of this.#exchanges.takeBlocked()) if (exchange.receiving) this.readable(now, exchange);
  }

  /** The peer will not complete its message. */
  reset(exchange: Exchange, code: number): void {
    this.#exchanges.abandon(exchange);
    if (!exchange.told) {
      this.#exchanges.drop(exchange, H3.REQUEST_REJECTED); // nothing of it was processed (RFC 9114 §4.1.1)
      return;
    }
    this.#events.push({ type: 'reset', id: exchange.id, code, unprocessed: code === H3.REQUEST_REJECTED });
    if (this.#server) this.#exchanges.retireWhenDone(exchange);
    else this.#exchanges.drop(exchange, H3.REQUEST_CANCELLED);
  }

  readBody(now: Micros, exchange: Exchange): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    while (exchange.receiving) {
      const step = exchange.reader.step(now);
      switch (step) {
        case 'content': {
          const data = exchange.reader.takeContent();
          const fin = exchange.reader.endsHere();
          if (fin) this.#exchanges.received(exchange);
          return { data, fin };
        }
        case 'fields':
          this.#onFields(exchange);
          continue;
        case 'end':
          this.#exchanges.received(exchange);
          return { data: EMPTY, fin: true };
        case 'blocked':
          this.#exchanges.blocked(exchange);
          exchange.readableTold = false;
          return undefined;
        case 'starved':
          exchange.readableTold = false;
          return undefined;
        default:
          this.#refuse(now, exchange, step);
      }
    }
    return undefined;
  }

  /**
   * RFC 9218 §7: the newest update counts, also one that overtook its request.
   * @param began  the request's stream was opened
   */
  onPriorityUpdate(exchange: Exchange | undefined, began: boolean, id: StreamId, priority: Priority): void {
    if (exchange?.finalReceived === true) exchange.priority = priority;
    if (began && exchange?.finalReceived !== false) {
      this.#transport.prioritize(id, priority); // also of an exchange that is over for us: its last octets may still wait there
      return;
    }
    this.#earlyPriorities.delete(id); // set anew, it is the last to be forgotten
    this.#earlyPriorities.set(id, priority);
    if (this.#earlyPriorities.size > LIMITS.earlyPriorities.value) this.#earlyPriorities.delete(this.#earlyPriorities.keys().next().value!);
  }

  /** Reads on until the head of the message is known, and whether content follows it. */
  #advance(now: Micros, exchange: Exchange): void {
    while (exchange.receiving) {
      const step = exchange.reader.step(now);
      switch (step) {
        case 'fields':
          this.#onFields(exchange);
          if (!exchange.reader.trailing || !exchange.receiving) continue;
          this.#tellReadable(exchange); // no content, but trailers: the end is for `readBody` to say
          return;
        case 'content':
          this.#tellHead(exchange, false);
          this.#tellReadable(exchange);
          return;
        case 'end':
          this.#tellHead(exchange, true);
          this.#exchanges.received(exchange);
          return;
        case 'blocked':
          this.#exchanges.blocked(exchange);
          this.#tellHead(exchange, false);
          return;
        case 'starved':
          this.#tellHead(exchange, false);
          return;
        default:
          this.#refuse(now, exchange, step);
      }
    }
  }

  #onFields(exchange: Exchange): void {
    const { fields, trailing } = exchange.reader;
    let reason = '';
    if (trailing) reason = malformedTrailers(fields);
    else reason = this.#server ? malformedRequest(fields, this.#extendedConnect) : malformedResponse(fields);
    if (reason !== '') this.#exchanges.streamError(exchange, H3.MESSAGE_ERROR, reason);
    else if (trailing) {
      this.#tellHead(exchange, false);
      this.#events.push({ type: 'trailers', id: exchange.id, fields });
    } else if (this.#server) this.#onRequest(exchange, fields);
    else this.#onResponse(exchange, fields);
  }

  #onRequest(exchange: Exchange, fields: Fields): void {
    this.#exchanges.onHeaders(exchange);
    exchange.method = fieldValue(fields, ':method')!;
    exchange.finalReceived = true;
    exchange.reader.expectContent(contentLength(fields), true, exchange.method === 'CONNECT');
    exchange.head = { type: 'request', id: exchange.id, fields, end: false, early: exchange.early };
    const update = this.#earlyPriorities.get(exchange.id); // the frame overrides the field (RFC 9218 §7)
    this.#earlyPriorities.delete(exchange.id);
    const field = fieldValue(fields, 'priority');
    const priority = update ?? (field === undefined ? undefined : parsePriority(field));
    if (priority === undefined) return;
    exchange.priority = priority;
    this.#transport.prioritize(exchange.id, priority);
  }

  #onResponse(exchange: Exchange, fields: Fields): void {
    const status = parseStatus(fieldValue(fields, ':status')!);
    const informational = isInformational(status);
    const response = { type: 'response', id: exchange.id, status, fields, informational, end: false } as const;
    if (informational) {
      if (++exchange.informational > LIMITS.informational.value)
        this.#exchanges.streamError(exchange, H3.EXCESSIVE_LOAD, `${exchange.informational} informational responses`);
      else this.#events.push(response);
      return;
    }
    exchange.finalReceived = true;
    const tunnel = exchange.method === 'CONNECT' && status < 300;
    exchange.reader.expectContent(contentLength(fields), !neverHasContent(exchange.method, status), tunnel);
    exchange.head = response;
  }

  #tellHead(exchange: Exchange, end: boolean): void {
    const head = exchange.head;
    if (head === undefined) return;
    exchange.head = undefined;
    exchange.told = true;
    this.#events.push(end ? { ...head, end } : head);
  }

  #tellReadable(exchange: Exchange): void {
    if (exchange.readableTold) return;
    exchange.readableTold = true;
    this.#events.push({ type: 'body-readable', id: exchange.id });
  }

  /** The peer's message is one that we do not take. */
  #refuse(now: Micros, exchange: Exchange, step: 'incomplete' | 'too-large' | 'malformed'): void {
    if (step === 'malformed') this.#exchanges.streamError(exchange, H3.MESSAGE_ERROR, exchange.reader.reason);
    else if (step === 'incomplete') {
      const code = this.#server ? H3.REQUEST_INCOMPLETE : H3.MESSAGE_ERROR; // RFC 9114 §4.1
      this.#exchanges.streamError(exchange, code, 'the stream ended before its message');
    } else if (this.#server && !exchange.finalReceived) {
      // RFC 9114 §4.2.2: the client learns why, and the rest of its request is not wanted
      this.#writer.fields(now, exchange.out, [[':status', '431']], 'headers');
      exchange.out.finish();
      this.#transport.stopSending(exchange.id, H3.NO_ERROR);
      this.#exchanges.abandon(exchange);
      this.#exchanges.retireWhenDone(exchange);
    } else this.#exchanges.streamError(exchange, H3.MESSAGE_ERROR, 'a field section above our limit'); // §10.5.1
  }
}
