import type { Fields } from '@quiclab/http-semantics';
import { OutgoingMessage } from './outgoing-message.ts';

/** Something of a response that waits for its turn. */
export type Waiting =
  | { readonly kind: 'head'; readonly status: number; readonly fields: Fields }
  | { readonly kind: 'data'; readonly octets: Uint8Array; readonly headerLength: number }
  | { readonly kind: 'end'; readonly trailers: Fields };

/** One request and its response at a server. */
export class ServerExchange {
  readonly id: number;
  readonly method: string;
  readonly minor: 0 | 1;
  readonly out: OutgoingMessage;
  /** The application knows it, and may still act on it. */
  told: boolean;
  /** The request is read to its end, or will not be read further. */
  received: boolean;
  readableTold: boolean;
  /** What comes of the request is dropped. */
  discarding: boolean;
  discarded: number;
  /** The client waits for a 100 before it sends content. RFC 9110 §10.1.1. */
  expects: boolean;
  /** The client asked for another protocol. */
  upgrades: boolean;
  /** The connection ends with this response. */
  last: boolean;
  /** The final head is laid out; all of the response is. */
  headLaid: boolean;
  laid: boolean;
  /** Its response cannot be completed: when its turn has come the connection is given up. */
  broken: boolean;
  waiting: Waiting[];

  constructor(id: number, method: string, minor: 0 | 1) {
    this.id = id;
    this.method = method;
    this.minor = minor;
    this.out = new OutgoingMessage();
    this.told = false;
    this.received = false;
    this.readableTold = false;
    this.discarding = false;
    this.discarded = 0;
    this.expects = false;
    this.upgrades = false;
    this.last = false;
    this.headLaid = false;
    this.laid = false;
    this.broken = false;
    this.waiting = [];
  }
}

/** What a part that waits counts for. */
export const weight = (part: Waiting): number => {
  if (part.kind === 'data') return part.octets.length;
  let octets = 0;
  for (const [name, value] of part.kind === 'head' ? part.fields : part.trailers) octets += name.length + value.length + 4;
  return octets;
};
