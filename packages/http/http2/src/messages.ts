import {
  contentLength,
  type Field,
  type Fields,
  fieldValue,
  type HttpEvent,
  isInformational,
  malformedRequest,
  malformedResponse,
  malformedTrailers,
  neverHasContent,
  parsePriority,
  parseStatus,
} from '@quiclab/http-semantics';
import type { EventQueue } from '@quiclab/sansio';
import type { Control } from './control.ts';
import { H2 } from './errors.ts';
import { Exchange } from './exchange.ts';
import type { Exchanges } from './exchanges.ts';
import { LIMITS } from './limits.ts';
import type { Outgoing } from './outgoing.ts';
import type { ReceiveCredit } from './receive-credit.ts';

export interface MessageOptions {
  /** Streams that a client may have open at once. */
  readonly maxConcurrentStreams: number;
  /** Whether a server takes CONNECT with :protocol. */
  readonly extendedConnect: boolean;
}

/** The peer's messages, judged and told to the application. RFC 9113 §8. */
export class Messages {
  readonly #server: boolean;
  readonly #exchanges: Exchanges;
  readonly #outgoing: Outgoing;
  readonly #control: Control;
  readonly #credit: ReceiveCredit;
  readonly #events: EventQueue<HttpEvent>;
  readonly #options: MessageOptions;

  constructor(
    server: boolean,
    exchanges: Exchanges,
    outgoing: Outgoing,
    control: Control,
    credit: ReceiveCredit,
    events: EventQueue<HttpEvent>,
    options: MessageOptions,
  ) {
    this.#server = server;
    this.#exchanges = exchanges;
    this.#outgoing = outgoing;
    this.#control = control;
    this.#credit = credit;
    this.#events = events;
    this.#options = options;
  }

  /** The client opens a stream; undefined where it gets none. */
  open(id: number): Exchange | undefined {
    const exchanges = this.#exchanges;
    exchanges.openedByPeer(id);
    const early = this.#control.takeEarlyPriority(id);
    if (id > this.#control.lastStream) return undefined; // RFC 9113 §6.8: our GOAWAY has told
    const most = this.#options.maxConcurrentStreams;
    if (exchanges.active >= most || exchanges.count >= most + LIMITS.unread.value) {
      exchanges.reject(id, H2.REFUSED_STREAM); // §5.1.2
      return undefined;
    }
    const exchange = new Exchange(id, false, this.#credit.streamWindow(), this.#control.initialWindow);
    exchange.priority = early ?? exchange.priority;
    exchange.prioritized = early !== undefined;
    exchanges.add(exchange);
    return exchange;
  }

  /** So much content is in a frame. Returns whether it is wanted. */
  announced(exchange: Exchange, octets: number): boolean {
    exchange.received += octets;
    let reason = '';
    if (octets > 0 && !exchange.mayHaveContent) reason = 'content in a response that has none';
    else if (exchange.expected >= 0 && exchange.received > exchange.expected) reason = wrongLength(exchange);
    if (reason === '') return true;
    this.#exchanges.streamError(exchange, H2.PROTOCOL_ERROR, reason);
    return false;
  }

  onContent(exchange: Exchange, piece: Uint8Array): void {
    exchange.inbox.keep(piece);
    this.#tellReadable(exchange);
  }

  /** A frame with END_STREAM has come whole. */
  onEnd(exchange: Exchange): void {
    if (this.#exchanges.get(exchange.id) !== exchange) return;
    if (exchange.expected >= 0 && exchange.received !== exchange.expected) {
      this.#exchanges.streamError(exchange, H2.PROTOCOL_ERROR, wrongLength(exchange)); // RFC 9113 §8.1.1
      return;
    }
    exchange.on('end-received');
    this.#tellReadable(exchange);
    this.#exchanges.retireWhenDone(exchange);
  }

  /** A field section. undefined: it is above our limit. @param end  with END_STREAM */
  onFields(exchange: Exchange, fields: Field[] | undefined, end: boolean): void {
    if (fields === undefined) {
      this.#tooLarge(exchange, end);
      return;
    }
    const trailing = exchange.finalReceived;
    let reason = '';
    if (exchange.tunnel)
      reason = 'HEADERS in a tunnel'; // RFC 9113 §8.5
    else if (trailing)
      reason = end ? malformedTrailers(fields) : 'HEADERS within the content'; // §8.1
    else reason = this.#server ? malformedRequest(fields, this.#options.extendedConnect) : malformedResponse(fields);
    if (reason !== '')
      this.#exchanges.streamError(exchange, H2.PROTOCOL_ERROR, reason); // §8.1.1
    else if (trailing) {
      if (exchange.expected >= 0 && exchange.received !== exchange.expected) reason = wrongLength(exchange);
      if (reason === '' && !exchange.readDone) this.#events.push({ type: 'trailers', id: exchange.id, fields });
      this.onEnd(exchange);
    } else if (this.#server) this.#onRequest(exchange, fields, end);
    else this.#onResponse(exchange, fields, end);
  }

  #onRequest(exchange: Exchange, fields: Fields, end: boolean): void {
    exchange.method = fieldValue(fields, ':method')!;
    exchange.tunnel = exchange.method === 'CONNECT';
    exchange.finalReceived = true;
    exchange.expected = exchange.tunnel ? -1 : contentLength(fields);
    const field = exchange.prioritized ? undefined : fieldValue(fields, 'priority'); // a frame overrides the field (RFC 9218 §7)
    exchange.priority = (field === undefined ? undefined : parsePriority(field)) ?? exchange.priority;
    if (end && exchange.expected > 0) {
      this.#exchanges.streamError(exchange, H2.PROTOCOL_ERROR, wrongLength(exchange));
      return;
    }
    exchange.told = true;
    this.#events.push({ type: 'request', id: exchange.id, fields, end, early: false });
    this.#ended(exchange, end);
  }

  #onResponse(exchange: Exchange, fields: Fields, end: boolean): void {
    const status = parseStatus(fieldValue(fields, ':status')!);
    const informational = isInformational(status);
    if (informational) {
      if (end)
        this.#exchanges.streamError(exchange, H2.PROTOCOL_ERROR, `${status}, and nothing follows`); // RFC 9113 §8.1
      else if (++exchange.informational > LIMITS.informational.value)
        this.#exchanges.streamError(exchange, H2.ENHANCE_YOUR_CALM, `${exchange.informational} informational responses`);
      else this.#events.push({ type: 'response', id: exchange.id, status, fields, informational, end });
      return;
    }
    exchange.finalReceived = true;
    exchange.tunnel = exchange.method === 'CONNECT' && status < 300;
    exchange.mayHaveContent = !neverHasContent(exchange.method, status);
    exchange.expected = exchange.mayHaveContent && !exchange.tunnel ? contentLength(fields) : -1;
    if (end && exchange.expected > 0) {
      this.#exchanges.streamError(exchange, H2.PROTOCOL_ERROR, wrongLength(exchange));
      return;
    }
    this.#events.push({ type: 'response', id: exchange.id, status, fields, informational, end });
    this.#ended(exchange, end);
  }

  /** The head that was told was all: there is nothing to read. */
  #ended(exchange: Exchange, end: boolean): void {
    if (!end) return;
    exchange.on('end-received');
    exchange.readDone = true;
    this.#exchanges.retireWhenDone(exchange);
  }

  /** RFC 9113 §10.5.1: a client learns why, and the rest of its request is not wanted. */
  #tooLarge(exchange: Exchange, end: boolean): void {
    if (!this.#server || exchange.finalReceived) {
      this.#exchanges.streamError(exchange, H2.ENHANCE_YOUR_CALM, 'a field section above our limit');
      return;
    }
    exchange.finalReceived = true;
    exchange.stopCode = H2.NO_ERROR;
    if (end) exchange.on('end-received');
    this.#exchanges.discard(exchange);
    exchange.outbox.pushFields([[':status', '431']], false);
    exchange.finalSent = true;
    exchange.finished = true;
    this.#outgoing.update(exchange);
  }

  #tellReadable(exchange: Exchange): void {
    if (exchange.readableTold || exchange.readDone) return;
    exchange.readableTold = true;
    this.#events.push({ type: 'body-readable', id: exchange.id });
  }
}

const wrongLength = (exchange: Exchange): string => `${exchange.received} octets of content, content-length is ${exchange.expected}`;
