import { Space } from '@quiclab/recovery';
import type { Micros } from '@quiclab/sansio';
import { LIMITS } from '../limits.ts';
import type { Parts } from './parts.ts';

/**
 * What comes can show that the peer lacks something long before our probe timeout, which is a second as long as no round trip was
 * measured: then it is said again at once, as a probe, so many times in a connection. RFC 9002 §6.2.3.
 */
export class Hastening {
  #left = LIMITS.hastened.value;

  /**
   * A packet of the handshake that wants an acknowledgement and has no new CRYPTO data is a probe: our answer to what came before
   * was lost. Who has nothing outstanding, but sees CRYPTO data again, sends a PING with the ACK, which was lost the last time: then
   * this end probes, too, and the server need not wait for its own timeout.
   */
  onNothingNew(now: Micros, parts: Parts, space: Space, oldCrypto: boolean): void {
    if (outstanding(parts, space) || (oldCrypto && space === Space.HANDSHAKE)) this.#hasten(now, parts, space);
  }

  /** Packets came whose keys hang on the server's Initial: that was lost, if it was not overtaken. */
  onUnreadable(now: Micros, parts: Parts): void {
    if (parts.side === 'server' || parts.spaces[Space.HANDSHAKE]!.keys.canRead) return;
    if (outstanding(parts, Space.INITIAL)) this.#hasten(now, parts, Space.INITIAL);
  }

  #hasten(now: Micros, parts: Parts, space: Space): void {
    if (this.#left > 0 && parts.path.recovery.hasten(now, space)) this.#left--;
  }
}

const outstanding = ({ path, spaces }: Parts, space: Space): boolean =>
  path.recovery.ackElicitingInFlight(space) > 0 || spaces[space]!.crypto.hasToSend;
