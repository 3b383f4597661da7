import {
  contentLength,
  type Fields,
  type FrameObserver,
  fieldSectionSize,
  fieldValue,
  type HttpEvent,
  type HttpOver,
  isInformational,
  malformedRequest,
  malformedResponse,
  malformedTrailers,
  neverHasContent,
  type Priority,
  parsePriority,
  parseStatus,
  UsageError,
} from '@quiclab/http-semantics';
import { QpackDecoder, QpackEncoder, QpackError } from '@quiclab/qpack';
import { EventQueue, type Micros, type Random } from '@quiclab/sansio';
import type { StreamId, StreamPriority } from '@quiclab/streams';
import { type ControlHandler, ControlStreamReader } from './control-stream.ts';
import { H3, HttpConnectionError } from './errors.ts';
import { Exchange } from './exchange.ts';
import { Exchanges } from './exchanges.ts';
import { Incoming } from './incoming.ts';
import { LIMITS } from './limits.ts';
import { MessageReader, type ReadLimits } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';
import { OutgoingStream } from './outgoing-stream.ts';
import { OwnStreams } from './own-streams.ts';
import { PeerStreams } from './peer-streams.ts';
import { Setting, type Settings, settingValue } from './settings.ts';
import type { QuicStreams, StreamEvent } from './transport.ts';

export interface Http3Options {
  readonly side: 'client' | 'server';
  readonly transport: QuicStreams;
  /** The largest field section we take, as SETTINGS_MAX_FIELD_SECTION_SIZE counts: octets, and 32 for each line. Defaults are in `LIMITS`. */
  readonly maxFieldSectionSize?: number;
  /**
   * Octets of QPACK's dynamic tables: of the one that we keep for the peer's lines, and at most of the one that the peer keeps for ours.
   * Default 0: field sections refer to nothing but the static table. RFC 9204 §3.2.3.
   */
  readonly tableCapacity?: number;
  /** Streams of the peer's that may have a field section which waits for its encoder stream. Default 0. RFC 9204 §2.1.2. */
  readonly blockedStreams?: number;
  /** Frames in a row on one stream that say nothing (unknown, or DATA of 0) before the peer is sent away. */
  readonly maxIgnoredFrames?: number;
  /** At a server: how long the header section of a request may take, in µs. Needs a driver that calls `onTimeout`. */
  readonly headersTimeout?: Micros;
  /** At a server: takes CONNECT with :protocol, and says so (RFC 9220). Default false. */
  readonly enableConnectProtocol?: boolean;
  /** Which identifiers to send so that they are ignored (RFC 9114 §7.2.8). Default: always the same. */
  readonly random?: Random;
  readonly observer?: FrameObserver;
}

/** HTTP/3 over the streams of a QUIC connection. RFC 9114. Both sides; without push. */
export class Http3Connection implements HttpOver<StreamEvent>, ControlHandler {
  readonly #server: boolean;
  readonly #transport: QuicStreams;
  readonly #limits: ReadLimits;
  readonly #headersTimeout: Micros;
  readonly #observer: FrameObserver | undefined;
  readonly #encoder: QpackEncoder;
  readonly #decoder: QpackDecoder;
  readonly #writer: MessageWriter;
  readonly #ownStreams: OwnStreams;
  readonly #peerStreams: PeerStreams;
  readonly #events = new EventQueue<HttpEvent>();
  readonly #exchanges: Exchanges;
  readonly #incoming: Incoming;
  #nextPeerRequest: StreamId = 0; // one request above the highest that the client has opened
  #goawaySent = Number.POSITIVE_INFINITY;
  #goawayReceived = false;
  #requestRefused = false;
  #peerMaxFieldSectionSize = Number.POSITIVE_INFINITY;
  #peerTakesExtendedConnect = false;
  #closed = false;

  constructor(options: Http3Options) {
    const { transport, observer } = options;
    this.#server = options.side === 'server';
    this.#transport = transport;
    this.#limits = {
      maxFieldSectionSize: options.maxFieldSectionSize ?? LIMITS.requestFields.value,
      maxIgnoredFrames: options.maxIgnoredFrames ?? LIMITS.ignoredFrames.value,
    };
    this.#headersTimeout = options.headersTimeout ?? LIMITS.headersTime.value;
    this.#observer = observer;
    const tableCapacity = options.tableCapacity ?? LIMITS.tableCapacity.value;
    const blockedStreams = options.blockedStreams ?? LIMITS.blockedSections.value;
    this.#encoder = new QpackEncoder({ maxTableCapacity: tableCapacity, maxOutstanding: LIMITS.unacknowledgedSections.value });
    this.#decoder = new QpackDecoder(this.#limits.maxFieldSectionSize, tableCapacity);
    const settings: (readonly [number, number])[] = [[Setting.MAX_FIELD_SECTION_SIZE, this.#limits.maxFieldSectionSize]];
    if (tableCapacity > 0) settings.push([Setting.QPACK_MAX_TABLE_CAPACITY, tableCapacity]);
    if (blockedStreams > 0) settings.push([Setting.QPACK_BLOCKED_STREAMS, blockedStreams]);
    const extendedConnect = this.#server && options.enableConnectProtocol === true;
    if (extendedConnect) settings.push([Setting.ENABLE_CONNECT_PROTOCOL, 1]);
    this.#ownStreams = new OwnStreams(transport, settings, options.random, observer);
    this.#writer = new MessageWriter(this.#encoder, this.#ownStreams, observer);
    const control = new ControlStreamReader(this.#server, this, this.#limits.maxIgnoredFrames);
    this.#peerStreams = new PeerStreams(this.#server, transport, control, this.#encoder, this.#decoder);
    this.#exchanges = new Exchanges(transport, this.#events, this.#decoder, blockedStreams);
    this.#incoming = new Incoming(this.#server, extendedConnect, transport, this.#exchanges, this.#events, this.#writer);
  }

  get closed(): boolean {
    return this.#closed;
  }

  get openExchanges(): number {
    return this.#exchanges.count;
  }

  get acceptsRequests(): boolean {
    return !this.#closed && !this.#goawayReceived && this.#goawaySent === Number.POSITIVE_INFINITY;
  }

  start(now: Micros): void {
    if (!this.#closed) this.#ownStreams.start(now);
  }

  pollEvent(): HttpEvent | undefined {
    return this.#events.shift();
  }

  // --- time -------------------------------------------------------------------------------------------------------------

  /** When to call `onTimeout`; NEVER where nothing is waited for. */
  nextTimeout(): Micros {
    return this.#exchanges.nextTimeout();
  }

  /** Ends the exchanges whose request takes too long. RFC 9114 §10.5: nothing of them was told, so nothing is told now. */
  onTimeout(now: Micros): void {
    for (let late = this.#exchanges.overdue(now); late !== undefined; late = this.#exchanges.overdue(now))
      this.#exchanges.drop(late, H3.REQUEST_INCOMPLETE);
  }

  // --- the transport's events -------------------------------------------------------------------------------------------

  onTransport(now: Micros, event: StreamEvent): void {
    if (this.#closed) return;
    try {
      this.#onTransport(now, event);
      this.#ownStreams.answer(now, this.#decoder);
    } catch (error) {
      this.#fail(now, error);
    }
  }

  #onTransport(now: Micros, event: StreamEvent): void {
    switch (event.type) {
      case 'stream-opened':
        this.#opened(now, event.id, event.early);
        return;
      case 'stream-readable': {
        const exchange = this.#exchanges.get(event.id);
        if (isUnidirectional(event.id)) {
          this.#peerStreams.readable(now, event.id);
          if (this.#peerStreams.inserted) this.#incoming.resume(now);
          this.#peerStreams.inserted = false;
        } else if (exchange?.receiving === true) this.#incoming.readable(now, exchange);
        return;
      }
      case 'stream-writable':
        this.#writable(now, event.id);
        return;
      case 'stream-finished':
        if (isRequest(event.id)) this.#events.push({ type: 'sent', id: event.id });
        return;
      case 'stream-reset': {
        const exchange = this.#exchanges.get(event.id);
        if (isUnidirectional(event.id)) this.#peerStreams.ended(event.id);
        else if (exchange?.receiving === true) this.#incoming.reset(exchange, event.code);
        return;
      }
      case 'stream-stopped':
        this.#stopped(event.id, event.code);
        return;
      case 'streams-available':
        if (event.kind === 'uni') this.#ownStreams.openMore(now);
        else if (this.#requestRefused) {
          this.#requestRefused = false;
          this.#events.push({ type: 'requests-available' });
        }
    }
  }

  #opened(now: Micros, id: StreamId, early: boolean): void {
    if (isUnidirectional(id)) {
      this.#peerStreams.opened(id);
      return;
    }
    if (!this.#server) throw new HttpConnectionError(H3.STREAM_CREATION_ERROR, `bidirectional stream ${id} from a server`); // RFC 9114 §6.1
    this.#nextPeerRequest = Math.max(this.#nextPeerRequest, id + 4);
    const exchange = this.#begin(id, early, false);
    if (id >= this.#goawaySent)
      this.#exchanges.drop(exchange, H3.REQUEST_REJECTED); // RFC 9114 §5.2
    else this.#exchanges.awaitHeaders(exchange, now + this.#headersTimeout);
  }

  #stopped(id: StreamId, code: number): void {
    if (this.#ownStreams.has(id)) throw new HttpConnectionError(H3.CLOSED_CRITICAL_STREAM, `the peer does not take stream ${id}`);
    const exchange = this.#exchanges.get(id);
    // also of an exchange that is over for us, while its last octets are on the way: 'sent' will not come
    if (exchange === undefined || exchange.told) this.#events.push({ type: 'stopped', id, code });
    if (exchange === undefined) return;
    exchange.out.reset(code); // RFC 9000 §3.5
    this.#exchanges.retireWhenDone(exchange);
  }

  #writable(now: Micros, id: StreamId): void {
    this.#ownStreams.flush(now, id);
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined) return;
    exchange.out.flush(now);
    if (exchange.writableOwed && !exchange.out.blocked && exchange.out.open) {
      exchange.writableOwed = false;
      this.#events.push({ type: 'body-writable', id });
    }
    this.#exchanges.retireWhenDone(exchange);
  }

  // --- the peer's control stream ----------------------------------------------------------------------------------------

  onSettings(settings: Settings): void {
    this.#encoder.allow(
      settingValue(settings, Setting.QPACK_MAX_TABLE_CAPACITY, 0),
      settingValue(settings, Setting.QPACK_BLOCKED_STREAMS, 0),
    );
    this.#peerMaxFieldSectionSize = settingValue(settings, Setting.MAX_FIELD_SECTION_SIZE, Number.POSITIVE_INFINITY);
    this.#peerTakesExtendedConnect = settingValue(settings, Setting.ENABLE_CONNECT_PROTOCOL, 0) === 1;
    this.#events.push({ type: 'settings', settings });
  }

  onGoaway(id: number): void {
    this.#goawayReceived = true;
    this.#events.push({ type: 'goaway', id });
    if (this.#server) return; // a client's names a push, and there is none
    for (const exchange of this.#exchanges.from(id)) {
      const reason = `GOAWAY ${id}: not processed, may be sent again`;
      this.#events.push({ type: 'failed', id: exchange.id, code: H3.REQUEST_REJECTED, reason, unprocessed: true });
      this.#exchanges.drop(exchange, H3.REQUEST_CANCELLED);
    }
  }

  onPriorityUpdate(id: StreamId, priority: Priority): void {
    if (id >= 4 * this.#transport.streamsAllowed('bidi'))
      throw new HttpConnectionError(H3.ID_ERROR, `PRIORITY_UPDATE of stream ${id}, which may not be opened yet`); // RFC 9218 §7.2
    this.#incoming.onPriorityUpdate(this.#exchanges.get(id), id < this.#nextPeerRequest, id, priority);
  }

  // --- the application's calls ------------------------------------------------------------------------------------------

  request(now: Micros, fields: Fields, end: boolean): number | undefined {
    if (this.#server) throw new UsageError('a server makes no requests');
    if (!this.acceptsRequests) return undefined;
    this.#checkOurs(malformedRequest(fields, this.#peerTakesExtendedConnect), fields, 'request'); // RFC 9220 §3: not before it said so
    const id = this.#transport.openStream('bidi');
    if (id === undefined) {
      this.#requestRefused = true;
      return undefined;
    }
    const exchange = this.#begin(id, false, true);
    exchange.method = fieldValue(fields, ':method')!;
    exchange.finalSent = true;
    exchange.sendsTunnel = exchange.method === 'CONNECT';
    exchange.announcedLength = exchange.sendsTunnel ? -1 : contentLength(fields);
    this.#prioritizeAs(exchange, fields); // RFC 9218 §9: our side of the stream as well
    this.#writer.fields(now, exchange.out, fields, 'headers');
    if (end) this.finish(now, id);
    return id;
  }

  respond(now: Micros, id: number, fields: Fields, end: boolean): void {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || !exchange.out.open) return;
    if (!this.#server || exchange.finalSent) throw new UsageError(`exchange ${id} has its response`);
    this.#checkOurs(malformedResponse(fields), fields, 'response');
    const status = parseStatus(fieldValue(fields, ':status')!);
    if (isInformational(status)) {
      if (end) throw new UsageError(`${status} cannot be the last response`);
    } else {
      exchange.finalSent = true;
      exchange.sendsNoContent = neverHasContent(exchange.method, status);
      exchange.sendsTunnel = exchange.method === 'CONNECT' && status < 300;
      exchange.announcedLength = exchange.sendsNoContent || exchange.sendsTunnel ? -1 : contentLength(fields);
      this.#prioritizeAs(exchange, fields);
    }
    this.#writer.fields(now, exchange.out, fields, 'headers');
    if (end) this.finish(now, id);
  }

  writeBody(now: Micros, id: number, data: Uint8Array): number {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || !exchange.out.open) return 0;
    if (!exchange.finalSent) throw new UsageError(`content of exchange ${id} before its header section`);
    if (exchange.sendsNoContent) return data.length;
    const taken = this.#writer.content(now, exchange.out, data);
    exchange.contentSent += taken;
    if (taken < data.length) exchange.writableOwed = true;
    return taken;
  }

  finish(now: Micros, id: number, trailers: Fields = []): void {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || !exchange.out.open) return;
    if (!exchange.finalSent) throw new UsageError(`the end of exchange ${id} before its header section`);
    if (exchange.announcedLength >= 0 && exchange.contentSent !== exchange.announcedLength)
      throw new UsageError(`${exchange.contentSent} octets of content, content-length is ${exchange.announcedLength}`);
    if (trailers.length > 0 && exchange.sendsTunnel) throw new UsageError('a trailer section in a tunnel'); // RFC 9114 §4.4
    if (trailers.length > 0 && !exchange.sendsNoContent) {
      this.#checkOurs(malformedTrailers(trailers), trailers, 'trailer section');
      this.#writer.fields(now, exchange.out, trailers, 'trailers');
    }
    exchange.out.finish();
    this.#exchanges.retireWhenDone(exchange);
  }

  readBody(now: Micros, id: number): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || !exchange.told || !exchange.finalReceived) return undefined;
    try {
      const piece = this.#incoming.readBody(now, exchange);
      this.#ownStreams.answer(now, this.#decoder);
      return piece;
    } catch (error) {
      this.#fail(now, error);
      return undefined;
    }
  }

  stopReading(_now: Micros, id: number, code: number = H3.NO_ERROR): void {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || !exchange.receiving) return;
    this.#transport.stopSending(id, code);
    this.#exchanges.abandon(exchange);
    this.#exchanges.retireWhenDone(exchange);
  }

  cancel(_now: Micros, id: number, code: number = H3.REQUEST_CANCELLED): void {
    const exchange = this.#exchanges.get(id);
    if (exchange !== undefined) this.#exchanges.drop(exchange, code);
  }

  prioritize(now: Micros, id: number, priority: StreamPriority): void {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined) return;
    exchange.priority = priority;
    this.#transport.prioritize(id, priority);
    if (!this.#server) this.#ownStreams.prioritize(now, id, priority);
  }

  goaway(now: Micros): void {
    if (this.#closed || this.#goawaySent !== Number.POSITIVE_INFINITY) return;
    this.#goawaySent = this.#server ? this.#nextPeerRequest : 0; // a client's names a push: none will be taken
    this.#ownStreams.goaway(now, this.#goawaySent);
  }

  close(now: Micros, code: number = H3.NO_ERROR, reason = ''): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#exchanges.clear();
    this.#events.push({ type: 'closed', code, reason });
    this.#transport.close(now, code, reason);
  }

  /** What the Priority field of our message says; of what it does not say, a response leaves as it was. RFC 9218 §8. */
  #prioritizeAs(exchange: Exchange, fields: Fields): void {
    const field = fieldValue(fields, 'priority');
    const priority = field === undefined ? undefined : parsePriority(field, exchange.priority);
    if (priority === undefined) return;
    exchange.priority = priority;
    this.#transport.prioritize(exchange.id, priority);
  }

  // --- the ground -------------------------------------------------------------------------------------------------------

  #begin(id: StreamId, early: boolean, told: boolean): Exchange {
    const reader = new MessageReader(id, this.#server, this.#transport, this.#decoder, this.#limits, this.#observer);
    const exchange = new Exchange(id, new OutgoingStream(this.#transport, id), reader, early, told);
    this.#exchanges.add(exchange);
    return exchange;
  }

  /**
   * What we send is held to the rules that we hold the peer to; a request to the server's limit, too (RFC 9114 §4.2.2). A client's limit does
   * not bind the answer: it is a SHOULD, and a client that says 0 must not make the calls of a server's application throw.
   */
  #checkOurs(reason: string, fields: Fields, what: string): void {
    if (reason !== '') throw new UsageError(`this ${what} is malformed: ${reason}`);
    const size = fieldSectionSize(fields);
    if (!this.#server && size > this.#peerMaxFieldSectionSize)
      throw new UsageError(`a field section of ${size} octets, the peer takes ${this.#peerMaxFieldSectionSize}`);
  }

  /** The one place where a connection error ends the connection. Anything else thrown is a mistake of ours, and is passed on. */
  #fail(now: Micros, error: unknown): void {
    if (!(error instanceof HttpConnectionError || error instanceof QpackError)) throw error;
    this.close(now, error.code, error.message);
  }
}

/** RFC 9000 §2.1. */
const isUnidirectional = (id: StreamId): boolean => id % 4 >= 2;
const isRequest = (id: StreamId): boolean => id % 4 === 0;
