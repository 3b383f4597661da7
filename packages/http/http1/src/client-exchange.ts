import { OutgoingMessage } from './outgoing-message.ts';

/** One request and its response at a client. */
export class ClientExchange {
  readonly id: number;
  readonly method: string;
  readonly out: OutgoingMessage;
  /** May wait behind others, and others behind it. RFC 9112 §9.3.2. */
  readonly pipelines: boolean;
  /** We asked for another protocol. */
  readonly upgrades: boolean;
  /** Where in the stream its request begins. */
  readonly start: number;
  /** The application may still act on it. */
  told: boolean;
  /** All of the request is laid out, or the server wants no more of it. */
  sent: boolean;
  informational: number;
  /** The final head was read; all of the response was. */
  answered: boolean;
  received: boolean;
  readableTold: boolean;
  /** What comes of the response is dropped. */
  discarding: boolean;
  discarded: number;

  constructor(id: number, method: string, upgrades: boolean, pipelines: boolean, start: number) {
    this.id = id;
    this.method = method;
    this.out = new OutgoingMessage();
    this.pipelines = pipelines;
    this.upgrades = upgrades;
    this.start = start;
    this.told = true;
    this.sent = false;
    this.informational = 0;
    this.answered = false;
    this.received = false;
    this.readableTold = false;
    this.discarding = false;
    this.discarded = 0;
  }
}
