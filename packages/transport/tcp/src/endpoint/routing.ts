import { type Address, sameAddress } from '@quiclab/sansio';
import type { TcpConnection } from '../connection/connection.ts';

/** Which connection a segment is for: the two addresses with their ports, RFC 9293 §3.3.1. Looked up by the ports, told apart by the hosts. */
export class Routing {
  readonly #byPorts = new Map<number, TcpConnection[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  find(local: Address, remote: Address): TcpConnection | undefined {
    const list = this.#byPorts.get(keyOf(local.port, remote.port));
    if (list === undefined) return undefined;
    for (const connection of list) if (sameAddress(connection.remote, remote) && connection.local.host === local.host) return connection;
    return undefined;
  }

  add(connection: TcpConnection): void {
    const key = keyOf(connection.local.port, connection.remote.port);
    const list = this.#byPorts.get(key);
    if (list === undefined) this.#byPorts.set(key, [connection]);
    else list.push(connection);
    this.#size++;
  }

  remove(connection: TcpConnection): void {
    const key = keyOf(connection.local.port, connection.remote.port);
    const list = this.#byPorts.get(key);
    const at = list === undefined ? -1 : list.indexOf(connection);
    if (at < 0) return;
    list!.splice(at, 1);
    if (list!.length === 0) this.#byPorts.delete(key);
    this.#size--;
  }

  *all(): Iterable<TcpConnection> {
    for (const list of this.#byPorts.values()) yield* list;
  }
}

const keyOf = (local: number, remote: number): number => local * 65_536 + remote;
