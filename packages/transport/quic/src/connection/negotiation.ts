import { sameBytes } from '@quiclab/bytes';
import { Space } from '@quiclab/recovery';
import type { Micros } from '@quiclab/sansio';
import { type PacketHeader, PacketType, readVersions } from '@quiclab/wire';
import type { DropReason } from '../errors.ts';
import { SpaceKeys } from '../space/keys.ts';
import type { PacketSpace } from '../space/space.ts';
import type { Parts } from './parts.ts';
import { initialKeys } from './versions.ts';

/**
 * Goes on with another version: the server's choice, as the server makes it or a client hears of it. RFC 9369 §4.1. Initial packets
 * of the version before are still read, 0-RTT packets have no other, and of the other spaces nothing has been sent yet.
 */
export function changeVersion(parts: Parts, version: number, initial = keysOf(parts, version)): void {
  const { versions, spaces, policies } = parts;
  versions.current = version;
  versions.settled = true;
  for (const space of spaces) {
    if (space.index === Space.INITIAL) {
      space.before = space.keys;
      space.keys = initial;
    } else space.keys = new SpaceKeys(policies.crypto, version);
  }
}

/** Keys for Initial packets of a version, made from where the client's Initials went first: the same ID for all versions. */
export const keysOf = ({ policies, side, retry, originalDestination }: Parts, version: number): SpaceKeys =>
  initialKeys(policies.crypto, side, version, retry.source ?? originalDestination);

/** Packets that are read: of the negotiated version; Initial and 0-RTT packets of the original one; at a client of one that its server may have chosen. */
export function isRead({ versions, side }: Parts, type: number, version: number): boolean {
  if (type === PacketType.ONE_RTT) return true;
  if (type === PacketType.UNKNOWN_VERSION) return false;
  if (type === PacketType.ZERO_RTT) return version === versions.original;
  if (version === versions.current || (type === PacketType.INITIAL && version === versions.original)) return true;
  return side === 'client' && versions.mayBecome(version);
}

/** Keys for an Initial packet of a version that is read. */
export function initialKeysFor(parts: Parts, space: PacketSpace, version: number): SpaceKeys {
  const { versions } = parts;
  if (version === versions.current || space.keys.discarded) return space.keys;
  if (version === versions.original) return space.before!;
  return versions.candidateKeys(version, (one) => keysOf(parts, one));
}

/**
 * A Version Negotiation packet: the client tries once more, with a version that it shares with the server, or gives up. RFC 9000
 * §6.2, RFC 9368 §2.1. What follows is another connection, with another connection ID at the server, in the same object.
 * @returns '' when it was believed: it answers the first attempt, does not list that attempt's version, and nothing else was heard
 */
export function onVersionNegotiation(now: Micros, parts: Parts, header: PacketHeader): DropReason | '' {
  const { versions, peerIds, localIds, lifecycle } = parts;
  const offered = readVersions(header.bytes, header.packetNumberOffset, header.end);
  if (parts.side === 'server' || versions.isSecondAttempt || parts.retry.source !== undefined) return 'invalid-version-negotiation';
  if (offered === undefined || offered.includes(versions.original)) return 'invalid-version-negotiation';
  if (!sameBytes(header.sourceId, peerIds.current) || !sameBytes(header.destinationId, localIds.first))
    return 'invalid-version-negotiation';
  const version = versions.select(offered);
  parts.observer.versionsOffered(now, offered, version ?? 0);
  if (version === undefined) lifecycle.expire({ kind: 'version-mismatch', offered: versions.original, supported: offered });
  else startOver(now, parts, version);
  return '';
}

function startOver(now: Micros, parts: Parts, version: number): void {
  const { versions, spaces, policies, recovery, peerIds } = parts;
  versions.restart(version);
  parts.originalDestination = parts.newDestination();
  peerIds.replaceFirst(parts.originalDestination);
  parts.retry.token = NO_TOKEN; // a token is of the version that it came with: RFC 9369 §5
  parts.handshake.giveUpEarlyData(now, parts); // it was for the first attempt
  recovery.discardLevel(now, Space.INITIAL, 0);
  for (const space of spaces) {
    space.early = new SpaceKeys(policies.crypto, version);
    space.keys = space.index === Space.INITIAL ? keysOf(parts, version) : new SpaceKeys(policies.crypto, version);
  }
  spaces[Space.INITIAL]!.crypto.reset();
  parts.handshake.restart(now, parts);
  recovery.restartTimeouts(now);
}

const NO_TOKEN = new Uint8Array(0);
