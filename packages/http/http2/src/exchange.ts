import { DEFAULT_PRIORITY, type Priority } from '@quiclab/http-semantics';
import { follow, type ReceiveWindow } from '@quiclab/streams';
import { Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';
import { STREAM_TRANSITIONS, type StreamInput, type StreamState } from './stream-states.ts';

/** One request and its response, as one end sees them: its stream, the peer's message and ours. */
export class Exchange {
  readonly id: number;
  state: StreamState;
  method: string;
  /** What was said of it last, by the client or by our response. RFC 9218 §7, §8. */
  priority: Priority;
  /** A PRIORITY_UPDATE came before its request. */
  prioritized: boolean;

  // ---- what comes
  /** The application knows this exchange: a client's does from the start, a server's once the request was told. */
  told: boolean;
  finalReceived: boolean;
  /** Its content is a tunnel's: no field sections follow. */
  tunnel: boolean;
  mayHaveContent: boolean;
  /** Content-Length of the peer's message, or -1; and content received so far. */
  expected: number;
  received: number;
  informational: number;
  readonly inbox: Inbox;
  readonly window: ReceiveWindow;
  /** Nothing of the peer's message is wanted any more, or its end was read. */
  readDone: boolean;
  readableTold: boolean;

  // ---- what goes
  readonly outbox: Outbox;
  /** Octets that the peer takes now; below zero where it changed its mind (RFC 9113 §6.9.2). */
  sendWindow: number;
  /** The observer was told that it is used up. */
  usedUpTold: boolean;
  /** The scheduler knows it. */
  ready: boolean;
  finalSent: boolean;
  finished: boolean;
  sendsNoContent: boolean;
  /** Our content is a tunnel's: no field section follows. */
  sendsTunnel: boolean;
  /** Our Content-Length, or -1; and content taken so far. */
  announcedLength: number;
  contentSent: number;
  writableOwed: boolean;
  /** With which the peer is stopped when our message is laid out; -1: it is not. */
  stopCode: number;
  /** It counts among the streams that may be open at once. */
  counted: boolean;
  /** Where in our stream of octets the field block ends that opened it. A client's, else 0. */
  openedBefore: number;

  constructor(id: number, told: boolean, window: ReceiveWindow, sendWindow: number) {
    this.id = id;
    this.state = follow(STREAM_TRANSITIONS, 'idle', 'headers');
    this.method = '';
    this.priority = DEFAULT_PRIORITY;
    this.prioritized = false;
    this.told = told;
    this.finalReceived = false;
    this.tunnel = false;
    this.mayHaveContent = true;
    this.expected = -1;
    this.received = 0;
    this.informational = 0;
    this.inbox = new Inbox();
    this.window = window;
    this.readDone = false;
    this.readableTold = false;
    this.outbox = new Outbox();
    this.sendWindow = sendWindow;
    this.usedUpTold = false;
    this.ready = false;
    this.finalSent = false;
    this.finished = false;
    this.sendsNoContent = false;
    this.sendsTunnel = false;
    this.announcedLength = -1;
    this.contentSent = 0;
    this.writableOwed = false;
    this.stopCode = -1;
    this.counted = true;
    this.openedBefore = 0;
  }

  on(input: StreamInput): void {
    this.state = follow(STREAM_TRANSITIONS, this.state, input);
  }

  /** The peer's message is whole. */
  get endReceived(): boolean {
    return this.state === 'half-closed-remote' || this.state === 'closed';
  }

  /** Our message is laid out to its end, or nobody wants it. */
  get endSent(): boolean {
    return this.state === 'half-closed-local' || this.state === 'closed';
  }

  /** Whether a frame of ours could be laid out, as far as this stream goes. */
  get hasFrame(): boolean {
    if (this.endSent) return false;
    const { outbox } = this;
    if (outbox.empty) return this.finished;
    return !outbox.contentNext || this.sendWindow > 0;
  }

  /** The next content, with whether it is the last; undefined where nothing is here. */
  take(): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    if (this.readDone) return undefined;
    const data = this.inbox.take();
    const fin = this.endReceived && this.inbox.buffered === 0;
    if (fin) this.readDone = true;
    if (data !== undefined) return { data, fin };
    return fin ? { data: NOTHING, fin } : undefined;
  }
}

const NOTHING = new Uint8Array(0);
