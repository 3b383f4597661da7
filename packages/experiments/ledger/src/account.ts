import type { Micros } from '@quiclab/sansio';

/** A number that the caller gives to one HTTP exchange; from 0 on, unique within a ledger. */
export type ExchangeId = number;

/** Whose octets they are: an exchange's, frame headers included, or nobody's in particular ('connection': settings, records and the like). */
export type Owner = ExchangeId | 'connection';

/** Who keeps an exchange waiting: a missing octet of its own, another exchange's, or one of the connection's. */
export type Blame = 'own' | Owner;

/** Octets that have arrived could not be handed on, from `from` until `to`, because of `blame`. */
export interface BlockedInterval {
  readonly from: Micros;
  readonly to: Micros;
  readonly blame: Blame;
}

/** What became of one exchange on one carrier. EXPERIMENTS §4. */
export interface ExchangeAccount {
  readonly exchange: ExchangeId;
  readonly carrier: number;
  /** Octets that arrived, frame headers included. */
  readonly bytes: number;
  /** When the first octet arrived, and when the last of those that arrived became deliverable; NEVER where none did, or one did not. */
  readonly firstArrived: Micros;
  readonly lastDeliverable: Micros;
  /** In order of time, without gaps of length 0: neighbours differ in blame or have a pause between them. */
  readonly intervals: readonly BlockedInterval[];
  /** The lengths of the intervals, summed; `other` includes the connection. */
  readonly blocked: { readonly own: Micros; readonly other: Micros };
  /** The sum over octets of (deliverable − arrived), octets × µs; octets that never become deliverable count until the end. */
  readonly blockedByteTime: number;
  /** Octets that became deliverable after they arrived, or never. */
  readonly lateBytes: number;
  /** Datagrams that a link dropped and that carried the exchange, and when each was dropped. */
  readonly lostPackets: number;
  readonly lostAt: readonly Micros[];
}

/** A stretch of one carrier. */
export interface Piece {
  readonly carrier: number;
  readonly offset: number;
  readonly length: number;
}
