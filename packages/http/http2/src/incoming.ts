import { ByteWriter } from '@quiclab/bytes';
import { type HpackDecoder, HpackError } from '@quiclab/hpack';
import type { FrameObserver, MappedKind } from '@quiclab/http-semantics';
import { type ByteStream, type Micros, NEVER } from '@quiclab/sansio';
import type { Control } from './control.ts';
import { H2, HttpConnectionError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Exchanges } from './exchanges.ts';
import { FrameParser } from './frame-parser.ts';
import { Flag, FRAME_HEADER, FrameType, frameName, PREFACE } from './frames.ts';
import { LIMITS } from './limits.ts';
import type { Messages } from './messages.ts';
import type { ReceiveCredit } from './receive-credit.ts';

/** What reading the peer's frames is limited by. */
export interface ReadLimits {
  readonly maxFieldSectionSize: number;
  readonly maxFrameSize: number;
  readonly maxIgnoredFrames: number;
  readonly headersTimeout: Micros;
}

/**
 * The peer's direction of the stream of octets: preface, frames, and where each may stand. A frame is judged by its header; content goes
 * on as it comes, anything else is gathered. RFC 9113 §3.4, §4, §5.1, §6. What is a connection error is thrown.
 */
export class Incoming {
  /** By when the field block that has begun must be whole. */
  blockDue: Micros;

  readonly #server: boolean;
  readonly #exchanges: Exchanges;
  readonly #messages: Messages;
  readonly #control: Control;
  readonly #credit: ReceiveCredit;
  readonly #decoder: HpackDecoder;
  readonly #limits: ReadLimits;
  readonly #observer: FrameObserver | undefined;
  readonly #parser: FrameParser;
  #prefaceRead: number; // octets
  #settingsSeen: boolean;
  #ignored: number;

  // the DATA frame that comes: whose it is, and what of it is left
  #exchange: Exchange | undefined;
  #padLengthDue: boolean;
  #padding: number;

  // the field block that comes
  #blockStream: number; // 0: none
  #blockExchange: Exchange | undefined;
  #blockEnds: boolean; // with END_STREAM
  #blockKind: MappedKind;
  #blockFrames: number;
  #block: ByteWriter | undefined;

  constructor(
    server: boolean,
    exchanges: Exchanges,
    messages: Messages,
    control: Control,
    credit: ReceiveCredit,
    decoder: HpackDecoder,
    limits: ReadLimits,
    observer: FrameObserver | undefined,
  ) {
    this.blockDue = NEVER;
    this.#server = server;
    this.#exchanges = exchanges;
    this.#messages = messages;
    this.#control = control;
    this.#credit = credit;
    this.#decoder = decoder;
    this.#limits = limits;
    this.#observer = observer;
    this.#parser = new FrameParser();
    this.#prefaceRead = server ? 0 : PREFACE.length;
    this.#settingsSeen = false;
    this.#ignored = 0;
    this.#exchange = undefined;
    this.#padLengthDue = false;
    this.#padding = 0;
    this.#blockStream = 0;
    this.#blockExchange = undefined;
    this.#blockEnds = false;
    this.#blockKind = 'headers';
    this.#blockFrames = 0;
    this.#block = undefined;
  }

  /** Reads until there is nothing. Returns whether the peer's direction is over. */
  read(now: Micros, transport: ByteStream): boolean {
    for (let piece = transport.read(now); piece !== undefined; piece = transport.read(now)) {
      this.#parser.feed(piece.data);
      this.#frames(now);
      if (piece.fin) return true;
    }
    return false;
  }

  /** Whether the peer stopped where it may: between frames, and between field blocks. */
  get complete(): boolean {
    return this.#parser.betweenFrames && this.#blockStream === 0;
  }

  #frames(now: Micros): void {
    const parser = this.#parser;
    while (this.#prefaceRead < PREFACE.length) {
      if (parser.available === 0) return;
      if (parser.octet() !== PREFACE[this.#prefaceRead]) throw protocolError('this is no HTTP/2 connection preface'); // §3.4
      if (++this.#prefaceRead === PREFACE.length)
        this.#observer?.frameMapped('received', -1, 0, 0, PREFACE.length, PREFACE.length, 'other');
    }
    for (;;) {
      if (parser.remaining === 0) {
        if (!parser.readHeader()) return;
        this.#begin(now);
        if (parser.remaining > 0) continue;
      } else if (parser.available === 0) return;
      if (parser.type === FrameType.DATA) this.#data();
      else if (isKnown(parser.type)) {
        const payload = parser.gather();
        if (payload !== undefined) this.#whole(now, payload);
      } else parser.skip(parser.remaining);
    }
  }

  // --- a frame's header ---------------------------------------------------------------------------------------------------

  #begin(now: Micros): void {
    const { type, flags, stream, length } = this.#parser;
    if (this.#blockStream > 0 && (type !== FrameType.CONTINUATION || stream !== this.#blockStream))
      throw protocolError(`${frameName(type)} of stream ${stream} within a field block of stream ${this.#blockStream}`); // §4.3
    if (!this.#settingsSeen) {
      if (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0) throw protocolError(`${frameName(type)} before SETTINGS`); // §3.4
      this.#settingsSeen = true;
    }
    if (length > this.#limits.maxFrameSize) throw frameSizeError(`${frameName(type)} of ${length} octets`); // §4.2
    if (type <= FrameType.CONTINUATION && STREAM_RULE[type] !== 0) {
      const wantsStream = STREAM_RULE[type] === 1;
      if (wantsStream !== stream > 0) throw protocolError(`${frameName(type)} ${stream > 0 ? `of stream ${stream}` : 'of no stream'}`);
    }
    switch (type) {
      case FrameType.DATA:
        this.#beginData();
        return;
      case FrameType.HEADERS:
        this.#beginHeaders(now);
        return;
      case FrameType.CONTINUATION:
        if (this.#blockStream === 0) throw protocolError('CONTINUATION without HEADERS'); // §6.10
        if (++this.#blockFrames > LIMITS.continuations.value) throw calm(`${this.#blockFrames} CONTINUATION frames of a field block`);
        this.#map(stream, this.#blockKind);
        return;
      case FrameType.RST_STREAM:
        if (length !== 4) throw frameSizeError(`RST_STREAM of ${length} octets`); // §6.4
        this.#map(stream, 'reset');
        return;
      case FrameType.PUSH_PROMISE:
        throw protocolError('PUSH_PROMISE'); // §6.6, §8.4: of a client never, of a server not as we have set it
      case FrameType.SETTINGS:
      case FrameType.PING:
      case FrameType.GOAWAY:
      case FrameType.WINDOW_UPDATE:
      case FrameType.PRIORITY:
      case FrameType.PRIORITY_UPDATE:
        this.#map(-1, 'other');
        return;
      default:
        this.#map(stream > 0 ? stream : -1, 'other');
        this.#ignore();
    }
  }

  /** RFC 9113 §6.1. */
  #beginData(): void {
    const { flags, stream, length } = this.#parser;
    if (this.#exchanges.isIdle(stream)) throw protocolError(`DATA of stream ${stream}, which is idle`);
    this.#map(stream, length === 0 && (flags & Flag.END_STREAM) !== 0 ? 'end' : 'data');
    if (!this.#credit.onReceived(length)) throw new HttpConnectionError(H2.FLOW_CONTROL_ERROR, 'DATA beyond the window of the connection');
    this.#padLengthDue = (flags & Flag.PADDED) !== 0;
    this.#padding = 0;
    if (this.#padLengthDue && length === 0) throw frameSizeError('DATA without the length of its padding');
    let exchange = this.#exchanges.get(stream);
    if (exchange === undefined) {
      if (!this.#exchanges.wasResetByUs(stream)) this.#exchanges.reject(stream, H2.STREAM_CLOSED);
      else if ((flags & Flag.END_STREAM) !== 0) this.#exchanges.forgetReset(stream);
    } else if (exchange.endReceived) {
      this.#exchanges.streamError(exchange, H2.STREAM_CLOSED, 'DATA after the end of the message'); // §5.1
      exchange = undefined;
    } else if (!exchange.window.onReceived(length)) {
      this.#exchanges.streamError(exchange, H2.FLOW_CONTROL_ERROR, 'DATA beyond the window of the stream');
      exchange = undefined;
    } else if (!exchange.finalReceived) {
      this.#exchanges.streamError(exchange, H2.PROTOCOL_ERROR, 'DATA before the header section'); // §8.1
      exchange = undefined;
    }
    this.#exchange = exchange;
    if (!this.#padLengthDue) this.#announced(length);
  }

  /** RFC 9113 §6.2, §5.1. */
  #beginHeaders(now: Micros): void {
    const { flags, stream } = this.#parser;
    const exchanges = this.#exchanges;
    let exchange = exchanges.get(stream);
    if (exchange === undefined) {
      if (exchanges.wasResetByUs(stream)) {
        if ((flags & Flag.END_STREAM) !== 0) exchanges.forgetReset(stream);
        this.#ignore();
      } else if (exchanges.isIdle(stream)) {
        if (!this.#server || stream % 2 === 0) throw protocolError(`HEADERS of stream ${stream}, which the peer may not open`); // §5.1.1
        exchange = this.#messages.open(stream);
      } else if (exchanges.wasSkipped(stream))
        throw protocolError(`HEADERS of stream ${stream} after those of ${exchanges.highestPeer}`); // §5.1.1
      else throw new HttpConnectionError(H2.STREAM_CLOSED, `HEADERS of stream ${stream}, which is closed`);
    } else if (exchange.endReceived) {
      exchanges.streamError(exchange, H2.STREAM_CLOSED, 'HEADERS after the end of the message'); // §5.1
      exchange = undefined;
    }
    this.#blockStream = stream;
    this.#blockExchange = exchange;
    this.#blockEnds = (flags & Flag.END_STREAM) !== 0;
    this.#blockKind = exchange?.finalReceived === true ? 'trailers' : 'headers';
    this.#blockFrames = 0;
    this.#map(stream, this.#blockKind);
    this.blockDue = now + this.#limits.headersTimeout;
  }

  #ignore(): void {
    if (++this.#ignored > this.#limits.maxIgnoredFrames) throw calm(`${this.#ignored} frames in a row that say nothing`);
  }

  #map(exchange: number, kind: MappedKind): void {
    const { start, length } = this.#parser;
    this.#observer?.frameMapped('received', exchange, 0, start, length + FRAME_HEADER, FRAME_HEADER, kind);
  }

  // --- its payload --------------------------------------------------------------------------------------------------------

  /** Of a DATA frame. */
  #data(): void {
    const parser = this.#parser;
    if (this.#padLengthDue) {
      if (parser.remaining > 0) {
        const padding = parser.take(1)[0]!;
        if (padding > parser.remaining) throw protocolError(`padding of ${padding} octets in DATA of ${parser.length}`); // §6.1
        this.#padLengthDue = false;
        this.#padding = padding;
        this.#credit.consume(this.#exchange, 1);
        this.#announced(parser.remaining - padding);
      }
    }
    const content = parser.remaining - this.#padding;
    if (content > 0 && parser.available > 0) {
      const exchange = this.#exchange;
      if (exchange === undefined || exchange.readDone) this.#credit.consume(exchange, parser.skip(content));
      else this.#messages.onContent(exchange, parser.take(content));
    }
    if (parser.remaining > 0 && parser.remaining <= this.#padding) {
      const skipped = parser.skip(this.#padding);
      this.#padding -= skipped;
      this.#credit.consume(this.#exchange, skipped);
    }
    if (parser.remaining > 0 || (parser.flags & Flag.END_STREAM) === 0) return;
    const exchange = this.#exchange;
    if (exchange !== undefined) this.#messages.onEnd(exchange);
  }

  /** So much content is in the DATA frame that begins. */
  #announced(octets: number): void {
    if (octets > 0) this.#ignored = 0;
    else if ((this.#parser.flags & Flag.END_STREAM) === 0) this.#ignore();
    const exchange = this.#exchange;
    if (exchange !== undefined && !this.#messages.announced(exchange, octets)) this.#exchange = undefined;
  }

  /** Of any other frame that is known. */
  #whole(now: Micros, payload: Uint8Array): void {
    const { type, flags, stream } = this.#parser;
    const control = this.#control;
    if (type === FrameType.HEADERS) this.#fragment(unpadded(payload, flags));
    else if (type === FrameType.CONTINUATION) this.#fragment(payload);
    else if (type === FrameType.PRIORITY) control.onPriority(stream, payload);
    else {
      const ack = (flags & Flag.ACK) !== 0;
      if (type === FrameType.RST_STREAM) control.onReset(stream, payload);
      else if (type === FrameType.SETTINGS) control.onSettings(now, ack, payload);
      else if (type === FrameType.PING) control.onPing(now, ack, payload);
      else if (type === FrameType.GOAWAY) control.onGoaway(payload);
      else if (type === FrameType.WINDOW_UPDATE) control.onWindowUpdate(stream, payload);
      else control.onPriorityUpdate(stream, payload);
    }
  }

  /** A part of a field block. RFC 9113 §4.3. */
  #fragment(fragment: Uint8Array): void {
    const ends = (this.#parser.flags & Flag.END_HEADERS) !== 0;
    let block = fragment;
    if (!ends || this.#block !== undefined) {
      this.#block ??= ByteWriter.growable(Math.max(256, fragment.length));
      const most = Math.max(LIMITS.fieldBlock.value, 2 * this.#limits.maxFieldSectionSize);
      const length = this.#block.position + fragment.length;
      if (length > most) throw calm(`a field block of ${length} octets, and more`);
      this.#block.octets(fragment);
      if (!ends) return;
      block = this.#block.written();
    }
    const exchange = this.#blockExchange;
    this.#block = undefined;
    this.#blockExchange = undefined;
    this.#blockStream = 0;
    this.blockDue = NEVER;
    const fields = this.#decode(block); // also of a stream that is gone: the table must be kept in step
    if (exchange === undefined || this.#exchanges.get(exchange.id) !== exchange) return;
    this.#ignored = 0;
    this.#messages.onFields(exchange, fields, this.#blockEnds);
  }

  #decode(block: Uint8Array): ReturnType<HpackDecoder['decode']> {
    try {
      return this.#decoder.decode(block);
    } catch (error) {
      if (error instanceof HpackError) throw new HttpConnectionError(H2.COMPRESSION_ERROR, error.message);
      throw error;
    }
  }
}

/** Whether a frame of this type belongs to a stream (1) or to none (-1); 0: either. RFC 9113 §6. */
const STREAM_RULE: Readonly<Record<number, number>> = {
  [FrameType.DATA]: 1,
  [FrameType.HEADERS]: 1,
  [FrameType.PRIORITY]: 1,
  [FrameType.RST_STREAM]: 1,
  [FrameType.SETTINGS]: -1,
  [FrameType.PUSH_PROMISE]: 1,
  [FrameType.PING]: -1,
  [FrameType.GOAWAY]: -1,
  [FrameType.WINDOW_UPDATE]: 0,
  [FrameType.CONTINUATION]: 1,
};

const isKnown = (type: number): boolean => type <= FrameType.CONTINUATION || type === FrameType.PRIORITY_UPDATE;

/** The field block fragment of a HEADERS frame. RFC 9113 §6.2. What it says of priorities is not looked at (§5.3.2). */
function unpadded(payload: Uint8Array, flags: number): Uint8Array {
  const padded = (flags & Flag.PADDED) !== 0;
  const before = (padded ? 1 : 0) + ((flags & Flag.PRIORITY) !== 0 ? 5 : 0);
  if (payload.length < before) throw frameSizeError(`HEADERS of ${payload.length} octets`);
  const padding = padded ? payload[0]! : 0;
  if (before + padding > payload.length) throw protocolError(`padding of ${padding} octets in HEADERS of ${payload.length}`);
  return payload.subarray(before, payload.length - padding);
}

const protocolError = (what: string): HttpConnectionError => new HttpConnectionError(H2.PROTOCOL_ERROR, what);
const frameSizeError = (what: string): HttpConnectionError => new HttpConnectionError(H2.FRAME_SIZE_ERROR, what);
const calm = (what: string): HttpConnectionError => new HttpConnectionError(H2.ENHANCE_YOUR_CALM, what);
