import { RangeSet } from '@quiclab/bytes';
import { OctetStore } from './octet-store.ts';
import type { StreamId } from './scheduler.ts';
import { SendBudget } from './send-budget.ts';
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
  /** Octets from the start that the peer gets in spite of the reset; 0 for RESET_STREAM, above for RESET_STREAM_AT. */
  reliableSize: number;
  /** Room has come up since a write was cut short. Whoever tells the application clears it. */
  writableOwed: boolean;
  /** It waited for room in the budget, and has a portion of it for its next write. */
  hasTurn: boolean;

  /** What `prepare` found. */
  nextOffset: number;
  nextLength: number;
  nextFin: boolean;
  /** Octets among them that count against the connection's credit. */
  nextNewOctets: number;

  readonly #sendBuffer: number;
  readonly #sendAhead: number;
  readonly #budget: SendBudget;
  readonly #store: OctetStore;
  readonly #lost: RangeSet;
  readonly #ackedBeyond: RangeSet; // acknowledged, above the first octet that is not
  #acked: number; // all below is acknowledged
  #sent: number; // all below was sent at least once
  #finSent: boolean;
  #finLost: boolean;
  #finAcked: boolean;
  #cutShort: boolean; // a write was not taken whole
  #waits: boolean; // in the budget's line, for its turn
  #shared: number; // octets held that count against the budget
  #resetAtSent: boolean; // its final size cannot change any more
  #resetAtAcked: boolean; // the one with the reliable size of now

  /**
   * @param maxStreamData  the peer's initial limit
   * @param sendBuffer     octets it may hold that are not acknowledged
   * @param sendAhead      octets it may hold that were not sent yet: few, and the application chooses late what goes next
   * @param budget         what it shares with other streams; default: nothing
   */
  constructor(
    id: StreamId,
    maxStreamData: number,
    sendBuffer: number,
    sendAhead: number = sendBuffer,
    budget: SendBudget = new SendBudget(sendBuffer),
  ) {
    this.id = id;
    this.state = 'ready';
    this.maxData = maxStreamData;
    this.written = 0;
    this.finished = false;
    this.resetCode = -1;
    this.finalSize = -1;
    this.reliableSize = 0;
    this.writableOwed = false;
    this.hasTurn = false;
    this.nextOffset = 0;
    this.nextLength = 0;
    this.nextFin = false;
    this.nextNewOctets = 0;
    this.#sendBuffer = sendBuffer;
    this.#sendAhead = Math.min(sendAhead, sendBuffer);
    this.#budget = budget;
    this.#store = new OctetStore(true);
    this.#lost = new RangeSet();
    this.#ackedBeyond = new RangeSet();
    this.#acked = 0;
    this.#sent = 0;
    this.#finSent = false;
    this.#finLost = false;
    this.#finAcked = false;
    this.#cutShort = false;
    this.#waits = false;
    this.#shared = 0;
    this.#resetAtSent = false;
    this.#resetAtAcked = false;
  }

  /** MAX_STREAM_DATA. Limits never fall; returns whether this one was higher. */
  setMaxData(limit: number): boolean {
    if (limit <= this.maxData) return false;
    this.maxData = limit;
    return true;
  }

  /**
   * Copies what fits the buffer and the budget, and returns how much that was: 0 when one is full, and after `finish` or `reset`.
   * `writableOwed` is set when there is room again: by what becomes of this stream, or by its turn in the budget.
   */
  write(data: Uint8Array): number {
    if (this.finished || this.resetCode >= 0) return 0;
    const budget = this.#budget;
    const held = this.written - this.#acked;
    const room = this.#ownLimits();
    const turn = this.hasTurn;
    if (turn) this.#endTurn();
    const budgeted = Math.max(0, budget.own - held) + budget.room(turn);
    const taken = Math.min(data.length, room, budgeted);
    this.#store.write(this.written, data, 0, taken);
    this.written += taken;
    this.#share(held + taken);
    this.writableOwed = false;
    this.#cutShort = taken < data.length;
    if (this.#cutShort && budgeted < room) {
      this.#waits = true;
      budget.wait(this);
    } else this.#leaveBudget();
    return taken;
  }

  /** There is room in the budget, and it was the first that waited for it. */
  onTurn(): void {
    this.#waits = false;
    this.hasTurn = true;
    this.#offerRoom();
  }

  /** Nothing more will be written. */
  finish(): void {
    if (this.resetCode < 0) this.finished = true;
    this.#wantsNoRoom();
  }

  /**
   * Gives the stream up; false when that changes nothing: it was already, or the peer has it all (§3.1).
   * @param reliableSize  octets from the start that are delivered all the same, at most those written; a second reset may
   *                      lower it, and keeps the code of the first
   */
  reset(code: number, reliableSize = 0): boolean {
    if (this.done || this.state === 'reset-sent' || (this.resetCode >= 0 && reliableSize >= this.reliableSize)) return false;
    if (this.resetCode < 0) this.resetCode = code;
    this.reliableSize = Math.min(reliableSize, this.written);
    if (!this.#resetAtSent) this.finalSize = Math.max(this.#sent, this.reliableSize);
    this.#resetAtAcked = false;
    this.#wantsNoRoom();
    if (this.reliableSize === 0) {
      this.#on('reset');
      this.#forget(Number.MAX_SAFE_INTEGER);
    } else if (this.#lost.count > 0) this.#lost.remove(this.reliableSize, Number.MAX_SAFE_INTEGER); // not to be said again
    return true;
  }

  /** RESET_STREAM_AT may leave: what it promises was sent, so that its final size is within the peer's limits. */
  get mayResetAt(): boolean {
    return this.resetCode >= 0 && this.reliableSize > 0 && this.#sent >= this.reliableSize;
  }

  /** RESET_STREAM_AT leaves. */
  onResetAtSent(): void {
    this.#resetAtSent = true;
    this.#on('reset-at-sent');
  }

  /** RESET_STREAM_AT was acknowledged; only the one with the smallest reliable size counts. */
  onResetAtAcked(reliableSize: number): void {
    if (this.resetCode < 0 || reliableSize !== this.reliableSize) return;
    this.#resetAtAcked = true;
    this.#checkAllAcked();
  }

  /** Whether a RESET_STREAM_AT that was lost must be said again. */
  isResetAtOwed(reliableSize: number): boolean {
    return reliableSize === this.reliableSize && !this.#resetAtAcked && !this.done;
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
    return this.#lost.count > 0 || this.#sent < Math.min(this.#end(), this.maxData) || this.#owesFin();
  }

  /** A retransmission or the end could leave, whatever the connection's credit is. */
  get hasToSendWithoutCredit(): boolean {
    return this.#lost.count > 0 || this.#owesFin();
  }

  /** New data waits for MAX_STREAM_DATA: reason for STREAM_DATA_BLOCKED (§4.1). */
  get blockedByStream(): boolean {
    return this.#sent === this.maxData && this.#sent < this.#end();
  }

  /**
   * Finds what to send next: the lowest lost range, else new data within both limits, else the end alone.
   * @param maxLength         octets of data that fit the frame
   * @param connectionCredit  octets of new data that the connection may send
   * @returns false: nothing that may be sent and fits
   */
  prepare(maxLength: number, connectionCredit: number): boolean {
    this.nextNewOctets = 0;
    if (this.#lost.count > 0) {
      this.nextOffset = this.#lost.start(0);
      this.nextLength = Math.min(maxLength, this.#lost.end(0) - this.nextOffset);
      this.nextFin = this.finished && this.resetCode < 0 && this.nextOffset + this.nextLength === this.written;
      return this.nextLength > 0;
    }
    this.nextOffset = this.#sent;
    this.nextLength = Math.max(0, Math.min(maxLength, connectionCredit, Math.min(this.#end(), this.maxData) - this.#sent));
    this.nextNewOctets = this.nextLength;
    this.nextFin = this.finished && this.resetCode < 0 && this.nextOffset + this.nextLength === this.written;
    return this.nextLength > 0 || this.#owesFin();
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
    if (this.#cutShort && this.#hasMuchRoom()) this.#offerRoom();
    if (!fin) return;
    this.#finSent = true;
    this.#finLost = false;
    this.#on('fin-sent');
  }

  onAcked(offset: number, length: number, fin: boolean): void {
    if (this.#isReset()) return;
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
    this.#checkAllAcked();
  }

  /** Marks what is not acknowledged meanwhile as to be sent again. */
  onLost(offset: number, length: number, fin: boolean): void {
    if (this.#isReset()) return;
    const end = this.resetCode < 0 ? offset + length : Math.min(offset + length, this.reliableSize);
    if (end > this.#acked && end > offset) {
      this.#lost.add(Math.max(offset, this.#acked), end);
      const acked = this.#ackedBeyond;
      for (let i = acked.firstEndingAfter(offset); i < acked.count && acked.start(i) < end; i++) {
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
    this.#resetAtSent = false;
    if (this.resetCode >= 0) this.finalSize = this.reliableSize;
  }

  onResetAcked(): void {
    this.#on('reset-acked');
  }

  /** The peer has everything, or knows that it will not: nothing is left to do. */
  get done(): boolean {
    return this.state === 'data-recvd' || this.state === 'reset-recvd';
  }

  #ownLimits(): number {
    return Math.min(this.#sendBuffer - (this.written - this.#acked), this.#sendAhead - (this.written - this.#sent));
  }

  /** Room that it has without a turn: what the budget leaves it in any case, as long as it waits for one. */
  #room(): number {
    return this.#waits ? Math.min(this.#ownLimits(), this.#budget.own - (this.written - this.#acked)) : this.#ownLimits();
  }

  /** Where what is to be sent ends: with the last octet written, or with the last that a reset leaves. */
  #end(): number {
    return this.resetCode < 0 ? this.written : this.reliableSize;
  }

  /** Nothing of it is to be delivered any more. */
  #isReset(): boolean {
    return this.resetCode >= 0 && this.reliableSize === 0;
  }

  #owesFin(): boolean {
    return this.finished && this.resetCode < 0 && this.#sent === this.written && (this.#finLost || !this.#finSent);
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
    if (this.#shared > 0) this.#share(this.written - acked);
    // not for every packet while there is something to send, but at once when there is not
    if (this.#cutShort && ((this.#sent === this.written && this.#room() > 0) || this.#hasMuchRoom())) this.#offerRoom();
  }

  /** The peer has everything: up to FIN, or up to the reliable size of a reset that it knows of. */
  #checkAllAcked(): void {
    if (!(this.#finAcked && this.#acked === this.written) && !(this.#resetAtAcked && this.#acked >= this.reliableSize)) return;
    this.#on('all-acked');
    this.#forget(Number.MAX_SAFE_INTEGER);
  }

  #hasMuchRoom(): boolean {
    return this.#room() * 4 >= (this.#waits ? Math.min(this.#sendAhead, this.#budget.own) : this.#sendAhead);
  }

  /** So many octets are held: those beyond its own count against the budget. */
  #share(held: number): void {
    const shared = Math.max(0, held - this.#budget.own);
    if (shared === this.#shared) return;
    this.#budget.use(shared - this.#shared);
    this.#shared = shared;
  }

  #wantsNoRoom(): void {
    this.writableOwed = false;
    this.#cutShort = false;
    this.#leaveBudget();
  }

  #leaveBudget(): void {
    if (this.hasTurn) this.#endTurn();
    if (!this.#waits) return;
    this.#waits = false;
    this.#budget.leave(this);
  }

  #endTurn(): void {
    this.hasTurn = false;
    this.#budget.endTurn();
  }

  #offerRoom(): void {
    this.#cutShort = false;
    this.writableOwed = true;
  }

  #forget(upTo: number): void {
    this.#store.release(upTo);
    this.#share(0);
    this.#lost.clear();
    this.#ackedBeyond.clear();
  }

  #on(input: SendInput): void {
    this.state = follow(SEND_TRANSITIONS, this.state, input);
  }
}
