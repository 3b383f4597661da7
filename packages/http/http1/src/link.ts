import { type ByteStream, type Micros, NEVER } from '@quiclab/sansio';
import { IncomingOctets } from './incoming-octets.ts';
import { LIMITS } from './limits.ts';
import { OutgoingOctets } from './outgoing-octets.ts';

/** Both directions of the stream, and how they end. RFC 9112 §9.6. */
export class Link {
  readonly in: IncomingOctets;
  readonly out: OutgoingOctets;
  /** We have said our last, and read on only to see the peer's end. */
  lingering: boolean;
  /** Nothing is read any more. */
  over: boolean;
  /** By when the peer should have ended, too. */
  lingerDue: Micros;

  readonly #transport: ByteStream;
  readonly #lingerTimeout: Micros;
  #dropped: number;
  #unacknowledged: number; // when the peer's end was waited for from then on

  constructor(transport: ByteStream, lingerTimeout: Micros) {
    this.in = new IncomingOctets(transport);
    this.out = new OutgoingOctets(transport);
    this.lingering = false;
    this.over = false;
    this.lingerDue = NEVER;
    this.#transport = transport;
    this.#lingerTimeout = lingerTimeout;
    this.#dropped = 0;
    this.#unacknowledged = 0;
  }

  flush(now: Micros): void {
    this.out.flush(now);
    this.#awaitEnd(now);
  }

  /** Closes in stages: our direction first; what still comes is dropped, so that no reset overtakes what we said. */
  finish(now: Micros): void {
    if (this.lingering || this.over) return;
    this.lingering = true;
    this.out.finish(now);
    this.#awaitEnd(now);
    this.linger(now);
  }

  /** Drops what has come after our end. */
  linger(now: Micros): void {
    while (this.lingering && this.in.more(now)) {
      this.#dropped += this.in.take(Number.POSITIVE_INFINITY).length;
      if (this.#dropped > LIMITS.lingering.value) this.abort(now, 'too much came after the end');
    }
    if (this.in.over) this.#end();
  }

  /** To be called when `lingerDue` <= now. Who still takes what we said before is slow, and may have as long again. */
  onLingerDue(now: Micros): void {
    const { unacknowledged = 0 } = this.#transport;
    if (unacknowledged === 0 || unacknowledged >= this.#unacknowledged) this.abort(now, 'the peer does not close');
    else this.#wait(now);
  }

  abort(now: Micros, reason: string): void {
    if (this.over) return;
    this.#end();
    this.out.giveUp();
    this.#transport.abort(now, reason);
  }

  /** From when our last has left, the peer's end is waited for. */
  #awaitEnd(now: Micros): void {
    if (this.lingering && this.out.done && this.lingerDue === NEVER) this.#wait(now);
  }

  #wait(now: Micros): void {
    this.lingerDue = now + this.#lingerTimeout;
    this.#unacknowledged = this.#transport.unacknowledged ?? 0;
  }

  /** The transport is gone, or both directions have ended. */
  #end(): void {
    this.lingering = false;
    this.over = true;
    this.lingerDue = NEVER;
  }

  /** The transport has said that it is closed. */
  closed(): void {
    this.#end();
    this.out.giveUp();
  }
}
