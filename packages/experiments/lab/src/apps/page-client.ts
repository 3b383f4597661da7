import { createHash, type Hash } from 'node:crypto';
import { type Fields, formatPriority } from '@quiclab/http-semantics';
import { RESPONSE, type RunLog } from '@quiclab/ledger';
import type { Micros } from '@quiclab/sansio';
import { type Page, type PageObject, PageProgress } from '@quiclab/workload';
import { shardOf } from '../models/model.ts';
import type { ConnectionPool, PooledExchange } from '../models/pool.ts';

/** What became of one object of the page. Times in µs; -1 where it did not come to that. */
export interface FetchedObject {
  readonly id: string;
  /** The exchange that fetched it: the run numbers them as they are issued. */
  readonly exchange: number;
  /** Where it was fetched in the end: the nth connection, and what the exchange is called there; at HTTP/3 the stream ID. */
  readonly connection: number;
  readonly onConnection: number;
  /** How often its request was sent. */
  readonly attempts: number;
  readonly status: number;
  readonly bytes: number;
  /** Of its content; '' where nobody wants to know. */
  readonly sha256: string;
  readonly requestedAt: Micros;
  readonly headersAt: Micros;
  readonly completedAt: Micros;
}

/** The host names of a page under domain sharding, each once. */
export const hostsOf = ({ objects }: Page, shards: number): string[] => [
  ...new Set(objects.map(({ host }, nth) => shardOf(host, nth, shards))),
];

/** Fetches a page over the connections of a pool: every object as soon as the page allows it. */
export class PageClient {
  /** When the first request was issued, -1 before. */
  startedAt: Micros = -1;
  finishedAt: Micros = -1;
  bytes = 0;
  /** Why it could not go on. */
  failure: string | undefined = undefined;
  /** For the objects below. */
  readonly page: Page;
  readonly log: RunLog;
  readonly digests: boolean;
  readonly #pool: ConnectionPool;
  readonly #progress: PageProgress;
  readonly #fetching: Fetching[] = [];

  /** @param digests  whether content is hashed, which takes its time */
  constructor(page: Page, pool: ConnectionPool, log: RunLog, digests = true) {
    this.page = page;
    this.#pool = pool;
    this.log = log;
    this.digests = digests;
    this.#progress = new PageProgress(page);
  }

  start(now: Micros): void {
    this.startedAt = now;
    this.#request(now, this.#progress.start(), -1);
  }

  get done(): boolean {
    return this.#progress.done;
  }
  get objects(): readonly FetchedObject[] {
    return this.#fetching.map((fetching) => fetching.fetched());
  }

  /** For the objects below: one of them is there, and may set others free. */
  arrived(now: Micros, id: string, exchange: number): void {
    this.finishedAt = now;
    this.#request(now, this.#progress.arrived(id), exchange);
  }

  #request(now: Micros, objects: readonly PageObject[], after: number): void {
    const { shards } = this.#pool.options.model;
    const fetchings = objects.map(
      (object, i) =>
        new Fetching(this, this.#fetching.length + i, object, shardOf(object.host, this.page.objects.indexOf(object), shards), now),
    );
    for (const { exchange } of fetchings) this.log.issued(now, exchange, after);
    this.#fetching.push(...fetchings);
    this.#pool.request(now, fetchings);
  }
}

/** One object while it is being fetched. */
class Fetching implements PooledExchange {
  readonly host: string;
  readonly fields: Fields;
  readonly upload: number;
  readonly urgency: number;
  readonly #client: PageClient;
  readonly #object: PageObject;
  readonly #requestedAt: Micros;
  readonly exchange: number;
  #connection = -1;
  #id = -1;
  #attempts = 0;
  #status = 0;
  #bytes = 0;
  #hash: Hash | undefined = undefined; // of what has come since the request was sent
  #sha256 = '';
  #headersAt: Micros = -1;
  #completedAt: Micros = -1;

  constructor(client: PageClient, exchange: number, object: PageObject, host: string, now: Micros) {
    const { method, path, priority, upload } = object;
    const field = formatPriority(priority);
    this.host = host;
    this.fields = [
      [':method', method],
      [':scheme', 'https'],
      [':authority', host],
      [':path', path],
      ...(field === '' ? [] : [['priority', field] as const]),
      ...(upload > 0 ? [['content-length', String(upload)] as const] : []),
      ...client.page.requestFields,
    ];
    this.upload = upload;
    this.urgency = priority.urgency;
    this.exchange = exchange;
    this.#client = client;
    this.#object = object;
    this.#requestedAt = now;
  }

  onWaiting(now: Micros, connection: number): void {
    this.#client.log.awaits(now, this.exchange, connection);
  }

  onSent(now: Micros, connection: number, id: number): void {
    this.#client.log.bound(now, this.exchange, connection, id);
    this.#connection = connection;
    this.#id = id;
    this.#attempts++;
    this.#status = 0;
    this.#bytes = 0;
    if (this.#client.digests) this.#hash = createHash('sha256');
  }

  onResponse(now: Micros, status: number): void {
    this.#status = status;
    this.#headersAt = now;
    this.#client.log.read(now, this.#connection, this.#id, RESPONSE, 0);
  }

  onContent(now: Micros, data: Uint8Array): void {
    this.#bytes += data.length;
    this.#client.bytes += data.length;
    this.#hash?.update(data);
    this.#client.log.read(now, this.#connection, this.#id, RESPONSE, this.#bytes);
  }

  onBroken(now: Micros): void {
    this.#client.log.unbound(now, this.exchange);
  }

  onEnd(now: Micros): void {
    this.#client.log.completed(now, this.exchange);
    this.#completedAt = now;
    this.#sha256 = this.#hash?.digest('hex') ?? '';
    this.#client.arrived(now, this.#object.id, this.exchange);
  }

  onFailed(_now: Micros, reason: string): void {
    this.#client.failure ??= `'${this.#object.id}' failed: ${reason}`;
  }

  fetched(): FetchedObject {
    return {
      id: this.#object.id,
      exchange: this.exchange,
      connection: this.#connection,
      onConnection: this.#id,
      attempts: this.#attempts,
      status: this.#status,
      bytes: this.#bytes,
      sha256: this.#sha256,
      requestedAt: this.#requestedAt,
      headersAt: this.#headersAt,
      completedAt: this.#completedAt,
    };
  }
}
