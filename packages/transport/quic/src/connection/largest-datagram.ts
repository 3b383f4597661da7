import { TAG_LENGTH } from '@quiclab/crypto';
import { datagramDataRoom } from '@quiclab/wire';
import { LONG_OVERHEAD } from '../packet/builder.ts';
import type { Parts } from './parts.ts';

/** First octet and the longest packet number of a short header. */
const SHORT_OVERHEAD = 1 + 4;

/**
 * Octets of the largest datagram that the peer takes and that fits a packet of its own; -1 when the peer takes none.
 * RFC 9221 §3, §4: DATAGRAM frames are not fragmented.
 * @param early  whether it is to fit a 0-RTT packet, whose header is longer
 */
export function largestDatagram({ peerParameters, path, peerIds, localIds }: Parts, early: boolean): number {
  const header = peerIds.current.length + (early ? LONG_OVERHEAD + localIds.first.length : SHORT_OVERHEAD);
  const room = path.datagramSize - header - TAG_LENGTH - 1;
  return Math.max(-1, Math.min(room, datagramDataRoom(peerParameters.maxDatagramFrameSize)));
}
