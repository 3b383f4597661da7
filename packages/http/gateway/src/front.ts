import type { HttpConnection, HttpEvent } from '@quiclab/http-semantics';
import type { Address, Micros } from '@quiclab/sansio';
import { Hop, type HopOwner } from './hop.ts';
import type { FrontFacts } from './options.ts';

type RequestEvent = Extract<HttpEvent, { type: 'request' }>;

export interface FrontOwner extends HopOwner {
  onRequest(now: Micros, front: Front, request: RequestEvent): void;
  onFrontEnded(front: Front): void;
}

/** INTERNAL_ERROR of the version: what a response is broken off with that the gateway cannot complete. RFC 9113 §7, RFC 9114 §8.1. */
const INTERNAL_ERROR = { '1.1': 0, '2': 0x2, '3': 0x102 } as const;

/** A client's connection. Its driver calls `turn` and `lost`. */
export class Front extends Hop {
  readonly http: HttpConnection;
  readonly facts: FrontFacts;
  readonly #owner: FrontOwner;

  constructor(owner: FrontOwner, http: HttpConnection, facts: FrontFacts) {
    super(owner);
    this.#owner = owner;
    this.http = http;
    this.facts = facts;
  }

  get client(): Address {
    return this.facts.client;
  }

  handle(now: Micros, event: Exclude<HttpEvent, { type: 'closed' }>): void {
    if (event.type === 'request') {
      this.#owner.onRequest(now, this, event);
      return;
    }
    const exchange = 'id' in event ? this.exchanges.get(event.id) : undefined;
    if (exchange === undefined) return;
    switch (event.type) {
      case 'body-readable':
      case 'body-writable':
        exchange.carry(now);
        return;
      case 'trailers':
        exchange.onRequestTrailers(event.fields);
        return;
      case 'sent':
        exchange.onDelivered();
        return;
      case 'reset':
        exchange.onGivenUp(now, 'the client gave the request up');
        return;
      case 'stopped':
        exchange.onGivenUp(now, 'the client does not want the response');
        return;
      case 'failed':
        exchange.onGivenUp(now, `the client's message: ${event.reason}`);
    }
  }

  ended(now: Micros, reason: string): void {
    if (this.over) return;
    this.over = true;
    for (const exchange of [...this.exchanges.values()]) exchange.onGivenUp(now, `the client is gone: ${reason}`);
    this.#owner.onFrontEnded(this);
  }

  /** A response that will not be completed. */
  breakOff(now: Micros, id: number): void {
    if (this.over) return;
    this.http.cancel(now, id, INTERNAL_ERROR[this.facts.version]);
    this.touch();
  }

  wake(): void {
    this.facts.wake();
  }
}
