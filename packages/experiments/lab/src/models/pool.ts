import { type Fields, fieldValue, type HttpConnection, type HttpEvent, methodProperties } from '@quiclab/http-semantics';
import type { Micros } from '@quiclab/sansio';
import type { Carrier, Dial, HttpHandler } from '../carriers/carrier.ts';
import type { Timers } from '../timers.ts';
import type { Model } from './model.ts';

/**
 * How often an exchange is sent, and how often in a row a connection to a host is tried, before it is given up: whoever
 * breaks off every time must not be asked for ever (RFC 9110 §9.2.2).
 */
const MOST_ATTEMPTS = 3;
const CONTENT = new Uint8Array(16_384);

/** A request, and who waits for its answer. Sent again on another connection, it begins anew. */
export interface PooledExchange {
  /** The host name whose connections it goes over. */
  readonly host: string;
  readonly fields: Fields;
  /** Octets of the request's content, which are zeros. Default 0. */
  readonly upload?: number;
  /** Of those that wait for a connection the most urgent goes first, as in browsers; then the one that was issued first. */
  readonly urgency: number;
  /** It waits for the handshake of the nth connection; -1: for a connection to be free, or to be opened. Until told otherwise. */
  onWaiting?(now: Micros, connection: number): void;
  /** The request leaves on the nth connection of the pool, as the exchange that has this id there. */
  onSent(now: Micros, connection: number, id: number): void;
  onResponse(now: Micros, status: number, fields: Fields): void;
  onContent(now: Micros, data: Uint8Array): void;
  onEnd(now: Micros): void;
  /** Its connection is lost, or did not take it: it has none, and begins anew. */
  onBroken?(now: Micros): void;
  /** It will not be answered. */
  onFailed(now: Micros, reason: string): void;
}

/** Told of connections, by their number. */
export interface PoolObserver {
  /** A handshake is under way. */
  opened(now: Micros, connection: number): void;
  /** Requests may be sent on it. */
  ready(now: Micros, connection: number): void;
}

/** What became of one connection. Instants in µs; -1 where it did not come to that. */
export interface PooledConnection {
  readonly host: string;
  readonly openedAt: Micros;
  /** It took requests. */
  readonly readyAt: Micros;
  readonly closedAt: Micros;
  /** Requests that were sent on it. */
  readonly exchanges: number;
}

export interface PoolOptions {
  readonly model: Model;
  readonly dial: Dial;
  readonly timers: Timers;
  /** What it takes to look a host's name up, once, µs. */
  readonly nameLookup?: Micros;
  readonly observer?: PoolObserver;
}

/** Maps exchanges to connections, as a model has it. EXPERIMENTS §1. */
export class ConnectionPool {
  readonly options: PoolOptions;
  readonly #connections: PoolConnection[] = [];
  readonly #hosts = new Map<string, Host>();
  #issued = 0;

  constructor(options: PoolOptions) {
    this.options = options;
  }

  /** All connections, in the order in which they were opened. */
  figures(): PooledConnection[] {
    return this.#connections.map(({ host, openedAt, readyAt, closedAt, exchanges }) => ({ host, openedAt, readyAt, closedAt, exchanges }));
  }

  /** Issues requests, all at the same time: they leave now, or when the model has connections for them. */
  request(now: Micros, exchanges: readonly PooledExchange[]): void {
    const hosts = new Set<Host>();
    for (const exchange of exchanges) {
      const { idempotent } = methodProperties(fieldValue(exchange.fields, ':method') ?? '');
      const host = this.#host(exchange.host);
      host.wait({ exchange, idempotent, order: this.#issued++, attempts: 0, awaits: -2 });
      hosts.add(host);
    }
    for (const host of hosts) host.assign(now);
  }

  /** Closes every connection; unanswered exchanges are not told. */
  close(now: Micros): void {
    for (const host of this.#hosts.values()) host.close(now);
  }

  #host(name: string): Host {
    let host = this.#hosts.get(name);
    if (host === undefined) {
      host = new Host(name, this.options, (connection) => this.#connections.push(connection) - 1);
      this.#hosts.set(name, host);
    }
    return host;
  }
}

interface Issued {
  readonly exchange: PooledExchange;
  readonly idempotent: boolean;
  readonly order: number;
  attempts: number;
  /** The connection that it waits for; -1: none in particular, -2: it does not wait. */
  awaits: number;
}

/** The connections to one host name, and what waits for one. */
class Host {
  readonly name: string;
  readonly model: Model;
  readonly #options: PoolOptions;
  readonly #number: (connection: PoolConnection) => number;
  /** The one that goes next first. */
  readonly #waiting: Issued[] = [];
  /** Those that are, or will be, of use. */
  readonly #connections: PoolConnection[] = [];
  #lookup: 'not yet' | 'under way' | 'done' = 'not yet';
  #failedDials = 0;
  /** A connection with requests in its pipe was lost, and none has answered since. */
  #cautious = false;

  constructor(name: string, options: PoolOptions, number: (connection: PoolConnection) => number) {
    this.name = name;
    this.model = options.model;
    this.#options = options;
    this.#number = number;
  }

  close(now: Micros): void {
    this.#waiting.length = 0;
    for (const connection of [...this.#connections]) connection.end(now);
  }

  /** Puts what waits onto connections that have room for it, and opens more as far as the model has them. */
  assign(now: Micros): void {
    this.#fill(now);
    if (this.#waiting.length > 0) this.#tellWaiting(now);
  }

  #fill(now: Micros): void {
    for (const connection of this.#connections)
      for (let sent = true; sent && this.#waiting.length > 0; ) {
        const next = this.#waiting.shift()!; // sending it may come back here
        sent = connection.send(now, next);
        if (!sent) this.#waiting.unshift(next);
      }
    if (this.#waiting.length === 0) return;
    if (this.#lookup !== 'done') this.#lookUp(now);
    else this.#open(now);
  }

  ready(now: Micros, connection: PoolConnection): void {
    this.#failedDials = 0;
    this.#options.observer?.ready(now, connection.number);
    this.assign(now);
  }

  answered(): void {
    this.#cautious = false;
  }

  /** The connection takes no more exchanges. */
  drop(connection: PoolConnection): void {
    const index = this.#connections.indexOf(connection);
    if (index >= 0) this.#connections.splice(index, 1);
  }

  /** The connection is over; `unanswered` were under way on it. */
  lost(now: Micros, connection: PoolConnection, unanswered: readonly Issued[], reason: string): void {
    this.drop(connection);
    if (connection.readyAt < 0 && ++this.#failedDials >= MOST_ATTEMPTS)
      for (const { exchange } of this.#waiting.splice(0)) exchange.onFailed(now, `no connection to ${this.name}: ${reason}`);
    for (const [i, issued] of unanswered.entries()) this.broken(now, issued, unanswered.length - 1 - i, false, reason);
    this.assign(now);
  }

  /**
   * An exchange broke off, `others` are under way on its connection: it is sent again if that cannot do harm (RFC 9110 §9.2.2), before
   * others that were issued later.
   */
  broken(now: Micros, issued: Issued, others: number, unprocessed: boolean, reason: string): void {
    if (others > 0) this.#cautious = true;
    if ((issued.idempotent || unprocessed) && issued.attempts < MOST_ATTEMPTS) {
      issued.exchange.onBroken?.(now);
      this.wait(issued);
    } else issued.exchange.onFailed(now, reason);
  }

  /** Puts it in its place among those that wait. */
  wait(issued: Issued): void {
    const before = (other: Issued): boolean =>
      other.exchange.urgency < issued.exchange.urgency ||
      (other.exchange.urgency === issued.exchange.urgency && other.order < issued.order);
    let at = this.#waiting.length;
    while (at > 0 && !before(this.#waiting[at - 1]!)) at--;
    this.#waiting.splice(at, 0, issued);
  }

  #lookUp(now: Micros): void {
    const { nameLookup = 0, timers } = this.#options;
    if (nameLookup === 0) {
      this.#lookup = 'done';
      this.#open(now);
    } else if (this.#lookup === 'not yet') {
      this.#lookup = 'under way';
      timers.at(now + nameLookup, (then) => {
        this.#lookup = 'done';
        this.assign(then);
      });
    }
  }

  /** Handshakes that are under way are for those that go next. */
  #tellWaiting(now: Micros): void {
    let next = 0;
    const tell = (issued: Issued, connection: number): void => {
      if (issued.awaits !== connection) issued.exchange.onWaiting?.(now, connection);
      issued.awaits = connection;
    };
    for (const connection of this.#connections) {
      if (connection.readyAt >= 0) continue;
      for (let room = this.model.exchanges; room > 0 && next < this.#waiting.length; room--)
        tell(this.#waiting[next++]!, connection.number);
    }
    while (next < this.#waiting.length) tell(this.#waiting[next++]!, -1);
  }

  /** As many connections as what waits can fill, beyond those whose handshake is under way. */
  #open(now: Micros): void {
    const { exchanges, connections } = this.model;
    let promised = 0;
    for (const { readyAt } of this.#connections) if (readyAt < 0) promised += exchanges;
    const open = (): number => this.#connections.filter((connection) => connection.counts).length;
    while (open() < connections && promised < this.#waiting.length) {
      const connection = new PoolConnection(this, now);
      this.#connections.push(connection);
      promised += exchanges;
      const number = this.#number(connection);
      this.#options.observer?.opened(now, number);
      connection.dial(now, number, this.#options.dial, this.#cautious);
    }
  }
}

/** One connection, and the exchanges that are under way on it. */
class PoolConnection implements PooledConnection, HttpHandler {
  readonly host: string;
  readonly openedAt: Micros;
  readyAt: Micros = -1;
  closedAt: Micros = -1;
  exchanges = 0;
  /** Its place among all connections of the pool. */
  number = -1;
  readonly #pool: Host;
  readonly #underWay = new Map<number, Issued>();
  readonly #uploads = new Map<number, number>(); // octets of requests' content that are to be written
  #carrier: Carrier | undefined = undefined;
  #full = false; // it had no room for a request, and has not said that it has
  #ended = false;

  constructor(pool: Host, now: Micros) {
    this.host = pool.name;
    this.openedAt = now;
    this.#pool = pool;
  }

  dial(now: Micros, number: number, dial: Dial, cautious: boolean): void {
    this.number = number;
    this.#carrier = dial(now, this.host, this, cautious);
    this.#carrier.pump(now); // with early data it may be ready at once
  }

  /** It is one of those that the model has open: beside one that only answers what it was asked before, HTTP/2 and HTTP/3 open another. */
  get counts(): boolean {
    return this.#usable || (this.#underWay.size > 0 && this.#pool.model.protocol === 'http/1.1');
  }

  /** It takes requests, or will. */
  get #usable(): boolean {
    return this.readyAt < 0 || (this.#carrier?.http?.acceptsRequests ?? false);
  }

  /** False: the connection has no room for it now. */
  send(now: Micros, issued: Issued): boolean {
    if (this.readyAt < 0 || this.#full || !this.#usable) return false;
    const http = this.#carrier!.http!;
    const { fields, upload = 0 } = issued.exchange;
    const id = http.request(now, fields, upload === 0);
    if (id === undefined) {
      this.#full = true;
      return false;
    }
    this.exchanges++;
    issued.attempts++;
    issued.awaits = -2;
    this.#underWay.set(id, issued);
    issued.exchange.onSent(now, this.number, id);
    if (upload > 0) {
      this.#uploads.set(id, upload);
      this.#upload(now, http, id);
    }
    this.#carrier!.pump(now);
    return true;
  }

  end(now: Micros): void {
    if (this.#ended) return;
    this.#ended = true;
    this.closedAt = now;
    this.#pool.drop(this);
    this.#carrier?.close(now);
  }

  onReady(now: Micros): void {
    this.readyAt = now;
    this.#pool.ready(now, this);
  }

  onClosed(now: Micros, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.closedAt = now;
    const unanswered = [...this.#underWay.values()];
    this.#underWay.clear();
    this.#pool.lost(now, this, unanswered, `the connection ended: ${reason}`);
  }

  onHttp(now: Micros, http: HttpConnection, event: HttpEvent): void {
    switch (event.type) {
      case 'requests-available':
        this.#full = false;
        this.#pool.assign(now);
        break;
      case 'response':
        if (event.informational) break;
        this.#underWay.get(event.id)?.exchange.onResponse(now, event.status, event.fields);
        if (event.end) this.#complete(now, event.id);
        break;
      case 'body-readable':
        this.#read(now, http, event.id);
        break;
      case 'body-writable':
        this.#upload(now, http, event.id);
        break;
      case 'reset':
        this.#breakOff(now, event, `reset by the server (code 0x${event.code.toString(16)})`);
        break;
      case 'failed':
        this.#breakOff(now, event, `${event.reason} (code 0x${event.code.toString(16)})`);
        break;
      case 'closed':
        this.onClosed(now, event.reason);
        break;
    }
  }

  #read(now: Micros, http: HttpConnection, id: number): void {
    for (let piece = http.readBody(now, id); piece !== undefined; piece = http.readBody(now, id)) {
      this.#underWay.get(id)?.exchange.onContent(now, piece.data);
      if (piece.fin) this.#complete(now, id);
    }
  }

  /** Writes as much of a request's content as is taken. */
  #upload(now: Micros, http: HttpConnection, id: number): void {
    for (let left = this.#uploads.get(id) ?? 0; left > 0; ) {
      const taken = http.writeBody(now, id, CONTENT.subarray(0, Math.min(left, CONTENT.length)));
      if (taken === 0) return;
      left -= taken;
      this.#uploads.set(id, left);
      if (left > 0) continue;
      this.#uploads.delete(id);
      http.finish(now, id);
    }
  }

  /** Whoever waited may ask for more now, which is to find the connection free. */
  #complete(now: Micros, id: number): void {
    const issued = this.#underWay.get(id);
    if (issued === undefined) return;
    this.#underWay.delete(id);
    if (this.#uploads.delete(id)) this.#carrier!.http!.cancel(now, id); // answered, and not asked wholly: the rest has no use
    this.#pool.answered();
    if (!this.#pool.model.persistent) this.end(now);
    issued.exchange.onEnd(now);
    this.#pool.assign(now);
  }

  #breakOff(now: Micros, { type, id, unprocessed }: Extract<HttpEvent, { type: 'reset' | 'failed' }>, reason: string): void {
    const issued = this.#underWay.get(id);
    if (issued === undefined) return;
    this.#underWay.delete(id);
    this.#uploads.delete(id);
    // a reset is the server's answer, and would be so again, unless it says that it has not looked at the request
    if (type === 'failed' || unprocessed) this.#pool.broken(now, issued, this.#underWay.size, unprocessed, reason);
    else issued.exchange.onFailed(now, reason);
    this.#pool.assign(now);
  }
}
