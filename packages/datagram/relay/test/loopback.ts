import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Address, Clock } from '@quiclab/sansio';

export const clock: Clock = { now: () => Math.floor((performance.timeOrigin + performance.now()) * 1000) };

/** A plain socket that keeps what it hears. */
export class Party {
  readonly heard: string[] = [];
  readonly heardAt: number[] = [];
  readonly from: Address[] = [];
  readonly #socket: Socket;
  #check: () => void = () => {};

  static async open(host = '127.0.0.1', answer?: (text: string) => string): Promise<Party> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4').bind(0, host);
    await once(socket, 'listening');
    return new Party(socket, answer);
  }

  private constructor(socket: Socket, answer?: (text: string) => string) {
    this.#socket = socket;
    socket.on('message', (octets, from) => {
      this.heardAt.push(clock.now());
      this.heard.push(octets.toString());
      this.from.push({ host: from.address, port: from.port });
      if (answer !== undefined) this.send(answer(octets.toString()), { host: from.address, port: from.port });
      this.#check();
    });
  }

  get address(): Address {
    const { address, port } = this.#socket.address();
    return { host: address, port };
  }

  send(text: string, to: Address): void {
    this.#socket.send(text, to.port, to.host);
  }

  /** Sends one after the other, each when the system has taken the one before. */
  async sendAll(texts: readonly string[], to: Address): Promise<void> {
    for (const text of texts) await new Promise((resolve) => this.#socket.send(text, to.port, to.host, resolve));
  }

  hears(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#check = () => this.heard.length >= count && resolve();
      this.#check();
    });
  }

  close(): void {
    this.#socket.close();
  }
}
