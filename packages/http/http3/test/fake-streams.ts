import { concat } from '@quiclab/bytes';
import type { QuicStreams, StreamEvent } from '@quiclab/http3';
import { integerBelow, type Random } from '@quiclab/sansio';
import type { StreamId, StreamPriority } from '@quiclab/streams';

export interface FakeOptions {
  /** Octets that a stream holds for sending. */
  readonly sendBuffer?: number;
  /** Octets that a stream holds for its reader. */
  readonly receiveWindow?: number;
  /** Streams of each kind that each side may open in all. */
  readonly streams?: number;
  /** Draws how many octets move at a time; absent: all there are. */
  readonly random?: Random;
}

class FakeStream {
  outgoing: Uint8Array[] = [];
  outgoingLength = 0;
  sendEnded = false;
  sendDone = false;
  cutShort = false;
  incoming: Uint8Array[] = [];
  incomingLength = 0;
  receiveEnded = false;
  endRead = false;
  receiveDead = false;
  readableTold = false;
}

/** One end of a pretended connection. What it was asked to do is kept for looking at. */
export class FakeStreams implements QuicStreams {
  readonly events: StreamEvent[] = [];
  readonly resets: { id: StreamId; code: number }[] = [];
  readonly stops: { id: StreamId; code: number }[] = [];
  /** Of the streams of requests, and of all others. */
  readonly priorities: { id: StreamId; priority: StreamPriority }[] = [];
  readonly ownPriorities: { id: StreamId; priority: StreamPriority }[] = [];
  closed: { code: number; reason: string } | undefined = undefined;
  peer!: FakeStreams;
  readonly #side: 0 | 1;
  readonly #options: FakeOptions;
  readonly #streams = new Map<StreamId, FakeStream>();
  readonly #opened = [0, 0]; // bidi, uni
  limits: [number, number];

  constructor(side: 0 | 1, options: FakeOptions) {
    this.#side = side;
    this.#options = options;
    const limit = options.streams ?? 1_000_000;
    this.limits = [limit, limit];
  }

  openStream(kind: 'bidi' | 'uni'): StreamId | undefined {
    const index = kind === 'bidi' ? 0 : 1;
    if (this.#opened[index]! >= this.limits[index]!) return undefined;
    const id = this.#opened[index]!++ * 4 + index * 2 + this.#side;
    this.#streams.set(id, new FakeStream());
    return id;
  }

  allow(kind: 'bidi' | 'uni', more: number): void {
    this.limits[kind === 'bidi' ? 0 : 1]! += more;
    this.events.push({ type: 'streams-available', kind });
  }

  write(_now: number, id: StreamId, data: Uint8Array): number {
    const stream = this.#get(id);
    if (stream.sendEnded || stream.sendDone) return 0;
    const taken = Math.max(0, Math.min(data.length, (this.#options.sendBuffer ?? Number.MAX_SAFE_INTEGER) - stream.outgoingLength));
    if (taken > 0) stream.outgoing.push(data.slice(0, taken));
    stream.outgoingLength += taken;
    stream.cutShort = taken < data.length;
    return taken;
  }

  read(_now: number, id: StreamId): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    const stream = this.#get(id);
    if (stream.receiveDead || stream.endRead) return undefined;
    const data = stream.incoming.shift();
    if (data !== undefined) {
      stream.incomingLength -= data.length;
      stream.endRead = stream.receiveEnded && stream.incoming.length === 0;
      return { data, fin: stream.endRead };
    }
    if (stream.receiveEnded) {
      stream.endRead = true;
      return { data: new Uint8Array(0), fin: true };
    }
    stream.readableTold = false;
    return undefined;
  }

  streamsAllowed(kind: 'bidi' | 'uni'): number {
    return this.peer.limits[kind === 'bidi' ? 0 : 1];
  }

  finish(id: StreamId): void {
    this.#get(id).sendEnded = true;
  }

  reset(id: StreamId, code: number): void {
    const stream = this.#get(id);
    if (stream.sendDone) return;
    stream.sendDone = true;
    stream.outgoing = [];
    stream.outgoingLength = 0;
    this.resets.push({ id, code });
    this.peer.onReset(id, code);
  }

  stopSending(id: StreamId, code: number): void {
    const stream = this.#get(id);
    if (stream.receiveDead || stream.endRead) return;
    stream.receiveDead = true;
    stream.incoming = [];
    stream.incomingLength = 0;
    this.stops.push({ id, code });
    if (!this.peer.#known(id).sendDone) this.peer.events.push({ type: 'stream-stopped', id, code });
  }

  prioritize(id: StreamId, priority: StreamPriority): void {
    (id % 4 === 0 ? this.priorities : this.ownPriorities).push({ id, priority });
  }

  close(_now: number, code: number, reason: string): void {
    this.closed = { code, reason };
  }

  /** Octets that wait unread, over all streams. */
  get unread(): number {
    let sum = 0;
    for (const stream of this.#streams.values()) sum += stream.incomingLength;
    return sum;
  }

  /** Octets that this end holds for sending. */
  get unsent(): number {
    let sum = 0;
    for (const stream of this.#streams.values()) sum += stream.outgoingLength;
    return sum;
  }

  /** All that has arrived on a stream and was not read, at once. */
  drain(id: StreamId): { data: Uint8Array; fin: boolean } {
    const pieces: Uint8Array[] = [];
    for (;;) {
      const piece = this.read(0, id);
      if (piece === undefined) return { data: concat(...pieces), fin: this.#get(id).endRead };
      pieces.push(piece.data);
    }
  }

  /** Moves octets to the peer; whether there were any. */
  deliver(): boolean {
    let moved = false;
    for (const [id, stream] of this.#streams) {
      if (stream.sendDone || (stream.outgoing.length === 0 && !stream.sendEnded)) continue;
      if (stream.outgoing.length === 0) {
        stream.sendDone = true;
        this.peer.onEnd(id);
        this.events.push({ type: 'stream-finished', id });
        moved = true;
        continue;
      }
      if (stream.outgoing.length > 1) stream.outgoing = [concat(...stream.outgoing)];
      const next = stream.outgoing[0]!;
      const room = (this.#options.receiveWindow ?? Number.MAX_SAFE_INTEGER) - this.peer.#known(id).incomingLength;
      const most = Math.min(next.length, room);
      if (most <= 0) continue;
      const length = this.#options.random === undefined ? most : 1 + integerBelow(this.#options.random, most);
      if (length === next.length) stream.outgoing.shift();
      else stream.outgoing[0] = next.subarray(length);
      stream.outgoingLength -= length;
      // sometimes the end comes with the last octets, as in a STREAM frame, and sometimes alone
      const ends = stream.sendEnded && stream.outgoing.length === 0 && (this.#options.random === undefined || length % 2 === 0);
      if (ends) {
        stream.sendDone = true;
        this.events.push({ type: 'stream-finished', id });
      }
      this.peer.onData(id, next.slice(0, length), ends);
      if (stream.cutShort && !stream.sendEnded && stream.outgoingLength <= (this.#options.sendBuffer ?? 0) / 2) {
        stream.cutShort = false;
        this.events.push({ type: 'stream-writable', id });
      }
      moved = true;
    }
    return moved;
  }

  onData(id: StreamId, data: Uint8Array, fin: boolean): void {
    const stream = this.#known(id);
    if (stream.receiveDead) return;
    stream.incoming.push(data);
    stream.incomingLength += data.length;
    stream.receiveEnded = fin;
    this.#tellReadable(id, stream);
  }

  onEnd(id: StreamId): void {
    const stream = this.#known(id);
    if (stream.receiveDead) return;
    stream.receiveEnded = true;
    this.#tellReadable(id, stream);
  }

  onReset(id: StreamId, code: number): void {
    const stream = this.#known(id);
    if (stream.receiveDead || stream.endRead) return;
    stream.receiveDead = true;
    stream.incoming = [];
    stream.incomingLength = 0;
    this.events.push({ type: 'stream-reset', id, code });
  }

  #tellReadable(id: StreamId, stream: FakeStream): void {
    if (stream.readableTold) return;
    stream.readableTold = true;
    this.events.push({ type: 'stream-readable', id });
  }

  /** The stream, opened by the peer now if it was not before. */
  #known(id: StreamId): FakeStream {
    const known = this.#streams.get(id);
    if (known !== undefined) return known;
    const stream = new FakeStream();
    this.#streams.set(id, stream);
    this.events.push({ type: 'stream-opened', id, early: false });
    return stream;
  }

  #get(id: StreamId): FakeStream {
    const stream = this.#streams.get(id);
    if (stream === undefined) throw new Error(`no stream ${id}`);
    return stream;
  }
}

export function fakePair(options: FakeOptions = {}): { client: FakeStreams; server: FakeStreams } {
  const client = new FakeStreams(0, options);
  const server = new FakeStreams(1, options);
  client.peer = server;
  server.peer = client;
  return { client, server };
}
