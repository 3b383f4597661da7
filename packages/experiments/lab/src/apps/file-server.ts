import { type Fields, fieldValue, type HttpConnection, type HttpEvent } from '@quiclab/http-semantics';
import { REQUEST, RESPONSE, type RunLog, WHOLE } from '@quiclab/ledger';
import type { Micros } from '@quiclab/sansio';
import type { Page } from '@quiclab/workload';
import type { HttpHandler } from '../carriers/carrier.ts';
import type { Timers } from '../timers.ts';

/** The content of a request's path (percent-encoded, as it came), or undefined where there is none. */
export type FileSource = (path: string) => Uint8Array | undefined;

/** Content of the size that the page says, all of it zeros. It is the same octets for all: nobody writes into content. */
export function sizedSource({ objects }: Page): FileSource {
  const sizes = new Map(objects.map(({ path, size }) => [path, size]));
  const zeros = new Uint8Array(Math.max(...sizes.values()));
  return (path) => {
    const size = sizes.get(path);
    return size === undefined ? undefined : zeros.subarray(0, size);
  };
}

/** How long the server thinks before it answers the request of a path. µs. */
export type ServerTime = (path: string) => Micros;

/**
 * Answers requests on one connection with files, whatever the method; those with content once that is there. Writes as much of each file as is
 * taken, and goes on when there is room again.
 */
export class FileServer implements HttpHandler {
  readonly #source: FileSource;
  readonly #timers: Timers;
  readonly #serverTime: ServerTime;
  readonly #fields: Fields;
  readonly #log: RunLog | undefined;
  readonly #connection: number;
  readonly #received = new Map<number, number>(); // octets of a request's content
  readonly #uploading = new Map<number, Fields>(); // requests whose content is not wholly here
  readonly #sending = new Map<number, { readonly content: Uint8Array; sent: number }>();

  /**
   * @param fields      of each response, beyond what it must have
   * @param connection  what the log calls it
   */
  constructor(source: FileSource, timers: Timers, serverTime: ServerTime = () => 0, fields: Fields = [], log?: RunLog, connection = 0) {
    this.#source = source;
    this.#timers = timers;
    this.#serverTime = serverTime;
    this.#fields = fields;
    this.#log = log;
    this.#connection = connection;
  }

  onHttp(now: Micros, http: HttpConnection, event: HttpEvent): void {
    switch (event.type) {
      case 'request':
        this.#log?.read(now, this.#connection, event.id, REQUEST, 0);
        if (event.end || hasNoMeaning(event.fields)) this.#think(now, http, event.id, event.fields);
        else this.#uploading.set(event.id, event.fields);
        break;
      case 'body-writable':
        this.#write(now, http, event.id);
        break;
      case 'body-readable':
        this.#read(now, http, event.id);
        break;
      case 'reset':
      case 'stopped':
      case 'failed':
        this.#sending.delete(event.id);
        this.#received.delete(event.id);
        this.#uploading.delete(event.id);
        break;
    }
  }

  /** What is in a request's content is of no interest here. */
  #read(now: Micros, http: HttpConnection, id: number): void {
    for (let piece = http.readBody(now, id); piece !== undefined; piece = http.readBody(now, id)) {
      const read = (this.#received.get(id) ?? 0) + piece.data.length;
      this.#received.set(id, read);
      this.#log?.read(now, this.#connection, id, REQUEST, read);
      if (!piece.fin) continue;
      this.#received.delete(id);
      const fields = this.#uploading.get(id);
      this.#uploading.delete(id);
      if (fields !== undefined) this.#think(now, http, id, fields);
    }
  }

  #think(now: Micros, http: HttpConnection, id: number, fields: Fields): void {
    const time = this.#serverTime(fieldValue(fields, ':path') ?? '');
    if (time === 0) this.#answer(now, http, id, fields);
    else this.#timers.at(now + time, (then) => this.#answer(then, http, id, fields));
  }

  #answer(now: Micros, http: HttpConnection, id: number, fields: Fields): void {
    this.#log?.produced(now, this.#connection, id, RESPONSE, WHOLE);
    const method = fieldValue(fields, ':method');
    const path = fieldValue(fields, ':path') ?? '';
    const content = this.#source(path);
    if (content === undefined) {
      http.respond(now, id, [[':status', '404']], true);
      return;
    }
    const headersOnly = method === 'HEAD' || content.length === 0;
    http.respond(
      now,
      id,
      [[':status', '200'], ['content-type', 'application/octet-stream'], ['content-length', String(content.length)], ...this.#fields],
      headersOnly,
    );
    if (headersOnly) return;
    this.#sending.set(id, { content, sent: 0 });
    this.#write(now, http, id);
  }

  #write(now: Micros, http: HttpConnection, id: number): void {
    const file = this.#sending.get(id);
    if (file === undefined) return;
    while (file.sent < file.content.length) {
      const taken = http.writeBody(now, id, file.content.subarray(file.sent));
      if (taken === 0) return;
      file.sent += taken;
    }
    this.#sending.delete(id);
    http.finish(now, id);
  }
}

/** RFC 9110 §9.3.1: what a GET has of content is not waited for. */
function hasNoMeaning(fields: Fields): boolean {
  const method = fieldValue(fields, ':method');
  return method === 'GET' || method === 'HEAD';
}
