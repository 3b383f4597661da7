import type { Micros } from '@quiclab/sansio';

/**
 * What makes a server's session tickets out of what has to be known again, and opens them. `ticketKeeper` seals them;
 * another may keep the state in a database, and give out where it lies (RFC 9846 §8.1).
 */
export interface TicketKeeper {
  /** How long a ticket is good for; at most seven days (RFC 9846 §4.6.1). */
  readonly lifetime: Micros;
  /** A ticket for this state: 1 to 16,000 octets, never the same twice, that nobody else can read, change or make. */
  seal(now: Micros, state: Uint8Array): Uint8Array;
  /** The state; undefined for a ticket that it did not make, or does not know any more. Anyone can send anything here. */
  open(now: Micros, ticket: Uint8Array): Uint8Array | undefined;
  /**
   * Whether early data may be taken that came with this ticket, which was opened and proven to be the sender's. For one
   * ClientHello that is true at most once (RFC 9846 §8), however often it comes.
   * @param expectedAt  when the ClientHello should have come, by what it says of the ticket's age (RFC 9846 §8.3)
   */
  admitEarlyData(now: Micros, ticket: Uint8Array, expectedAt: Micros): boolean;
}

/** Seven days: what neither a ticket nor the proof by certificate that it goes back to may outlive (RFC 9846 §4.6.1). */
export const LONGEST_LIFETIME: Micros = 7 * 24 * 3600 * 1_000_000;
