import { NO_LENGTH, UsageError } from '@quiclab/http-semantics';
import type { FramingKind } from './framing.ts';

/** Our message of an exchange: how its content is delimited, and how far it is. */
export class OutgoingMessage {
  /** How content is laid out; with 'none' what the application writes is dropped. */
  framing: FramingKind;
  /** The application has given the final head; the end. */
  headGiven: boolean;
  finished: boolean;
  /** 'body-writable' is owed. */
  writableOwed: boolean;
  #announced: number;
  #written: number;

  constructor() {
    this.framing = 'none';
    this.headGiven = false;
    this.finished = false;
    this.writableOwed = false;
    this.#announced = NO_LENGTH;
    this.#written = 0;
  }

  /** @param announced  the length that the head says, or NO_LENGTH */
  begin(framing: FramingKind, announced: number): void {
    this.headGiven = true;
    this.framing = framing;
    this.#announced = announced;
  }

  /** Says that so many octets of content are to be laid out: no more than were announced, since others would read them as the next message. */
  mayWrite(octets: number): void {
    if (!this.headGiven) throw new UsageError('content before a header section');
    if (this.#announced !== NO_LENGTH && this.#written + octets > this.#announced)
      throw new UsageError(`${this.#written + octets} octets of content, content-length is ${this.#announced}`);
  }

  wrote(octets: number): void {
    this.#written += octets;
  }

  finish(): void {
    if (!this.headGiven) throw new UsageError('an end before a header section');
    if (this.#announced !== NO_LENGTH && this.#written !== this.#announced)
      throw new UsageError(`${this.#written} octets of content, content-length is ${this.#announced}`);
    this.finished = true;
  }
}
