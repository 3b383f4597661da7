import { HpackDecoder, HpackEncoder } from '@quiclab/hpack';
import {
  contentLength,
  type Fields,
  fieldSectionSize,
  fieldValue,
  formatPriority,
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
import { type ByteStream, type ByteStreamEvent, EventQueue, type Micros, NEVER } from '@quiclab/sansio';
import { roundRobinByPacket } from '@quiclab/streams';
import { Control } from './control.ts';
import { Ending } from './ending.ts';
import { H2, HttpConnectionError } from './errors.ts';
import { Exchange } from './exchange.ts';
import { Exchanges } from './exchanges.ts';
import { DEFAULT_FRAME_SIZE, FRAME_HEADER, FrameType, LARGEST_STREAM_ID, PREFACE } from './frames.ts';
import { Incoming } from './incoming.ts';
import { LIMITS } from './limits.ts';
import { Messages } from './messages.ts';
import type { Http2Options } from './options.ts';
import { fourOctets, Outgoing } from './outgoing.ts';
import { ReceiveCredit } from './receive-credit.ts';
import { Setting } from './settings.ts';

const FOUR_MIB = 4_194_304;

/**
 * HTTP/2 over a stream of octets. RFC 9113. Both sides; without push. Frames are laid out in `pollEvent`, when it has no more events.
 * 'sent' is never told: the transport acknowledges octets, not messages.
 *
 * When the connection has ended, by `close`, a fault of the peer's or the end of the transport, 'closed' is told and the last frames
 * leave in `pollEvent` as before; the driver goes on telling what the transport tells, and the time.
 */
export class Http2Connection implements HttpOver<ByteStreamEvent> {
  readonly #server: boolean;
  readonly #transport: ByteStream;
  readonly #options: Http2Options;
  readonly #maxQueued: number;
  readonly #extendedConnect: boolean;
  readonly #events = new EventQueue<HttpEvent>();
  readonly #outgoing: Outgoing;
  readonly #credit: ReceiveCredit;
  readonly #exchanges: Exchanges;
  readonly #control: Control;
  readonly #incoming: Incoming;
  readonly #ending: Ending;
  #leaving = false;
  #closed = false;

  constructor(options: Http2Options) {
    const { transport, observer } = options;
    this.#server = options.side === 'server';
    this.#transport = transport;
    this.#options = options;
    this.#maxQueued = options.maxQueued ?? LIMITS.queued.value;
    this.#extendedConnect = this.#server && options.enableConnectProtocol === true;
    const frameSize = options.frameSize ?? DEFAULT_FRAME_SIZE + FRAME_HEADER;
    if (!(frameSize > FRAME_HEADER)) throw new UsageError(`a frameSize of ${frameSize} octets leaves no room for content`);
    const maxFieldSectionSize = options.maxFieldSectionSize ?? LIMITS.requestFields.value;
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(maxFieldSectionSize);
    this.#outgoing = new Outgoing(
      transport,
      options.scheduler ?? roundRobinByPacket(),
      encoder,
      frameSize,
      observer,
      (id) => this.#exchanges.get(id),
      (exchange) => this.#onLaid(exchange),
    );
    this.#credit = new ReceiveCredit(
      this.#outgoing,
      options.streamWindow ?? LIMITS.streamWindow.value,
      options.maxStreamWindow ?? FOUR_MIB,
      options.connectionWindow ?? LIMITS.connectionWindow.value,
      options.maxConnectionWindow ?? 4 * FOUR_MIB,
    );
    this.#exchanges = new Exchanges(this.#server, this.#outgoing, this.#credit, this.#events);
    const maxConcurrentStreams = options.maxConcurrentStreams ?? LIMITS.exchanges.value;
    this.#control = new Control(this.#server, this.#exchanges, this.#outgoing, this.#credit, encoder, this.#events, {
      maxConcurrentStreams,
      settingsTimeout: options.settingsTimeout ?? LIMITS.settingsTime.value,
      onTableSizeKnown: () => decoder.setMaxTableSize(options.headerTableSize ?? LIMITS.tableSize.value),
    });
    const messages = new Messages(this.#server, this.#exchanges, this.#outgoing, this.#control, this.#credit, this.#events, {
      maxConcurrentStreams,
      extendedConnect: this.#extendedConnect,
    });
    const limits = {
      maxFieldSectionSize,
      maxFrameSize: options.maxFrameSize ?? DEFAULT_FRAME_SIZE,
      maxIgnoredFrames: options.maxIgnoredFrames ?? LIMITS.ignoredFrames.value,
      headersTimeout: options.headersTimeout ?? LIMITS.headersTime.value,
    };
    this.#incoming = new Incoming(this.#server, this.#exchanges, messages, this.#control, this.#credit, decoder, limits, observer);
    this.#ending = new Ending(transport, this.#outgoing);
  }

  get closed(): boolean {
    return this.#closed;
  }

  get openExchanges(): number {
    return this.#exchanges.count;
  }

  get acceptsRequests(): boolean {
    return !this.#closed && !this.#leaving && !this.#control.goawayReceived && this.#exchanges.nextOwn <= LARGEST_STREAM_ID;
  }

  // --- the transport, and time ------------------------------------------------------------------------------------------

  /** Preface, SETTINGS, and the window of the connection. RFC 9113 §3.4. */
  start(now: Micros): void {
    this.#credit.now = now;
    const options = this.#options;
    const settings: (readonly [number, number])[] = [];
    const say = (id: number, value: number | undefined): void => {
      if (value !== undefined) settings.push([id, value]);
    };
    say(Setting.HEADER_TABLE_SIZE, options.headerTableSize);
    if (this.#server) say(Setting.MAX_CONCURRENT_STREAMS, options.maxConcurrentStreams ?? LIMITS.exchanges.value);
    else say(Setting.ENABLE_PUSH, 0);
    say(Setting.INITIAL_WINDOW_SIZE, options.streamWindow ?? LIMITS.streamWindow.value);
    say(Setting.MAX_FRAME_SIZE, options.maxFrameSize);
    say(Setting.MAX_HEADER_LIST_SIZE, options.maxFieldSectionSize ?? LIMITS.requestFields.value);
    if (this.#extendedConnect) say(Setting.ENABLE_CONNECT_PROTOCOL, 1);
    say(Setting.NO_RFC7540_PRIORITIES, 1);
    if (!this.#server) this.#outgoing.preface(PREFACE);
    this.#control.sendSettings(now, settings);
    this.#credit.start();
  }

  pollEvent(): HttpEvent | undefined {
    const event = this.#events.shift();
    if (event !== undefined) return event;
    const { now } = this.#credit;
    if (this.#closed) this.#ending.leave(now);
    else {
      try {
        this.#outgoing.pump(now);
        if (this.#exchanges.roomOwed && !this.#crowded) {
          this.#exchanges.roomOwed = false;
          this.#events.push({ type: 'requests-available' });
        }
      } catch (error) {
        this.#fail(now, error);
      }
    }
    return this.#events.shift();
  }

  onTransport(now: Micros, event: ByteStreamEvent): void {
    this.#credit.now = now;
    if (event.type === 'writable') {
      this.#outgoing.blocked = false;
      if (this.#closed) this.#ending.leave(now);
    } else if (event.type === 'closed') {
      this.#ending.onTransportClosed();
      this.#ended(now, event.reason);
    } else if (this.#closed) this.#ending.drain(now);
    else {
      try {
        if (this.#incoming.read(now, this.#transport)) this.#ended(now, this.#incoming.complete ? '' : 'within a frame');
      } catch (error) {
        this.#fail(now, error);
      }
    }
  }

  /** When to call `onTimeout`; NEVER where nothing is waited for. */
  nextTimeout(): Micros {
    return Math.min(this.#ending.due, this.#closed ? NEVER : this.#control.settingsDue, this.#closed ? NEVER : this.#incoming.blockDue);
  }

  onTimeout(now: Micros): void {
    this.#credit.now = now;
    if (this.#ending.due <= now) this.#ending.onDue(now);
    if (this.#closed) return;
    if (this.#control.settingsDue <= now)
      this.close(now, H2.SETTINGS_TIMEOUT, 'SETTINGS are not acknowledged'); // RFC 9113 §6.5.3
    else if (this.#incoming.blockDue <= now) this.close(now, H2.ENHANCE_YOUR_CALM, 'a field block takes too long');
  }

  // --- the application's calls ------------------------------------------------------------------------------------------

  request(now: Micros, fields: Fields, end: boolean): number | undefined {
    this.#credit.now = now;
    if (this.#server) throw new UsageError('a server makes no requests');
    if (!this.acceptsRequests) return undefined;
    checkOurs(malformedRequest(fields, this.#control.extendedConnect), 'request');
    const size = fieldSectionSize(fields);
    const most = this.#control.maxFieldSectionSize;
    if (size > most) throw new UsageError(`a field section of ${size} octets, the server takes ${most}`); // RFC 9113 §6.5.2
    const exchanges = this.#exchanges;
    if (this.#crowded) {
      exchanges.roomOwed = true;
      return undefined;
    }
    const exchange = new Exchange(exchanges.nextOwn, true, this.#credit.streamWindow(), this.#control.initialWindow);
    exchanges.nextOwn += 2;
    exchanges.add(exchange);
    exchange.method = fieldValue(fields, ':method')!;
    exchange.finalSent = true;
    exchange.sendsTunnel = exchange.method === 'CONNECT';
    exchange.announcedLength = exchange.sendsTunnel ? -1 : contentLength(fields);
    this.#checkLength(exchange, end);
    exchange.finished = end;
    this.#prioritizeAs(exchange, fields); // RFC 9218 §9: our side of the stream as well
    this.#outgoing.fields(exchange, fields, 'headers', end); // streams must open in their order (RFC 9113 §5.1.1)
    exchange.openedBefore = this.#outgoing.offset;
    return exchange.id;
  }

  respond(now: Micros, id: number, fields: Fields, end: boolean): void {
    this.#credit.now = now;
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || exchange.finished) return;
    if (!this.#server || exchange.finalSent) throw new UsageError(`exchange ${id} has its response`);
    checkOurs(malformedResponse(fields), 'response'); // of any size: what the client announces is advice (RFC 9113 §6.5.2)
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
    exchange.outbox.pushFields(fields, false);
    if (end) this.finish(now, id);
    else this.#outgoing.update(exchange);
  }

  writeBody(now: Micros, id: number, data: Uint8Array): number {
    this.#credit.now = now;
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || exchange.finished || exchange.endSent) return 0;
    if (!exchange.finalSent) throw new UsageError(`content of exchange ${id} before its header section`);
    if (exchange.sendsNoContent) return data.length;
    const taken = Math.min(data.length, this.#maxQueued - exchange.outbox.waiting);
    if (taken > 0) {
      exchange.outbox.pushContent(data.subarray(0, taken), this.#outgoing.spares);
      this.#outgoing.update(exchange);
    }
    exchange.contentSent += taken;
    if (taken < data.length) exchange.writableOwed = true;
    return taken;
  }

  readBody(now: Micros, id: number): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    this.#credit.now = now;
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || !exchange.told || !exchange.finalReceived) return undefined;
    const content = exchange.take();
    if (content === undefined) {
      exchange.readableTold = false;
      return undefined;
    }
    try {
      this.#credit.consume(exchange, content.data.length);
      this.#exchanges.retireWhenDone(exchange);
    } catch (error) {
      this.#fail(now, error);
    }
    return content;
  }

  finish(now: Micros, id: number, trailers: Fields = []): void {
    this.#credit.now = now;
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || exchange.finished || exchange.endSent) return;
    if (!exchange.finalSent) throw new UsageError(`the end of exchange ${id} before its header section`);
    this.#checkLength(exchange, true);
    if (trailers.length > 0 && !exchange.sendsNoContent) {
      if (exchange.sendsTunnel) throw new UsageError(`a trailer section in a tunnel, exchange ${id}`); // RFC 9113 §8.5
      checkOurs(malformedTrailers(trailers), 'trailer section');
      exchange.outbox.pushFields(trailers, true);
    }
    exchange.finished = true;
    this.#outgoing.update(exchange);
  }

  /**
   * What still comes of the peer's message is thrown away, and no more credit is given for it. The peer is told when our message is
   * laid out, since RST_STREAM ends both. Default: NO_ERROR at a server (RFC 9113 §8.1), CANCEL at a client.
   */
  stopReading(now: Micros, id: number, code: number = this.#server ? H2.NO_ERROR : H2.CANCEL): void {
    this.#credit.now = now;
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || exchange.readDone) return;
    exchange.stopCode = code;
    try {
      this.#exchanges.discard(exchange);
      this.#exchanges.retireWhenDone(exchange);
    } catch (error) {
      this.#fail(now, error);
    }
  }

  /** RST_STREAM. Default: CANCEL. RFC 9113 §5.4.2. */
  cancel(now: Micros, id: number, code: number = H2.CANCEL): void {
    this.#credit.now = now;
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined) return;
    try {
      this.#exchanges.drop(exchange, code);
    } catch (error) {
      this.#fail(now, error);
    }
  }

  prioritize(now: Micros, id: number, priority: Priority): void {
    this.#credit.now = now;
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined) return;
    exchange.priority = priority;
    this.#outgoing.update(exchange);
    if (!this.#server && !exchange.endReceived && this.#control.takesPriorities) this.#sayPriority(id, priority);
  }

  /** Two GOAWAY frames at a server, a round trip apart: requests that are on their way are still taken. RFC 9113 §6.8. */
  goaway(now: Micros): void {
    this.#credit.now = now;
    if (this.#closed || this.#leaving) return;
    this.#leaving = true;
    this.#control.goaway();
  }

  close(now: Micros, code: number = H2.NO_ERROR, reason = ''): void {
    if (this.#closed) return;
    this.#credit.now = now;
    this.#control.close(code, reason);
    this.#exchanges.clear();
    this.#end(now, code, reason);
  }

  // --- the ground -------------------------------------------------------------------------------------------------------

  /** No request can be made now: as many are open as may be, or so much was laid out that the transport did not take. */
  get #crowded(): boolean {
    return this.#exchanges.active >= this.#control.maxConcurrentStreams || this.#outgoing.waiting > this.#maxQueued;
  }

  #onLaid(exchange: Exchange): void {
    if (exchange.writableOwed && !exchange.finished && exchange.outbox.waiting <= this.#maxQueued / 2) {
      exchange.writableOwed = false;
      this.#events.push({ type: 'body-writable', id: exchange.id });
    }
    this.#exchanges.retireWhenDone(exchange);
  }

  /** The peer says no more. Exchanges that are complete may still be read. */
  #ended(now: Micros, reason: string): void {
    if (this.#closed) return;
    const why = `the connection ended${reason === '' ? '' : `: ${reason}`}`;
    this.#exchanges.failAll(why, this.#outgoing.offset - this.#outgoing.waiting);
    this.#control.close(H2.NO_ERROR, '');
    this.#end(now, H2.NO_ERROR, why);
    this.#ending.leave(now);
  }

  #end(now: Micros, code: number, reason: string): void {
    this.#closed = true;
    const isPatient = code === H2.NO_ERROR;
    this.#ending.begin(now, isPatient, isPatient ? (this.#options.closeTimeout ?? LIMITS.closeTime.value) : LIMITS.faultTime.value);
    this.#events.push({ type: 'closed', code, reason });
  }

  /** RFC 9218 §7.1. A hint: dropped where too many wait. */
  #sayPriority(id: number, priority: Priority): void {
    const value = formatPriority(priority);
    const payload = new Uint8Array(4 + value.length);
    payload.set(fourOctets(id));
    for (let i = 0; i < value.length; i++) payload[4 + i] = value.charCodeAt(i);
    this.#outgoing.hint(FrameType.PRIORITY_UPDATE, payload);
  }

  /** What the Priority field of our message says; of what it does not say, a response leaves as it was. RFC 9218 §8. */
  #prioritizeAs(exchange: Exchange, fields: Fields): void {
    const field = fieldValue(fields, 'priority');
    exchange.priority = (field === undefined ? undefined : parsePriority(field, exchange.priority)) ?? exchange.priority;
  }

  #checkLength(exchange: Exchange, end: boolean): void {
    if (end && exchange.announcedLength >= 0 && exchange.contentSent !== exchange.announcedLength)
      throw new UsageError(`${exchange.contentSent} octets of content, content-length is ${exchange.announcedLength}`);
  }

  /** The one place where a connection error ends the connection. Anything else thrown is a mistake of ours, and is passed on. */
  #fail(now: Micros, error: unknown): void {
    if (!(error instanceof HttpConnectionError)) throw error;
    this.close(now, error.code, error.message);
  }
}

/** What we send is held to the rules that we hold the peer to. */
function checkOurs(reason: string, what: string): void {
  if (reason !== '') throw new UsageError(`this ${what} is malformed: ${reason}`);
}
