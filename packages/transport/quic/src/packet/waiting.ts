import type { Ecn } from '@quiclab/sansio';
import { LIMITS } from '../limits.ts';

const MAX_PACKETS = LIMITS.undecryptablePackets.value;
const MAX_OCTETS = LIMITS.undecryptableOctets.value;

export interface WaitingPacket {
  readonly bytes: Uint8Array;
  /** A value of PacketType: which keys it waits for. */
  readonly type: number;
  readonly ecn: Ecn;
}

/** Packets whose keys are not there yet: they may be kept (RFC 9001 §5.7), but not without limit. */
export class WaitingPackets {
  #packets: WaitingPacket[] = [];
  #octets = 0;

  get count(): number {
    return this.#packets.length;
  }

  /** Keeps a copy of bytes[from, to); false when there is no room. */
  keep(bytes: Uint8Array, from: number, to: number, type: number, ecn: Ecn): boolean {
    if (this.#packets.length >= MAX_PACKETS || this.#octets + to - from > MAX_OCTETS) return false;
    this.#packets.push({ bytes: bytes.slice(from, to), type, ecn });
    this.#octets += to - from;
    return true;
  }

  /** Takes the first one of a type out. */
  take(type: number): WaitingPacket | undefined {
    const index = this.#packets.findIndex((packet) => packet.type === type);
    if (index < 0) return undefined;
    const packet = this.#packets[index]!;
    this.#packets.splice(index, 1);
    this.#octets -= packet.bytes.length;
    return packet;
  }
}
