import type { Address, Ecn, Micros, Random } from '@quiclab/sansio';

/** One datagram on a link, as an impairment sees it: the same in virtual time and in the relay. */
export interface LinkPacket {
  readonly bytes: Uint8Array;
  /** The nth datagram that entered this link, from 1. */
  readonly index: number;
  readonly enteredAt: Micros;
  readonly from: Address;
  readonly to: Address;
  ecn: Ecn;
}

/** What becomes of a packet; filled by the impairments in turn, each adding to what those before it decided. */
export interface Fate {
  /** The cause, or '' while it lives. */
  dropped: string;
  /** Added to the link's own delay. */
  delay: Micros;
  /** How many arrive; 1 is the usual. */
  copies: number;
  /** Which bit of the payload is flipped, or -1. */
  flipBit: number;
}

/** `random` is `at(packet.index)` of the impairment's own fork: size, content and time of the packet change no draw. */
export interface Impairment {
  judge(now: Micros, packet: LinkPacket, fate: Fate, random: Random): void;
}

export type Dropped = (packet: LinkPacket, cause: string) => void;

export interface LinkQueue {
  push(now: Micros, packet: LinkPacket, dropped: Dropped): void;
  shift(now: Micros, dropped: Dropped): LinkPacket | undefined;
}

export interface LinkRate {
  /** When a packet of so many octets (IP packet, not UDP payload) has left, if it starts at `now`. Keeps the fraction that whole microseconds cut off. */
  departure(now: Micros, bytes: number): Micros;
}
