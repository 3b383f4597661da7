import type { Micros } from '@quiclab/sansio';
import { PieceBudget, piecesFor, ReceiveWindow, SendCredit } from '@quiclab/streams';
import { FrameType, TransportError, TransportErrorCode, writeDataBlocked, writeMaxData } from '@quiclab/wire';
import { Announced } from '../control/announced.ts';
import type { PacketBuilder } from '../packet/builder.ts';

const FRAME_ROOM = 9;

/** Flow control of the connection as a whole: MAX_DATA both ways. RFC 9000 §4.1. */
export class ConnectionCredit {
  /** What the peer lets us send. */
  readonly send: SendCredit;
  /** What its streams may hold out of order, in pieces: more as the window grows. */
  readonly pieces: PieceBudget;
  readonly #receive: ReceiveWindow;
  readonly #announced: Announced;
  #blockedPending: boolean;

  constructor(initialMaxData: number, maxWindow: number) {
    this.send = new SendCredit(0);
    this.pieces = new PieceBudget(piecesFor(initialMaxData));
    this.#receive = new ReceiveWindow(initialMaxData, maxWindow);
    this.#announced = new Announced(initialMaxData);
    this.#blockedPending = false;
  }

  onReceived(octets: number, frameType: number): void {
    if (octets > 0 && !this.#receive.onReceived(octets))
      throw new TransportError(
        TransportErrorCode.FLOW_CONTROL_ERROR,
        `the connection received ${this.#receive.received + octets} octets of stream data, its limit is ${this.#receive.limit}`,
        frameType,
      );
  }

  onConsumed(octets: number): void {
    this.#receive.onConsumed(octets);
  }

  noteBlocked(): void {
    if (this.send.noteBlocked()) this.#blockedPending = true;
  }

  /** Raises the limit when enough was consumed, and says it. */
  writeFrames(now: Micros, packet: PacketBuilder, rtt: Micros): void {
    const limit = this.#receive.update(now, rtt);
    if (limit > 0) {
      this.#announced.set(limit);
      this.pieces.limit = piecesFor(this.#receive.window);
    }
    if (this.#announced.pending && packet.remaining >= FRAME_ROOM) {
      writeMaxData(packet.writer, this.#announced.value);
      packet.log(FrameType.MAX_DATA, 0, this.#announced.value, 0);
      this.#announced.onSent();
    }
  }

  /** Says that there is more to send than credit, unless that is over. RFC 9000 §4.1. */
  writeBlocked(packet: PacketBuilder): void {
    if (!this.#blockedPending || packet.remaining < FRAME_ROOM) return;
    this.#blockedPending = false;
    if (this.send.available > 0) return;
    writeDataBlocked(packet.writer, this.send.limit);
    packet.log(FrameType.DATA_BLOCKED, 0, this.send.limit, 0);
  }

  onLimitLost(value: number): void {
    this.#announced.onLost(value);
  }

  onBlockedLost(limit: number): void {
    if (limit === this.send.limit && this.send.available === 0) this.#blockedPending = true;
  }
}
