import { EventQueue as Fifo } from '@quiclab/sansio';
import type { Connection } from '../connection/connection.ts';

/** Connections that may have something to send, each once, in turn. */
export class ReadyList {
  readonly #connections = new Fifo<Connection>();

  add(connection: Connection): void {
    if (connection.queued) return;
    connection.queued = true;
    this.#connections.push(connection);
  }

  /** Takes out the one whose turn it is. */
  next(): Connection | undefined {
    const connection = this.#connections.shift();
    if (connection !== undefined) connection.queued = false;
    return connection;
  }
}
