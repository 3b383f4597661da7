import { concat, latin1 } from '@quiclab/bytes';
import { nodeProvider } from '@quiclab/crypto/node';
import { type ByteStream, type Micros, seededRandom } from '@quiclab/sansio';
import { type ClientConfig, clientHandshake, type ServerConfig, serverHandshake } from '../src/index.ts';
import { type Direction, RecordObserver, TlsStream, type TlsStreamEvent, type TlsStreamOptions } from '../src/record/index.ts';
import { RecordKeys } from '../src/record/protection.ts';
import { identities, NOW, root } from './certificates.ts';

/** A stream below that a test plays: what was written lies in `sent`, what `give` was given is read. */
export class Lower implements ByteStream {
  readonly sent: Uint8Array[] = [];
  room = Number.POSITIVE_INFINITY;
  unacknowledged = 0;
  finished = false;
  aborted: string | undefined = undefined;
  readonly #inbox: Uint8Array[] = [];
  #fin = false;

  write(_now: Micros, data: Uint8Array): number {
    const taken = Math.min(this.room, data.length);
    if (taken > 0) this.sent.push(data.slice(0, taken));
    this.room -= taken;
    return taken;
  }

  read(): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    const data = this.#inbox.shift();
    const fin = this.#fin && this.#inbox.length === 0;
    if (fin) this.#fin = false;
    return data === undefined && !fin ? undefined : { data: data ?? new Uint8Array(0), fin };
  }

  finish(): void {
    this.finished = true;
  }

  abort(_now: Micros, reason: string): void {
    this.aborted = reason;
  }

  give(data: Uint8Array, fin = false): void {
    if (data.length > 0) this.#inbox.push(data.slice());
    this.#fin ||= fin;
  }

  take(): Uint8Array {
    return concat(...this.sent.splice(0));
  }
}

export interface Mapped {
  readonly direction: Direction;
  readonly plaintext: readonly [number, number];
  readonly cipher: readonly [number, number];
  readonly type: number;
}

export class Recorder extends RecordObserver {
  readonly mapped: Mapped[] = [];
  readonly skipped: number[] = [];
  readonly alerts: [Direction, number][] = [];
  readonly generations: [Direction, number][] = [];
  readonly secrets = new Map<string, Uint8Array>();

  override recordMapped(direction: Direction, at: number, length: number, cipherAt: number, cipherLength: number, type: number): void {
    this.mapped.push({ direction, plaintext: [at, length], cipher: [cipherAt, cipherLength], type });
  }
  override recordSkipped(_at: number, length: number): void {
    this.skipped.push(length);
  }
  override alert(direction: Direction, description: number): void {
    this.alerts.push([direction, description]);
  }
  override keysUpdated(direction: Direction, generation: number): void {
    this.generations.push([direction, generation]);
  }
  override secret(label: string, _clientRandom: Uint8Array, secret: Uint8Array): void {
    this.secrets.set(label, secret);
  }
}

/** One end of a connection, and everything that it saw. */
export class End {
  readonly lower = new Lower();
  readonly observer = new Recorder();
  readonly events: TlsStreamEvent[] = [];
  readonly stream: TlsStream;
  received = '';
  fin = false;
  /** Whether what can be read is read. */
  reading = true;
  now: Micros = NOW;

  constructor(options: Omit<TlsStreamOptions, 'below' | 'observer' | 'provider'> & { readonly provider?: TlsStreamOptions['provider'] }) {
    this.stream = new TlsStream({ provider: nodeProvider, ...options, below: this.lower, observer: this.observer });
  }

  /** Octets from below, in pieces. */
  receive(data: Uint8Array, fin = false, piece = Number.POSITIVE_INFINITY): void {
    for (let at = 0; at < data.length; at += piece) {
      this.lower.give(data.subarray(at, Math.min(data.length, at + piece)));
      this.stream.onTransport(this.now, { type: 'readable' });
      this.settle();
    }
    if (!fin) return;
    this.lower.give(new Uint8Array(0), true);
    this.stream.onTransport(this.now, { type: 'readable' });
    this.settle();
  }

  closedBelow(clean = true, reason = ''): void {
    this.stream.onTransport(this.now, { type: 'closed', clean, reason });
    this.settle();
  }

  settle(): void {
    for (let event = this.stream.pollEvent(); event !== undefined; event = this.stream.pollEvent()) {
      this.events.push(event);
      if (event.type === 'readable' && this.reading) this.readAll();
    }
  }

  readAll(): void {
    for (let got = this.stream.read(this.now); got !== undefined; got = this.stream.read(this.now)) {
      this.received += Buffer.from(got.data).toString('latin1');
      this.fin ||= got.fin;
    }
  }

  write(data: string | Uint8Array): number {
    const taken = this.stream.write(this.now, typeof data === 'string' ? latin1(data) : data);
    this.settle();
    return taken;
  }

  of<T extends TlsStreamEvent['type']>(type: T): Extract<TlsStreamEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<TlsStreamEvent, { type: T }> => event.type === type);
  }

  get closed(): Extract<TlsStreamEvent, { type: 'closed' }> | undefined {
    return this.of('closed')[0];
  }
}

export interface StreamPairOptions {
  readonly client?: Partial<ClientConfig>;
  readonly server?: Partial<ServerConfig>;
  readonly clientOptions?: Partial<TlsStreamOptions>;
  readonly serverOptions?: Partial<TlsStreamOptions>;
  readonly seed?: number;
  readonly now?: Micros;
}

/** A client and a server with everything between them. */
export class StreamPair {
  readonly client: End;
  readonly server: End;

  constructor(options: StreamPairOptions = {}) {
    const random = seededRandom(options.seed ?? 1);
    const { certificate, privateKey } = identities.ed25519;
    this.client = new End({
      side: 'client',
      serverName: 'server.example',
      alpn: ['h2'],
      random: random.fork('client'),
      handshake: clientHandshake({ provider: nodeProvider, trust: { ca: [root] }, ...options.client }),
      ...options.clientOptions,
    });
    this.server = new End({
      side: 'server',
      serverName: '',
      alpn: ['h2', 'http/1.1'],
      random: random.fork('server'),
      handshake: serverHandshake({ provider: nodeProvider, certificates: [certificate], privateKey, ...options.server }),
      ...options.serverOptions,
    });
    this.client.now = this.server.now = options.now ?? NOW;
  }

  /** Carries octets until there are none. What arrives comes in pieces of `piece`. */
  run(piece = Number.POSITIVE_INFINITY): this {
    this.client.stream.start(this.client.now);
    this.client.settle();
    for (let quiet = false; !quiet; ) {
      quiet = true;
      for (const [from, to] of [
        [this.client, this.server],
        [this.server, this.client],
      ] as const) {
        const data = from.lower.take();
        if (data.length === 0) continue;
        quiet = false;
        to.receive(data, false, piece);
      }
    }
    return this;
  }

  /** Seals what a peer of this end could say, true or not, as its first record after the handshake. */
  forger(to: 'client' | 'server'): RecordKeys {
    const secret = this[to].observer.secrets.get(to === 'client' ? 'SERVER_TRAFFIC_SECRET_0' : 'CLIENT_TRAFFIC_SECRET_0')!;
    return new RecordKeys(nodeProvider, 'TLS_AES_128_GCM_SHA256', 'application', secret);
  }
}

/** One protected record around these octets, type and padding included. */
export function sealed(keys: RecordKeys, inner: Uint8Array, outer = 23): Uint8Array {
  const record = new Uint8Array(5 + inner.length + 16);
  record.set([outer, 3, 3, (inner.length + 16) >> 8, (inner.length + 16) & 0xff]);
  record.set(inner, 5);
  keys.seal(record, 0, 5, 5 + inner.length);
  return record;
}

export const plain = (type: number, content: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(type, 3, 3, content.length >> 8, content.length & 0xff), content);

/** Type and length of each record in a stream. */
export function recordsIn(octets: Uint8Array): [number, number][] {
  const records: [number, number][] = [];
  for (let at = 0; at < octets.length; at += 5 + ((octets[at + 3]! << 8) | octets[at + 4]!))
    records.push([octets[at]!, (octets[at + 3]! << 8) | octets[at + 4]!]);
  return records;
}
