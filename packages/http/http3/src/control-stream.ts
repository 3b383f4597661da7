import { ByteReader, fromLatin1 } from '@quiclab/bytes';
import { type Priority, parsePriority } from '@quiclab/http-semantics';
import { H3, HttpConnectionError } from './errors.ts';
import { FrameParser } from './frame-parser.ts';
import { FrameType, frameName, isHttp2Only } from './frames.ts';
import { LIMITS } from './limits.ts';
import { Payload } from './payload.ts';
import { decodeSettings, type Settings } from './settings.ts';

/** What the peer's control stream says, to whoever holds the connection. */
export interface ControlHandler {
  onSettings(settings: Settings): void;
  onGoaway(id: number): void;
  onPriorityUpdate(id: number, priority: Priority): void;
}

/** Reads the peer's control stream. RFC 9114 §6.2.1, §7.2. All that is wrong here is a connection error. */
export class ControlStreamReader {
  readonly #server: boolean;
  readonly #handler: ControlHandler;
  readonly #maxIgnoredFrames: number;
  readonly #parser = new FrameParser();
  readonly #payload = new Payload();
  #settled = false; // SETTINGS came
  #ignored = 0;
  #goaway = Number.POSITIVE_INFINITY;
  #goaways = 0;
  #maxPushId = -1;

  /** @param server  whether we are the server */
  constructor(server: boolean, handler: ControlHandler, maxIgnoredFrames: number) {
    this.#server = server;
    this.#handler = handler;
    this.#maxIgnoredFrames = maxIgnoredFrames;
  }

  receive(octets: Uint8Array): void {
    const parser = this.#parser;
    parser.feed(octets);
    for (;;) {
      if (parser.remaining === 0) {
        if (!parser.readHeader()) return;
        this.#begin();
        if (parser.length > 0) continue;
      } else if (parser.available === 0) return;
      if (!this.#isKept(parser.type)) {
        parser.skip();
        continue;
      }
      const payload = this.#payload.gather(parser);
      if (payload !== undefined) this.#frame(parser.type, payload);
    }
  }

  /** Judges a frame by its header, before any of its payload is kept. */
  #begin(): void {
    const { type, length } = this.#parser;
    if (!this.#settled) {
      if (type !== FrameType.SETTINGS) throw new HttpConnectionError(H3.MISSING_SETTINGS, `${frameName(type)} before SETTINGS`);
      this.#settled = true;
    } else if (type === FrameType.SETTINGS) throw unexpected('SETTINGS twice');
    if (type === FrameType.DATA || type === FrameType.HEADERS || type === FrameType.PUSH_PROMISE || isHttp2Only(type))
      throw unexpected(`${frameName(type)} on a control stream`);
    if (type === FrameType.MAX_PUSH_ID && !this.#server) throw unexpected('MAX_PUSH_ID from a server');
    if (isPriorityUpdate(type) && !this.#server) throw unexpected('PRIORITY_UPDATE from a server'); // RFC 9218 §7.2
    const kept = this.#isKept(type);
    if (kept && type !== FrameType.MAX_PUSH_ID)
      this.#ignored = 0; // that one is only looked at: we push nothing
    else if (++this.#ignored > this.#maxIgnoredFrames)
      throw new HttpConnectionError(H3.EXCESSIVE_LOAD, `${this.#ignored} frames in a row that say nothing`);
    if (!kept) return;
    const whole = type === FrameType.SETTINGS || isPriorityUpdate(type);
    if (!whole && (length === 0 || length > 8)) throw malformed(type, `a payload of ${length} octets`);
    if (length > LIMITS.controlPayload.value) throw new HttpConnectionError(H3.EXCESSIVE_LOAD, `${frameName(type)} of ${length} octets`);
  }

  #isKept(type: number): boolean {
    return (
      type === FrameType.SETTINGS ||
      type === FrameType.GOAWAY ||
      type === FrameType.CANCEL_PUSH ||
      type === FrameType.MAX_PUSH_ID ||
      isPriorityUpdate(type)
    );
  }

  #frame(type: number, payload: Uint8Array): void {
    if (type === FrameType.SETTINGS) {
      this.#handler.onSettings(decodeSettings(payload));
      return;
    }
    const reader = new ByteReader(payload);
    const id = reader.varint();
    if (reader.overrun) throw malformed(type, 'it ends within an identifier');
    if (isPriorityUpdate(type)) {
      this.#priorityUpdate(type, id, fromLatin1(reader.take(reader.remaining)));
      return;
    }
    if (reader.remaining > 0) throw malformed(type, `${reader.remaining} octets follow its identifier`);
    if (type === FrameType.GOAWAY) this.#onGoaway(id);
    else if (type === FrameType.CANCEL_PUSH)
      throw idError(`CANCEL_PUSH of push ${id}, and there is no push`); // RFC 9114 §7.2.3
    else if (id < this.#maxPushId)
      throw idError(`MAX_PUSH_ID fell from ${this.#maxPushId} to ${id}`); // RFC 9114 §7.2.7
    else this.#maxPushId = id;
  }

  #onGoaway(id: number): void {
    if (!this.#server && id % 4 !== 0) throw idError(`GOAWAY with stream ${id}, which is no request's`); // RFC 9114 §7.2.6
    if (id > this.#goaway) throw idError(`GOAWAY rose from ${this.#goaway} to ${id}`); // RFC 9114 §5.2
    if (++this.#goaways > LIMITS.goaways.value) throw new HttpConnectionError(H3.EXCESSIVE_LOAD, `${this.#goaways} GOAWAY frames`);
    this.#goaway = id;
    this.#handler.onGoaway(id);
  }

  /** RFC 9218 §7.2. */
  #priorityUpdate(type: number, id: number, text: string): void {
    if (type === FrameType.PRIORITY_UPDATE_PUSH) throw idError(`PRIORITY_UPDATE of push ${id}, and there is no push`);
    if (id % 4 !== 0) throw idError(`PRIORITY_UPDATE of stream ${id}, which is no request's`);
    const priority = parsePriority(text);
    if (priority === undefined) throw new HttpConnectionError(H3.GENERAL_PROTOCOL_ERROR, 'PRIORITY_UPDATE whose value is no Dictionary');
    this.#handler.onPriorityUpdate(id, priority);
  }
}

const isPriorityUpdate = (type: number): boolean => type === FrameType.PRIORITY_UPDATE_REQUEST || type === FrameType.PRIORITY_UPDATE_PUSH;
const unexpected = (what: string): HttpConnectionError => new HttpConnectionError(H3.FRAME_UNEXPECTED, what);
const idError = (what: string): HttpConnectionError => new HttpConnectionError(H3.ID_ERROR, what);
const malformed = (type: number, why: string): HttpConnectionError => new HttpConnectionError(H3.FRAME_ERROR, `${frameName(type)}: ${why}`);
