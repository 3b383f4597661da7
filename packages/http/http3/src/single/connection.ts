import { ByteWriter } from '@quiclab/bytes';
import {
  contentLength,
  type Fields,
  type FrameObserver,
  fieldValue,
  type HttpEvent,
  type HttpOver,
  isInformational,
  malformedRequest,
  malformedResponse,
  malformedTrailers,
  neverHasContent,
  parsePriority,
  parseStatus,
  UsageError,
} from '@quiclab/http-semantics';
import { QpackDecoder, QpackEncoder, QpackError } from '@quiclab/qpack';
import { EventQueue, type Micros } from '@quiclab/sansio';
import { roundRobinByPacket, type StreamId, type StreamPriority, type StreamScheduler } from '@quiclab/streams';
import { H3, HttpConnectionError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { OutgoingStream } from '../outgoing-stream.ts';
import type { QuicStreams, StreamEvent } from '../transport.ts';
import { SingleExchange } from './exchange.ts';
import { SingleExchanges } from './exchanges.ts';
import { Kind } from './frames.ts';
import { SingleIncoming } from './incoming.ts';
import { Outgoing } from './outgoing.ts';

export interface SingleOptions {
  readonly side: 'client' | 'server';
  readonly transport: QuicStreams;
  /** Whose frame is next. Default: each in turn, a frame at a time. */
  readonly scheduler?: StreamScheduler;
  /** Octets of the largest DATA frame, header included: what a packet carries, so that a lost packet is one exchange's. Default 1,100. */
  readonly frameSize?: number;
  /** Octets that an exchange holds before they are laid out; `writeBody` takes no more. Default 65,536. */
  readonly maxQueued?: number;
  /** Octets that an exchange holds for its reader. Beyond, the stream is not read, and all exchanges wait. Default 262,144. */
  readonly maxBuffered?: number;
  /** Exchanges at once. Default 100. */
  readonly maxExchanges?: number;
  /** As for HTTP/3; not announced, so it should be the same at both ends. Default 65,536. */
  readonly maxFieldSectionSize?: number;
  readonly observer?: FrameObserver;
}

const NOTHING = new Uint8Array(0);

/**
 * All exchanges framed onto one bidirectional stream (ALPN `quiclab-single`): what HTTP/2 is on TCP, on the same QUIC as HTTP/3, so that
 * a comparison of the two shows what the independence of streams alone is worth. Not a protocol for anything else.
 *
 * Frames are laid out in `pollEvent`, when it has no more events. 'sent' is never told: the transport acknowledges the stream, not its parts.
 */
export class SingleConnection implements HttpOver<StreamEvent> {
  readonly #server: boolean;
  readonly #transport: QuicStreams;
  readonly #maxQueued: number;
  readonly #maxExchanges: number;
  readonly #encoder = new QpackEncoder();
  readonly #events = new EventQueue<HttpEvent>();
  readonly #outgoing: Outgoing;
  readonly #exchanges: SingleExchanges;
  readonly #incoming: SingleIncoming;
  #now: Micros = 0;
  #stream: StreamId = -1;
  #started = false;
  #leaving = false;
  #closed = false;

  constructor(options: SingleOptions) {
    this.#server = options.side === 'server';
    this.#transport = options.transport;
    this.#maxQueued = options.maxQueued ?? 65_536;
    this.#maxExchanges = options.maxExchanges ?? LIMITS.singleExchanges.value;
    const limits = {
      maxFieldSectionSize: options.maxFieldSectionSize ?? LIMITS.requestFields.value,
      maxExchanges: this.#maxExchanges,
      maxBuffered: options.maxBuffered ?? LIMITS.singleBuffered.value,
    };
    const scheduler = options.scheduler ?? roundRobinByPacket();
    this.#outgoing = new Outgoing(scheduler, options.frameSize ?? 1_100, options.observer, (exchange, kind) =>
      this.#laidOut(exchange, kind),
    );
    this.#exchanges = new SingleExchanges(this.#outgoing, this.#events);
    const decoder = new QpackDecoder(limits.maxFieldSectionSize);
    this.#incoming = new SingleIncoming(this.#server, this.#transport, this.#exchanges, this.#events, limits, decoder, options.observer);
  }

  get closed(): boolean {
    return this.#closed;
  }

  get openExchanges(): number {
    return this.#exchanges.count;
  }

  get acceptsRequests(): boolean {
    return !this.#closed && !this.#leaving && !this.#incoming.left;
  }

  start(_now: Micros): void {
    this.#started = true;
    this.#open();
  }

  pollEvent(): HttpEvent | undefined {
    const event = this.#events.shift();
    if (event !== undefined || this.#closed) return event;
    this.#guard(() => this.#outgoing.pump(this.#now));
    return this.#events.shift();
  }

  onTransport(now: Micros, event: StreamEvent): void {
    if (this.#closed) return;
    this.#now = now;
    this.#guard(() => this.#onTransport(now, event));
  }

  #onTransport(now: Micros, event: StreamEvent): void {
    switch (event.type) {
      case 'streams-available':
        if (event.kind === 'bidi') this.#open();
        return;
      case 'stream-opened':
        if (!this.#server || this.#stream >= 0 || event.id % 4 !== 0)
          throw new HttpConnectionError(H3.STREAM_CREATION_ERROR, `stream ${event.id}, and there is one for everything`);
        this.#use(event.id);
        return;
      case 'stream-readable':
        if (event.id === this.#stream) this.#incoming.read(now, event.id);
        return;
      case 'stream-reset':
      case 'stream-stopped':
        if (event.id === this.#stream)
          throw new HttpConnectionError(H3.CLOSED_CRITICAL_STREAM, 'the peer gave up the stream of all exchanges');
    }
  }

  // --- the application's calls ------------------------------------------------------------------------------------------

  request(now: Micros, fields: Fields, end: boolean): number | undefined {
    this.#now = now;
    if (this.#server) throw new UsageError('a server makes no requests');
    refuse(malformedRequest(fields), 'request');
    if (!this.acceptsRequests) return undefined;
    if (this.#exchanges.count >= this.#maxExchanges) {
      this.#exchanges.roomOwed = true;
      return undefined;
    }
    const exchange = new SingleExchange(this.#incoming.nextExchange, true);
    this.#incoming.nextExchange += 4; // numbered as HTTP/3 numbers the streams of its requests
    this.#exchanges.add(exchange);
    exchange.method = fieldValue(fields, ':method')!;
    exchange.finalSent = true;
    exchange.announcedLength = contentLength(fields);
    this.#prioritizeAs(exchange, fields);
    this.#sayFields(exchange, fields);
    if (end) this.finish(now, exchange.id);
    return exchange.id;
  }

  respond(now: Micros, id: number, fields: Fields, end: boolean): void {
    this.#now = now;
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || exchange.finished) return;
    if (!this.#server || exchange.finalSent) throw new UsageError(`exchange ${id} has its response`);
    refuse(malformedResponse(fields), 'response');
    const status = parseStatus(fieldValue(fields, ':status')!);
    if (isInformational(status)) {
      if (end) throw new UsageError(`${status} cannot be the last response`);
    } else {
      exchange.finalSent = true;
      exchange.sendsNoContent = neverHasContent(exchange.method, status);
      exchange.announcedLength = exchange.sendsNoContent ? -1 : contentLength(fields);
      this.#prioritizeAs(exchange, fields);
    }
    this.#sayFields(exchange, fields);
    if (end) this.finish(now, id);
  }

  writeBody(now: Micros, id: number, data: Uint8Array): number {
    this.#now = now;
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || exchange.finished) return 0;
    if (!exchange.finalSent) throw new UsageError(`content of exchange ${id} before its header section`);
    if (exchange.sendsNoContent) return data.length;
    const taken = Math.min(data.length, this.#maxQueued - exchange.outbox.waiting);
    if (taken > 0) this.#outgoing.say(exchange, Kind.DATA, data.slice(0, taken));
    exchange.contentSent += taken;
    if (taken < data.length) exchange.writableOwed = true;
    return taken;
  }

  readBody(now: Micros, id: number): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    const exchange = this.#exchanges.get(id);
    if (this.#closed || exchange === undefined || !exchange.told) return undefined;
    this.#now = now;
    let content: { readonly data: Uint8Array; readonly fin: boolean } | undefined;
    this.#guard(() => {
      content = this.#incoming.readBody(now, exchange);
    });
    return content;
  }

  finish(now: Micros, id: number, trailers: Fields = []): void {
    this.#now = now;
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || exchange.finished) return;
    if (!exchange.finalSent) throw new UsageError(`the end of exchange ${id} before its header section`);
    if (exchange.announcedLength >= 0 && exchange.contentSent !== exchange.announcedLength)
      throw new UsageError(`${exchange.contentSent} octets of content, content-length is ${exchange.announcedLength}`);
    if (trailers.length > 0 && !exchange.sendsNoContent) {
      refuse(malformedTrailers(trailers), 'trailer section');
      this.#sayFields(exchange, trailers);
    }
    exchange.finished = true;
    this.#outgoing.say(exchange, Kind.END, NOTHING);
  }

  /** What still comes of the peer's message is thrown away: the peer cannot be stopped without the exchange. */
  stopReading(now: Micros, id: number, _code?: number): void {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || exchange.readDone) return;
    exchange.discard();
    this.#exchanges.retireWhenDone(exchange);
    this.#guard(() => this.#incoming.resume(now));
  }

  cancel(now: Micros, id: number, code: number = H3.REQUEST_CANCELLED): void {
    this.#now = now;
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined) return;
    this.#guard(() => {
      this.#exchanges.drop(exchange, code);
      this.#incoming.resume(now);
    });
  }

  /** Ours alone: at a client it orders what the request still has to say. */
  prioritize(_now: Micros, id: number, priority: StreamPriority): void {
    const exchange = this.#exchanges.get(id);
    if (exchange !== undefined) this.#outgoing.prioritize(exchange, priority);
  }

  goaway(now: Micros): void {
    if (this.#closed || this.#leaving) return;
    this.#now = now;
    this.#leaving = true;
    const limit = this.#server ? this.#incoming.nextExchange : 0;
    if (this.#server) this.#incoming.goaway = limit;
    this.#guard(() => this.#outgoing.sayFirst(Kind.GOAWAY, limit, NOTHING));
  }

  close(now: Micros, code: number = H3.NO_ERROR, reason = ''): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#exchanges.clear();
    this.#events.push({ type: 'closed', code, reason });
    this.#transport.close(now, code, reason);
  }

  // --- the ground -------------------------------------------------------------------------------------------------------

  #open(): void {
    if (this.#server || !this.#started || this.#stream >= 0) return;
    const id = this.#transport.openStream('bidi');
    if (id !== undefined) this.#use(id);
  }

  #use(id: StreamId): void {
    this.#stream = id;
    this.#outgoing.stream = new OutgoingStream(this.#transport, id);
  }

  /** What the Priority field of our message says; of what it does not say, a response leaves as it was. RFC 9218 §8. */
  #prioritizeAs(exchange: SingleExchange, fields: Fields): void {
    const field = fieldValue(fields, 'priority');
    exchange.priority = (field === undefined ? undefined : parsePriority(field, exchange.priority)) ?? exchange.priority;
  }

  #sayFields(exchange: SingleExchange, fields: Fields): void {
    const section = ByteWriter.growable(256);
    this.#encoder.encode(section, fields);
    this.#outgoing.say(exchange, Kind.HEADERS, section.written());
  }

  #laidOut(exchange: SingleExchange, kind: number): void {
    if (kind === Kind.END) {
      exchange.endLaidOut = true;
      this.#exchanges.retireWhenDone(exchange);
    } else if (exchange.writableOwed && !exchange.finished && exchange.outbox.waiting <= this.#maxQueued / 2) {
      exchange.writableOwed = false;
      this.#events.push({ type: 'body-writable', id: exchange.id });
    }
  }

  /** The one place where a connection error ends the connection. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof HttpConnectionError || error instanceof QpackError)) throw error;
      this.close(this.#now, error.code, error.message);
    }
  }
}

function refuse(reason: string, what: string): void {
  if (reason !== '') throw new UsageError(`this ${what} is malformed: ${reason}`);
}
