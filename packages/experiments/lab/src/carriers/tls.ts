import type { HttpConnection } from '@quiclab/http-semantics';
import { type ByteStream, type ByteStreamEvent, type Micros, NEVER } from '@quiclab/sansio';
import type { TlsStream } from '@quiclab/tls/record';
import type { TimedHttp } from '../models/http.ts';
import type { Timer, Timers } from '../timers.ts';
import type { Carrier, HttpHandler } from './carrier.ts';

/** A byte stream that is asked for its events. */
export interface PolledStream extends ByteStream {
  pollEvent(): ByteStreamEvent | undefined;
}

export interface TlsCarrierOptions {
  /** TCP. */
  readonly below: PolledStream;
  readonly tls: TlsStream;
  makeHttp(transport: ByteStream): TimedHttp;
  readonly handler: HttpHandler;
  readonly timers: Timers;
}

/** TCP, TLS over it, and HTTP over that, from the moment when TLS is secured. */
export class TlsCarrier implements Carrier {
  readonly #options: TlsCarrierOptions;
  #http: TimedHttp | undefined = undefined;
  #due: Micros = NEVER;
  #timer: Timer | undefined = undefined;
  #pumping = false;

  constructor(options: TlsCarrierOptions) {
    this.#options = options;
  }

  get http(): HttpConnection | undefined {
    return this.#http;
  }

  pump(now: Micros): void {
    if (this.#pumping) return; // the application was called from below, which goes on
    this.#pumping = true;
    try {
      while (this.#hand(now));
    } finally {
      this.#pumping = false;
    }
    this.#watch();
  }

  close(now: Micros): void {
    if (this.#http === undefined) this.#options.tls.abort(now, 'the page is there');
    else this.#http.close(now);
    this.pump(now);
  }

  /** Hands on what is there, from TCP up. False: there was nothing. */
  #hand(now: Micros): boolean {
    const { below, tls } = this.#options;
    const fromBelow = below.pollEvent();
    if (fromBelow !== undefined) tls.onTransport(now, fromBelow);
    const fromTls = tls.pollEvent();
    if (fromTls?.type === 'secured') this.#start(now);
    else if (fromTls?.type === 'readable' || fromTls?.type === 'writable' || fromTls?.type === 'closed')
      this.#http?.onTransport(now, fromTls);
    const had = this.#handHttp(now);
    if (fromTls?.type === 'closed') this.#options.handler.onClosed?.(now, fromTls.reason);
    return had || fromBelow !== undefined || fromTls !== undefined;
  }

  #handHttp(now: Micros): boolean {
    const http = this.#http;
    let had = false;
    for (let event = http?.pollEvent(); event !== undefined; event = http!.pollEvent()) {
      this.#options.handler.onHttp(now, http!, event);
      had = true;
    }
    return had;
  }

  #start(now: Micros): void {
    const { makeHttp, tls, handler } = this.#options;
    this.#http = makeHttp(tls);
    this.#http.start(now);
    handler.onReady?.(now, this.#http);
  }

  /** One timer, for the earliest of the deadlines that there were; when it goes off, for the next. */
  #watch(): void {
    const due = this.#http?.nextTimeout() ?? NEVER;
    if (due >= this.#due) return;
    this.#timer?.cancel();
    this.#due = due;
    this.#timer = this.#options.timers.at(due, (now) => {
      this.#due = NEVER;
      this.#http?.onTimeout(now);
      this.pump(now);
    });
  }
}
