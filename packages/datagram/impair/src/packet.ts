import type { Address, Ecn, Micros } from '@quiclab/sansio';
import type { Fate, LinkPacket, Protocol } from './port.ts';

const NOWHERE: Address = { host: '', port: 0 };
const NOTHING = new Uint8Array(0);
const BUFFER = 2_048; // fits what usual paths carry
const MOST_FREE = 4_096;
const MOST_IN_SLAB = 32;

/** A packet as its link holds it: a pooled object with octets of its own. */
export class HeldPacket implements LinkPacket {
  protocol: Protocol = 'udp';
  bytes: Uint8Array = NOTHING;
  size = 0;
  index = 0;
  enteredAt: Micros = 0;
  from: Address = NOWHERE;
  to: Address = NOWHERE;
  ecn: Ecn = 0;
  enteredEcn: Ecn = 0;
  readonly fate: Fate = { dropped: '', delay: 0, copies: 1, flipBit: -1, ecn: -1 };
  /** Part of the fate's delay that keeps the order of packets. */
  orderedDelay: Micros = 0;
  /** When it arrives; equal instants in the order of `sequence`. */
  due: Micros = 0;
  sequence = 0;
  #buffer: Uint8Array;

  /** @param buffer  octets that are its own */
  constructor(buffer: Uint8Array) {
    this.#buffer = buffer;
  }

  /** Copies the first `length` octets in. */
  fill(bytes: Uint8Array, length: number): void {
    if (this.#buffer.length < length) {
      this.#buffer = new Uint8Array(length);
      this.bytes = this.#buffer.subarray(0, length);
    } else if (this.bytes.length !== length) this.bytes = this.#buffer.subarray(0, length); // most packets have the size of the one before
    this.bytes.set(bytes.length === length ? bytes : firstOf(bytes, length));
  }
}

// the view that was made last: a sender fills one slot over and over, most of the time to the same length
let lastOf: Uint8Array = NOTHING;
let last: Uint8Array = NOTHING;

function firstOf(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes !== lastOf || length !== last.length) {
    lastOf = bytes;
    last = bytes.subarray(0, length);
  }
  return last;
}

/** Packets that are not in use. The link takes and gives back; nobody else does. */
export class PacketPool {
  readonly #free: HeldPacket[] = [];
  /** Where the next packets have their octets: many share one ArrayBuffer, so that whoever reads packets through a view makes few. */
  #slab: Uint8Array = NOTHING;
  #slabUsed = 0;

  take(): HeldPacket {
    return this.#free.pop() ?? this.#make();
  }

  give(packet: HeldPacket): void {
    if (this.#free.length < MOST_FREE) this.#free.push(packet);
  }

  #make(): HeldPacket {
    if (this.#slabUsed === this.#slab.length) {
      this.#slab = new Uint8Array(Math.min(Math.max(2 * this.#slab.length, BUFFER), MOST_IN_SLAB * BUFFER));
      this.#slabUsed = 0;
    }
    const start = this.#slabUsed;
    this.#slabUsed += BUFFER;
    return new HeldPacket(this.#slab.subarray(start, this.#slabUsed));
  }
}
