import { sameBytes } from '@quiclab/bytes';
import { EventQueue as Fifo } from '@quiclab/sansio';
import type { ConnectionEvent } from '../events.ts';
import { LIMITS } from '../limits.ts';

const MAX_TOKENS = LIMITS.tokens.value;

interface KeptDatagram {
  readonly event: ConnectionEvent;
  readonly cost: number;
  /** How many other events were put in before it: they go out before it, too. */
  readonly after: number;
}

/**
 * Events for the application, in order.
 * Datagrams come as the peer pleases, so there is a limit to them; the oldest, which is worth least, goes first (RFC 9221 §5.3).
 */
export class EventQueue {
  /** Datagrams that made room for newer ones. */
  datagramsDropped = 0;
  /** Changes with every event that is put in or taken out. */
  changes = 0;
  readonly #room: number;
  readonly #events = new Fifo<ConnectionEvent>();
  /** Events, datagrams aside, that were ever put in, and taken out. */
  #put = 0;
  #taken = 0;
  #datagrams: KeptDatagram[] = [];
  #datagramsHead = 0;
  #datagramsCost = 0;
  #tokens = 0;
  /** The newest that were put in, polled or not. */
  readonly #newestTokens: Uint8Array[] = [];

  /** @param datagramRoom  what the datagrams that wait may cost together */
  constructor(datagramRoom = 0) {
    this.#room = datagramRoom;
  }

  push(event: ConnectionEvent): void {
    this.changes++;
    this.#put++;
    this.#events.push(event);
  }

  pushDatagram(event: ConnectionEvent, cost: number): void {
    this.#datagrams.push({ event, cost, after: this.#put });
    this.#datagramsCost += cost;
    while (this.#datagramsCost > this.#room) {
      this.#takeDatagram();
      this.datagramsDropped++;
    }
    this.changes++;
  }

  /** A token of NEW_TOKEN; dropped where enough of them wait: one connection next needs one. One that comes again is no other (RFC 9000 §19.7). */
  pushToken(event: Extract<ConnectionEvent, { type: 'token' }>): void {
    if (this.#tokens === MAX_TOKENS || this.#newestTokens.some((token) => sameBytes(token, event.data))) return;
    this.#tokens++;
    if (this.#newestTokens.push(event.data.slice()) > MAX_TOKENS) this.#newestTokens.shift();
    this.push(event);
  }

  get empty(): boolean {
    return this.#events.length === 0 && this.#datagramsHead === this.#datagrams.length;
  }

  poll(): ConnectionEvent | undefined {
    const datagram = this.#datagramsHead < this.#datagrams.length ? this.#datagrams[this.#datagramsHead] : undefined;
    if (datagram !== undefined && datagram.after <= this.#taken) {
      this.changes++;
      this.#takeDatagram();
      return datagram.event;
    }
    const event = this.#events.shift();
    if (event === undefined) return undefined;
    this.changes++;
    this.#taken++;
    if (event.type === 'token') this.#tokens--;
    return event;
  }

  #takeDatagram(): void {
    this.#datagramsCost -= this.#datagrams[this.#datagramsHead]!.cost;
    this.#datagramsHead++;
    if (this.#datagramsHead * 2 < this.#datagrams.length) return;
    this.#datagrams = this.#datagrams.slice(this.#datagramsHead); // never more gone ones than there are waiting
    this.#datagramsHead = 0;
  }
}
