import type { ReceiveState, ReceiveStream, SendState, SendStream, StreamId, StreamPriority } from '@quiclab/streams';

/** RFC 9218 §4: the defaults. */
const DEFAULT_PRIORITY: StreamPriority = { urgency: 3, incremental: false };

/** One stream: its sending and receiving parts, and what has to be said about it beside its octets. */
export class Stream {
  readonly id: StreamId;
  readonly send: SendStream | undefined;
  readonly receive: ReceiveStream | undefined;
  priority: StreamPriority;
  /** 'stream-readable' was told and the application has not read to the end of what is there. */
  readableTold: boolean;
  finishedTold: boolean;
  /** The peer has reset it, or stopped it, before its end. */
  givenUp: boolean;
  /** Waits in the list of streams with control frames to send. */
  queued: boolean;
  resetPending: boolean;
  /** Code for STOP_SENDING, -1 when there is none to say. */
  stopPending: number;
  stopCode: number;
  creditPending: boolean;
  /** MAX_STREAM_DATA said last: only the newest is said again when it is lost. */
  creditSaid: number;
  /** The limit at which STREAM_DATA_BLOCKED is to be said, or was, -1 for none. */
  blockedPending: number;
  blockedSaid: number;
  /** What an observer was told of the states of its parts; '' for nothing yet. */
  sendTold: SendState | '';
  receiveTold: ReceiveState | '';

  constructor(id: StreamId, send: SendStream | undefined, receive: ReceiveStream | undefined) {
    this.id = id;
    this.send = send;
    this.receive = receive;
    this.priority = DEFAULT_PRIORITY;
    this.readableTold = false;
    this.finishedTold = false;
    this.givenUp = false;
    this.queued = false;
    this.resetPending = false;
    this.stopPending = -1;
    this.stopCode = -1;
    this.creditPending = false;
    this.creditSaid = 0;
    this.blockedPending = -1;
    this.blockedSaid = -1;
    this.sendTold = '';
    this.receiveTold = '';
  }

  /** Both parts are done: nothing that the peer sends about it means anything any more. */
  get done(): boolean {
    return (this.send === undefined || this.send.done) && (this.receive === undefined || this.receive.done);
  }
}
