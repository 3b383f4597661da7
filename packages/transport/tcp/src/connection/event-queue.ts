import type { ByteStreamEvent } from '@quiclab/sansio';

const READABLE: ByteStreamEvent = { type: 'readable' };
const WRITABLE: ByteStreamEvent = { type: 'writable' };

/** What a connection has to tell its application: that there is something to read, once until there is not; room to write; the end. */
export class EventQueue {
  #readable = false;
  #readableTold = false;
  #writable = false;
  #closed: ByteStreamEvent | undefined = undefined;
  /** Counts what came up, so that the endpoint knows when to tell of it. */
  changes = 0;

  get isEmpty(): boolean {
    return !this.#readable && !this.#writable && this.#closed === undefined;
  }

  onReadable(): void {
    if (this.#readableTold) return;
    this.#readableTold = true;
    this.#readable = true;
    this.changes++;
  }

  /** The application has read until there was nothing. */
  onDrained(): void {
    this.#readableTold = false;
    this.#readable = false;
  }

  onWritable(): void {
    if (this.#writable) return;
    this.#writable = true;
    this.changes++;
  }

  onClosed(clean: boolean, reason: string): void {
    this.#writable = false;
    this.#closed = { type: 'closed', clean, reason };
    this.changes++;
  }

  poll(): ByteStreamEvent | undefined {
    if (this.#readable) {
      this.#readable = false;
      return READABLE;
    }
    if (this.#writable) {
      this.#writable = false;
      return WRITABLE;
    }
    const closed = this.#closed;
    this.#closed = undefined;
    return closed;
  }
}
