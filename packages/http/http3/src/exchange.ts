import { DEFAULT_PRIORITY, type HttpEvent, type Priority } from '@quiclab/http-semantics';
import { type Micros, NEVER } from '@quiclab/sansio';
import type { MessageReader } from './message-reader.ts';
import type { OutgoingStream } from './outgoing-stream.ts';

export type MessageHead = Extract<HttpEvent, { readonly type: 'request' | 'response' }>;

/** One request and its response, as one end sees them: the peer's message, ours, and what the application has been told. */
export class Exchange {
  readonly id: number;
  readonly out: OutgoingStream;
  readonly reader: MessageReader;
  readonly early: boolean;
  method: string;
  /** What was said of it last, by the client or by our response. RFC 9218 §7, §8. */
  priority: Priority;
  /** More of the peer's message may come and is wanted. */
  receiving: boolean;
  /** The head of the peer's message that the application is told as soon as it is known whether content follows. */
  head: MessageHead | undefined;
  /** The application knows this exchange: a client's does from the start, a server's once the request was told. */
  told: boolean;
  finalReceived: boolean;
  /** At a server: by when the header section of the request has to be there. */
  headersDue: Micros;
  /** Informational responses that came. */
  informational: number;
  readableTold: boolean;
  writableOwed: boolean;
  /** Our final header section is laid out. */
  finalSent: boolean;
  /** Ours never has content: what the application writes is dropped. */
  sendsNoContent: boolean;
  /** What we send are octets of a tunnel: they have no length and no trailers. RFC 9114 §4.4. */
  sendsTunnel: boolean;
  /** Our Content-Length, or -1; and content laid out so far. */
  announcedLength: number;
  contentSent: number;

  constructor(id: number, out: OutgoingStream, reader: MessageReader, early: boolean, told: boolean) {
    this.id = id;
    this.out = out;
    this.reader = reader;
    this.early = early;
    this.method = '';
    this.priority = DEFAULT_PRIORITY;
    this.receiving = true;
    this.head = undefined;
    this.told = told;
    this.finalReceived = false;
    this.headersDue = NEVER;
    this.informational = 0;
    this.readableTold = false;
    this.writableOwed = false;
    this.finalSent = false;
    this.sendsNoContent = false;
    this.sendsTunnel = false;
    this.announcedLength = -1;
    this.contentSent = 0;
  }
}
