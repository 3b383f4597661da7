import { type Connection, describeClose } from '@quiclab/quic';
import { integerBelow, type Micros, type Random } from '@quiclab/sansio';

type Side = 'client' | 'server';

/** Streams that each side opens. With what the peer says on the bidirectional ones, eleven directions. */
const OPENS: Readonly<Record<Side, { readonly bidi: number; readonly uni: number }>> = {
  client: { bidi: 3, uni: 1 },
  server: { bidi: 1, uni: 2 },
};
const LARGEST = 12_000;

/** What one side says on a stream: it follows from the seed, so both sides know it. Every eighth says nothing but the end. */
function contentOf(random: Random, sender: Side, id: number): Uint8Array {
  const draws = random.at(2 * id + (sender === 'client' ? 0 : 1));
  const content = new Uint8Array(integerBelow(draws, 8) === 0 ? 0 : integerBelow(draws, LARGEST));
  draws.fill(content);
  return content;
}

/** An application that opens its streams, says on each what is to be said, and compares each octet that comes with the one that must come next. */
export class Talker {
  readonly connection: Connection;
  /** Octets read so far, by stream; each was the one that had to come. */
  readonly received = new Map<number, number>();
  bytesReceived = 0;
  readonly #side: Side;
  readonly #content: Random;
  readonly #defer: (read: (now: Micros) => void) => boolean;
  readonly #toOpen: { bidi: number; uni: number };
  readonly #sending = new Map<number, { readonly content: Uint8Array; written: number }>();
  readonly #expected = new Map<number, Uint8Array>();
  readonly #finishedSending = new Set<number>();
  readonly #finishedReading = new Set<number>();
  #ready = false;

  /** @param defer  may take it upon itself to call `read` later, as a slow reader would; false: read now */
  constructor(side: Side, connection: Connection, content: Random, defer: (read: (now: Micros) => void) => boolean) {
    this.#side = side;
    this.connection = connection;
    this.#content = content;
    this.#defer = defer;
    this.#toOpen = { ...OPENS[side] };
  }

  /** All streams of both sides are there, everything that we say is acknowledged, and everything that the peer says was read to its end. */
  get done(): boolean {
    const streams = OPENS.client.bidi + OPENS.server.bidi;
    const peer: Side = this.#side === 'client' ? 'server' : 'client';
    return this.#finishedSending.size === streams + OPENS[this.#side].uni && this.#finishedReading.size === streams + OPENS[peer].uni;
  }

  checkDone(): void {
    if (this.done) return;
    const open = [...this.#sending.keys()].filter((id) => !this.#finishedSending.has(id));
    const unread = [...this.#expected.keys()].filter((id) => !this.#finishedReading.has(id));
    throw new Error(
      `the ${this.#side} is not done: to be opened ${JSON.stringify(this.#toOpen)}, not acknowledged ${open}, not read to the end ${unread}`,
    );
  }

  pump(now: Micros): void {
    const { connection } = this;
    for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent()) {
      switch (event.type) {
        case 'handshake-complete':
          this.#ready = true;
          break;
        case 'stream-opened':
          if (this.#opener(event.id) === this.#side) throw new Error(`stream ${event.id} is ours, and opened by the peer`);
          this.#expect(event.id);
          if (isBidi(event.id)) this.#say(now, event.id);
          break;
        case 'stream-readable': {
          const { id } = event;
          if (!this.#defer((later) => this.#read(later, id))) this.#read(now, id);
          break;
        }
        case 'stream-writable':
          this.#write(now, event.id);
          break;
        case 'stream-finished':
          if (this.#finishedSending.has(event.id)) throw new Error(`stream ${event.id} finished twice`);
          this.#finishedSending.add(event.id);
          break;
        case 'stream-reset':
        case 'stream-stopped':
          throw new Error(`${event.type} on stream ${event.id}, which nobody asked for`);
        case 'closed':
          if (!this.done) throw new Error(`at the ${this.#side} the connection ended: ${describeClose(event.cause)}`);
          break;
      }
      if (this.#ready) this.#open(now);
    }
  }

  #opener(id: number): Side {
    return (id & 1) === 0 ? 'client' : 'server';
  }

  #open(now: Micros): void {
    for (const kind of ['bidi', 'uni'] as const)
      while (this.#toOpen[kind] > 0) {
        const id = this.connection.openStream(kind);
        if (id === undefined) break;
        this.#toOpen[kind]--;
        if (kind === 'bidi') this.#expect(id);
        this.#say(now, id);
      }
  }

  #expect(id: number): void {
    if (this.#expected.has(id)) throw new Error(`stream ${id} was opened twice`);
    this.#expected.set(id, contentOf(this.#content, this.#side === 'client' ? 'server' : 'client', id));
    this.received.set(id, 0);
  }

  #say(now: Micros, id: number): void {
    this.#sending.set(id, { content: contentOf(this.#content, this.#side, id), written: 0 });
    this.#write(now, id);
  }

  #write(now: Micros, id: number): void {
    const sending = this.#sending.get(id)!;
    const { content } = sending;
    while (sending.written < content.length) {
      const taken = this.connection.write(now, id, content.subarray(sending.written));
      if (taken === 0) return;
      sending.written += taken;
    }
    this.connection.finish(id);
  }

  #read(now: Micros, id: number): void {
    const expected = this.#expected.get(id)!;
    for (let piece = this.connection.read(now, id); piece !== undefined; piece = this.connection.read(now, id)) {
      const at = this.received.get(id)!;
      const end = at + piece.data.length;
      if (!sameOctets(piece.data, expected.subarray(at, end)))
        throw new Error(`the ${this.#side} read something else on stream ${id} from octet ${at} to ${end} of ${expected.length}`);
      this.received.set(id, end);
      this.bytesReceived += piece.data.length;
      if (!piece.fin) continue;
      if (end !== expected.length) throw new Error(`stream ${id} ended at the ${this.#side} after ${end} octets, not ${expected.length}`);
      if (this.#finishedReading.has(id)) throw new Error(`stream ${id} ended twice at the ${this.#side}`);
      this.#finishedReading.add(id);
    }
  }
}

const isBidi = (id: number): boolean => (id & 2) === 0;
const sameOctets = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((octet, i) => octet === b[i]);
