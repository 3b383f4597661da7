import type { Micros } from '@quiclab/sansio';
import { answer } from './answers.ts';
import { Back, type BackOwner, type DialFailure } from './back.ts';
import { Deadlines, disarm } from './deadlines.ts';
import type { Exchange } from './exchange.ts';
import type { HopOwner } from './hop.ts';
import type { Settings } from './options.ts';

/** The connections to the origin, and the requests that wait for one. */
export class Pool implements BackOwner {
  readonly #owner: HopOwner;
  readonly #settings: Settings;
  readonly #connections = new Set<Back>();
  readonly #queue = new Set<Exchange>();
  readonly idle: Deadlines<Back>;
  #dialing = 0;
  /** Requests that wait for nothing but the SETTINGS of a connection that has room. */
  #patient = 0;
  /** Something has changed that may let a request go. */
  #stale = false;

  constructor(owner: HopOwner, settings: Settings) {
    this.#owner = owner;
    this.#settings = settings;
    this.idle = new Deadlines(settings.idleTimeout);
  }

  /** Connections, those that are being made among them. */
  get size(): number {
    return this.#connections.size;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  touched(back: Back): void {
    this.#owner.touched(back);
  }

  settle(now: Micros): void {
    this.#owner.settle(now);
  }

  // --- requests -------------------------------------------------------------------------------------------------------------

  enqueue(exchange: Exchange): void {
    this.#queue.add(exchange);
    this.#stale = true;
  }

  dequeue(exchange: Exchange): void {
    this.#queue.delete(exchange);
  }

  /** An exchange on this connection is over. */
  release(now: Micros, back: Back): void {
    back.full = false;
    this.#stale = true;
    if (back.exchanges.size > 0 || !back.isOpen) return;
    if (!this.#settings.reuse || !back.http.acceptsRequests) back.retired = true;
    this.idle.arm(back, now);
  }

  /** Sends the requests that can go, and sees to it that the others will. Returns whether anything happened. */
  assign(now: Micros): boolean {
    if (!this.#stale) return false;
    this.#stale = false;
    for (const back of this.#connections) if (back.isOpen && back.exchanges.size === 0 && this.#isSpent(back)) this.#drop(now, back);
    this.#patient = 0;
    let happened = this.#askAll(now);
    if (this.#queue.size > this.#patient) happened = this.#dialMore(now) || happened;
    return happened;
  }

  #askAll(now: Micros): boolean {
    let happened = false;
    const free = [...this.#connections].reverse().filter((back) => this.#hasRoom(back));
    for (const exchange of this.#queue) {
      if (free.length === 0) return happened;
      for (;;) {
        const back = free.find((candidate) => exchange.suits(candidate));
        if (back === undefined) {
          if (free.some((candidate) => candidate.settings === 'unknown' && !exchange.needsFresh)) this.#patient++;
          break;
        }
        disarm(back);
        const asked = exchange.ask(now, back);
        if (!asked) back.full = true;
        if (!this.#hasRoom(back)) free.splice(free.indexOf(back), 1);
        if (back.exchanges.size === 0 && back.isOpen) this.idle.arm(back, now);
        if (!asked) continue;
        this.#queue.delete(exchange);
        happened = true;
        break;
      }
    }
    return happened;
  }

  #hasRoom(back: Back): boolean {
    const { exchangesPerConnection, reuse } = this.#settings;
    return back.takesRequests && back.exchanges.size < exchangesPerConnection && (reuse || !back.used);
  }

  #isSpent(back: Back): boolean {
    return back.retired || !back.http.acceptsRequests;
  }

  #dialMore(now: Micros): boolean {
    const { exchangesPerConnection, maxConnections, ports } = this.#settings;
    let dialed = false;
    while (this.#dialing * exchangesPerConnection < this.#queue.size - this.#patient || this.#dialing === 0) {
      // all that are left are too old for these requests: one has to make room
      if (this.#connections.size >= maxConnections && !this.#dropIdle(now)) break;
      const back = new Back(this);
      this.#connections.add(back);
      this.#dialing++;
      dialed = true;
      ports.dial(now, back);
      if (exchangesPerConnection === Number.POSITIVE_INFINITY) break;
    }
    return dialed;
  }

  #dropIdle(now: Micros): boolean {
    for (const back of this.#connections) {
      if (!back.isOpen || back.exchanges.size > 0) continue;
      this.#drop(now, back);
      return true;
    }
    return false;
  }

  #drop(now: Micros, back: Back): void {
    disarm(back);
    this.#connections.delete(back);
    back.close(now);
  }

  // --- connections ------------------------------------------------------------------------------------------------------------

  onOpened(now: Micros, back: Back): void {
    this.#dialing--;
    this.#stale = true;
    this.idle.arm(back, now);
  }

  /** What it was made for is not waited for any longer: an origin that is down should be known to be, soon. */
  onDialFailed(now: Micros, back: Back, { error, what }: DialFailure): void {
    this.#dialing--;
    this.#connections.delete(back);
    this.#stale = true;
    let count = this.#settings.exchangesPerConnection;
    const status = error === 'connection_timeout' ? 504 : 502;
    for (const exchange of [...this.#queue]) {
      if (count-- <= 0) return;
      exchange.answer(now, answer(status, error, what));
    }
  }

  onRoom(back: Back): void {
    back.full = false;
    this.#stale = true;
  }

  onSettled(): void {
    this.#stale = true;
  }

  onBackEnded(_now: Micros, back: Back): void {
    disarm(back);
    this.#connections.delete(back);
    this.#stale = true;
  }

  /** Closes those that were idle for too long. */
  onTimeout(now: Micros): void {
    for (let back = this.idle.overdue(now); back !== undefined; back = this.idle.overdue(now)) this.#drop(now, back);
  }

  /** Closes all. Exchanges under way fail. */
  close(now: Micros): void {
    for (const back of [...this.#connections]) this.#drop(now, back);
  }
}
