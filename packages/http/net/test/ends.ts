import { developmentCertificate, toPem } from '@quiclab/crypto/node';
import type { ByteStreamEvent } from '@quiclab/sansio';
import { type ClientTls, connect, Listener, type ListenOptions, type SocketStream } from '../src/index.ts';

const made = developmentCertificate(Date.now() * 1000);
export const identity = { cert: toPem('CERTIFICATE', made.certificate), key: toPem('PRIVATE KEY', made.privateKey) };

export type Kind = 'TCP' | 'TLS';
export const KINDS: readonly Kind[] = ['TCP', 'TLS'];

/** One end as a test uses it: events are kept in order, and can be waited for. */
export class End {
  readonly stream: SocketStream;
  readonly events: ByteStreamEvent[] = [];
  #waiting: (() => void)[] = [];

  constructor(stream: SocketStream) {
    this.stream = stream;
    stream.listen((event) => {
      this.events.push(event);
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const tell of waiting) tell();
    });
  }

  /** Resolves when an event has come after this call. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async until(type: ByteStreamEvent['type']): Promise<ByteStreamEvent> {
    for (;;) {
      const found = this.events.find((event) => event.type === type);
      if (found !== undefined) return found;
      await this.next();
    }
  }

  closed(): Promise<Extract<ByteStreamEvent, { type: 'closed' }>> {
    return this.until('closed') as Promise<Extract<ByteStreamEvent, { type: 'closed' }>>;
  }

  /** Writes all of it, as fast as it is taken, then the end. */
  async send(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length; ) {
      const taken = this.stream.write(0, data.subarray(at));
      at += taken;
      if (at < data.length) await this.next();
    }
    this.stream.finish(0);
  }

  /** The next so many octets, or fewer where the end comes first. */
  async receive(atLeast: number): Promise<{ data: Uint8Array; fin: boolean }> {
    const pieces: Uint8Array[] = [];
    let length = 0;
    while (length < atLeast) {
      const piece = this.stream.read(0);
      if (piece === undefined) {
        if (this.stream.closed) return { data: Buffer.concat(pieces), fin: false };
        await this.next();
        continue;
      }
      pieces.push(piece.data);
      length += piece.data.length;
      if (piece.fin) return { data: Buffer.concat(pieces), fin: true };
    }
    return { data: Buffer.concat(pieces), fin: false };
  }
}

export interface Pair extends AsyncDisposable {
  readonly client: End;
  readonly server: End;
  readonly listener: Listener;
}

export async function pair(
  kind: Kind,
  server: Partial<ListenOptions> = {},
  client: ClientTls = {},
  tls: Partial<ListenOptions['tls']> = {},
): Promise<Pair> {
  let accepted!: (stream: SocketStream) => void;
  const incoming = new Promise<SocketStream>((resolve) => {
    accepted = resolve;
  });
  const listener = await Listener.open({ ...(kind === 'TLS' ? { tls: { ...identity, ...tls } } : {}), onStream: accepted, ...server });
  const stream = await connectTo(listener, kind, client);
  return {
    client: new End(stream),
    server: new End(await incoming),
    listener,
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

export const connectTo = (listener: Listener, kind: Kind, client: ClientTls = {}): Promise<SocketStream> =>
  connect({
    host: listener.address.host,
    port: listener.address.port,
    timeoutMs: 60_000, // a thousand handshakes at once, beside whatever else the machine does
    ...(kind === 'TLS' ? { tls: { ca: identity.cert, serverName: 'localhost', ...client } } : {}),
  });

/** Octets that say where they belong. */
export function pattern(length: number): Uint8Array {
  const data = new Uint8Array(length);
  for (let i = 0; i < length; i++) data[i] = (i * 31 + (i >> 8) * 7) & 0xff;
  return data;
}

export const text = (data: Uint8Array): string => Buffer.from(data).toString('latin1');
export const octets = (from: string): Uint8Array => Buffer.from(from, 'latin1');
