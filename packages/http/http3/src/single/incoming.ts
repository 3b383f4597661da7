import { ByteReader } from '@quiclab/bytes';
import {
  contentLength,
  type Fields,
  type FrameObserver,
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
import type { QpackDecoder } from '@quiclab/qpack';
import type { EventQueue, Micros } from '@quiclab/sansio';
import type { StreamId } from '@quiclab/streams';
import { H3, HttpConnectionError } from '../errors.ts';
import { FrameParser } from '../frame-parser.ts';
import { Payload } from '../payload.ts';
import type { QuicStreams } from '../transport.ts';
import { SingleExchange } from './exchange.ts';
import type { SingleExchanges } from './exchanges.ts';
import { Kind, MAPPED, NAMES } from './frames.ts';

export interface SingleLimits {
  readonly maxFieldSectionSize: number;
  readonly maxExchanges: number;
  readonly maxBuffered: number;
}

/** The peer's direction of the shared stream: takes it apart into exchanges. */
export class SingleIncoming {
  /** The next exchange that the client will begin: those below are known, or over. */
  nextExchange = 0;
  /** Exchanges from here on are rejected (server), as our GOAWAY said. */
  goaway = Number.POSITIVE_INFINITY;
  /** The peer's GOAWAY came. */
  left = false;

  readonly #server: boolean;
  readonly #transport: QuicStreams;
  readonly #exchanges: SingleExchanges;
  readonly #events: EventQueue<HttpEvent>;
  readonly #decoder: QpackDecoder;
  readonly #limits: SingleLimits;
  readonly #observer: FrameObserver | undefined;
  readonly #parser = new FrameParser(true);
  readonly #payload = new Payload();
  #stream: StreamId = -1;
  #current: SingleExchange | undefined = undefined; // whose frame is being read; undefined: it is passed over
  #untold: SingleExchange[] = []; // heads that wait to see whether the end comes right behind
  #stalledBy: SingleExchange | undefined = undefined;

  constructor(
    server: boolean,
    transport: QuicStreams,
    exchanges: SingleExchanges,
    events: EventQueue<HttpEvent>,
    limits: SingleLimits,
    decoder: QpackDecoder,
    observer: FrameObserver | undefined,
  ) {
    this.#server = server;
    this.#transport = transport;
    this.#exchanges = exchanges;
    this.#events = events;
    this.#limits = limits;
    this.#decoder = decoder;
    this.#observer = observer;
  }

  /** Reads what the transport has, unless an exchange that nobody reads is full: then all of them wait, as on one TCP connection. */
  read(now: Micros, stream: StreamId): void {
    this.#stream = stream;
    while (!this.#stalled()) {
      const piece = this.#transport.read(now, stream);
      if (piece === undefined) break;
      this.#parser.feed(piece.data);
      this.#frames();
      if (piece.fin) throw new HttpConnectionError(H3.CLOSED_CRITICAL_STREAM, 'the peer closed the stream of all exchanges');
    }
    for (const exchange of this.#untold) this.#tellHead(exchange, false);
    this.#untold = [];
  }

  readBody(now: Micros, exchange: SingleExchange): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    const content = exchange.take();
    if (content === undefined) exchange.readableTold = false;
    this.#exchanges.retireWhenDone(exchange);
    this.resume(now);
    return content;
  }

  /** Goes on reading if the exchange that held everything up has room again. */
  resume(now: Micros): void {
    if (this.#stalledBy === undefined || this.#stalled()) return;
    this.#stalledBy = undefined;
    this.read(now, this.#stream);
  }

  #stalled(): boolean {
    return this.#stalledBy !== undefined && this.#stalledBy.buffered > this.#limits.maxBuffered / 2;
  }

  #frames(): void {
    const parser = this.#parser;
    for (;;) {
      if (parser.remaining === 0) {
        if (!parser.readHeader()) return;
        this.#current = this.#begin();
        if (parser.length > 0) continue;
      } else if (parser.available === 0) return;
      const kind = parser.type;
      if (kind === Kind.DATA) this.#content(parser.take());
      else if (this.#current === undefined) parser.skip();
      else {
        const payload = this.#payload.gather(parser);
        if (payload !== undefined) this.#whole(this.#current, kind, payload);
      }
    }
  }

  /** Judges a frame by its header, and finds whose it is. */
  #begin(): SingleExchange | undefined {
    const { type: kind, exchange: id, length, start, headerLength } = this.#parser;
    if (kind > Kind.GOAWAY) throw new HttpConnectionError(H3.FRAME_UNEXPECTED, `a frame of kind ${kind}`);
    this.#observer?.frameMapped(
      'received',
      kind === Kind.GOAWAY ? -1 : id,
      this.#stream,
      start,
      headerLength + length,
      headerLength,
      MAPPED[kind]!,
    );
    if ((kind === Kind.END || kind === Kind.GOAWAY) && length > 0) throw frameError(kind, length);
    if (kind === Kind.RESET && (length === 0 || length > 8)) throw frameError(kind, length);
    if (kind === Kind.HEADERS && length > this.#limits.maxFieldSectionSize)
      throw new HttpConnectionError(H3.EXCESSIVE_LOAD, `a field section of ${length} octets`);
    if (kind === Kind.GOAWAY) {
      this.#onGoaway(id);
      return undefined;
    }
    const exchange = id >= this.nextExchange ? this.#opened(kind, id) : this.#exchanges.get(id);
    if (exchange === undefined || kind === Kind.RESET) return exchange;
    if (exchange.ended || (exchange.trailed && kind !== Kind.END))
      throw new HttpConnectionError(H3.FRAME_UNEXPECTED, `${NAMES[kind]} after the end of exchange ${id}`);
    if (kind === Kind.DATA) this.#announced(exchange, length);
    return exchange;
  }

  #opened(kind: number, id: number): SingleExchange | undefined {
    if (!this.#server || kind !== Kind.HEADERS || id % 4 !== 0)
      throw new HttpConnectionError(H3.ID_ERROR, `${NAMES[kind]} of exchange ${id}, which has not begun`);
    this.nextExchange = id + 4;
    if (id >= this.goaway || this.#exchanges.count >= this.#limits.maxExchanges) {
      this.#exchanges.reject(id, H3.REQUEST_REJECTED);
      return undefined;
    }
    const exchange = new SingleExchange(id, false);
    this.#exchanges.add(exchange);
    return exchange;
  }

  /** So much content follows. */
  #announced(exchange: SingleExchange, length: number): void {
    if (!exchange.finalReceived)
      throw new HttpConnectionError(H3.FRAME_UNEXPECTED, `DATA of exchange ${exchange.id} before its header section`);
    exchange.received += length;
    if (length > 0 && !exchange.mayHaveContent)
      this.#exchanges.streamError(exchange, H3.MESSAGE_ERROR, 'content in a response that has none');
    else if (exchange.expected >= 0 && exchange.received > exchange.expected)
      this.#exchanges.streamError(exchange, H3.MESSAGE_ERROR, wrongLength(exchange));
  }

  #content(piece: Uint8Array): void {
    const exchange = this.#current;
    if (exchange === undefined || exchange.discarding || piece.length === 0) return;
    this.#tellHead(exchange, false);
    exchange.keep(piece);
    if (exchange.buffered > this.#limits.maxBuffered) this.#stalledBy = exchange;
    this.#tellReadable(exchange);
  }

  #whole(exchange: SingleExchange, kind: number, payload: Uint8Array): void {
    if (this.#exchanges.get(exchange.id) !== exchange) return; // given up while the frame came
    if (kind === Kind.RESET) this.#onReset(exchange, payload);
    else if (kind === Kind.END) this.#onEnd(exchange);
    else this.#onHeaders(exchange, payload);
  }

  #onReset(exchange: SingleExchange, payload: Uint8Array): void {
    const reader = new ByteReader(payload);
    const code = reader.varint();
    if (reader.overrun || reader.remaining > 0) throw frameError(Kind.RESET, payload.length);
    if (exchange.told) this.#events.push({ type: 'reset', id: exchange.id, code, unprocessed: code === H3.REQUEST_REJECTED });
    this.#exchanges.forget(exchange);
  }

  #onEnd(exchange: SingleExchange): void {
    if (!exchange.finalReceived) {
      const code = this.#server ? H3.REQUEST_INCOMPLETE : H3.MESSAGE_ERROR;
      this.#exchanges.streamError(exchange, code, 'an end without a message');
      return;
    }
    if (exchange.expected >= 0 && exchange.received !== exchange.expected) {
      this.#exchanges.streamError(exchange, H3.MESSAGE_ERROR, wrongLength(exchange));
      return;
    }
    exchange.ended = true;
    if (exchange.head !== undefined) {
      exchange.readDone = true; // told with the head: nothing is left to read
      this.#tellHead(exchange, true);
    } else this.#tellReadable(exchange);
    this.#exchanges.retireWhenDone(exchange);
  }

  #onHeaders(exchange: SingleExchange, payload: Uint8Array): void {
    const fields = this.#decoder.decode(payload);
    if (typeof fields !== 'object') {
      this.#exchanges.streamError(exchange, H3.MESSAGE_ERROR, 'a field section above our limit');
      return;
    }
    const trailing = exchange.finalReceived;
    const reason = trailing ? malformedTrailers(fields) : this.#server ? malformedRequest(fields) : malformedResponse(fields);
    if (reason !== '') this.#exchanges.streamError(exchange, H3.MESSAGE_ERROR, reason);
    else if (trailing) {
      exchange.trailed = true;
      this.#tellHead(exchange, false);
      this.#events.push({ type: 'trailers', id: exchange.id, fields });
    } else if (this.#server) this.#onRequest(exchange, fields);
    else this.#onResponse(exchange, fields);
  }

  #onRequest(exchange: SingleExchange, fields: Fields): void {
    exchange.method = fieldValue(fields, ':method')!;
    exchange.expected = contentLength(fields);
    const priority = fieldValue(fields, 'priority');
    exchange.priority = (priority === undefined ? undefined : parsePriority(priority)) ?? exchange.priority;
    this.#final(exchange, { type: 'request', id: exchange.id, fields, end: false, early: false });
  }

  #onResponse(exchange: SingleExchange, fields: Fields): void {
    const status = parseStatus(fieldValue(fields, ':status')!);
    const informational = isInformational(status);
    const response = { type: 'response', id: exchange.id, status, fields, informational, end: false } as const;
    if (informational) {
      this.#events.push(response);
      return;
    }
    exchange.mayHaveContent = !neverHasContent(exchange.method, status);
    exchange.expected = exchange.mayHaveContent ? contentLength(fields) : -1;
    this.#final(exchange, response);
  }

  #final(exchange: SingleExchange, head: NonNullable<SingleExchange['head']>): void {
    exchange.finalReceived = true;
    exchange.head = head;
    this.#untold.push(exchange);
  }

  #onGoaway(id: number): void {
    this.left = true;
    this.#events.push({ type: 'goaway', id });
    if (!this.#server) this.#exchanges.failFrom(id);
  }

  #tellHead(exchange: SingleExchange, end: boolean): void {
    const head = exchange.head;
    if (head === undefined || this.#exchanges.get(exchange.id) !== exchange) return;
    exchange.head = undefined;
    exchange.told = true;
    this.#events.push(end ? { ...head, end } : head);
  }

  #tellReadable(exchange: SingleExchange): void {
    if (exchange.readableTold || exchange.readDone) return;
    exchange.readableTold = true;
    this.#events.push({ type: 'body-readable', id: exchange.id });
  }
}

const frameError = (kind: number, length: number): HttpConnectionError =>
  new HttpConnectionError(H3.FRAME_ERROR, `${NAMES[kind]} with a payload of ${length} octets`);
const wrongLength = (exchange: SingleExchange): string => `${exchange.received} octets of content, content-length is ${exchange.expected}`;
