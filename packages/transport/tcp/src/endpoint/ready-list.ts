import { EventQueue as Fifo } from '@quiclab/sansio';
import type { TcpConnection } from '../connection/connection.ts';

/** Connections that may have something to send, each once, in turn. */
export class ReadyList {
  readonly #connections = new Fifo<TcpConnection>();

  add(connection: TcpConnection): void {
    if (connection.queued) return;
    connection.queued = true;
    this.#connections.push(connection);
  }

  /** Takes out the one whose turn it is. */
  next(): TcpConnection | undefined {
    const connection = this.#connections.shift();
    if (connection !== undefined) connection.queued = false;
    return connection;
  }
}
