import { type Micros, NEVER } from '@quiclab/sansio';
import { PieceBudget, piecesFor, ReceiveStream } from '@quiclab/streams';
import type { TcpConfig } from '../config.ts';
import type { DropReason } from '../errors.ts';
import type { Observer } from '../observer.ts';
import { OutOfOrder } from './out-of-order.ts';
import { ReceiveWindow } from './receive-window.ts';

const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** One direction's receiving side: octets in order, the window, and when to acknowledge. RFC 9293 §3.8.6, RFC 5681 §4.2. */
export class Receiver {
  readonly stream: ReceiveStream;
  readonly outOfOrder = new OutOfOrder();
  readonly window: ReceiveWindow;
  /** When an acknowledgement must leave at the latest; at once if `ackOwed`. */
  ackDeadline: Micros = NEVER;
  ackOwed = false;
  /** The window as it was announced last, in octets. */
  announced: number;

  readonly #config: TcpConfig;
  readonly #observer: Observer;
  #unacknowledged = 0; // octets in order since the last acknowledgement
  #largestSegment = 1;
  #quickAcks: number;
  #roundTrip: Micros = 0;
  #measuredFrom: Micros = -1; // without timestamps: since when a window's worth is awaited, and up to where
  #measuredTo = 0;

  constructor(config: TcpConfig, observer: Observer) {
    this.#config = config;
    this.#observer = observer;
    this.stream = new ReceiveStream(0, UNLIMITED, UNLIMITED, new PieceBudget(piecesFor(config.maxReceiveBuffer)));
    this.window = new ReceiveWindow(config.receiveBuffer, config.maxReceiveBuffer, config.maxSegmentSize);
    this.announced = config.receiveBuffer;
    this.#quickAcks = config.quickAcks;
  }

  /** RCV.NXT as a position: the FIN counts one. */
  get next(): number {
    return this.stream.contiguous + (this.finReached ? 1 : 0);
  }

  /** The FIN has come, and everything before it. */
  get finReached(): boolean {
    return this.stream.state === 'data-recvd' || this.stream.state === 'data-read';
  }

  /** Data within the window: bytes[from, to) at `offset`, and the FIN behind it. */
  receive(now: Micros, offset: number, bytes: Uint8Array, from: number, to: number, fin: boolean): DropReason | '' {
    const { stream } = this;
    const before = stream.contiguous;
    const end = offset + (to - from) + (fin ? 1 : 0);
    const isRepeated = end <= this.next || this.outOfOrder.has(offset, end);
    const fault = stream.receive(offset, bytes, from, to, fin);
    if (fault !== '') {
      this.ackOwed = true;
      return fault === 'pieces' ? 'pieces' : 'window'; // beyond its own FIN
    }
    this.#tellArrived(now, offset, to - from, before);
    if (isRepeated) {
      this.onRepeated(offset, end);
      return '';
    }
    if (offset < before) this.#tellDuplicate(offset, before);
    const hadHoles = this.outOfOrder.count > 0;
    if (offset > before) this.outOfOrder.add(offset, end);
    else if (hadHoles) this.outOfOrder.settle(this.next);
    this.#oweAck(now, to - from, offset > before || hadHoles || fin);
    return '';
  }

  /** All of it came before. It is acknowledged at once: the sender is in doubt. RFC 9293 §3.10.7.4, RFC 2883. */
  onRepeated(start: number, end: number): void {
    this.ackOwed = true;
    this.#tellDuplicate(start, end);
  }

  #tellDuplicate(start: number, end: number): void {
    if (this.#config.dsack && end > start) this.outOfOrder.onDuplicate(start, end);
  }

  #oweAck(now: Micros, length: number, atOnce: boolean): void {
    this.#unacknowledged += length;
    if (length > this.#largestSegment) this.#largestSegment = length;
    if (this.#quickAcks > 0) this.#quickAcks--;
    else if (!atOnce && this.#unacknowledged <= (this.#config.ackEvery - 1) * this.#largestSegment) {
      if (length > 0) this.ackDeadline = Math.min(this.ackDeadline, now + this.#config.ackDelay);
      return;
    }
    this.ackOwed = true;
  }

  onAckSent(announced: number): void {
    this.#unacknowledged = 0;
    this.ackOwed = false;
    this.ackDeadline = NEVER;
    this.announced = announced;
    this.window.onAnnounced(this.next + announced);
  }

  onDeadline(now: Micros): void {
    if (this.ackDeadline > now) return;
    this.ackDeadline = NEVER;
    this.ackOwed = true;
    this.#observer.timeout(now, 'ack', 0);
  }

  /** For the buffer's growth: a round trip as the peer's timestamps tell it, or 0; else the time that a window takes is one. */
  measure(now: Micros, roundTrip: Micros): void {
    if (roundTrip > 0) {
      this.#roundTrip = this.#roundTrip === 0 ? roundTrip : Math.ceil((7 * this.#roundTrip + roundTrip) / 8);
      return;
    }
    if (this.#measuredFrom >= 0 && this.next < this.#measuredTo) return;
    if (this.#measuredFrom >= 0) {
      const took = now - this.#measuredFrom;
      this.#roundTrip = this.#roundTrip === 0 ? took : Math.min(this.#roundTrip, took);
    }
    this.#measuredFrom = now;
    this.#measuredTo = this.window.edge;
  }

  read(now: Micros): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    const { stream } = this;
    const offset = stream.readOffset;
    const piece = stream.read();
    if (piece === undefined) return undefined;
    if (piece.data.length > 0) this.#observer.streamRead(now, offset, piece.data.length);
    this.window.onRead(now, stream.readOffset, this.#roundTrip);
    return piece;
  }

  /** After reading: the window has become so much wider than the peer knows that it must be told. RFC 9293 §3.8.6.2.2. */
  get windowUpdateOwed(): boolean {
    if (this.stream.state !== 'recv') return false;
    const { edge } = this.window;
    const left = Math.max(0, edge - this.next);
    const wider = Math.max(0, this.stream.readOffset + this.window.buffer - this.next);
    return wider >= 2 * left && wider - left >= Math.min(this.#config.maxSegmentSize, this.window.buffer / 2);
  }

  #tellArrived(now: Micros, offset: number, length: number, before: number): void {
    const { arrived, contiguous } = this.stream;
    let known = length;
    for (let i = 0; i < arrived.length; i += 2) {
      this.#observer.streamArrived(now, arrived[i]!, arrived[i + 1]! - arrived[i]!);
      known -= arrived[i + 1]! - arrived[i]!;
    }
    if (known > 0) this.#observer.streamRepeated(now, offset, known);
    if (contiguous > before) this.#observer.streamDeliverable(now, before, contiguous - before);
  }
}
