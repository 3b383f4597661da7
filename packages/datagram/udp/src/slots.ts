import { type Address, type Datagram, ECN_UNSUPPORTED, type Ecn, type Outlet } from '@quiclab/sansio';
import type { DatagramSender } from './socket.ts';

/** Why `slot()` last gave nothing: the turn has sent its share, or every slot is with the kernel. */
export type Refusal = 'none' | 'turn' | 'full';

export interface SlotLimits {
  /** Slots in all: how many datagrams may be with the kernel at once. */
  readonly slots: number;
  /** Octets of each. */
  readonly slotSize: number;
  /** Datagrams that one turn may send, so that it ends and the socket is read again. */
  readonly datagramsPerTurn: number;
}

/**
 * The outlet over a socket. A slot is with Node and the kernel until the send callback: `dgram` reads the buffer after
 * `send` has returned, so one that is filled again too early leaves with its last content. A full socket is felt here as
 * callbacks that do not come.
 */
export class SlotPool implements Outlet {
  /** The sender for a datagram's local address. */
  readonly #senderOf: (local: Address) => DatagramSender;
  readonly #limits: SlotLimits;
  readonly #local: Address;
  readonly #ecn: typeof ECN_UNSUPPORTED | 0;
  readonly #onFree: () => void;
  readonly #onError: (error: Error, datagram: Datagram) => void;
  readonly #free: Slot[] = [];
  #made = 0;
  #handedOut: Slot | undefined = undefined;
  #sentThisTurn = 0;
  /** Since `beginTurn`. */
  refusal: Refusal = 'none';
  datagramsSent = 0;
  octetsSent = 0;

  /**
   * @param ecn      what a slot says of ECN: 0, that it can be set, or ECN_UNSUPPORTED
   * @param onFree   a slot came back
   * @param onError  a datagram was refused by the system and is lost; `datagram` is valid during the call
   */
  constructor(
    senderOf: (local: Address) => DatagramSender,
    local: Address,
    ecn: typeof ECN_UNSUPPORTED | 0,
    limits: SlotLimits,
    onFree: () => void,
    onError: (error: Error, datagram: Datagram) => void,
  ) {
    this.#senderOf = senderOf;
    this.#local = local;
    this.#ecn = ecn;
    this.#limits = limits;
    this.#onFree = onFree;
    this.#onError = onError;
  }

  /** Slots that are with the kernel. */
  get outstanding(): number {
    return this.#made - this.#free.length - (this.#handedOut === undefined ? 0 : 1);
  }

  beginTurn(): void {
    this.#sentThisTurn = 0;
    this.refusal = 'none';
  }

  slot(): Datagram | undefined {
    if (this.#handedOut !== undefined) return this.#handedOut;
    if (this.#sentThisTurn >= this.#limits.datagramsPerTurn) {
      this.refusal = 'turn';
      return undefined;
    }
    let slot = this.#free.pop();
    if (slot === undefined) {
      if (this.#made >= this.#limits.slots) {
        this.refusal = 'full';
        return undefined;
      }
      this.#made++;
      slot = new Slot(this.#limits.slotSize, this.#local, this.#return);
    }
    slot.local = this.#local; // where the machine leaves it open
    slot.ecn = this.#ecn;
    this.#handedOut = slot;
    return slot;
  }

  send(filled: Datagram): void {
    const slot = filled as Slot; // every datagram of this outlet is one
    this.#handedOut = undefined;
    this.#sentThisTurn++;
    try {
      this.#senderOf(slot.local).send(slot.bytes, slot.length, slot.remote, slot.ecn === ECN_UNSUPPORTED ? 0 : slot.ecn, slot.sent);
    } catch (error) {
      slot.sent(error as Error); // a port or host that Node refuses to look at: lost like any other
    }
  }

  readonly #return = (slot: Slot, error: Error | null): void => {
    if (error === null) {
      this.datagramsSent++;
      this.octetsSent += slot.length;
    } else this.#onError(error, slot);
    this.#free.push(slot);
    this.#onFree();
  };
}

const NOWHERE: Address = { host: '', port: 0 };

/** One datagram and the callback that returns it, made together once. */
class Slot implements Datagram {
  bytes: Uint8Array;
  length: number;
  local: Address;
  remote: Address;
  ecn: Ecn | typeof ECN_UNSUPPORTED;
  readonly sent: (error: Error | null) => void;

  constructor(size: number, local: Address, returned: (slot: Slot, error: Error | null) => void) {
    this.bytes = new Uint8Array(size);
    this.length = 0;
    this.local = local;
    this.remote = NOWHERE;
    this.ecn = ECN_UNSUPPORTED;
    this.sent = (error) => returned(this, error ?? null);
  }
}
