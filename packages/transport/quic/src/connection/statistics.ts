import { type SentRecord, Space } from '@quiclab/recovery';
import type { Address, Micros } from '@quiclab/sansio';
import type { EcnStats } from '../path/ecn.ts';
import type { Path, PathCounters, PathRecovery } from '../path/path.ts';
import type { Parts } from './parts.ts';

/** What happened on a connection so far: numbers that only grow. Instants in µs, sizes in octets. One object, never copied on the way. */
export class Counters {
  /** UDP datagrams, and the octets of their payloads. */
  datagramsSent = 0;
  datagramsReceived = 0;
  bytesSent = 0;
  bytesReceived = 0;
  /** QUIC packets: sent, opened, and not taken (of those that reached this connection). */
  packetsSent = 0;
  packetsReceived = 0;
  packetsDropped = 0;
  /**
   * Packets that the peer has acknowledged, and those declared lost (RFC 9002 §6.1), with their octets. One whose acknowledgement
   * came late counts as both. One whose keys were discarded (RFC 9002 §6.4) counts as neither.
   */
  packetsAcknowledged = 0;
  packetsLost = 0;
  bytesAcknowledged = 0;
  bytesLost = 0;
  /** Ack-eliciting packets that left because a probe timeout had passed. RFC 9002 §6.2.4. */
  probes = 0;
  /** When the connection began; when the handshake was complete and confirmed (RFC 9001 §4.1), -1 before. */
  readonly startedAt: Micros;
  handshakeCompletedAt: Micros = -1;
  handshakeConfirmedAt: Micros = -1;

  constructor(now: Micros) {
    this.startedAt = now;
  }
}

/** What a connection has seen so far, and where it stands. Times in µs, sizes in octets. */
export interface ConnectionStats extends Readonly<Counters>, PathRecovery {
  /** RFC 9000 §15. */
  readonly version: number;
  readonly bytesInFlight: number;
  /** Octets per second; 0 before there is an RTT sample. */
  readonly pacingRate: number;
  /** Probe timeouts since the peer was last heard. RFC 9002 §6.2.1. */
  readonly ptoCount: number;
  /** Packets declared lost that arrived; periods of persistent congestion (RFC 9002 §7.6). */
  readonly spuriousLosses: number;
  readonly persistentCongestions: number;
  readonly openStreams: number;
  /** DATAGRAM frames (RFC 9221). Dropped: they came, and went for newer ones, since nobody polled their events. */
  readonly datagramFramesSent: number;
  readonly datagramFramesReceived: number;
  readonly datagramFramesAcknowledged: number;
  readonly datagramFramesLost: number;
  readonly datagramFramesDropped: number;
  /** How often the keys of what we send have been updated. RFC 9001 §6. */
  readonly keyUpdates: number;
  /** What became of early data, as far as it is known. RFC 9001 §4.6. */
  readonly earlyData: 'none' | 'accepted' | 'rejected';
  /** The paths that are kept, the active one first. */
  readonly paths: readonly PathStats[];
}

/** One path. RTT and window of one that the connection has left are those of that moment; all 0 where it never was. */
export interface PathStats extends Readonly<PathCounters>, PathRecovery {
  /** 0 is where the connection began. */
  readonly id: number;
  readonly local: Address;
  readonly remote: Address;
  readonly active: boolean;
  /** Whether the peer is known to be there. RFC 9000 §8. */
  readonly validation: 'none' | 'running' | 'validated';
  /** Octets that may still be sent before it is; Infinity once it is. RFC 9000 §8.1. */
  readonly amplificationBudget: number;
  /** Octets of the largest datagram that is sent here. RFC 9000 §14. */
  readonly maxDatagramSize: number;
  /** Whether a larger one is looked for; 'off' without `mtuDiscovery`, and as long as nothing large was sent. RFC 9000 §14.3. */
  readonly mtuDiscovery: 'off' | 'searching' | 'complete';
  /** Its probes, which count among the packets sent and lost, too; and how often what had been carried no longer was. */
  readonly mtuProbesSent: number;
  readonly mtuProbesLost: number;
  readonly blackHoles: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** RFC 9000 §13.4. */
  readonly ecn: EcnStats;
}

export function countAcknowledged(parts: Parts, record: SentRecord): void {
  const { counters, paths } = parts;
  counters.packetsAcknowledged++;
  counters.bytesAcknowledged += record.bytes;
  const path = paths.byId(record.path);
  if (path === undefined) return;
  path.counters.packetsAcknowledged++;
  path.counters.bytesAcknowledged += record.bytes;
}

export function countLost(parts: Parts, record: SentRecord): void {
  const { counters, paths } = parts;
  counters.packetsLost++;
  counters.bytesLost += record.bytes;
  const path = paths.byId(record.path);
  if (path === undefined) return;
  path.counters.packetsLost++;
  path.counters.bytesLost += record.bytes;
}

export function statistics(parts: Parts): ConnectionStats {
  const { counters, path, paths, table, datagrams, events, versions, budget, handshake, spaces } = parts;
  const { recovery } = path;
  return {
    ...counters,
    ...path.metrics,
    version: versions.current,
    bytesInFlight: recovery.bytesInFlight,
    pacingRate: budget.rate,
    ptoCount: recovery.ptoCount,
    spuriousLosses: recovery.spuriousLosses,
    persistentCongestions: recovery.persistentCongestions,
    openStreams: table.size,
    datagramFramesSent: datagrams.framesSent,
    datagramFramesReceived: datagrams.framesReceived,
    datagramFramesAcknowledged: datagrams.framesAcknowledged,
    datagramFramesLost: datagrams.framesLost,
    datagramFramesDropped: events.datagramsDropped,
    keyUpdates: spaces[Space.APPLICATION]!.keys.writeGeneration,
    earlyData: handshake.earlyData,
    paths: paths.all.map(pathStatistics),
  };
}

const pathStatistics = (path: Path): PathStats => ({
  id: path.id,
  local: path.local,
  remote: path.remote,
  active: path.active,
  validation: path.validated ? 'validated' : path.validation.running ? 'running' : 'none',
  amplificationBudget: path.amplificationBudget,
  maxDatagramSize: path.datagramSize,
  mtuDiscovery: path.mtu.state,
  mtuProbesSent: path.mtu.probesSent,
  mtuProbesLost: path.mtu.probesLost,
  blackHoles: path.mtu.blackHoles,
  bytesSent: path.sent,
  bytesReceived: path.received,
  ecn: path.ecn.stats,
  ...path.counters,
  ...path.metrics,
});
