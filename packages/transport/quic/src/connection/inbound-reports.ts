import { Space } from '@quiclab/recovery';
import type { Micros } from '@quiclab/sansio';
import { defaultTransportParameters, type FrameReader, type PacketHeader, PacketType } from '@quiclab/wire';
import type { PacketOpener } from '../packet/opener.ts';
import type { PacketSpace } from '../space/space.ts';
import { logReceived } from './frame-log.ts';
import { isAckEliciting } from './frame-rules.ts';
import type { Parts } from './parts.ts';

/** Tells the observer of packets that were opened, and of what their headers say that was not known. Asked only where somebody watches. */
export class InboundReports {
  /** Packets are read that had waited for their keys. */
  replaying: boolean;
  readonly #parts: Parts;
  /** The connection ID of ours that the peer uses, and the generation of its keys, as they were told last. */
  #destination: Uint8Array;
  #generation: number;

  constructor(parts: Parts) {
    this.replaying = false;
    this.#parts = parts;
    this.#destination = parts.side === 'client' ? parts.localIds.first : (parts.retry.source ?? parts.originalDestination);
    this.#generation = 0;
  }

  /** Before anything comes of the packet's frames: the one that breaks a rule is to be seen, too. @param path  where it came */
  opened(
    now: Micros,
    path: number,
    space: PacketSpace,
    early: boolean,
    header: PacketHeader,
    opener: PacketOpener,
    frames: FrameReader,
  ): void {
    const { view, counters, observer, peerParameters } = this.#parts;
    this.#keys(now, space);
    this.#connectionId(now, header);
    const short = header.type === PacketType.ONE_RTT;
    view.level = early ? 'early' : space.level;
    view.packetNumber = opener.packetNumber;
    view.path = path;
    view.datagram = counters.datagramsReceived - 1;
    view.bytes = header.end - header.start;
    view.sentAt = now;
    view.version = short ? 0 : header.version;
    view.keyPhase = short ? keyPhaseOf(this.#parts, (header.bytes[header.start]! & 0x04) >>> 2) : -1;
    view.tokenLength = header.type === PacketType.INITIAL ? header.tokenLength : 0;
    view.probe = false;
    view.waited = this.replaying;
    view.mtuProbe = false;
    view.payload = header.bytes;
    view.payloadStart = opener.payloadStart;
    view.payloadEnd = opener.payloadEnd;
    view.frames.numbers = view.received;
    const exponent = short ? peerParameters.ackDelayExponent : defaultTransportParameters.ackDelayExponent;
    frames.reset(header.bytes, opener.payloadStart, opener.payloadEnd);
    view.ackEliciting = logFrames(view.received, frames, exponent);
    view.inFlight = view.ackEliciting;
    observer.packetReceived(now, view);
  }

  #keys(now: Micros, { index, keys: { generation } }: PacketSpace): void {
    if (index !== Space.APPLICATION || generation === this.#generation) return;
    this.#generation = generation;
    this.#parts.observer.keyUpdated(now, 'peer', generation & 1, generation);
  }

  #connectionId(now: Micros, header: PacketHeader): void {
    const before = this.#destination;
    if (isDestination(header, before)) return;
    this.#destination = header.destinationId.slice();
    this.#parts.observer.connectionIdChanged(now, 'local', before, this.#destination);
  }
}

/** Whether a packet went to this connection ID; without a view of it, for it is asked of each. */
function isDestination({ bytes, destinationIdStart, destinationIdLength }: PacketHeader, id: Uint8Array): boolean {
  if (destinationIdLength !== id.length) return false;
  for (let i = 0; i < id.length; i++) if (bytes[destinationIdStart + i] !== id[i]) return false;
  return true;
}

/** The updates that a Key Phase bit stands for: those so far, or one fewer in a packet that was overtaken. */
function keyPhaseOf({ spaces }: Parts, bit: number): number {
  const { generation } = spaces[Space.APPLICATION]!.keys;
  return (generation & 1) === bit ? generation : generation - 1;
}

/** Notes all frames up to one that cannot be read. Returns whether any of them elicits an acknowledgement. */
function logFrames(log: number[], frames: FrameReader, delayExponent: number): boolean {
  while (log.length > 0) log.pop(); // `length = 0` would give the memory back
  let ackEliciting = false;
  try {
    for (let type = frames.next(); type >= 0; type = frames.next()) {
      if (isAckEliciting(type)) ackEliciting = true;
      logReceived(log, frames, type, delayExponent);
    }
  } catch {
    // it ends the connection when it is read for its meaning
  }
  return ackEliciting;
}
