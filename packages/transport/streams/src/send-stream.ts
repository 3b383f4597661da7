import { RangeSet } from '@quiclab/bytes';
import { OctetStore } from './octet-store.ts';
import { firstEndingAfter } from './ranges.ts';
import type { StreamId } from './scheduler.ts';
import { follow, SEND_TRANSITIONS, type SendInput, type SendState } from './states.ts';

/**
 * The sending part of a stream: what the application wrote, what of it was sent, lost and acknowledged. RFC 9000 §3.1.
 * It keeps octets until they are acknowledged in a row from the start, and says lost ones again before new ones.
 */
export class SendStream {
  readonly id: StreamId;
  state: SendState;
  /** The peer's MAX_STREAM_DATA. */
  maxData: number;
  /** Octets that the application has written. */
  written: number;
  /** The application has written its last octet. */
  finished: boolean;
  /** What RESET_STREAM says; the final size counts what was sent (§4.5). -1 while there was no reset. */
  resetCode: number;
  finalSize: number;
  /** Room has come up since a write was cut short. Whoever tells the application clears it. */
  writableOwed: boolean;

  /** What `prepare` found. */
  nextOffset: number;
  nextLength: number;
  nextFin: boolean;
  /** Octets among them that count against the connection's credit. */
  nextNewOctets: number;

  readonly #sendBuffer: number;
  readonly #sendAhead: number;
  readonly #store: OctetStore;
  readonly #lost: RangeSet;
  readonly #ackedBeyond: RangeSet; // acknowledged, above the first octet that is not
  #acked: number; // all below is acknowledged
  #sent: number; // all below was sent at least once
  #finSent: boolean;
  #finLost: boolean;
  #finAcked: boolean;
  #cutShort: boolean; // a write was not taken whole

  /**
   * @param maxStreamData  the peer's initial limit
   * @param sendBuffer     octets it may hold that are not acknowledged
   * @param sendAhead      octets it may hold that were not sent yet: few, and the application chooses late what goes next
   */
  constructor(id: StreamId, maxStreamData: number, sendBuffer: number, sendAhead: number = sendBuffer) {
    this.id = id;
    this.state = 'ready';
    this.maxData = maxStreamData;
    this.written = 0;
    this.finished = false;
    this.resetCode = -1;
    this.finalSize = -1;
    this.writableOwed = false;
    this.nextOffset = 0;
    this.nextLength = 0;
    this.nextFin = false;
    this.nextNewOctets = 0;
    this.#sendBuffer = sendBuffer;
    this.#sendAhead = Math.min(sendAhead, sendBuffer);
    this.#store = new OctetStore();
    this.#lost = new RangeSet();
    this.#ackedBeyond = new RangeSet();
    this.#acked = 0;
    this.#sent = 0;
    this.#finSent = false;
    this.#finLost = false;
    this.#finAcked = false;
    this.#cutShort = false;
  }

  /** MAX_STREAM_DATA. Limits never fall; returns whether this one was higher. */
  setMaxData(limit: number): boolean {
    if (limit <= this.maxData) return false;
    this.maxData = limit;
    return true;
  }

  /** Copies what fits the buffer and returns how much that was: 0 when it is full, and after `finish` or `reset`. */
  write(data: Uint8Array): number {
    if (this.finished || this.resetCode >= 0) return 0;
    const taken = Math.min(data.length, this.#room);
    this.#store.write(this.written, data, 0, taken);
    this.written += taken;
    this.writableOwed = false;
    this.#cutShort = taken < data.length;
    return taken;
  }

  /** Nothing more will be written. */
  finish(): void {
    if (this.resetCode < 0) this.finished = true;
    this.writableOwed = false;
    this.#cutShort = false;
  }

  /** Gives the stream up; false when it was already, or when the peer has it all (§3.1). */
  reset(code: number): boolean {
    if (this.resetCode >= 0 || this.state === 'data-recvd') return false;
    this.resetCode = code;
    this.finalSize = this.#sent;
    this.#on('reset');
    this.#forget(Number.MAX_SAFE_INTEGER);
    this.writableOwed = false;
    this.#cutShort = false;
    return true;
  }

  /** Octets sent at least once: the highest offset. */
  get sent(): number {
    return this.#sent;
  }

  /** Octets acknowledged in a row from the start. */
  get acked(): number {
    return this.#acked;
  }

  /** A retransmission, new data or the end could leave, were it not for the connection's credit. */
  get hasToSend(): boolean {
    if (this.resetCode >= 0) return false;
    return this.#lost.count > 0 || this.#sent < Math.min(this.written, this.maxData) || this.#owesFin;
  }

  /** A retransmission or the end could leave, whatever the connection's credit is. */
  get hasToSendWithoutCredit(): boolean {
    return this.resetCode < 0 && (this.#lost.count > 0 || this.#owesFin);
  }

  /** New data waits for MAX_STREAM_DATA: reason for STREAM_DATA_BLOCKED (§4.1). */
  get blockedByStream(): boolean {
    return this.resetCode < 0 && this.#sent === this.maxData && this.#sent < this.written;
  }

  /**
   * Finds what to send next: the lowest lost range, else new data within both limits, else the end alone.
   * @param maxLength         octets of data that fit the frame
   * @param connectionCredit  octets of new data that the connection may send
   * @returns false: nothing that may be sent and fits
   */
  prepare(maxLength: number, connectionCredit: number): boolean {
    if (this.resetCode >= 0) return false;
    this.nextNewOctets = 0;
    if (this.#lost.count > 0) {
      this.nextOffset = this.#lost.start(0);
      this.nextLength = Math.min(maxLength, this.#lost.end(0) - this.nextOffset);
      this.nextFin = this.finished && this.nextOffset + this.nextLength === this.written;
      return this.nextLength > 0;
    }
    this.nextOffset = this.#sent;
    this.nextLength = Math.max(0, Math.min(maxLength, connectionCredit, Math.min(this.written, this.maxData) - this.#sent));
    this.nextNewOctets = this.nextLength;
    this.nextFin = this.finished && this.nextOffset + this.nextLength === this.written;
    return this.nextLength > 0 || this.#owesFin;
  }

  /** Copies octets that `prepare` named into a frame. */
  copy(offset: number, length: number, target: Uint8Array, at: number): void {
    this.#store.copyTo(offset, length, target, at);
  }

  onSent(offset: number, length: number, fin: boolean): void {
    const end = offset + length;
    if (this.#lost.count > 0) this.#lost.remove(offset, end);
    if (end > this.#sent) this.#sent = end;
    if (this.state === 'ready') this.#on('data-sent');
    if (this.#cutShort && this.#hasMuchRoom) this.#offerRoom();
    if (!fin) return;
    this.#finSent = true;
    this.#finLost = false;
    this.#on('fin-sent');
  }

  onAcked(offset: number, length: number, fin: boolean): void {
    if (this.resetCode >= 0) return;
    const end = offset + length;
    if (this.#lost.count > 0) this.#lost.remove(offset, end); // declared lost too early
    if (fin) {
      this.#finAcked = true;
      this.#finLost = false;
    }
    if (end > this.#acked) {
      if (offset > this.#acked) this.#ackedBeyond.add(offset, end);
      else this.#ackedUpTo(end);
    }
    if (this.#finAcked && this.#acked === this.written) this.#on('all-acked');
  }

  /** Marks what is not acknowledged meanwhile as to be sent again. */
  onLost(offset: number, length: number, fin: boolean): void {
    if (this.resetCode >= 0) return;
    const end = offset + length;
    if (end > this.#acked && length > 0) {
      this.#lost.add(Math.max(offset, this.#acked), end);
      const acked = this.#ackedBeyond;
      for (let i = firstEndingAfter(acked, offset); i < acked.count && acked.start(i) < end; i++) {
        this.#lost.remove(acked.start(i), acked.end(i));
      }
    }
    if (fin && !this.#finAcked) this.#finLost = true;
  }

  /**
   * Nothing that was sent counts as sent any more, and the limit is another one: early data was rejected. RFC 9001 §4.6.2.
   * To be called before anything is acknowledged.
   */
  rewind(maxData: number): void {
    this.maxData = maxData;
    this.#sent = 0;
    this.#finSent = false;
    this.#finLost = false;
    this.#lost.clear();
    if (this.resetCode >= 0) this.finalSize = 0;
  }

  onResetAcked(): void {
    this.#on('reset-acked');
  }

  /** The peer has everything, or knows that it will not: nothing is left to do. */
  get done(): boolean {
    return this.state === 'data-recvd' || this.state === 'reset-recvd';
  }

  get #room(): number {
    return Math.min(this.#sendBuffer - (this.written - this.#acked), this.#sendAhead - (this.written - this.#sent));
  }

  get #owesFin(): boolean {
    return this.finished && this.#sent === this.written && (this.#finLost || !this.#finSent);
  }

  #ackedUpTo(end: number): void {
    const beyond = this.#ackedBeyond;
    let acked = end;
    while (beyond.count > 0 && beyond.start(0) <= acked) {
      acked = Math.max(acked, beyond.end(0));
      beyond.dropFirst();
    }
    this.#acked = acked;
    this.#store.release(acked);
    // not for every packet while there is something to send, but at once when there is not
    if (this.#cutShort && (this.#sent === this.written || this.#hasMuchRoom)) this.#offerRoom();
  }

  get #hasMuchRoom(): boolean {
    return this.#room * 4 >= this.#sendAhead;
  }

  #offerRoom(): void {
    this.#cutShort = false;
    this.writableOwed = true;
  }

  #forget(upTo: number): void {
    this.#store.release(upTo);
    this.#lost.clear();
    this.#ackedBeyond.clear();
  }

  #on(input: SendInput): void {
    this.state = follow(SEND_TRANSITIONS, this.state, input);
  }
}
