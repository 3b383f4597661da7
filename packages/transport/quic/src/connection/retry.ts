import { sameBytes } from '@quiclab/bytes';
import { retryIntegrityTag } from '@quiclab/crypto';
import { Space } from '@quiclab/recovery';
import type { Micros } from '@quiclab/sansio';
import { type PacketHeader, readRetry } from '@quiclab/wire';
import type { DropReason } from '../errors.ts';
import { EARLY } from '../packet/builder.ts';
import { keysOf } from './negotiation.ts';
import type { Parts } from './parts.ts';
import { repeatAll } from './sent-outcome.ts';

/**
 * A client is asked to prove its address: it says its Initial again, with the token, to the connection ID that the server now
 * has, under keys made from that. Packet numbers go on. RFC 9000 §8.1.2, §17.2.5; RFC 9001 §5.8.
 * @returns '' when it was taken, else why not: at most one, before anything else came, and authentic
 */
export function onRetry(now: Micros, parts: Parts, header: PacketHeader): DropReason | '' {
  const { policies, versions, retry, peerIds, localIds, path } = parts;
  const packet = readRetry(header);
  if (parts.side === 'server' || packet === undefined || retry.source !== undefined) return 'retry';
  if (header.version !== versions.original) return 'retry'; // RFC 9369 §4.1
  if (!sameBytes(header.destinationId, localIds.first) || sameBytes(header.sourceId, parts.originalDestination)) return 'retry';
  const tag = retryIntegrityTag(policies.crypto, versions.original, parts.originalDestination, packet.untagged);
  if (!policies.crypto.equal(tag, packet.integrityTag)) return 'not-authentic';
  retry.source = header.sourceId.slice();
  retry.token = packet.token.slice();
  parts.observer.retryReceived(now, retry.source, packet.token.length, header.end - header.start);
  peerIds.replaceFirst(retry.source);
  versions.onRetry();
  parts.spaces[Space.INITIAL]!.keys = keysOf(parts, versions.original);
  // RFC 9002 §6.3: what was sent counts no more, neither as in flight nor as lost
  const { recovery } = path;
  for (const [space, level] of [
    [Space.INITIAL, 0],
    [Space.APPLICATION, EARLY], // RFC 9001 §4.6.2 does not hold here: a Retry says nothing of early data, which goes again
  ] as const) {
    repeatAll(parts, space);
    recovery.discardLevel(now, space, level);
  }
  recovery.restartTimeouts(now);
  return '';
}
