import type { StreamPriority } from '@quiclab/streams';
import type { MessageHead } from '../exchange.ts';
import { Outbox } from './outbox.ts';

const EMPTY = new Uint8Array(0);

/** One request and its response on the shared stream, as one end sees them. */
export class SingleExchange {
  readonly id: number;
  readonly outbox = new Outbox();
  method = '';
  priority: StreamPriority = { urgency: 3, incremental: false };

  // what comes
  told: boolean;
  finalReceived = false;
  trailed = false;
  /** The peer's message is complete. */
  ended = false;
  /** The application has its end, or does not want it. */
  readDone = false;
  discarding = false;
  head: MessageHead | undefined = undefined;
  readableTold = false;
  expected = -1;
  mayHaveContent = true;
  received = 0;
  #pieces: Uint8Array[] = [];
  #first = 0;
  buffered = 0;

  // what goes
  finalSent = false;
  finished = false;
  /** Our END is on its way. */
  endLaidOut = false;
  sendsNoContent = false;
  announcedLength = -1;
  contentSent = 0;
  writableOwed = false;

  constructor(id: number, told: boolean) {
    this.id = id;
    this.told = told;
  }

  keep(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.buffered += piece.length;
  }

  /** The next content, with whether it is the last; undefined where nothing is here. */
  take(): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    if (this.readDone) return undefined;
    let data: Uint8Array = EMPTY;
    if (this.#first < this.#pieces.length) {
      data = this.#pieces[this.#first++]!;
      this.buffered -= data.length;
      if (this.#first === this.#pieces.length) {
        this.#pieces = [];
        this.#first = 0;
      }
    } else if (!this.ended) return undefined;
    const fin = this.ended && this.#pieces.length === 0;
    if (fin) this.readDone = true;
    return { data, fin };
  }

  discard(): void {
    this.discarding = true;
    this.readDone = true;
    this.#pieces = [];
    this.#first = 0;
    this.buffered = 0;
  }
}
