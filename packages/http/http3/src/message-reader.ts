import type { Fields, FrameObserver } from '@quiclab/http-semantics';
import { BLOCKED, type QpackDecoder } from '@quiclab/qpack';
import type { Micros } from '@quiclab/sansio';
import type { StreamId } from '@quiclab/streams';
import { H3, HttpConnectionError } from './errors.ts';
import { FrameParser } from './frame-parser.ts';
import { FrameType, frameName, isHttp2Only } from './frames.ts';
import { Payload } from './payload.ts';
import type { QuicStreams } from './transport.ts';

/** What a message reader came upon. After the last three it is of no more use. */
export type Step =
  | 'starved' // nothing more is here
  | 'blocked' // a field section waits for QPACK's encoder stream
  | 'fields' // a header or trailer section: `fields`, `trailing`
  | 'content' // `takeContent` has some
  | 'end' // the message is complete
  | 'incomplete' // the stream ended before a final header section
  | 'too-large' // a field section above our limit
  | 'malformed'; // `reason`

type Phase = 'head' | 'content' | 'trailed' | 'over';

/** Limits on what one stream may cost us. */
export interface ReadLimits {
  readonly maxFieldSectionSize: number;
  /** Unknown and empty frames in a row. */
  readonly maxIgnoredFrames: number;
}

/**
 * Reads one message from a request stream: frames, their order, and how much content there is (RFC 9114 §4.1, §7.2). It takes from the
 * transport only what it needs for the next step, so content that nobody asks for stays there and holds the peer back.
 * What is a connection error is thrown.
 */
export class MessageReader {
  fields: Fields;
  trailing: boolean;
  reason: string;

  readonly #id: StreamId;
  readonly #server: boolean;
  readonly #transport: QuicStreams;
  readonly #decoder: QpackDecoder;
  readonly #limits: ReadLimits;
  readonly #observer: FrameObserver | undefined;
  readonly #parser: FrameParser;
  readonly #payload: Payload;
  #blocked: Uint8Array | undefined; // the section that waits
  #blockedAt: number; // where its frame begins
  #phase: Phase;
  #ended: boolean; // the transport gave the end of the stream
  #ignored: number;
  #expected: number; // content octets announced, or -1
  #received: number; // content octets in frames that have begun
  #mayHaveContent: boolean;
  #tunnel: boolean;

  constructor(
    id: StreamId,
    server: boolean,
    transport: QuicStreams,
    decoder: QpackDecoder,
    limits: ReadLimits,
    observer: FrameObserver | undefined,
  ) {
    this.fields = [];
    this.trailing = false;
    this.reason = '';
    this.#id = id;
    this.#server = server;
    this.#transport = transport;
    this.#decoder = decoder;
    this.#limits = limits;
    this.#observer = observer;
    this.#parser = new FrameParser();
    this.#payload = new Payload();
    this.#blocked = undefined;
    this.#blockedAt = 0;
    this.#phase = 'head';
    this.#ended = false;
    this.#ignored = 0;
    this.#expected = -1;
    this.#received = 0;
    this.#mayHaveContent = true;
    this.#tunnel = false;
  }

  /** The header section just read is final: content follows. @param expected  Content-Length, or -1 */
  expectContent(expected: number, mayHaveContent: boolean, tunnel: boolean): void {
    this.#phase = 'content';
    this.#expected = tunnel || !mayHaveContent ? -1 : expected;
    this.#mayHaveContent = mayHaveContent;
    this.#tunnel = tunnel;
  }

  step(now: Micros): Step {
    const parser = this.#parser;
    if (this.#blocked !== undefined) return this.#decode(this.#blocked);
    for (;;) {
      if (this.#phase === 'over') return 'starved';
      if (parser.remaining === 0) {
        if (parser.readHeader()) {
          const refusal = this.#begin();
          if (refusal !== undefined) return refusal;
          if (parser.type === FrameType.HEADERS && parser.length === 0) return this.#decode(this.#payload.gather(parser)!);
          continue;
        }
      } else if (parser.available > 0) {
        if (parser.type === FrameType.DATA) return 'content';
        if (parser.type === FrameType.HEADERS) {
          const section = this.#payload.gather(parser);
          if (section !== undefined) return this.#decode(section);
        } else parser.skip();
        continue;
      }
      if (this.#ended) return this.#end();
      const piece = this.#transport.read(now, this.#id);
      if (piece === undefined) return 'starved';
      this.#ended = piece.fin;
      parser.feed(piece.data);
    }
  }

  /** After 'content': a view of what is here of the DATA frame. */
  takeContent(): Uint8Array {
    return this.#parser.take();
  }

  /** After `takeContent`: whether that was the end of a complete message, known without asking the transport again. */
  endsHere(): boolean {
    const ends =
      this.#ended &&
      this.#parser.available === 0 &&
      this.#parser.betweenFrames &&
      (this.#expected < 0 || this.#received === this.#expected);
    if (ends) this.#phase = 'over';
    return ends;
  }

  /** Judges a frame by its header. RFC 9114 §7.2, Table 1. */
  #begin(): 'malformed' | 'too-large' | undefined {
    const { type, length } = this.#parser;
    const head = this.#phase === 'head';
    if (type === FrameType.DATA) {
      if (head || this.#phase === 'trailed')
        throw unexpected(`DATA ${head ? 'before' : 'after'} the ${head ? 'header' : 'trailer'} section`);
      this.#map('data');
      this.#received += length;
      if (length === 0) return this.#ignore();
      this.#ignored = 0;
      if (!this.#mayHaveContent) return this.#malformed('content in a response that has none');
      if (this.#expected >= 0 && this.#received > this.#expected)
        return this.#malformed(`${this.#received} octets of content, content-length is ${this.#expected}`);
      return undefined;
    }
    if (type === FrameType.HEADERS) {
      if (this.#phase === 'trailed' || this.#tunnel)
        throw unexpected(`HEADERS ${this.#tunnel ? 'in a tunnel' : 'after the trailer section'}`);
      this.#map(head ? 'headers' : 'trailers');
      this.#ignored = 0;
      if (length <= this.#limits.maxFieldSectionSize) return undefined; // no sensible encoding is longer than what it stands for
      this.#phase = 'over';
      return 'too-large';
    }
    if (type === FrameType.PUSH_PROMISE && !this.#server) throw new HttpConnectionError(H3.ID_ERROR, 'PUSH_PROMISE, and we allow no push');
    if (KNOWN_ELSEWHERE.has(type) || isHttp2Only(type)) throw unexpected(`${frameName(type)} on a request stream`);
    this.#map('other');
    return this.#ignore();
  }

  #ignore(): undefined {
    if (++this.#ignored > this.#limits.maxIgnoredFrames)
      throw new HttpConnectionError(H3.EXCESSIVE_LOAD, `${this.#ignored} frames in a row that say nothing`);
    return undefined;
  }

  #decode(section: Uint8Array): Step {
    const fields = this.#decoder.decode(section, this.#id);
    if (fields === BLOCKED) {
      if (this.#blocked === undefined) this.#blockedAt = this.#parser.start;
      this.#blocked = section; // what the transport gave is ours to keep
      return 'blocked';
    }
    if (this.#blocked !== undefined) {
      this.#blocked = undefined;
      this.#observer?.fieldsUnblocked?.(this.#id, this.#id, this.#blockedAt);
    }
    if (fields === undefined) {
      this.#phase = 'over';
      return 'too-large';
    }
    this.fields = fields;
    this.trailing = this.#phase !== 'head';
    if (this.trailing) this.#phase = 'trailed';
    return 'fields';
  }

  #end(): Step {
    // RFC 9114 §7.1: also a frame that would have been ignored must be whole
    if (!this.#parser.betweenFrames) throw new HttpConnectionError(H3.FRAME_ERROR, `stream ${this.#id} ends within a frame`);
    if (this.#phase === 'head') {
      this.#phase = 'over';
      return 'incomplete';
    }
    if (this.#expected >= 0 && this.#received !== this.#expected)
      return this.#malformed(`${this.#received} octets of content, content-length is ${this.#expected}`);
    this.#phase = 'over';
    return 'end';
  }

  #malformed(reason: string): 'malformed' {
    this.reason = reason;
    this.#phase = 'over';
    return 'malformed';
  }

  #map(kind: 'headers' | 'data' | 'trailers' | 'other'): void {
    const { start, headerLength, length } = this.#parser;
    this.#observer?.frameMapped('received', this.#id, this.#id, start, headerLength + length, headerLength, kind);
  }
}

const KNOWN_ELSEWHERE: ReadonlySet<number> = new Set([
  FrameType.CANCEL_PUSH,
  FrameType.SETTINGS,
  FrameType.PUSH_PROMISE,
  FrameType.GOAWAY,
  FrameType.MAX_PUSH_ID,
  FrameType.PRIORITY_UPDATE_REQUEST,
  FrameType.PRIORITY_UPDATE_PUSH,
]);

const unexpected = (what: string): HttpConnectionError => new HttpConnectionError(H3.FRAME_UNEXPECTED, what);
