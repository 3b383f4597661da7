import { RangeSet } from '@quiclab/bytes';
import { ReceiveWindow } from './credit.ts';
import { OctetStore } from './octet-store.ts';
import { PieceBudget, piecesFor } from './pieces.ts';
import type { StreamId } from './scheduler.ts';
import { follow, RECEIVE_TRANSITIONS, type ReceiveInput, type ReceiveState } from './states.ts';

/**
 * What the peer did wrong: FLOW_CONTROL_ERROR, FINAL_SIZE_ERROR, or a reset with another error code than before
 * (STREAM_STATE_ERROR). 'pieces' is no error: there would be more pieces than we remember, and the frame is as if it had not
 * come. '' when all is well.
 */
export type ReceiveFault = '' | 'flow-control' | 'final-size' | 'pieces' | 'reset-code';

/** Octets of memory that the end of a stream may keep alive for each of its own; a smaller end of a larger block is copied. */
export const MAX_PINNED = 4;

/**
 * The receiving part of a stream: puts octets in order, each once, and counts credit. RFC 9000 §2.2, §3.2, §4.
 * Octets that are there already are never overwritten, so that what was handed out cannot change.
 */
export class ReceiveStream {
  readonly id: StreamId;
  state: ReceiveState;
  /** All octets below were handed to the application. */
  readOffset: number;
  /** All octets below have arrived. */
  contiguous: number;
  /** The end of the last octet known of; what flow control counts. */
  highest: number;
  /** -1 while unknown. */
  finalSize: number;
  /** -1 while there was no reset. */
  resetCode: number;
  /** Octets from the start that are delivered in spite of a reset: the least that a RESET_STREAM_AT has said. -1 when none came. */
  reliableSize: number;
  stopped: boolean;

  /** What the last call changed: octets to count against the connection's limit, */
  newOctets: number;
  /** octets that the connection may give credit for again (read, or discarded), */
  freedOctets: number;
  /** and the octets that were new: start, end, start, end … The array is reused. */
  readonly arrived: number[];

  readonly #store: OctetStore;
  readonly #beyond: RangeSet; // what has arrived above `contiguous`
  readonly #pieces: PieceBudget;
  readonly #window: ReceiveWindow;

  /**
   * @param window     the initial credit, as the transport parameters announced it
   * @param maxWindow  what the window may grow to
   * @param pieces     shared with the other streams of a connection
   */
  constructor(id: StreamId, window: number, maxWindow: number = window * 16, pieces: PieceBudget = new PieceBudget(piecesFor(maxWindow))) {
    this.id = id;
    this.state = 'recv';
    this.readOffset = 0;
    this.contiguous = 0;
    this.highest = 0;
    this.finalSize = -1;
    this.resetCode = -1;
    this.reliableSize = -1;
    this.stopped = false;
    this.newOctets = 0;
    this.freedOctets = 0;
    this.arrived = [];
    this.#store = new OctetStore();
    this.#beyond = new RangeSet();
    this.#pieces = pieces;
    this.#window = new ReceiveWindow(window, maxWindow);
  }

  /** The credit announced. */
  get limit(): number {
    return this.#window.limit;
  }

  /** A STREAM frame: bytes[from, to) at `offset`. Copies what is new. A fault changes nothing. */
  receive(offset: number, bytes: Uint8Array, from: number, to: number, fin: boolean): ReceiveFault {
    this.#clearChanges();
    const end = offset + (to - from);
    if (end > this.#window.limit) return 'flow-control';
    if (this.finalSize >= 0 ? end > this.finalSize || (fin && end < this.finalSize) : fin && end < this.highest) return 'final-size';
    if (this.state !== 'recv' && this.state !== 'size-known') return ''; // all is there, or was given up
    if (offset > this.contiguous && !this.stopped && this.#isFull() && this.#opensGap(offset, end)) return 'pieces';
    this.#grow(end);
    if (fin && this.finalSize < 0) {
      this.finalSize = end;
      this.#on('fin');
    }
    if (this.stopped) this.#discard();
    else {
      const wanted = this.reliableSize < 0 ? end : Math.min(end, this.reliableSize); // nobody will read what lies above
      if (wanted > this.contiguous && wanted > offset) this.#take(offset, bytes, from, wanted);
      this.#checkAllReceived();
    }
    return '';
  }

  /** A RESET_STREAM frame (§3.2, §4.5). What was not read is dropped; ignored when all data has arrived. */
  receiveReset(finalSize: number, code: number): ReceiveFault {
    this.#clearChanges();
    if (finalSize > this.#window.limit) return 'flow-control';
    if (this.finalSize >= 0 ? finalSize !== this.finalSize : finalSize < this.highest) return 'final-size';
    if (this.reliableSize >= 0 && code !== this.resetCode) return 'reset-code';
    if (this.state !== 'recv' && this.state !== 'size-known') return '';
    this.finalSize = finalSize;
    this.#grow(finalSize);
    this.resetCode = code;
    this.reliableSize = -1;
    this.#on('reset');
    this.#free();
    return '';
  }

  /**
   * A RESET_STREAM_AT frame: what lies below the reliable size can still be read, and the reset comes after it. One that
   * raises the reliable size is an old one. draft-ietf-quic-reliable-stream-reset.
   */
  receiveResetAt(finalSize: number, code: number, reliableSize: number): ReceiveFault {
    const isAnother = this.resetCode >= 0 && code !== this.resetCode;
    // nothing to deliver, or nobody who wants it: RESET_STREAM says the same
    if (!isAnother && (reliableSize === 0 || this.stopped)) return this.receiveReset(finalSize, code);
    this.#clearChanges();
    if (finalSize > this.#window.limit) return 'flow-control';
    if (this.finalSize >= 0 ? finalSize !== this.finalSize : finalSize < this.highest) return 'final-size';
    if (isAnother) return 'reset-code';
    if (this.state !== 'recv' && this.state !== 'size-known') return '';
    this.finalSize = finalSize;
    this.#grow(finalSize);
    if (this.reliableSize >= 0 && reliableSize >= this.reliableSize) return '';
    this.#freeAbove(reliableSize, this.reliableSize < 0 ? finalSize : this.reliableSize);
    this.resetCode = code;
    this.reliableSize = reliableSize;
    this.#on('reset-at');
    this.#checkAllReceived();
    if (this.readOffset >= reliableSize) this.#endReset();
    return '';
  }

  /** There is data to read, or the end. */
  get readable(): boolean {
    if (this.reliableSize >= 0) return this.#deliverable() > this.readOffset && !this.stopped;
    return this.state === 'data-recvd' || (this.contiguous > this.readOffset && this.resetCode < 0 && !this.stopped);
  }

  /** A RESET_STREAM_AT came, and all that it left was read: the application is to be told of the reset. */
  get resetReached(): boolean {
    return this.reliableSize >= 0 && this.state === 'data-read' && !this.stopped;
  }

  /** The next octets in order; the data is the caller's to keep. Undefined when there is nothing to say. */
  read(): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    this.newOctets = 0;
    this.freedOctets = 0;
    if (!this.readable) return undefined;
    const length = this.#deliverable() - this.readOffset;
    const data = length > 0 ? this.#store.view(this.readOffset, length) : NOTHING;
    this.readOffset += data.length;
    this.freedOctets = data.length;
    this.#window.onConsumed(data.length);
    this.#store.release(this.readOffset);
    if (this.reliableSize >= 0) {
      if (this.readOffset >= this.reliableSize) this.#endReset();
      return { data, fin: false };
    }
    const fin = this.readOffset === this.finalSize;
    if (!fin) return { data, fin };
    this.#on('all-read');
    // nothing more will fill this block: whoever keeps a small piece must not keep all of it
    return { data: data.length * MAX_PINNED < data.buffer.byteLength ? data.slice() : data, fin };
  }

  /** The application was told of the reset. */
  onResetRead(): void {
    this.#on('reset-read');
  }

  /** STOP_SENDING was sent (§3.5): what is here and what will come is discarded, but still counted. */
  stop(): void {
    this.newOctets = 0;
    this.freedOctets = 0;
    if (this.stopped || this.done || (this.resetCode >= 0 && this.reliableSize < 0)) return;
    this.stopped = true;
    this.#discard();
  }

  /** The application has all it will get: nothing is left to do. */
  get done(): boolean {
    return this.state === 'data-read' || this.state === 'reset-read';
  }

  /**
   * The limit to announce in MAX_STREAM_DATA, or 0 when none is due. Once the size is known there is no need (§3.2).
   * @param now  µs
   * @param rtt  smoothed round-trip time in µs
   */
  creditUpdate(now: number, rtt: number): number {
    return this.state !== 'recv' || this.stopped ? 0 : this.#window.update(now, rtt);
  }

  #clearChanges(): void {
    this.newOctets = 0;
    this.freedOctets = 0;
    while (this.arrived.length > 0) this.arrived.pop(); // `length = 0` would give the memory back
  }

  /** Octets in order that the application may have. */
  #deliverable(): number {
    return this.reliableSize < 0 ? this.contiguous : Math.min(this.contiguous, this.reliableSize);
  }

  #checkAllReceived(): void {
    const size = this.reliableSize < 0 ? this.finalSize : this.reliableSize;
    if (size >= 0 && this.contiguous >= size) this.#on('all-received');
  }

  /** The last octet that a reset left was read. */
  #endReset(): void {
    this.#on('all-received');
    this.#on('all-read');
    this.#store.release(Number.MAX_SAFE_INTEGER);
    this.#forgetPieces();
  }

  /** Gives the credit back for octets that nobody will read, those in [from, to). */
  #freeAbove(from: number, to: number): void {
    const octets = Math.max(0, to - Math.max(from, this.readOffset));
    this.#window.onConsumed(octets);
    this.freedOctets += octets;
  }

  #grow(end: number): void {
    if (end <= this.highest) return;
    this.newOctets = end - this.highest;
    this.highest = end;
    this.#window.onReceived(this.newOctets);
  }

  /** Stores the parts of [offset, end) that are new; bytes[from] is the octet at `offset`. */
  #take(offset: number, bytes: Uint8Array, from: number, end: number): void {
    const start = Math.max(offset, this.contiguous);
    const beyond = this.#beyond;
    const shift = from - offset;
    if (beyond.count === 0 && start === this.contiguous) {
      this.#store.write(start, bytes, start + shift, end + shift);
      this.arrived.push(start, end);
      this.contiguous = end;
      return;
    }
    let at = start;
    for (let i = this.#beyond.firstEndingAfter(start); at < end; i++) {
      const holeEnd = i < beyond.count ? Math.min(beyond.start(i), end) : end;
      if (at < holeEnd) {
        this.#store.write(at, bytes, at + shift, holeEnd + shift);
        this.arrived.push(at, holeEnd);
      }
      at = i < beyond.count ? Math.max(at, beyond.end(i)) : end;
    }
    const before = beyond.count;
    beyond.add(start, end);
    if (beyond.start(0) === this.contiguous) {
      this.contiguous = beyond.end(0);
      beyond.dropFirst();
    }
    this.#pieces.held += beyond.count - before;
  }

  /** No further piece is remembered, of this stream or of all: what touches none of those that are here must come again. */
  #isFull(): boolean {
    return this.#pieces.isFull || this.#beyond.count >= piecesFor(this.#window.window);
  }

  #forgetPieces(): void {
    this.#pieces.held -= this.#beyond.count;
    this.#beyond.clear();
  }

  /** Whether [offset, end) would touch none of the stretches beyond the first hole. */
  #opensGap(offset: number, end: number): boolean {
    const i = this.#beyond.firstEndingAfter(offset - 1);
    return end > offset && (i === this.#beyond.count || this.#beyond.start(i) > end);
  }

  /** After STOP_SENDING nothing is missing once the size is known: lost data need not come again. */
  #discard(): void {
    this.#free();
    if (this.finalSize < 0) return;
    this.#on('all-received');
    this.#on('all-read');
  }

  /** Lets go of all octets, read or not, and gives their credit back. */
  #free(): void {
    const octets = this.highest - this.#window.consumed;
    this.#window.onConsumed(octets);
    this.freedOctets += octets;
    this.#store.release(Number.MAX_SAFE_INTEGER);
    this.#forgetPieces();
  }

  #on(input: ReceiveInput): void {
    this.state = follow(RECEIVE_TRANSITIONS, this.state, input);
  }
}

const NOTHING = new Uint8Array(0);
