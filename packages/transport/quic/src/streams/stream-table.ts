import type { Micros } from '@quiclab/sansio';
import {
  isBidi,
  isClientInitiated,
  type PieceBudget,
  ReceiveStream,
  SendBudget,
  SendStream,
  type StreamId,
  streamId,
  streamIndex,
} from '@quiclab/streams';
import { TransportError, TransportErrorCode, type TransportParameters } from '@quiclab/wire';
import type { TransportConfig } from '../config.ts';
import type { EventQueue } from '../connection/event-queue.ts';
import type { Watch } from '../connection/watch.ts';
import { Stream } from './stream.ts';
import { StreamLimits } from './stream-limits.ts';

/** All streams of a connection: opened, accepted, looked up, retired. RFC 9000 §2, §3.2. */
export class StreamTable {
  readonly bidi: StreamLimits;
  readonly uni: StreamLimits;
  /** What the streams may hold for sending, all together. */
  readonly sendBudget: SendBudget;
  readonly #side: 'client' | 'server';
  readonly #config: TransportConfig;
  readonly #events: EventQueue;
  readonly #watch: Watch;
  readonly #streams: Map<StreamId, Stream>;
  /** The packet that is being read came in 0-RTT, and may be a replay: told with the streams that it opens. RFC 9001 §9.2. */
  early: boolean;
  #last: Stream | undefined; // most frames are about the stream of the frame before
  // the peer's initial limits, from our point of view
  #sendBidiOurs: number;
  #sendBidiTheirs: number;
  #sendUni: number;

  readonly #pieces: PieceBudget;

  constructor(side: 'client' | 'server', config: TransportConfig, events: EventQueue, pieces: PieceBudget, watch: Watch) {
    this.#side = side;
    this.#config = config;
    this.#events = events;
    this.#pieces = pieces;
    this.#watch = watch;
    this.bidi = new StreamLimits('bidi', config.maxStreamsBidi);
    this.uni = new StreamLimits('uni', config.maxStreamsUni);
    this.sendBudget = new SendBudget(Math.max(config.connectionSendBuffer, config.sendBuffer));
    this.early = false;
    this.#streams = new Map();
    this.#last = undefined;
    this.#sendBidiOurs = 0;
    this.#sendBidiTheirs = 0;
    this.#sendUni = 0;
  }

  /** When credit for streams that was held back is due. */
  get deadline(): Micros {
    return Math.min(this.bidi.deadline, this.uni.deadline);
  }
  onDeadline(now: Micros): void {
    this.bidi.onDeadline(now);
    this.uni.onDeadline(now);
  }

  get size(): number {
    return this.#streams.size;
  }
  values(): IterableIterator<Stream> {
    return this.#streams.values();
  }

  onPeerParameters(peer: TransportParameters): void {
    // "local" and "remote" in the names are the peer's point of view. RFC 9000 §18.2
    this.#sendBidiOurs = peer.initialMaxStreamDataBidiRemote;
    this.#sendBidiTheirs = peer.initialMaxStreamDataBidiLocal;
    this.#sendUni = peer.initialMaxStreamDataUni;
    // streams that were opened for early data have the limits of the session before
    for (const stream of this.#streams.values()) stream.send?.setMaxData(isBidi(stream.id) ? this.#sendBidiOurs : this.#sendUni);
    if (this.bidi.onPeerLimit(peer.initialMaxStreamsBidi)) this.#events.push({ type: 'streams-available', kind: 'bidi' });
    if (this.uni.onPeerLimit(peer.initialMaxStreamsUni)) this.#events.push({ type: 'streams-available', kind: 'uni' });
  }

  /** A client's early data was rejected: its streams stay, nothing of them was sent, and no limit is known. RFC 9001 §4.6.2. */
  rewind(): void {
    this.bidi.allowed = 0;
    this.uni.allowed = 0;
    for (const stream of this.#streams.values()) stream.send?.rewind(0);
  }

  /** Whether the peer lets us use this stream: one that was opened for early data may be beyond its limit now. */
  mayUse(id: StreamId): boolean {
    if (isClientInitiated(id) !== (this.#side === 'client')) return true;
    return streamIndex(id) < (isBidi(id) ? this.bidi : this.uni).allowed;
  }

  get(id: StreamId): Stream | undefined {
    if (this.#last?.id === id) return this.#last;
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#last = stream;
    return stream;
  }

  /** Whether a stream of this ID is, or was, open. */
  wasOpened(id: StreamId): boolean {
    const limits = isBidi(id) ? this.bidi : this.uni;
    return streamIndex(id) < (isClientInitiated(id) === (this.#side === 'client') ? limits.opened : limits.accepted);
  }

  open(kind: 'bidi' | 'uni'): Stream | undefined {
    const index = (kind === 'bidi' ? this.bidi : this.uni).open();
    if (index < 0) return undefined;
    const id = streamId(index, kind, this.#side);
    return this.#add(
      new Stream(
        id,
        this.#sendPart(id, kind === 'bidi' ? this.#sendBidiOurs : this.#sendUni),
        kind === 'bidi' ? this.#receivePart(id) : undefined,
      ),
    );
  }

  /**
   * The stream that a frame of the peer's is about: opened now if it is a new one of the peer's, undefined if it is done
   * and forgotten. Throws STREAM_STATE_ERROR or STREAM_LIMIT_ERROR. RFC 9000 §19.
   * @param about  which part the frame needs: ours that sends, or ours that receives
   */
  forFrame(id: StreamId, about: 'send' | 'receive', frameType: number): Stream | undefined {
    const known = this.get(id);
    const ours = isClientInitiated(id) === (this.#side === 'client');
    if (known === undefined || !isBidi(id)) {
      if (!isBidi(id) && ours !== (about === 'send'))
        throw new TransportError(TransportErrorCode.STREAM_STATE_ERROR, `stream ${id} has no part that could ${about} here`, frameType);
    }
    if (known !== undefined) return known;
    const limits = isBidi(id) ? this.bidi : this.uni;
    const index = streamIndex(id);
    if (ours) {
      if (index >= limits.opened)
        throw new TransportError(TransportErrorCode.STREAM_STATE_ERROR, `stream ${id} was not opened by us`, frameType);
      return undefined;
    }
    if (index < limits.accepted) return undefined;
    limits.accept(index, frameType);
    // RFC 9000 §3.2: opening a stream opens all streams of the same type with lower numbers
    const kind = isBidi(id) ? 'bidi' : 'uni';
    const peer = this.#side === 'client' ? 'server' : 'client';
    let opened: Stream | undefined;
    while (limits.accepted <= index) opened = this.#accept(streamId(limits.accepted++, kind, peer), kind);
    return opened;
  }

  /** Forgets a stream that is done both ways, and lets the peer open another. */
  retireIfDone(stream: Stream): void {
    if (!stream.done || !this.#streams.delete(stream.id)) return;
    if (this.#last === stream) this.#last = undefined;
    if (isClientInitiated(stream.id) !== (this.#side === 'client')) (isBidi(stream.id) ? this.bidi : this.uni).onClosed(stream.givenUp);
  }

  #accept(id: StreamId, kind: 'bidi' | 'uni'): Stream {
    const send = kind === 'bidi' ? this.#sendPart(id, this.#sendBidiTheirs) : undefined;
    this.#events.push({ type: 'stream-opened', id, early: this.early });
    return this.#add(new Stream(id, send, this.#receivePart(id)));
  }

  #sendPart(id: StreamId, maxData: number): SendStream {
    return new SendStream(id, maxData, this.#config.sendBuffer, this.#config.sendAhead, this.sendBudget);
  }

  #receivePart(id: StreamId): ReceiveStream {
    return new ReceiveStream(id, this.#config.initialMaxStreamData, this.#config.maxStreamDataWindow, this.#pieces);
  }

  #add(stream: Stream): Stream {
    this.#streams.set(stream.id, stream);
    this.#last = stream;
    this.#watch.stream(stream);
    return stream;
  }
}
