import type { Socket } from 'node:net';
import { latin1 } from '@quiclab/bytes';
import { nodeProvider, systemRandom } from '@quiclab/crypto/node';
import type { ByteStream, Micros } from '@quiclab/sansio';
import { expect } from 'vitest';
import { TlsStream, type TlsStreamEvent, type TlsStreamOptions } from '../src/record/index.ts';
import { NOW } from './certificates.ts';

/** Our machine on a socket of Node's: what a driver does, without its timers, of which TLS has none. */
export class OnSocket implements ByteStream {
  readonly stream: TlsStream;
  readonly events: TlsStreamEvent[] = [];
  readonly #socket: Socket;
  readonly #inbox: Uint8Array[] = [];
  #fin = false;
  #received = '';
  #changed: () => void = () => {};
  /** The peer has said close_notify. */
  ended = false;
  onData: (text: string) => void = () => {};

  constructor(socket: Socket, options: Omit<TlsStreamOptions, 'below' | 'provider' | 'random'>) {
    this.#socket = socket;
    this.stream = new TlsStream({ provider: nodeProvider, random: systemRandom, ...options, below: this });
    socket.on('data', (data) => this.#tell({ type: 'readable' }, data));
    socket.on('end', () => {
      this.#fin = true;
      this.#tell({ type: 'readable' });
    });
    socket.on('drain', () => this.#tell({ type: 'writable' }));
    socket.on('error', () => {});
    socket.on('close', (failed) => this.#tell({ type: 'closed', clean: !failed, reason: failed ? 'reset' : '' }));
    this.stream.start(NOW);
  }

  write(_now: Micros, data: Uint8Array): number {
    if (this.#socket.writableNeedDrain) return 0;
    this.#socket.write(data.slice());
    return data.length;
  }

  read(): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    const data = this.#inbox.shift();
    if (data !== undefined) return { data, fin: false };
    if (!this.#fin) return undefined;
    this.#fin = false;
    return { data: new Uint8Array(0), fin: true };
  }

  finish(): void {
    this.#socket.end();
  }

  abort(): void {
    this.#socket.destroy();
  }

  send(text: string): void {
    expect(this.stream.write(NOW, latin1(text))).toBe(text.length);
  }

  /** Waits until this holds. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => (this.#changed = resolve));
  }

  async event<T extends TlsStreamEvent['type']>(type: T): Promise<Extract<TlsStreamEvent, { type: T }>> {
    const find = () => this.events.find((event): event is Extract<TlsStreamEvent, { type: T }> => event.type === type);
    await this.until(() => find() !== undefined);
    return find()!;
  }

  async text(text: string): Promise<void> {
    await this.until(() => this.#received.endsWith(text));
  }

  get received(): string {
    return this.#received;
  }

  #tell(event: Parameters<TlsStream['onTransport']>[1], data?: Uint8Array): void {
    if (data !== undefined) this.#inbox.push(new Uint8Array(data));
    this.stream.onTransport(NOW, event);
    for (let own = this.stream.pollEvent(); own !== undefined; own = this.stream.pollEvent()) {
      this.events.push(own);
      if (own.type === 'readable') this.#read();
    }
    this.#changed();
  }

  #read(): void {
    for (let got = this.stream.read(NOW); got !== undefined; got = this.stream.read(NOW)) {
      const text = Buffer.from(got.data).toString('latin1');
      this.#received += text;
      this.ended ||= got.fin;
      this.onData(text);
    }
  }
}
