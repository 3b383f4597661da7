import { concat, fromLatin1, latin1 } from '@quiclab/bytes';
import { type Fields, type FrameObserver, fieldValue, type HttpEvent, type HttpOver, UsageError } from '@quiclab/http-semantics';
import { EventQueue, type Micros } from '@quiclab/sansio';
import type { StreamId, StreamPriority } from '@quiclab/streams';
import { HttpConnectionError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { OutgoingStream } from '../outgoing-stream.ts';
import type { QuicStreams, StreamEvent } from '../transport.ts';

/** HTTP/0.9 has no codes of its own; these are what we close and reset with. */
export const HQ_NO_ERROR = 0;
export const HQ_ERROR = 1;

export interface HqOptions {
  readonly side: 'client' | 'server';
  readonly transport: QuicStreams;
  /** Octets of the longest request line we take. The default is in `LIMITS`. */
  readonly maxRequestLine?: number;
  readonly observer?: FrameObserver;
}

const EMPTY = new Uint8Array(0);

class HqExchange {
  readonly id: StreamId;
  readonly out: OutgoingStream;
  receiving = true;
  /** The request line, or the first octets of the response, were told. */
  told = false;
  readableTold = false;
  writableOwed = false;
  responded: boolean;
  /** Server: what has come of the request line. Client: what was read to find out whether there is content. */
  held: Uint8Array = EMPTY;
  heldEnd = false;
  received = 0;

  constructor(id: StreamId, out: OutgoingStream, responded: boolean) {
    this.id = id;
    this.out = out;
    this.responded = responded;
  }
}

/**
 * HTTP/0.9 over QUIC (ALPN `hq-interop`), which interoperability tests transfer files with: the request is `GET /path` and a line
 * end on a bidirectional stream, the answer is the octets and the end of the stream. There are no fields: a response of any status but 200 is a reset.
 */
export class HqConnection implements HttpOver<StreamEvent> {
  readonly #server: boolean;
  readonly #transport: QuicStreams;
  readonly #maxRequestLine: number;
  readonly #observer: FrameObserver | undefined;
  readonly #events = new EventQueue<HttpEvent>();
  readonly #exchanges = new Map<StreamId, HqExchange>();
  #leaving = false;
  #requestRefused = false;
  #closed = false;

  constructor(options: HqOptions) {
    this.#server = options.side === 'server';
    this.#transport = options.transport;
    this.#maxRequestLine = options.maxRequestLine ?? LIMITS.hqRequestLine.value;
    this.#observer = options.observer;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get openExchanges(): number {
    return this.#exchanges.size;
  }

  get acceptsRequests(): boolean {
    return !this.#closed && !this.#leaving;
  }

  start(_now: Micros): void {} // no stream but those of requests

  pollEvent(): HttpEvent | undefined {
    return this.#events.shift();
  }

  onTransport(now: Micros, event: StreamEvent): void {
    if (this.#closed) return;
    try {
      this.#onTransport(now, event);
    } catch (error) {
      if (!(error instanceof HttpConnectionError)) throw error;
      this.close(now, error.code, error.message);
    }
  }

  #onTransport(now: Micros, event: StreamEvent): void {
    if (event.type === 'streams-available') {
      if (event.kind === 'bidi' && this.#requestRefused) {
        this.#requestRefused = false;
        this.#events.push({ type: 'requests-available' });
      }
      return;
    }
    if (event.type === 'stream-opened') {
      if (!this.#server || event.id % 4 !== 0) throw new HttpConnectionError(HQ_ERROR, `stream ${event.id}, which HTTP/0.9 has no use for`);
      this.#begin(event.id, false);
      return;
    }
    if (event.type === 'stream-finished') this.#events.push({ type: 'sent', id: event.id });
    const exchange = this.#exchanges.get(event.id);
    if (exchange === undefined) return;
    if (event.type === 'stream-readable') this.#readable(now, exchange);
    else if (event.type === 'stream-writable') this.#writable(now, exchange);
    else if (event.type === 'stream-reset') this.#reset(exchange, event.code);
    else if (event.type === 'stream-stopped') this.#stopped(exchange, event.code);
  }

  #readable(now: Micros, exchange: HqExchange): void {
    if (this.#server) this.#readRequest(now, exchange);
    else if (!exchange.told) this.#beginResponse(now, exchange);
    else if (!exchange.readableTold) this.#tellReadable(exchange);
  }

  #readRequest(now: Micros, exchange: HqExchange): void {
    for (let piece = this.#read(now, exchange); piece !== undefined && exchange.receiving; piece = this.#read(now, exchange)) {
      exchange.held = exchange.held.length === 0 ? piece.data : concat(exchange.held, piece.data);
      const lineEnd = exchange.held.indexOf(0x0a);
      const line = lineEnd >= 0 ? lineEnd + 1 : exchange.held.length;
      if (piece.fin) exchange.receiving = false;
      // one line, and nothing after it: the line may lack its end when the stream has one
      if (line < exchange.held.length || line > this.#maxRequestLine) {
        this.#drop(exchange, HQ_ERROR);
        return;
      }
      if (!exchange.told && (lineEnd >= 0 || piece.fin)) this.#onRequestLine(exchange, fromLatin1(exchange.held));
    }
    this.#retireWhenDone(exchange);
  }

  #onRequestLine(exchange: HqExchange, line: string): void {
    const path = /^GET +(\/[\x21-\x7e]*)[ \r\n]*$/.exec(line)?.[1];
    if (path === undefined) {
      this.#drop(exchange, HQ_ERROR);
      return;
    }
    exchange.told = true;
    const fields: Fields = [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', path],
    ];
    this.#events.push({ type: 'request', id: exchange.id, fields, end: true, early: false });
  }

  #beginResponse(now: Micros, exchange: HqExchange): void {
    const piece = this.#read(now, exchange);
    if (piece === undefined) return;
    exchange.told = true;
    exchange.held = piece.data;
    exchange.heldEnd = piece.fin;
    const end = piece.fin && piece.data.length === 0;
    this.#events.push({ type: 'response', id: exchange.id, status: 200, fields: [[':status', '200']], informational: false, end });
    if (end) this.#received(exchange);
    else this.#tellReadable(exchange);
  }

  #read(now: Micros, exchange: HqExchange): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    const piece = this.#transport.read(now, exchange.id);
    if (piece !== undefined && piece.data.length > 0) {
      const kind = this.#server ? 'headers' : 'data';
      this.#observer?.frameMapped('received', exchange.id, exchange.id, exchange.received, piece.data.length, 0, kind);
      exchange.received += piece.data.length;
    }
    return piece;
  }

  #tellReadable(exchange: HqExchange): void {
    exchange.readableTold = true;
    this.#events.push({ type: 'body-readable', id: exchange.id });
  }

  #writable(now: Micros, exchange: HqExchange): void {
    exchange.out.flush(now);
    if (exchange.writableOwed && !exchange.out.blocked && exchange.out.open) {
      exchange.writableOwed = false;
      this.#events.push({ type: 'body-writable', id: exchange.id });
    }
    this.#retireWhenDone(exchange);
  }

  #reset(exchange: HqExchange, code: number): void {
    exchange.receiving = false;
    if (exchange.told || !this.#server) this.#events.push({ type: 'reset', id: exchange.id, code, unprocessed: false });
    if (!exchange.told || !this.#server) this.#drop(exchange, HQ_ERROR);
    else this.#retireWhenDone(exchange);
  }

  #stopped(exchange: HqExchange, code: number): void {
    exchange.out.reset(code);
    if (exchange.told || !this.#server) this.#events.push({ type: 'stopped', id: exchange.id, code });
    this.#retireWhenDone(exchange);
  }

  // --- the application's calls ------------------------------------------------------------------------------------------

  /** Takes :path of a GET without content; there is no way to say anything else. */
  request(now: Micros, fields: Fields, end: boolean): number | undefined {
    if (this.#server) throw new UsageError('a server makes no requests');
    const path = fieldValue(fields, ':path');
    if (fieldValue(fields, ':method') !== 'GET' || !end || path === undefined || !/^\/[\x21-\x7e]*$/.test(path))
      throw new UsageError('HTTP/0.9 has GET of a path, and no content');
    if (!this.acceptsRequests) return undefined;
    const id = this.#transport.openStream('bidi');
    if (id === undefined) {
      this.#requestRefused = true;
      return undefined;
    }
    const exchange = this.#begin(id, true);
    const line = latin1(`GET ${path}\r\n`);
    this.#observer?.frameMapped('sent', id, id, 0, line.length, 0, 'headers');
    exchange.out.write(now, line, true);
    exchange.out.finish();
    return id;
  }

  respond(now: Micros, id: number, fields: Fields, end: boolean): void {
    const exchange = this.#exchanges.get(id);
    const status = fieldValue(fields, ':status') ?? '';
    if (exchange === undefined || /^1/.test(status)) return;
    if (!this.#server || exchange.responded) throw new UsageError(`exchange ${id} has its response`);
    exchange.responded = true;
    if (status !== '200') this.#drop(exchange, HQ_ERROR);
    else if (end) this.finish(now, id);
  }

  writeBody(now: Micros, id: number, data: Uint8Array): number {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || !exchange.out.open) return 0;
    if (!exchange.responded) throw new UsageError(`content of exchange ${id} before its response`);
    const taken = exchange.out.blocked ? 0 : this.#transport.write(now, id, data);
    if (taken > 0) this.#observer?.frameMapped('sent', id, id, exchange.out.offset, taken, 0, 'data');
    exchange.out.offset += taken;
    if (taken < data.length) exchange.writableOwed = true;
    return taken;
  }

  readBody(now: Micros, id: number): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || this.#server || !exchange.told || !exchange.receiving) return undefined;
    let piece: { readonly data: Uint8Array; readonly fin: boolean } | undefined;
    if (exchange.held.length > 0) {
      piece = { data: exchange.held, fin: exchange.heldEnd };
      exchange.held = EMPTY;
    } else piece = this.#read(now, exchange);
    if (piece === undefined) exchange.readableTold = false;
    else if (piece.fin) this.#received(exchange);
    return piece;
  }

  finish(_now: Micros, id: number, _trailers?: Fields): void {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || !exchange.out.open) return;
    if (!exchange.responded) throw new UsageError(`the end of exchange ${id} before its response`);
    exchange.out.finish();
    this.#retireWhenDone(exchange);
  }

  stopReading(_now: Micros, id: number, code: number = HQ_NO_ERROR): void {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined || !exchange.receiving) return;
    this.#transport.stopSending(id, code);
    this.#received(exchange);
  }

  cancel(_now: Micros, id: number, code: number = HQ_ERROR): void {
    const exchange = this.#exchanges.get(id);
    if (exchange !== undefined) this.#drop(exchange, code);
  }

  prioritize(_now: Micros, id: number, priority: StreamPriority): void {
    if (this.#server && this.#exchanges.has(id)) this.#transport.prioritize(id, priority);
  }

  /** There is nothing to say it with: only our own requests end here. */
  goaway(_now: Micros): void {
    this.#leaving = true;
  }

  close(now: Micros, code: number = HQ_NO_ERROR, reason = ''): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#exchanges.clear();
    this.#events.push({ type: 'closed', code, reason });
    this.#transport.close(now, code, reason);
  }

  #begin(id: StreamId, responded: boolean): HqExchange {
    const exchange = new HqExchange(id, new OutgoingStream(this.#transport, id), responded);
    this.#exchanges.set(id, exchange);
    return exchange;
  }

  #drop(exchange: HqExchange, code: number): void {
    if (exchange.receiving) this.#transport.stopSending(exchange.id, code);
    exchange.receiving = false;
    exchange.out.reset(code);
    this.#exchanges.delete(exchange.id);
  }

  #received(exchange: HqExchange): void {
    exchange.receiving = false;
    this.#retireWhenDone(exchange);
  }

  #retireWhenDone(exchange: HqExchange): void {
    if (!exchange.receiving && exchange.out.done) this.#exchanges.delete(exchange.id);
  }
}
