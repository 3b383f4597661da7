import type { HttpConnection, HttpEvent } from '@quiclab/http-semantics';
import type { Micros } from '@quiclab/sansio';
import type { Timed } from './deadlines.ts';
import { Hop, type HopOwner } from './hop.ts';
import type { HttpVersion } from './options.ts';

/** A connection to the origin that was made. */
export interface OpenedBack {
  readonly http: HttpConnection;
  readonly version: HttpVersion;
  /** HTTP/1.1: octets that have come on it so far. Without it, a request is never asked again because its connection was lost. */
  received?(): number;
  /** Something may have to be sent: called after whatever led to it. */
  wake(): void;
}

/** Why there is no connection to the origin. */
export interface DialFailure {
  /** An error type of RFC 9209 §2.3: 'connection_refused', 'dns_error', 'connection_timeout', 'tls_certificate_error' … */
  readonly error: string;
  /** For the client to read: no addresses. */
  readonly what: string;
}

/** The same in HTTP/2 and HTTP/3. */
const ENABLE_CONNECT_PROTOCOL = 0x08;

export interface BackOwner extends HopOwner {
  onOpened(now: Micros, back: Back): void;
  onDialFailed(now: Micros, back: Back, failure: DialFailure): void;
  onRoom(back: Back): void;
  onSettled(): void;
  onBackEnded(now: Micros, back: Back): void;
}

/** A connection to the origin, or one that is being made. Whoever makes it calls `opened` or `failed`, and then `turn` and `lost`. */
export class Back extends Hop implements Timed {
  #opened: OpenedBack | undefined = undefined;
  readonly #owner: BackOwner;
  deadlines: Timed['deadlines'] = undefined;
  /** It has carried an exchange before. */
  used = false;
  /** It took no request when it was asked, and did not yet say that it might. */
  full = false;
  /** HTTP/2 and HTTP/3: the origin's SETTINGS did not come yet; or did, and let CONNECT have a :protocol, or do not. RFC 8441 §3, RFC 9220 §3. */
  settings: 'unknown' | 'connect' | 'no-connect' = 'unknown';
  /** Nothing new is asked on it. */
  retired = false;

  constructor(owner: BackOwner) {
    super(owner);
    this.#owner = owner;
  }

  get http(): HttpConnection {
    return this.#opened!.http;
  }

  get version(): HttpVersion {
    return this.#opened!.version;
  }

  /** HTTP/1.1: octets that have come so far; -1 where nobody counts. The other versions say by themselves whose octets they are: 0. */
  get received(): number {
    return this.version === '1.1' ? (this.#opened!.received?.() ?? -1) : 0;
  }

  get isOpen(): boolean {
    return this.#opened !== undefined && !this.over;
  }

  /** Whether a request may be tried on it, as far as is known. */
  get takesRequests(): boolean {
    return this.isOpen && !this.retired && !this.full && this.http.acceptsRequests;
  }

  opened(now: Micros, opened: OpenedBack): void {
    this.#opened = opened;
    this.#owner.onOpened(now, this);
    this.turn(now);
  }

  failed(now: Micros, failure: DialFailure): void {
    this.over = true;
    this.#owner.onDialFailed(now, this, failure);
    this.#owner.settle(now);
  }

  handle(now: Micros, event: Exclude<HttpEvent, { type: 'closed' }>): void {
    if (event.type === 'requests-available') {
      this.full = false;
      this.#owner.onRoom(this);
      return;
    }
    if (event.type === 'goaway') {
      this.#owner.onRoom(this); // where nothing is under way, it can go
      return;
    }
    if (event.type === 'settings') {
      const takes = event.settings.some(([id, value]) => id === ENABLE_CONNECT_PROTOCOL && value === 1);
      if (this.settings !== 'connect') this.settings = takes ? 'connect' : 'no-connect';
      this.#owner.onSettled();
      return;
    }
    const exchange = 'id' in event ? this.exchanges.get(event.id) : undefined;
    if (exchange === undefined) return;
    switch (event.type) {
      case 'response':
        exchange.onResponse(now, event);
        return;
      case 'body-readable':
      case 'body-writable':
        exchange.carry(now);
        return;
      case 'trailers':
        exchange.onResponseTrailers(event.fields);
        return;
      case 'stopped':
        exchange.onUploadUnwanted(now);
        return;
      case 'reset':
        exchange.onBackFailed(now, `the origin reset the exchange with code 0x${event.code.toString(16)}`, event.unprocessed, false);
        return;
      case 'failed':
        exchange.onBackFailed(now, event.reason, event.unprocessed, this.http.closed);
    }
  }

  ended(now: Micros, reason: string): void {
    if (this.over) return;
    this.over = true;
    for (const exchange of [...this.exchanges.values()]) exchange.onBackFailed(now, reason, false, true);
    this.#owner.onBackEnded(now, this);
  }

  /** Ends it, when nothing is under way. */
  close(now: Micros): void {
    this.retired = true;
    if (!this.isOpen) return;
    this.http.close(now);
    this.touch();
  }

  wake(): void {
    this.#opened?.wake();
  }
}
