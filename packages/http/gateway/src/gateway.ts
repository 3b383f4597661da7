import type { HttpConnection, HttpEvent } from '@quiclab/http-semantics';
import { type Micros, NEVER } from '@quiclab/sansio';
import { answer } from './answers.ts';
import type { Back } from './back.ts';
import { Deadlines } from './deadlines.ts';
import { Exchange, type ExchangeOwner } from './exchange.ts';
import { Front, type FrontOwner } from './front.ts';
import type { Hop } from './hop.ts';
import { type FrontFacts, type GatewayOptions, type Settings, settingsOf } from './options.ts';
import { Pool } from './pool.ts';
import { readRequest, refusal } from './request-head.ts';

/**
 * Carries requests from clients to one origin, hop by hop, whatever version of HTTP each hop speaks. RFC 9110 §3.7, §7.6. It knows no
 * socket and no clock: connections come from outside, and so does the time.
 *
 * Whoever drives a connection feeds its `HttpConnection` with what the transport tells, then calls `turn` of the hop, and `lost` when it
 * is over. The gateway asks all connections that are concerned for their events, and calls `wake` of those that may have something to send.
 */
export class Gateway implements FrontOwner, ExchangeOwner {
  readonly settings: Settings;
  readonly clocks: ExchangeOwner['clocks'];
  readonly #pool: Pool;
  readonly #fronts = new Set<Front>();
  readonly #touched: Hop[] = [];
  readonly #toWake = new Set<Hop>();
  #requests = 0;
  #settling = false;
  #draining = false;
  #alarm: Micros = NEVER;
  #now: Micros = 0;
  #idleWanted: (() => void)[] = [];

  constructor(options: GatewayOptions) {
    this.settings = settingsOf(options);
    const { waitTimeout, headTimeout, bodyTimeout, tunnelTimeout } = this.settings;
    this.clocks = {
      waiting: new Deadlines(waitTimeout),
      asked: new Deadlines(headTimeout),
      answering: new Deadlines(bodyTimeout),
      tunnel: new Deadlines(tunnelTimeout),
      delivering: new Deadlines(bodyTimeout),
    };
    this.#pool = new Pool(this, this.settings);
  }

  /** Requests under way. */
  get requests(): number {
    return this.#requests;
  }

  /** Connections of clients, and to the origin. */
  get connections(): { readonly front: number; readonly back: number } {
    return { front: this.#fronts.size, back: this.#pool.size };
  }

  /** A client's connection, from here on the gateway's: nobody else asks it for events. */
  accept(now: Micros, http: HttpConnection, facts: FrontFacts): Front {
    const front = new Front(this, http, facts);
    this.#fronts.add(front);
    if (this.#draining) {
      http.goaway(now);
      front.touch();
    }
    return front;
  }

  /** From here on, clients of HTTP/1.1 and HTTP/2 over TLS are told this in Alt-Svc; '': nothing. */
  offer(altSvc: string): void {
    this.settings.altSvc = altSvc;
  }

  // --- time -----------------------------------------------------------------------------------------------------------------

  /** What `ports.alarm` was told last. */
  nextTimeout(): Micros {
    const { waiting, asked, answering, tunnel, delivering } = this.clocks;
    return Math.min(waiting.next(), asked.next(), answering.next(), tunnel.next(), delivering.next(), this.#pool.idle.next());
  }

  onTimeout(now: Micros): void {
    this.#alarm = NEVER;
    for (const clock of Object.values(this.clocks))
      for (let late = clock.overdue(now); late !== undefined; late = clock.overdue(now)) late.onTimeout(now);
    this.#pool.onTimeout(now);
    this.settle(now);
  }

  // --- the end --------------------------------------------------------------------------------------------------------------

  /** Takes no new requests; those under way go on. Connections of clients are told (GOAWAY, or `close`). RFC 9113 §6.8, RFC 9114 §5.2. */
  drain(now: Micros): void {
    this.#draining = true;
    for (const front of this.#fronts) {
      front.http.goaway(now);
      front.touch();
    }
    this.settle(now);
  }

  /** Calls back when no request is under way. */
  whenIdle(tell: () => void): void {
    this.#idleWanted.push(tell);
    this.#tellIdle();
  }

  /** Breaks off what is under way, and closes all connections, at both hops. */
  close(now: Micros): void {
    this.#draining = true;
    for (const front of [...this.#fronts]) {
      for (const exchange of [...front.exchanges.values()]) exchange.onGivenUp(now, 'the gateway is closing');
      front.http.close(now);
      front.touch();
    }
    this.settle(now);
    this.#pool.close(now);
    this.settle(now);
  }

  // --- for hops ---------------------------------------------------------------------------------------------------------------

  touched(hop: Hop): void {
    this.#touched.push(hop);
  }

  settle(now: Micros): void {
    this.#now = now;
    if (this.#settling) return;
    this.#settling = true;
    try {
      do {
        for (let hop = this.#touched.pop(); hop !== undefined; hop = this.#touched.pop()) {
          hop.isTouched = false; // what it says while it is drained touches it again
          this.#toWake.add(hop);
          hop.drain(now);
        }
      } while (this.#pool.assign(now) || this.#touched.length > 0);
    } finally {
      this.#settling = false;
    }
    for (const hop of this.#toWake) hop.wake();
    this.#toWake.clear();
    this.#setAlarm();
    this.#tellIdle();
  }

  onRequest(now: Micros, front: Front, event: Extract<HttpEvent, { type: 'request' }>): void {
    const { settings } = this;
    const head = readRequest(event.fields, event.version ?? front.facts.version);
    this.#requests++;
    const exchange = new Exchange(this, now, front, event, head);
    const refused = refusal(head, event.end, event.early, settings.name);
    if (refused !== undefined) exchange.answer(now, refused);
    else if (this.#requests > settings.maxRequests)
      exchange.answer(
        now,
        answer(503, 'connection_limit_reached', `${settings.maxRequests} requests are under way`, [['retry-after', '1']]),
      );
    else exchange.wait(now);
  }

  onFrontEnded(front: Front): void {
    this.#fronts.delete(front);
  }

  // --- for exchanges ------------------------------------------------------------------------------------------------------------

  enqueue(exchange: Exchange): void {
    this.#pool.enqueue(exchange);
  }

  dequeue(exchange: Exchange): void {
    this.#pool.dequeue(exchange);
  }

  release(now: Micros, back: Back): void {
    this.#pool.release(now, back);
  }

  onOver(exchange: Exchange): void {
    this.#requests--;
    this.settings.observer?.passed?.(exchange.passage(this.#now));
  }

  // --- the ground -------------------------------------------------------------------------------------------------------------

  #setAlarm(): void {
    const next = this.nextTimeout();
    if (next === this.#alarm) return;
    this.#alarm = next;
    this.settings.ports.alarm(next);
  }

  #tellIdle(): void {
    if (this.#requests > 0 || this.#idleWanted.length === 0) return;
    const wanted = this.#idleWanted;
    this.#idleWanted = [];
    for (const tell of wanted) tell();
  }
}
