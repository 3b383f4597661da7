import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { HttpConnection, HttpEvent } from '@quiclab/http-semantics';
import { type CloseCause, describeClose } from '@quiclab/quic';
import type { Micros } from '@quiclab/sansio';
import type { HttpApp } from './http-app.ts';

interface Download {
  readonly path: string;
  readonly pieces: Uint8Array[];
}

/** Asks for all paths at once and writes what comes to files of their names. */
export class Downloader implements HttpApp {
  readonly #authority: string;
  readonly #out: string;
  readonly #waiting: string[];
  readonly #running = new Map<number, Download>();
  readonly #onEnd: (failure: string | undefined) => void;
  #ended = false;

  /** @param onEnd  once: when every file is there, or when that has become impossible */
  constructor(authority: string, paths: readonly string[], out: string, onEnd: (failure: string | undefined) => void) {
    this.#authority = authority;
    this.#out = out;
    this.#waiting = [...paths];
    this.#onEnd = onEnd;
  }

  onReady(now: Micros, http: HttpConnection): void {
    this.#request(now, http);
  }

  onClosed(_now: Micros, cause: CloseCause): void {
    this.#end(`the connection ended: ${describeClose(cause)}`);
  }

  onEvent(now: Micros, http: HttpConnection, event: HttpEvent): void {
    switch (event.type) {
      case 'requests-available':
        this.#request(now, http);
        break;
      case 'response':
        if (event.status !== 200) this.#end(`${this.#running.get(event.id)?.path}: status ${event.status}`);
        else if (event.end) this.#complete(event.id);
        break;
      case 'body-readable':
        this.#read(now, http, event.id);
        break;
      case 'reset':
      case 'failed':
        this.#end(`${this.#running.get(event.id)?.path}: ${event.type} with code 0x${event.code.toString(16)}`);
        break;
      case 'closed':
        this.#end(`closed with code 0x${event.code.toString(16)}: ${event.reason}`);
        break;
    }
  }

  #request(now: Micros, http: HttpConnection): void {
    while (this.#waiting.length > 0) {
      const path = this.#waiting[0];
      const fields: [string, string][] = [
        [':method', 'GET'],
        [':scheme', 'https'],
        [':authority', this.#authority],
        [':path', path],
      ];
      const id = http.request(now, fields, true);
      if (id === undefined) return; // 'requests-available' follows
      this.#waiting.shift();
      this.#running.set(id, { path, pieces: [] });
    }
  }

  #read(now: Micros, http: HttpConnection, id: number): void {
    for (let piece = http.readBody(now, id); piece !== undefined; piece = http.readBody(now, id)) {
      this.#running.get(id)?.pieces.push(piece.data);
      if (piece.fin) this.#complete(id);
    }
  }

  #complete(id: number): void {
    const { path, pieces } = this.#running.get(id)!;
    this.#running.delete(id);
    writeFileSync(join(this.#out, basename(path)), Buffer.concat(pieces));
    if (this.#running.size === 0 && this.#waiting.length === 0) this.#end(undefined);
  }

  #end(failure: string | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd(failure);
  }
}
