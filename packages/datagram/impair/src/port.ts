import type { Address, Ecn, Micros, Random } from '@quiclab/sansio';

/** What an IP packet carries: a UDP datagram, whose header a link charges for, or a TCP segment, whose header is among its octets. */
export type Protocol = 'udp' | 'tcp';

/** One datagram on a link, as an impairment sees it: the same in virtual time and in the relay. */
export interface LinkPacket {
  readonly protocol: Protocol;
  /** The UDP payload, or the TCP segment. */
  readonly bytes: Uint8Array;
  /** Octets that the rate and the queue charge: the IP packet, payload and overhead. */
  readonly size: number;
  /** The nth datagram that entered this link, from 1. */
  readonly index: number;
  readonly enteredAt: Micros;
  readonly from: Address;
  readonly to: Address;
  /** A queue may mark it: 3, where it is not 0 (RFC 3168 §5). */
  ecn: Ecn;
}

/** What becomes of a packet; filled by the impairments in turn, each adding to what those before it decided. */
export interface Fate {
  /** The cause, or '' while it lives. */
  dropped: string;
  /** Added to the link's own delay; may be below zero, but no packet arrives before it left. */
  delay: Micros;
  /** How many arrive; 1 is the usual. */
  copies: number;
  /** Which bit of the payload is flipped (bit n & 7, counted from the low one, of octet n >> 3), or -1. */
  flipBit: number;
  /** What its ECN bits become, or -1. */
  ecn: Ecn | -1;
}

/**
 * `random` is `at(packet.index)` of the impairment's own fork: size, content and time of the packet change no draw.
 * `now` counts from the start of the link, and never falls.
 */
export interface Impairment {
  judge(now: Micros, packet: LinkPacket, fate: Fate, random: Random): void;
}

/**
 * Makes the impairment for one link. Impairments remember (a burst, a period), so a configuration holds makers and can be
 * used for any number of links. `random` is the fork whose `at(index)` the packets get; other draws take a fork of it.
 */
export type ImpairmentMaker = (random: Random) => Impairment;

export type Dropped = (packet: LinkPacket, cause: string) => void;

/** What waits for the link. Every packet pushed comes out of `shift`, or goes to `dropped`, exactly once. */
export interface LinkQueue {
  /** How many wait, and how many octets (`size`) that is. */
  readonly packets: number;
  readonly bytes: number;
  push(now: Micros, packet: LinkPacket, dropped: Dropped): void;
  shift(now: Micros, dropped: Dropped): LinkPacket | undefined;
}

export interface LinkRate {
  /**
   * When a packet of so many octets (IP packet, not UDP payload) has left, if it starts at `now`, in whole microseconds,
   * rounded up. Keeps the fraction that rounding adds, so that packets back to back leave at the exact rate.
   */
  departure(now: Micros, bytes: number): Micros;
}
