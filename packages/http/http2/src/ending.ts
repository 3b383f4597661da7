import { type ByteStream, type Micros, NEVER } from '@quiclab/sansio';
import type { Outgoing } from './outgoing.ts';

/** How a connection that is closed leaves its transport: its last frames, the end of its direction, and patience with a peer that does not end its own. RFC 9113 §5.4.1. */
export class Ending {
  /** When `onDue` wants to run; NEVER where nothing is waited for. */
  due: Micros = NEVER;
  readonly #transport: ByteStream;
  readonly #outgoing: Outgoing;
  #finished = false; // our direction of the transport
  #over = false; // the transport
  #patience: Micros = 0; // with a peer that does not close
  #isPatient = true; // for longer with one that still takes what was sent
  #unacknowledged = 0; // when its end was waited for from then on

  constructor(transport: ByteStream, outgoing: Outgoing) {
    this.#transport = transport;
    this.#outgoing = outgoing;
  }

  /** The connection is closed. @param isPatient  with a peer that goes on taking what was sent */
  begin(now: Micros, isPatient: boolean, patience: Micros): void {
    this.#isPatient = isPatient;
    this.#patience = patience;
    if (!this.#over) this.#await(now);
  }

  /** Our last frames, then the end of our direction; the peer's is read to its end. */
  leave(now: Micros): void {
    if (this.#over || this.#finished || !this.#outgoing.flush(now)) return;
    this.#finished = true;
    this.#transport.finish(now);
    this.#await(now);
    this.drain(now);
  }

  /** What a peer says that has nobody to say it to. */
  drain(now: Micros): void {
    for (let piece = this.#transport.read(now); piece !== undefined; piece = this.#transport.read(now)) {
      if (piece.fin) return;
    }
  }

  onTransportClosed(): void {
    this.#over = true;
    this.due = NEVER;
  }

  onDue(now: Micros): void {
    const { unacknowledged = 0 } = this.#transport;
    if (this.#isPatient && unacknowledged > 0 && unacknowledged < this.#unacknowledged) this.#await(now);
    else {
      this.onTransportClosed();
      this.#transport.abort(now, 'the peer does not close');
    }
  }

  #await(now: Micros): void {
    this.due = now + this.#patience;
    this.#unacknowledged = this.#transport.unacknowledged ?? 0;
  }
}
