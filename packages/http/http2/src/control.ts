import { fromLatin1 } from '@quiclab/bytes';
import type { HpackEncoder } from '@quiclab/hpack';
import { type HttpEvent, type Priority, parsePriority } from '@quiclab/http-semantics';
import { type EventQueue, type Micros, NEVER } from '@quiclab/sansio';
import { Allowance } from './allowance.ts';
import { H2, HttpConnectionError } from './errors.ts';
import type { Exchanges } from './exchanges.ts';
import { DEFAULT_WINDOW, Flag, FrameType, LARGEST_STREAM_ID, LARGEST_WINDOW } from './frames.ts';
import { LIMITS } from './limits.ts';
import type { Outgoing } from './outgoing.ts';
import type { ReceiveCredit } from './receive-credit.ts';
import { decodeSettings, encodeSettings, Setting, type Settings } from './settings.ts';

const NOTHING = new Uint8Array(0);
/** What the PING says that measures a round trip before the last GOAWAY. */
const FAREWELL = Uint8Array.of(0x67, 0x6f, 0x6f, 0x64, 0x2d, 0x62, 0x79, 0x65);

export interface ControlOptions {
  readonly maxConcurrentStreams: number;
  readonly settingsTimeout: Micros;
  /** SETTINGS_HEADER_TABLE_SIZE has reached the peer. */
  readonly onTableSizeKnown: () => void;
}

/** The frames of the connection, and those that change the state of a stream: all but messages. RFC 9113 §6.3 to §6.9, RFC 9218 §7.1. */
export class Control {
  /** What the peer's SETTINGS say. RFC 9113 §6.5.2. */
  initialWindow = DEFAULT_WINDOW;
  maxConcurrentStreams = INITIALLY_CONCURRENT;
  maxFieldSectionSize = Number.POSITIVE_INFINITY;
  extendedConnect = false;
  /** Whether the peer takes priorities as RFC 9218 has them, as far as we know (§2.1.1). */
  takesPriorities = true;
  /** By when our SETTINGS have to be acknowledged. */
  settingsDue: Micros = NEVER;
  /** The peer makes no new requests, or takes none. */
  goawayReceived = false;
  /** Streams of the peer's beyond this one are not looked at: our GOAWAY has told. */
  lastStream = LARGEST_STREAM_ID;

  readonly #server: boolean;
  readonly #exchanges: Exchanges;
  readonly #outgoing: Outgoing;
  readonly #credit: ReceiveCredit;
  readonly #encoder: HpackEncoder;
  readonly #events: EventQueue<HttpEvent>;
  readonly #options: ControlOptions;
  readonly #earlyPriorities = new Map<number, Priority>();
  readonly #settingsAllowance = new Allowance(LIMITS.settingsFrames.value, LIMITS.settingsFrames.perSecond);
  readonly #pings = new Allowance(LIMITS.pings.value, LIMITS.pings.perSecond);
  readonly #priorities = new Allowance(LIMITS.priorities.value, LIMITS.priorities.perSecond);
  #settingsSent: Micros = 0;
  #settingsReceived = 0;
  #noOldPriorities = 0; // as the first SETTINGS said
  #windowUpdates = 0;
  #goaways = 0;
  #lastGoaway = LARGEST_STREAM_ID;
  #farewell = false; // a PING is on its way, and the last GOAWAY follows it

  constructor(
    server: boolean,
    exchanges: Exchanges,
    outgoing: Outgoing,
    credit: ReceiveCredit,
    encoder: HpackEncoder,
    events: EventQueue<HttpEvent>,
    options: ControlOptions,
  ) {
    this.#server = server;
    this.#exchanges = exchanges;
    this.#outgoing = outgoing;
    this.#credit = credit;
    this.#encoder = encoder;
    this.#events = events;
    this.#options = options;
  }

  // --- SETTINGS, RFC 9113 §6.5 --------------------------------------------------------------------------------------------

  sendSettings(now: Micros, settings: Settings): void {
    this.#outgoing.frame(FrameType.SETTINGS, 0, 0, encodeSettings(settings));
    this.#settingsSent = now;
    this.settingsDue = now + this.#options.settingsTimeout;
  }

  onSettings(now: Micros, ack: boolean, payload: Uint8Array): void {
    if (!this.#settingsAllowance.take(now)) throw calm('SETTINGS again and again');
    if (ack) {
      if (payload.length > 0) throw frameSizeError(`an acknowledgment of SETTINGS with ${payload.length} octets`);
      this.#onAcknowledged(now);
      return;
    }
    if (payload.length % 6 !== 0) throw frameSizeError(`SETTINGS of ${payload.length} octets`);
    const settings = decodeSettings(payload, !this.#server);
    if (this.#settingsReceived === 0) this.maxConcurrentStreams = Number.POSITIVE_INFINITY; // unless they say otherwise
    for (const [id, value] of settings) this.#apply(id, value);
    if (this.#settingsReceived === 0) this.takesPriorities = this.#noOldPriorities === 1;
    this.#settingsReceived++;
    this.#outgoing.answer(FrameType.SETTINGS, Flag.ACK, 0, NOTHING);
    this.#events.push({ type: 'settings', settings });
  }

  #onAcknowledged(now: Micros): void {
    if (this.settingsDue === NEVER) return; // of no SETTINGS of ours: says nothing
    this.settingsDue = NEVER;
    this.#credit.rtt = Math.max(1, now - this.#settingsSent);
    this.#credit.onSettingsAcknowledged(this.#exchanges.all());
    this.#options.onTableSizeKnown();
  }

  #apply(id: number, value: number): void {
    switch (id) {
      case Setting.HEADER_TABLE_SIZE:
        this.#encoder.setMaxTableSize(value);
        return;
      case Setting.MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value;
        return;
      case Setting.INITIAL_WINDOW_SIZE:
        this.#changeWindows(value - this.initialWindow);
        this.initialWindow = value;
        return;
      case Setting.MAX_FRAME_SIZE:
        this.#outgoing.maxFrameSize = value;
        return;
      case Setting.MAX_HEADER_LIST_SIZE:
        this.maxFieldSectionSize = value;
        return;
      case Setting.ENABLE_CONNECT_PROTOCOL:
        if (this.extendedConnect && value === 0) throw protocolError('SETTINGS_ENABLE_CONNECT_PROTOCOL is taken back'); // RFC 8441 §3
        this.extendedConnect = value === 1;
        return;
      case Setting.NO_RFC7540_PRIORITIES:
        if (this.#settingsReceived > 0 && value !== this.#noOldPriorities)
          throw protocolError(`SETTINGS_NO_RFC7540_PRIORITIES is ${value}, and was ${this.#noOldPriorities}`); // RFC 9218 §2.1
        this.#noOldPriorities = value;
    }
  }

  /** RFC 9113 §6.9.2. */
  #changeWindows(by: number): void {
    for (const exchange of this.#exchanges.all()) {
      exchange.sendWindow += by;
      if (exchange.sendWindow > LARGEST_WINDOW)
        throw new HttpConnectionError(H2.FLOW_CONTROL_ERROR, `SETTINGS make the window of stream ${exchange.id} ${exchange.sendWindow}`);
      this.#outgoing.update(exchange);
    }
  }

  // --- WINDOW_UPDATE, RFC 9113 §6.9; RST_STREAM, §6.4; PRIORITY, §6.3 -----------------------------------------------------

  onWindowUpdate(stream: number, payload: Uint8Array): void {
    if (payload.length !== 4) throw frameSizeError(`WINDOW_UPDATE of ${payload.length} octets`);
    this.#countWindowUpdate();
    const increment = uint31(payload, 0);
    if (stream === 0) {
      if (increment === 0) throw protocolError('WINDOW_UPDATE of 0');
      if (!this.#outgoing.raiseWindow(increment)) throw flowControlError('the window of the connection');
      return;
    }
    if (this.#exchanges.isIdle(stream)) throw protocolError(`WINDOW_UPDATE of stream ${stream}, which is idle`);
    const exchange = this.#exchanges.get(stream);
    if (exchange === undefined) return; // §5.1: may be late
    if (increment === 0) {
      this.#exchanges.streamError(exchange, H2.PROTOCOL_ERROR, 'WINDOW_UPDATE of 0');
      return;
    }
    exchange.sendWindow += increment;
    if (exchange.sendWindow > LARGEST_WINDOW)
      this.#exchanges.streamError(exchange, H2.FLOW_CONTROL_ERROR, `WINDOW_UPDATE makes the window ${exchange.sendWindow}`);
    else this.#outgoing.update(exchange);
  }

  /** Credit that is given more often than it can be used. Each DATA frame of ours pays for ten, each stream too. */
  #countWindowUpdate(): void {
    const paid = 10 * (this.#outgoing.dataFrames + this.#exchanges.opened);
    if (++this.#windowUpdates > LIMITS.windowUpdates.value + paid) throw calm('WINDOW_UPDATE again and again');
  }

  onReset(stream: number, payload: Uint8Array): void {
    if (this.#exchanges.isIdle(stream)) throw protocolError(`RST_STREAM of stream ${stream}, which is idle`);
    if (this.#server) this.#exchanges.countReset();
    this.#exchanges.forgetReset(stream);
    const exchange = this.#exchanges.get(stream);
    if (exchange === undefined) return; // §5.1: may have crossed the end
    const { told, endReceived, endSent } = exchange;
    const code = uint32(payload, 0);
    const id = stream;
    if (told && !endReceived) this.#events.push({ type: 'reset', id, code, unprocessed: !this.#server && code === H2.REFUSED_STREAM });
    if (told && !endSent && (this.#server || endReceived)) this.#events.push({ type: 'stopped', id, code });
    if (!endReceived || exchange.readDone) {
      this.#exchanges.forget(exchange);
      return;
    }
    this.#outgoing.silence(exchange); // the peer's message is whole, and may still be read (§8.1)
    exchange.on('reset');
    this.#exchanges.retireWhenDone(exchange);
  }

  /** Says nothing any more (RFC 9113 §5.3.2). */
  onPriority(stream: number, payload: Uint8Array): void {
    this.#countPriority();
    if (payload.length === 5) return;
    const exchange = this.#exchanges.get(stream);
    if (exchange !== undefined) this.#exchanges.streamError(exchange, H2.FRAME_SIZE_ERROR, `PRIORITY of ${payload.length} octets`);
    else if (this.#exchanges.isIdle(stream))
      throw frameSizeError(`PRIORITY of ${payload.length} octets`); // RST_STREAM may not be said there
    else this.#exchanges.reject(stream, H2.FRAME_SIZE_ERROR);
  }

  // --- PING, RFC 9113 §6.7; GOAWAY, §6.8 ----------------------------------------------------------------------------------

  onPing(now: Micros, ack: boolean, payload: Uint8Array): void {
    if (payload.length !== 8) throw frameSizeError(`PING of ${payload.length} octets`);
    if (!this.#pings.take(now)) throw calm('PING again and again');
    if (!ack) this.#outgoing.answer(FrameType.PING, Flag.ACK, 0, payload);
    else if (this.#farewell) {
      this.#farewell = false;
      this.#sendGoaway(this.#exchanges.highestPeer);
    }
  }

  onGoaway(payload: Uint8Array): void {
    if (payload.length < 8) throw frameSizeError(`GOAWAY of ${payload.length} octets`);
    if (++this.#goaways > LIMITS.goaways.value) throw calm(`${this.#goaways} GOAWAY frames`);
    const last = uint31(payload, 0);
    if (last > this.#lastGoaway) throw protocolError(`GOAWAY of stream ${last} after one of ${this.#lastGoaway}`);
    this.#lastGoaway = last;
    this.goawayReceived = true;
    this.#events.push({ type: 'goaway', id: last + 1 });
    if (!this.#server) this.#exchanges.failFrom(last + 1);
  }

  /**
   * A server says twice that it takes no more: what the client begins before it hears of it is still taken, and the second time says
   * what was the last. A client has nothing to say about streams of its peer, which has none.
   */
  goaway(): void {
    if (!this.#server) {
      this.#sendGoaway(0);
      return;
    }
    this.#outgoing.frame(FrameType.GOAWAY, 0, 0, goawayPayload(LARGEST_STREAM_ID, H2.NO_ERROR, ''));
    this.#outgoing.frame(FrameType.PING, 0, 0, FAREWELL);
    this.#farewell = true;
  }

  /** The last frame of a connection. RFC 9113 §5.4.1. */
  close(code: number, reason: string): void {
    const last = Math.min(this.#server ? this.#exchanges.highestPeer : 0, this.lastStream);
    this.#outgoing.frame(FrameType.GOAWAY, 0, 0, goawayPayload(last, code, reason));
  }

  #sendGoaway(last: number): void {
    this.lastStream = last;
    this.#outgoing.frame(FrameType.GOAWAY, 0, 0, goawayPayload(last, H2.NO_ERROR, ''));
  }

  // --- PRIORITY_UPDATE, RFC 9218 §7.1 -------------------------------------------------------------------------------------

  onPriorityUpdate(stream: number, payload: Uint8Array): void {
    if (stream > 0) throw protocolError(`PRIORITY_UPDATE of stream ${stream}`);
    if (!this.#server) throw protocolError('PRIORITY_UPDATE from a server');
    if (payload.length < 4) throw frameSizeError(`PRIORITY_UPDATE of ${payload.length} octets`);
    this.#countPriority();
    const id = uint31(payload, 0);
    if (id % 2 === 0) throw protocolError(`PRIORITY_UPDATE of stream ${id}, which is no request`);
    const priority = parsePriority(fromLatin1(payload.subarray(4)));
    if (priority === undefined) throw protocolError('PRIORITY_UPDATE whose value is no Dictionary'); // §7
    const exchange = this.#exchanges.get(id);
    if (exchange !== undefined) {
      exchange.priority = priority;
      this.#outgoing.update(exchange);
      return;
    }
    if (!this.#exchanges.isIdle(id)) return;
    this.#earlyPriorities.delete(id); // set anew, it is the last to be forgotten
    if (this.#exchanges.active + this.#earlyPriorities.size >= this.#options.maxConcurrentStreams)
      throw protocolError(`PRIORITY_UPDATE of more than the ${this.#options.maxConcurrentStreams} streams that there may be`);
    this.#earlyPriorities.set(id, priority);
    if (this.#earlyPriorities.size > LIMITS.earlyPriorities.value) this.#earlyPriorities.delete(this.#earlyPriorities.keys().next().value!);
  }

  /** What was said of a request before it came. Those of lower streams, which are closed now, are forgotten. */
  takeEarlyPriority(id: number): Priority | undefined {
    const priority = this.#earlyPriorities.get(id);
    for (const early of this.#earlyPriorities.keys()) if (early <= id) this.#earlyPriorities.delete(early);
    return priority;
  }

  #countPriority(): void {
    if (!this.#priorities.take(this.#credit.now)) throw calm('priorities again and again');
  }
}

/** Streams that a client opens before the server has said how many it may. RFC 9113 §6.5.2 wants servers to take no fewer. */
const INITIALLY_CONCURRENT = 100;

/** Octets of a reason that leave in GOAWAY. */
const LONGEST_REASON = 200;

function goawayPayload(last: number, code: number, reason: string): Uint8Array {
  const length = Math.min(reason.length, LONGEST_REASON);
  const payload = new Uint8Array(8 + length);
  for (let i = 0; i < 4; i++) {
    payload[i] = last >>> (24 - 8 * i);
    payload[4 + i] = code >>> (24 - 8 * i);
  }
  for (let i = 0; i < length; i++) payload[8 + i] = reason.charCodeAt(i) & 0x7f;
  return payload;
}

const uint32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
/** Without the reserved bit. */
const uint31 = (bytes: Uint8Array, at: number): number => uint32(bytes, at) & 0x7fff_ffff;

const protocolError = (what: string): HttpConnectionError => new HttpConnectionError(H2.PROTOCOL_ERROR, what);
const frameSizeError = (what: string): HttpConnectionError => new HttpConnectionError(H2.FRAME_SIZE_ERROR, what);
const flowControlError = (what: string): HttpConnectionError => new HttpConnectionError(H2.FLOW_CONTROL_ERROR, `${what} passes 2^31 - 1`);
const calm = (what: string): HttpConnectionError => new HttpConnectionError(H2.ENHANCE_YOUR_CALM, what);
