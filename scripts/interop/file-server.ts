import { readFileSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { fieldValue, type HttpConnection, type HttpEvent } from '@quiclab/http-semantics';
import type { Micros } from '@quiclab/sansio';
import type { HttpApp } from './http-app.ts';

/** Answers GET with the files of a directory, as fast as each stream takes them. */
export class FileServer implements HttpApp {
  readonly #root: string;
  readonly #sending = new Map<number, { readonly content: Uint8Array; sent: number }>();

  constructor(root: string) {
    this.#root = resolve(root);
  }

  onReady(): void {}
  onClosed(): void {}

  onEvent(now: Micros, http: HttpConnection, event: HttpEvent): void {
    if (event.type === 'request') this.#answer(now, http, event.id, fieldValue(event.fields, ':path') ?? '');
    else if (event.type === 'body-writable') this.#write(now, http, event.id);
    else if (event.type === 'stopped') this.#sending.delete(event.id);
  }

  #answer(now: Micros, http: HttpConnection, id: number, path: string): void {
    const content = this.#read(path);
    if (content === undefined) {
      http.respond(now, id, [[':status', '404']], true);
      return;
    }
    const fields: [string, string][] = [
      [':status', '200'],
      ['content-length', String(content.length)],
      ['content-type', path.endsWith('.html') ? 'text/html' : 'application/octet-stream'],
    ];
    http.respond(now, id, fields, false);
    this.#sending.set(id, { content, sent: 0 });
    this.#write(now, http, id);
  }

  #read(path: string): Uint8Array | undefined {
    const file = resolve(this.#root, path.slice(1));
    if (!file.startsWith(this.#root + sep)) return undefined;
    try {
      return readFileSync(file);
    } catch {
      return undefined;
    }
  }

  #write(now: Micros, http: HttpConnection, id: number): void {
    const file = this.#sending.get(id);
    if (file === undefined) return;
    while (file.sent < file.content.length) {
      const taken = http.writeBody(now, id, file.content.subarray(file.sent));
      if (taken === 0) return; // 'body-writable' follows
      file.sent += taken;
    }
    this.#sending.delete(id);
    http.finish(now, id);
  }
}
