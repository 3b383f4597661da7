import { concat } from '@quiclab/bytes';
import { type ByteStream, type ByteStreamEvent, integerBelow, type Random } from '@quiclab/sansio';

export interface FakeOptions {
  /** Octets that an end takes before they are delivered. */
  readonly sendBuffer?: number;
  /** Octets that are delivered before they are read. */
  readonly receiveWindow?: number;
  /** Where what is delivered is cut. Default: as it was written. */
  readonly random?: Random;
}

/** One end of a pretended TCP connection. Nothing arrives before `deliver` is called. */
export class FakeStream implements ByteStream {
  readonly events: ByteStreamEvent[] = [];
  /** All that was ever taken, in order; and what the peer has of it. */
  readonly written: Uint8Array[] = [];
  finished = false;
  /** As a test has it. */
  unacknowledged = 0;
  /** Takes nothing more. */
  stuck = false;
  aborted: string | undefined = undefined;
  peer!: FakeStream;

  readonly #options: FakeOptions;
  #unsent: Uint8Array[] = [];
  #unsentOctets = 0;
  #finSent = false;
  #writableOwed = false;
  #unread: Uint8Array[] = [];
  #unreadOctets = 0;
  #finReceived = false;
  #finRead = false;
  #readableTold = false;
  #closedTold = false;

  constructor(options: FakeOptions) {
    this.#options = options;
  }

  get unread(): number {
    return this.#unreadOctets;
  }

  get unsent(): number {
    return this.#unsentOctets;
  }

  write(_now: number, data: Uint8Array): number {
    if (this.finished || this.aborted !== undefined) return 0;
    const taken = this.stuck ? 0 : Math.min(data.length, (this.#options.sendBuffer ?? 65_536) - this.#unsentOctets);
    if (taken > 0) {
      const copy = data.slice(0, taken);
      this.#unsent.push(copy);
      this.written.push(copy);
      this.#unsentOctets += taken;
    }
    if (taken < data.length) this.#writableOwed = true;
    return taken;
  }

  read(): { data: Uint8Array; fin: boolean } | undefined {
    const data = this.#unread.shift();
    if (data === undefined) {
      this.#readableTold = false;
      if (!this.#finReceived || this.#finRead) return undefined;
      this.#finRead = true;
      return { data: new Uint8Array(0), fin: true };
    }
    this.#unreadOctets -= data.length;
    return { data, fin: false };
  }

  finish(): void {
    this.finished = true;
  }

  abort(_now: number, reason: string): void {
    this.aborted = reason;
    this.peer.cut();
  }

  /** The connection is gone at this end. */
  cut(): void {
    if (this.#closedTold) return;
    this.#closedTold = true;
    this.events.push({ type: 'closed', clean: false, reason: 'cut' });
  }

  /** All that was taken up to now. */
  said(): Uint8Array {
    return concat(...this.written);
  }

  /** Moves what can be moved to the peer; whether there was anything. */
  deliver(): boolean {
    const { random } = this.#options;
    let room = (this.#options.receiveWindow ?? 1 << 20) - this.peer.unread;
    let moved = false;
    while (this.#unsent.length > 0 && room > 0) {
      const first = this.#unsent[0]!;
      const length = Math.min(first.length, room, random === undefined ? first.length : 1 + integerBelow(random, first.length));
      this.peer.#receive(first.subarray(0, length));
      if (length === first.length) this.#unsent.shift();
      else this.#unsent[0] = first.subarray(length);
      this.#unsentOctets -= length;
      room -= length;
      moved = true;
    }
    if ((moved || this.#unsentOctets === 0) && this.#writableOwed && !this.stuck) {
      this.#writableOwed = false;
      this.events.push({ type: 'writable' });
      moved = true;
    }
    if (this.finished && this.#unsent.length === 0 && !this.#finSent) {
      this.#finSent = true;
      this.peer.#end();
      moved = true;
      for (const end of [this, this.peer]) if (end.#finSent && end.peer.#finSent) end.#close();
    }
    return moved;
  }

  /** These octets arrive, as one piece. */
  push(data: Uint8Array): void {
    this.#receive(data);
  }

  #receive(data: Uint8Array): void {
    this.#unread.push(data.slice());
    this.#unreadOctets += data.length;
    this.#tellReadable();
  }

  #end(): void {
    this.#finReceived = true;
    this.#tellReadable();
  }

  #tellReadable(): void {
    if (this.#readableTold) return;
    this.#readableTold = true;
    this.events.push({ type: 'readable' });
  }

  #close(): void {
    if (this.#closedTold) return;
    this.#closedTold = true;
    this.events.push({ type: 'closed', clean: true, reason: '' });
  }
}

export function fakePair(options: FakeOptions = {}): { client: FakeStream; server: FakeStream } {
  const { random } = options;
  const client = new FakeStream(random === undefined ? options : { ...options, random: random.at(0) });
  const server = new FakeStream(random === undefined ? options : { ...options, random: random.at(1) });
  client.peer = server;
  server.peer = client;
  return { client, server };
}
