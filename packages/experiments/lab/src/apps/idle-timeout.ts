import type { HttpConnection, HttpEvent } from '@quiclab/http-semantics';
import { type Micros, NEVER } from '@quiclab/sansio';
import type { HttpHandler } from '../carriers/carrier.ts';
import type { Timer, Timers } from '../timers.ts';

/** Closes a connection on which nothing has happened for so long, as servers of HTTP/1.1 do; its handler is another one. RFC 9112 §9.5. */
export class IdleTimeout implements HttpHandler {
  readonly #handler: HttpHandler;
  readonly #timers: Timers;
  readonly #timeout: Micros;
  #lastEvent: Micros = NEVER;
  #timer: Timer | undefined = undefined;

  constructor(handler: HttpHandler, timers: Timers, timeout: Micros) {
    this.#handler = handler;
    this.#timers = timers;
    this.#timeout = timeout;
  }

  onReady(now: Micros, http: HttpConnection): void {
    this.#lastEvent = now;
    this.#watch(now + this.#timeout, http);
    this.#handler.onReady?.(now, http);
  }

  onHttp(now: Micros, http: HttpConnection, event: HttpEvent): void {
    this.#lastEvent = now;
    this.#handler.onHttp(now, http, event);
  }

  onClosed(now: Micros, reason: string): void {
    this.#timer?.cancel();
    this.#handler.onClosed?.(now, reason);
  }

  #watch(when: Micros, http: HttpConnection): void {
    this.#timer = this.#timers.at(when, (now) => {
      if (http.closed) return;
      if (http.openExchanges > 0) this.#lastEvent = now;
      const due = this.#lastEvent + this.#timeout;
      if (due <= now) http.close(now);
      else this.#watch(due, http);
    });
  }
}
