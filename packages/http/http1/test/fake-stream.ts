import { concat } from '@quiclab/bytes';
import { type ByteStream, type ByteStreamEvent, integerBelow, type Random } from '@quiclab/sansio';

export interface FakeOptions {
  /** Octets that an end holds for sending. */
  readonly sendBuffer?: number;
  /** Octets that an end holds for its reader. */
  readonly receiveBuffer?: number;
  /** Draws how many octets move at a time; absent: all there are. */
  readonly random?: Random;
}

/** One end of a pretended connection. */
export class FakeStream implements ByteStream {
  readonly events: ByteStreamEvent[] = [];
  aborted: string | undefined = undefined;
  /** As a test has it. */
  unacknowledged = 0;
  peer!: FakeStream;
  readonly #options: FakeOptions;
  #outgoing: Uint8Array[] = [];
  #outgoingLength = 0;
  #cutShort = false;
  #finished = false;
  #finDelivered = false;
  #incoming: Uint8Array[] = [];
  #incomingLength = 0;
  #finReceived = false;
  #finRead = false;
  #readableTold = false;
  #dead = false;
  #closedTold = false;

  constructor(options: FakeOptions) {
    this.#options = options;
  }

  get finished(): boolean {
    return this.#finished;
  }

  write(_now: number, data: Uint8Array): number {
    if (this.#dead || this.#finished) return 0;
    const taken = Math.max(0, Math.min(data.length, (this.#options.sendBuffer ?? Number.MAX_SAFE_INTEGER) - this.#outgoingLength));
    if (taken > 0) this.#outgoing.push(data.slice(0, taken));
    this.#outgoingLength += taken;
    this.#cutShort = taken < data.length;
    return taken;
  }

  read(_now: number): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    if (this.#dead || this.#finRead) return undefined;
    const data = this.#incoming.shift();
    if (data === undefined && !this.#finReceived) {
      this.#readableTold = false;
      return undefined;
    }
    this.#incomingLength -= data?.length ?? 0;
    this.#finRead = this.#finReceived && this.#incoming.length === 0;
    return { data: data ?? new Uint8Array(0), fin: this.#finRead };
  }

  finish(_now: number): void {
    this.#finished = true;
  }

  abort(_now: number, reason: string): void {
    if (this.#dead) return;
    this.aborted = reason;
    this.die('aborted');
    this.peer.die('reset');
  }

  die(reason: string): void {
    if (this.#dead || this.#closedTold) return;
    this.#dead = true;
    this.#closedTold = true;
    this.events.push({ type: 'closed', clean: false, reason });
  }

  /** Moves what was written to the other end. Whether anything moved. */
  deliver(): boolean {
    if (this.#dead) return false;
    const { peer } = this;
    const room = (peer.#options.receiveBuffer ?? Number.MAX_SAFE_INTEGER) - peer.#incomingLength;
    let length = Math.min(this.#outgoingLength, room);
    if (length > 0 && this.#options.random !== undefined) length = 1 + integerBelow(this.#options.random, Math.min(length, 2_000));
    let moved = length > 0;
    if (length > 0) {
      const all = concat(...this.#outgoing);
      this.#outgoing = length < all.length ? [all.subarray(length)] : [];
      this.#outgoingLength -= length;
      peer.#incoming.push(all.slice(0, length));
      peer.#incomingLength += length;
      peer.#tellReadable();
      if (this.#cutShort) {
        this.#cutShort = false;
        this.events.push({ type: 'writable' });
      }
    }
    if (this.#finished && !this.#finDelivered && this.#outgoingLength === 0) {
      this.#finDelivered = true;
      peer.#finReceived = true;
      peer.#tellReadable();
      moved = true;
    }
    if (this.#finDelivered && this.#finReceived && !this.#closedTold) {
      this.#closedTold = true;
      this.events.push({ type: 'closed', clean: true, reason: '' });
      moved = true;
    }
    return moved;
  }

  /** Everything that came, and whether the end did. */
  drain(): { data: Uint8Array; fin: boolean } {
    const pieces: Uint8Array[] = [];
    let fin = false;
    for (let piece = this.read(0); piece !== undefined; piece = this.read(0)) {
      pieces.push(piece.data);
      fin ||= piece.fin;
    }
    return { data: concat(...pieces), fin };
  }

  #tellReadable(): void {
    if (this.#readableTold) return;
    this.#readableTold = true;
    this.events.push({ type: 'readable' });
  }
}

export function fakePair(options: FakeOptions = {}): { client: FakeStream; server: FakeStream } {
  const client = new FakeStream(options);
  const server = new FakeStream(options);
  client.peer = server;
  server.peer = client;
  return { client, server };
}
