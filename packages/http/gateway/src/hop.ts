import type { HttpConnection, HttpEvent } from '@quiclab/http-semantics';
import type { Micros } from '@quiclab/sansio';
import type { Exchange } from './exchange.ts';
import type { Pump } from './pump.ts';

/** What all hops of a gateway share. */
export interface HopOwner {
  /** Something was said on this hop: what follows from that has to be looked at. */
  touched(hop: Hop): void;
  /** Looks at all hops that were touched, until nothing follows any more. */
  settle(now: Micros): void;
}

/** One connection, towards a client or towards the origin, and the exchanges on it. */
export abstract class Hop {
  abstract readonly http: HttpConnection;
  readonly exchanges = new Map<number, Exchange>();
  /** Pumps that have read all of their content from here: they may end once everything was told that came before that. */
  readonly ending: Pump[] = [];
  over = false;
  isTouched = false;
  readonly #owner: HopOwner;

  constructor(owner: HopOwner) {
    this.#owner = owner;
  }

  touch(): void {
    if (this.isTouched) return;
    this.isTouched = true;
    this.#owner.touched(this);
  }

  /** For whoever drives the connection: its transport has told it something, or its time has come. */
  turn(now: Micros): void {
    this.touch();
    this.#owner.settle(now);
  }

  /** For whoever drives the connection: it is over, whatever ended it. */
  lost(now: Micros, reason: string): void {
    if (this.over) return;
    this.touch(); // what came before that
    this.#owner.settle(now);
    this.ended(now, reason);
    this.#owner.settle(now);
  }

  /** For a driver that asks the connection for its events itself: the next of them. */
  tell(now: Micros, event: HttpEvent): void {
    this.touch();
    this.#take(now, event);
    this.#owner.settle(now);
  }

  /**
   * Handles what the connection tells, until it has nothing more to say. One that is over is asked as well: in some versions, what it
   * says last leaves only then.
   */
  drain(now: Micros): void {
    for (let event = this.http.pollEvent(); event !== undefined; event = this.http.pollEvent()) this.#take(now, event);
    this.#endPumps(now);
  }

  #take(now: Micros, event: HttpEvent): void {
    if (this.over) return;
    if (event.type !== 'closed') {
      this.handle(now, event);
      return;
    }
    this.#endPumps(now);
    this.ended(now, event.reason === '' ? 'the connection was closed' : event.reason);
  }

  #endPumps(now: Micros): void {
    for (let pump = this.ending.pop(); pump !== undefined; pump = this.ending.pop()) {
      pump.onToldOut();
      pump.carry(now);
    }
  }

  abstract handle(now: Micros, event: Exclude<HttpEvent, { type: 'closed' }>): void;
  /** Its exchanges are over, too. May be called more than once. */
  abstract ended(now: Micros, reason: string): void;
  /** Something may have to be sent. */
  abstract wake(): void;
}
