import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Address, Micros } from '@quiclab/sansio';

/** One address that sends to the relay, and the socket by which the target sees it. */
export class Client implements Address {
  readonly host: string;
  readonly port: number;
  /** What the target sees as its peer. */
  readonly upstream: Socket;
  lastUsedAt: Micros;

  constructor(host: string, port: number, upstream: Socket, now: Micros) {
    this.host = host;
    this.port = port;
    this.upstream = upstream;
    this.lastUsedAt = now;
  }
}

/** The addresses that the relay knows: never more than `most`, and those that have gone quiet are forgotten. */
export class Clients {
  readonly #target: Address;
  readonly #upstream: Address | undefined;
  readonly #most: number;
  readonly #idleTimeout: Micros;
  readonly #onAnswer: (client: Client, octets: Uint8Array) => void;
  readonly #byAddress = new Map<string, Client>();
  /** All that there ever were. */
  count = 0;

  /** @param upstream  where the target sees them; default: any address, a free port for each */
  constructor(
    target: Address,
    upstream: Address | undefined,
    most: number,
    idleTimeout: Micros,
    onAnswer: (client: Client, octets: Uint8Array) => void,
  ) {
    this.#target = target;
    this.#upstream = upstream;
    this.#most = most;
    this.#idleTimeout = idleTimeout;
    this.#onAnswer = onAnswer;
  }

  /** Finds or makes the client; undefined when there are too many. */
  at(now: Micros, host: string, port: number): Client | undefined {
    const name = `${host} ${port}`;
    let client = this.#byAddress.get(name);
    if (client === undefined) {
      if (this.#byAddress.size >= this.#most) this.forgetIdle(now);
      if (this.#byAddress.size >= this.#most) return undefined;
      client = this.#open(host, port, now);
      this.#byAddress.set(name, client);
      this.count++;
    }
    client.lastUsedAt = now;
    return client;
  }

  forgetIdle(now: Micros): void {
    for (const [name, client] of this.#byAddress) {
      if (client.lastUsedAt + this.#idleTimeout > now) continue;
      this.#byAddress.delete(name);
      client.upstream.close();
    }
  }

  async close(): Promise<void> {
    const closing = [...this.#byAddress.values()].map((client) => new Promise<void>((resolve) => client.upstream.close(() => resolve())));
    this.#byAddress.clear();
    await Promise.all(closing);
  }

  #open(host: string, port: number, now: Micros): Client {
    const upstream = createSocket({ type: isIPv6(this.#target.host) ? 'udp6' : 'udp4', recvBufferSize: RECEIVE_BUFFER_SIZE });
    const client = new Client(host, port, upstream, now);
    upstream.on('message', (octets: Buffer, from: RemoteInfo) => {
      // strangers must not reach the client through this socket
      if (from.port === this.#target.port && from.address === this.#target.host) this.#onAnswer(client, octets);
    });
    upstream.on('error', () => {}); // a send that failed is told to its callback; an address that is not ours loses everything
    upstream.bind(this.#upstream?.port ?? 0, this.#upstream?.host);
    return client;
  }
}

export const RECEIVE_BUFFER_SIZE = 2 << 20;
