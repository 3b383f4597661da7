import type { TcpConnection } from '../connection/connection.ts';

/** Taken places after which the list is cut; until then a head index costs nothing. */
const CUT_AFTER = 1_024;

/** Connections that may have something to send, each once, in turn. */
export class ReadyList {
  #connections: TcpConnection[] = [];
  #head = 0;

  add(connection: TcpConnection): void {
    if (connection.queued) return;
    connection.queued = true;
    this.#connections.push(connection);
  }

  /** Takes out the one whose turn it is. */
  next(): TcpConnection | undefined {
    if (this.#head === this.#connections.length) return undefined;
    const connection = this.#connections[this.#head++]!;
    connection.queued = false;
    if (this.#head === this.#connections.length) {
      this.#connections.length = 0;
      this.#head = 0;
    } else if (this.#head > CUT_AFTER) {
      this.#connections.splice(0, this.#head);
      this.#head = 0;
    }
    return connection;
  }
}
