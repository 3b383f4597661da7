import type { Address, Micros } from '@quiclab/sansio';
import type { HttpVersion } from './options.ts';

/** How one request fared. */
export interface Passage {
  readonly client: Address;
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly front: HttpVersion;
  /** '' where the origin was not asked. */
  readonly back: HttpVersion | '';
  /** 0 where none was given. */
  readonly status: number;
  /** Octets of content that were carried on, to the origin and to the client. */
  readonly octetsUp: number;
  readonly octetsDown: number;
  readonly began: Micros;
  readonly ended: Micros;
  /** How often the origin was asked. */
  readonly attempts: number;
  /** Complete; answered by the gateway itself; or given up before the end, by whom or why. */
  readonly outcome: 'complete' | 'answered' | 'broken';
  /** Of the last two: what happened. */
  readonly reason: string;
}

/** What can be watched; watching changes nothing. */
export interface GatewayObserver {
  /** A request is over. */
  passed?(passage: Passage): void;
  /** An attempt to ask the origin failed. `again`: the request is asked once more. */
  attemptFailed?(now: Micros, reason: string, again: boolean): void;
}
