import { createHash, type Hash } from 'node:crypto';
import { formatPriority, type HttpConnection, type HttpEvent } from '@quiclab/http-semantics';
import { type CloseCause, describeClose } from '@quiclab/quic';
import type { Micros } from '@quiclab/sansio';
import { type Page, type PageObject, PageProgress } from '@quiclab/workload';
import type { HttpHandler } from './http-app.ts';

/** What became of one object of the page. Times in µs; -1 where it did not come to that. */
export interface FetchedObject {
  readonly id: string;
  /** The exchange that fetched it, as the HTTP mapping counts: at HTTP/3 the stream ID. */
  readonly exchange: number;
  readonly status: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly requestedAt: Micros;
  readonly headersAt: Micros;
  readonly completedAt: Micros;
}

interface Fetching {
  readonly object: PageObject;
  exchange: number;
  status: number;
  bytes: number;
  readonly hash: Hash;
  requestedAt: Micros;
  headersAt: Micros;
  completedAt: Micros;
  sha256: string;
}

/** Fetches a page over one HTTP connection: every object as soon as the page allows it. */
export class PageClient implements HttpHandler {
  /** When the first request was issued, -1 before. */
  startedAt: Micros = -1;
  finishedAt: Micros = -1;
  bytes = 0;
  /** Why it could not go on. */
  failure: string | undefined = undefined;
  readonly #progress: PageProgress;
  readonly #fetching: Fetching[] = [];
  readonly #byExchange = new Map<number, Fetching>();
  #queue: Fetching[] = [];

  constructor(page: Page) {
    this.#progress = new PageProgress(page);
  }

  get done(): boolean {
    return this.#progress.done;
  }
  get objects(): readonly FetchedObject[] {
    return this.#fetching.map(({ object, hash: _hash, ...rest }) => ({ id: object.id, ...rest }));
  }

  onReady(now: Micros, http: HttpConnection): void {
    this.startedAt = now;
    this.#enqueue(now, this.#progress.start());
    this.#request(now, http);
  }

  onClosed(_now: Micros, cause: CloseCause): void {
    if (!this.done) this.failure ??= `the connection ended before the page was there: ${describeClose(cause)}`;
  }

  onHttp(now: Micros, http: HttpConnection, event: HttpEvent): void {
    switch (event.type) {
      case 'requests-available':
        this.#request(now, http);
        break;
      case 'response': {
        const fetching = this.#byExchange.get(event.id);
        if (fetching === undefined || event.informational) break;
        fetching.status = event.status;
        fetching.headersAt = now;
        if (event.end) this.#complete(now, http, fetching);
        break;
      }
      case 'body-readable':
        this.#read(now, http, event.id);
        break;
      case 'reset':
        this.#fail(event.id, `was reset by the server (code 0x${event.code.toString(16)})`);
        break;
      case 'failed':
        this.#fail(event.id, `failed: ${event.reason} (code 0x${event.code.toString(16)})`);
        break;
      case 'closed':
        if (!this.done) this.failure ??= `HTTP ended: ${event.reason} (code 0x${event.code.toString(16)})`;
        break;
    }
  }

  #fail(exchange: number, how: string): void {
    this.failure ??= `'${this.#byExchange.get(exchange)?.object.id}' ${how}`;
  }

  #enqueue(now: Micros, objects: readonly PageObject[]): void {
    for (const object of objects) {
      const fetching: Fetching = {
        object,
        exchange: -1,
        status: 0,
        bytes: 0,
        hash: createHash('sha256'),
        requestedAt: now,
        headersAt: -1,
        completedAt: -1,
        sha256: '',
      };
      this.#fetching.push(fetching);
      this.#queue.push(fetching);
    }
  }

  /** An exchange begins when its request is issued, also if there is no stream for it yet. */
  #request(now: Micros, http: HttpConnection): void {
    let taken = 0;
    for (const fetching of this.#queue) {
      const { method, host, path } = fetching.object;
      const priority = formatPriority(fetching.object.priority);
      const id = http.request(
        now,
        [
          [':method', method],
          [':scheme', 'https'],
          [':authority', host],
          [':path', path],
          ...(priority === '' ? [] : [['priority', priority] as const]),
        ],
        true,
      );
      if (id === undefined) break;
      fetching.exchange = id;
      this.#byExchange.set(id, fetching);
      taken++;
    }
    this.#queue = this.#queue.slice(taken);
  }

  #read(now: Micros, http: HttpConnection, id: number): void {
    const fetching = this.#byExchange.get(id);
    for (let piece = http.readBody(now, id); piece !== undefined; piece = http.readBody(now, id)) {
      if (fetching === undefined) continue;
      fetching.bytes += piece.data.length;
      this.bytes += piece.data.length;
      fetching.hash.update(piece.data);
      if (piece.fin) this.#complete(now, http, fetching);
    }
  }

  #complete(now: Micros, http: HttpConnection, fetching: Fetching): void {
    fetching.completedAt = now;
    fetching.sha256 = fetching.hash.digest('hex');
    this.finishedAt = now;
    this.#enqueue(now, this.#progress.arrived(fetching.object.id));
    this.#request(now, http);
  }
}
