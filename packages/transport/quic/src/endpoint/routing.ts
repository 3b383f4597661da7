import { fromLatin1 } from '@quiclab/bytes';
import type { Connection } from '../connection/connection.ts';

/** Connection ID, or reset token → connection. RFC 9000 §5.2, §10.3.1. */
export class Routing {
  readonly #connections = new Map<string, Connection>();
  readonly #tokens = new Map<string, Connection>();
  // Most datagrams are for the connection of the datagram before: its ID is compared before the table is asked.
  #lastId: Uint8Array = new Uint8Array(0);
  #last: Connection | undefined = undefined;

  add(id: Uint8Array, connection: Connection): void {
    this.#connections.set(fromLatin1(id), connection);
  }

  /** Does nothing when the ID is another connection's. */
  remove(id: Uint8Array, connection: Connection): void {
    const key = fromLatin1(id);
    if (this.#connections.get(key) !== connection) return;
    if (this.#last === connection) this.#last = undefined;
    this.#connections.delete(key);
  }

  has(id: Uint8Array): boolean {
    return this.#connections.has(fromLatin1(id));
  }

  /** For the ID at bytes[start, start + length). */
  find(bytes: Uint8Array, start: number, length: number): Connection | undefined {
    if (this.#last !== undefined && length === this.#lastId.length && this.#isLast(bytes, start)) return this.#last;
    const id = bytes.slice(start, start + length);
    const connection = this.#connections.get(fromLatin1(id));
    if (connection !== undefined) {
      this.#last = connection;
      this.#lastId = id;
    }
    return connection;
  }

  /** Tokens come as what a keyed hash makes of them: how long a look-up takes tells nothing about a token. RFC 9000 §10.3.1. */
  addToken(hash: Uint8Array, connection: Connection): void {
    this.#tokens.set(fromLatin1(hash), connection);
  }
  removeToken(hash: Uint8Array, connection: Connection): void {
    const key = fromLatin1(hash);
    if (this.#tokens.get(key) === connection) this.#tokens.delete(key);
  }
  findToken(hash: Uint8Array): Connection | undefined {
    return this.#tokens.get(fromLatin1(hash));
  }
  get hasTokens(): boolean {
    return this.#tokens.size > 0;
  }

  #isLast(bytes: Uint8Array, start: number): boolean {
    const last = this.#lastId;
    for (let i = 0; i < last.length; i++) if (bytes[start + i] !== last[i]) return false;
    return true;
  }
}
