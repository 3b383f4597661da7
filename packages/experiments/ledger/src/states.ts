import type { Micros } from '@quiclab/sansio';
import type { ExchangeId } from './account.ts';

/**
 * What an exchange is waiting for. With c its first octet that is not yet handed to the application that receives it (of the
 * request, then of the response), in this order, the first that applies. EXPERIMENTS §4.
 *
 * - `held(…)`: c has arrived. `other`: an octet before it on the carrier, of somebody else, is missing; `record`: the rest of its TLS
 *   record is; `fields`: the rest of its field section is, or what that refers to (HPACK, QPACK, or an HTTP/1 head that is not whole);
 *   `keys`: its packet cannot be opened yet; `application`: it does not read.
 * - `transit`: a copy of c that will arrive is on the path.
 * - `queued`: it has no connection or stream, and no handshake for it is under way.
 * - `connecting`: c was never sent, and the handshake that it waits for is under way.
 * - `server`: c is not produced yet.
 * - `order`: an earlier response on the connection is not wholly sent (HTTP/1).
 * - `stalled(…)`: c was never sent, or declared lost and not sent since. The first gate that refuses; where none does, `scheduler`: others'
 *   octets leave before it, or `outlet`: none do, because the socket, or the buffer that leads there, is full.
 * - `undetected`: every copy sent is lost, and the last of them is not declared lost.
 */
export const STATES = [
  'held(other)',
  'held(record)',
  'held(fields)',
  'held(keys)',
  'held(application)',
  'transit',
  'queued',
  'connecting',
  'server',
  'order',
  'stalled(keys)',
  'stalled(amplification)',
  'stalled(connection credit)',
  'stalled(stream credit)',
  'stalled(window)',
  'stalled(pacer)',
  'stalled(scheduler)',
  'stalled(outlet)',
  'undetected',
] as const;
export type State = (typeof STATES)[number];

export interface StateInterval {
  readonly from: Micros;
  readonly to: Micros;
  readonly state: State;
}

/** Time by state; those that did not occur are left out. */
export type StateSums = { readonly [state in State]?: Micros };

/** The life of one exchange, from request issued to the last octet of its response readable. */
export interface ExchangeLife {
  readonly exchange: ExchangeId;
  /** The exchange whose arrival set it free; -1: none did. */
  readonly after: ExchangeId | -1;
  readonly issued: Micros;
  /** When the last octet was readable; NEVER where that did not come, and the intervals reach to the end of the run. */
  readonly completed: Micros;
  /** When the first octet of the response's header section, and of its content, was readable; NEVER where there was none. */
  readonly firstHeader: Micros;
  readonly firstContent: Micros;
  /** How many times its request was laid onto a connection. */
  readonly attempts: number;
  /** Without gaps, from `issued` to `completed`; neighbours differ. */
  readonly intervals: readonly StateInterval[];
  readonly sums: StateSums;
}

/** Adds times up by state. */
export function addSums(to: Partial<Record<State, Micros>>, sums: StateSums): void {
  for (const state of STATES) {
    const time = sums[state];
    if (time !== undefined) to[state] = (to[state] ?? 0) + time;
  }
}

export const totalOf = (sums: StateSums): Micros => STATES.reduce((total, state) => total + (sums[state] ?? 0), 0);
