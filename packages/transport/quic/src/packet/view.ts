import { type Micros, NEVER } from '@quiclab/sansio';
import type { Level } from '@quiclab/tls';
import type { PacketView, Refusal } from '../observer.ts';
import { LoggedFrames } from './sent-frames.ts';

const NOTHING: Uint8Array = new Uint8Array(0);

/** The one PacketView of a connection, filled before each call of its observer. */
export class ReusedPacketView implements PacketView {
  level: Level = 'initial';
  packetNumber = 0;
  path = 0;
  datagram = 0;
  bytes = 0;
  ackEliciting = false;
  inFlight = false;
  sentAt: Micros = 0;
  version = 0;
  keyPhase = -1;
  tokenLength = 0;
  probe = false;
  mtuProbe = false;
  waited = false;
  payload = NOTHING;
  payloadStart = 0;
  payloadEnd = 0;
  readonly frames = new LoggedFrames();
  /** The log of received frames; that of a sent packet is its record's. */
  readonly received: number[] = [];
  /** Packets that an ACK frame acknowledged. */
  readonly acked: number[] = [];
  /** The deadline of the loss detection timer, as it was told last. */
  timerTold: Micros = NEVER;
  /** What keeps stream data from leaving, as it was told last. */
  refusalTold: Refusal | '' = '';
  /** Where the payload of a packet that leaves is copied to, since it is sealed in place. */
  #copied = NOTHING;
  readonly #copies: boolean;

  /** @param copies  whether anybody reads the payload of packets that leave */
  constructor(copies: boolean) {
    this.#copies = copies;
  }

  /** Of a lost packet nothing is known but what its record says. */
  forget(): void {
    this.version = 0;
    this.keyPhase = -1;
    this.tokenLength = 0;
    this.probe = false;
    this.waited = false;
    this.payload = NOTHING;
    this.payloadStart = 0;
    this.payloadEnd = 0;
  }

  /** Keeps the payload of a packet that is about to be sealed. */
  copyPayload(bytes: Uint8Array, start: number, end: number): void {
    this.payload = this.#copied;
    this.payloadStart = 0;
    this.payloadEnd = 0;
    if (!this.#copies) return;
    if (this.#copied.length < end - start) this.#copied = new Uint8Array(Math.max(2048, end - start));
    this.#copied.set(bytes.subarray(start, end));
    this.payload = this.#copied;
    this.payloadEnd = end - start;
  }
}
