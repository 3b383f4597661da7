import { Space } from '@quiclab/recovery';
import { type Datagram, ECN_UNSUPPORTED, type Ecn, type Micros } from '@quiclab/sansio';
import { FrameType, TransportError, TransportErrorCode, writePing } from '@quiclab/wire';
import { writeClose } from '../control/close.ts';
import { PacketBuilder } from '../packet/builder.ts';
import { SMALLEST_MAX_DATAGRAM } from '../path/mtu.ts';
import type { Path } from '../path/path.ts';
import type { PacketSpace } from '../space/space.ts';
import { writeInOrder } from './frame-order.ts';
import type { Parts } from './parts.ts';
import { reportRefusal, reportSent } from './reports.ts';
import { repeatOldest } from './sent-outcome.ts';

const NO_TOKEN = new Uint8Array(0);

/** What may be missing from a datagram that is of full size all the same: not worth another frame. */
const SCRAP = 64;

/** One datagram out: the parts are asked in order, packets are built and sealed, or abandoned if nothing worth sending got in. RFC 9000 §12.2, §13. */
export class Outbound {
  readonly #parts: Parts;
  // Two, because a packet is sealed only when it is known whether another follows in the datagram, or it is padded itself.
  readonly #builders = [new PacketBuilder(), new PacketBuilder()] as const;
  #pending: PacketBuilder | undefined = undefined;
  #end = 0;
  #pad = false;
  #paced = false;
  /** What the datagram leaves as. */
  #ecn: Ecn = 0;
  /** Probes owed, in all spaces. */
  #probing = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Fills `into` and returns true, or returns false when there is nothing to send now. */
  pollTransmit(now: Micros, into: Datagram): boolean {
    const { lifecycle, budget, path, config, handshake } = this.#parts;
    if (!lifecycle.open && !lifecycle.closeDue) return false;
    if (lifecycle.open && this.#probePath(now, into)) return true;
    budget.ask(now, into.bytes.length);
    if (budget.datagram === 0) {
      if (this.#parts.observed) reportRefusal(now, this.#parts);
      return false;
    }
    this.#ecn = path.ecn.codepoint(now, into.ecn, path);
    this.#end = 0;
    this.#pad = false;
    this.#paced = false;
    this.#pending = undefined;
    this.#probing = path.recovery.probesOwed(0) + path.recovery.probesOwed(1) + path.recovery.probesOwed(2);
    if (config.mtuDiscovery) {
      if (this.#probing > 0)
        budget.datagram = Math.min(budget.datagram, SMALLEST_MAX_DATAGRAM); // larger ones may be what is lost
      else if (path.mtu.wanted && this.#probeMtu(now, into, path)) return true;
    }
    for (const { index, keys, early } of this.#parts.spaces) if (keys.canWrite || early.canWrite) this.#packet(now, index, into);
    const last = this.#pending as PacketBuilder | undefined;
    if (last === undefined) {
      if (budget.refusedBy === '') path.recovery.onAppLimited();
      if (this.#parts.observed) reportRefusal(now, this.#parts);
      return false;
    }
    if (this.#pad) last.padTo(Math.min(SMALLEST_MAX_DATAGRAM, budget.datagram));
    this.#commit(now, last, path);
    lifecycle.closeDue = false;
    this.#address(now, into, path);
    if (this.#paced) budget.onSent(now, this.#end); // RFC 9002 §7.7: not what carries ACKs alone
    if (config.mtuDiscovery && this.#end > path.datagramSize - SCRAP && handshake.confirmed && path.validated)
      path.mtu.onFullDatagram(now, into.bytes.length);
    return true;
  }

  /** Larger than what the path is known to carry: nothing is in it whose loss would matter. RFC 9000 §14.4. */
  #probeMtu(now: Micros, into: Datagram, path: Path): boolean {
    const { budget, lifecycle } = this.#parts;
    if (!lifecycle.open || budget.refusedBy !== '' || path.recovery.repairAllowed) return false;
    const size = path.mtu.probeSize(path.recovery.controller.congestionWindow);
    if (size === 0 || !budget.admitsProbe(now, size)) return false;
    const packet = this.#beginAlone(now, into, path, size);
    if (packet === undefined) return false;
    writePing(packet.writer);
    packet.log(FrameType.PING, 0, 0, 0);
    packet.padTo(size);
    packet.record.mtuProbe = true;
    path.mtu.onProbeSent(packet.record.packetNumber);
    this.#commit(now, packet, path);
    this.#address(now, into, path);
    budget.onSent(now, size);
    return true;
  }

  /** A challenge, or the answer to one: a datagram of its own, of full size. RFC 9000 §8.2. */
  #probePath(now: Micros, into: Datagram): boolean {
    const { paths, spaces } = this.#parts;
    const path = paths.nextProbe(now);
    if (path === undefined || !spaces[Space.APPLICATION]!.keys.canWrite) return false;
    this.#ecn = path.ecn.codepoint(now, into.ecn, path);
    const room = Math.min(into.bytes.length, SMALLEST_MAX_DATAGRAM, path.amplificationBudget);
    const packet = this.#beginAlone(now, into, path, room);
    if (packet === undefined) return false;
    paths.writeProbe(now, packet, path);
    if (packet.empty) {
      packet.abandon();
      return false;
    }
    packet.padTo(room);
    this.#commit(now, packet, path);
    this.#address(now, into, path);
    return true;
  }

  /** Begins a 1-RTT packet that has its datagram for itself. */
  #beginAlone(now: Micros, into: Datagram, path: Path, room: number): PacketBuilder | undefined {
    const { spaces, versions, peerIds, localIds, quicBit } = this.#parts;
    const packet = this.#builders[0];
    const record = path.recovery.record(Space.APPLICATION);
    const space = spaces[Space.APPLICATION]!;
    this.#renewKeys(now);
    if (!packet.begin(space, record, versions.current, into.bytes, 0, room, path.peerId ?? peerIds.current, localIds.first, NO_TOKEN))
      return undefined;
    if (quicBit.clears()) packet.clearQuicBit();
    return packet;
  }

  /** All packets are in: where the datagram goes, and what that counts for. */
  #address(now: Micros, into: Datagram, path: Path): void {
    const { counters, observer } = this.#parts;
    into.length = this.#end;
    into.local = path.local;
    into.remote = path.remote;
    if (into.ecn !== ECN_UNSUPPORTED) into.ecn = this.#ecn;
    path.onSent(now, this.#end);
    counters.datagramsSent++;
    counters.bytesSent += this.#end;
    observer.datagramSent(now, counters.datagramsSent - 1, path.id, this.#end, into.ecn);
  }

  #packet(now: Micros, index: Space, into: Datagram): void {
    const parts = this.#parts;
    const { budget, path, peerIds, localIds, lifecycle } = parts;
    const space = parts.spaces[index]!;
    // RFC 9000 §14.1: a client pads all Initials, a server those that elicit an acknowledgement
    const padded = index === Space.INITIAL && parts.side === 'client';
    if (padded && budget.datagram < SMALLEST_MAX_DATAGRAM) return;
    if (index === Space.APPLICATION && lifecycle.open && space.keys.canWrite) this.#renewKeys(now);
    const start = this.#pending?.sealedEnd ?? 0;
    const packet = this.#builders[0] === this.#pending ? this.#builders[1] : this.#builders[0];
    const record = path.recovery.record(index);
    // a long header in the application space is a 0-RTT packet, which is of the original version always: RFC 9369 §4.1
    const version = index === Space.APPLICATION ? parts.versions.original : parts.versions.current;
    if (!packet.begin(space, record, version, into.bytes, start, budget.datagram, peerIds.current, localIds.first, parts.retry.token))
      return;
    if (parts.quicBit.clears()) packet.clearQuicBit();
    if (lifecycle.open) this.#fill(now, packet);
    else if (!packet.early) writeClose(packet, lifecycle.cause!);
    // RFC 9000 §13.2.1: an ACK alone only when one is owed
    if (packet.empty || (!packet.ackEliciting && packet.hasAck && !space.received.due)) {
      packet.abandon();
      return;
    }
    packet.finish(localIds.first.length);
    if (this.#pending !== undefined) this.#commit(now, this.#pending, path);
    this.#pending = packet;
    if (padded || (index === Space.INITIAL && packet.ackEliciting)) this.#pad = true;
  }

  /** RFC 9001 §6.6: keys do not last for ever. */
  #renewKeys(now: Micros): void {
    const { spaces, config, handshake, observer } = this.#parts;
    const { keys, largestAcked } = spaces[Space.APPLICATION]!;
    if (keys.sealed < config.packetsPerKey && !keys.updateWanted) return;
    if (handshake.confirmed && keys.mayUpdate(largestAcked)) {
      keys.update();
      observer.keyUpdated(now, 'local', keys.writePhase, keys.writeGeneration);
    } else if (keys.wornOut)
      throw new TransportError(
        TransportErrorCode.AEAD_LIMIT_REACHED,
        `${keys.sealed} packets were sealed with one key, and the peer does not follow`,
      );
  }

  #fill(now: Micros, packet: PacketBuilder): void {
    const parts = this.#parts;
    const { budget, path, config } = parts;
    const { space } = packet;
    const { received } = space;
    const probes = path.recovery.probesOwed(space.index);
    // What was acknowledged already is not said again, not even with a probe: the peer would take that late ACK for a long round
    // trip (RFC 9002 §5.1). A client that still sends 0-RTT has received nothing here that Table 3 would keep out.
    // Beside a datagram that fills a packet there is no room for an ACK: one that is owed goes alone, another waits.
    const alone = space.index === Space.APPLICATION && parts.datagrams.needsPacket && this.#probing === 0;
    if (received.due || (received.unacknowledged && !alone))
      packet.ack(received.ranges, now - received.largestAt, config.ackDelayExponent, received.ecnCounts);
    if (alone && packet.hasAck) return;
    if (budget.ackOnly && !(this.#probing > 0 && this.#joinsProbe(space, probes)) && !this.#wouldWaitForEver(space)) return;
    // a server that cannot pad its Initial to 1,200 octets any more waits for credit: RFC 9000 §14.1
    if (space.index === Space.INITIAL && budget.datagram < SMALLEST_MAX_DATAGRAM) return;
    if (probes > 0 && space.index === Space.APPLICATION && !packet.early) parts.ackFrequency.writeImmediateAck(packet);
    if (this.#probing > 0) this.#repeat(space, probes);
    writeInOrder(now, parts, packet);
    if (probes > 0 && !packet.ackEliciting) {
      writePing(packet.writer);
      packet.log(FrameType.PING, 0, 0, 0);
    }
  }

  /**
   * Lost handshake data, and a window full of packets of later spaces that the peer cannot read, or not acknowledge, before it
   * has that data. One packet leaves, as a probe would: no probe timeout is armed for this space while nothing of it is in
   * flight, nor for the Application space before confirmation (RFC 9002 §6.2.1).
   */
  #wouldWaitForEver({ index, crypto }: PacketSpace): boolean {
    const { budget, path } = this.#parts;
    if (budget.refusedBy !== 'window' || index === Space.APPLICATION || !crypto.hasToSend) return false;
    if (path.recovery.ackElicitingInFlight(index) > 0) return false;
    return (
      path.recovery.ackElicitingInFlight(Space.APPLICATION) > 0 ||
      (index === Space.INITIAL && path.recovery.ackElicitingInFlight(Space.HANDSHAKE) > 0)
    );
  }

  /**
   * RFC 9002 §6.2.4: a probe brings along what is in flight, or waits to be said again, in the other spaces of the handshake; a
   * client's also what it said after its Finished, as nobody else will before the handshake is confirmed (§6.2.1).
   */
  #joinsProbe(space: PacketSpace, probes: number): boolean {
    if (probes > 0) return true;
    if (space.index === Space.APPLICATION) {
      const { side, handshake, path } = this.#parts;
      return side === 'client' && handshake.complete && !handshake.confirmed && path.recovery.ackElicitingInFlight(space.index) > 0;
    }
    return space.crypto.hasToSend || this.#parts.path.recovery.ackElicitingInFlight(space.index) > 0;
  }

  /** RFC 9002 §6.2.4: a probe says again what is outstanding longest; the second may bring new stream data instead. */
  #repeat(space: PacketSpace, probes: number): void {
    if (!this.#joinsProbe(space, probes) || space.crypto.hasToSend) return;
    if (this.#probing === 1 && space.index === Space.APPLICATION && this.#parts.sender.hasToSend) return;
    repeatOldest(this.#parts, space.index);
  }

  #commit(now: Micros, packet: PacketBuilder, path: Path): void {
    const parts = this.#parts;
    const { space, record } = packet;
    const { recovery } = parts.path;
    if (parts.observed) {
      parts.view.copyPayload(packet.writer.bytes, packet.payloadStart, packet.writer.position);
      parts.view.probe = packet.ackEliciting && recovery.probesOwed(space.index) > 0;
    }
    this.#end = packet.seal();
    record.datagram = parts.counters.datagramsSent;
    record.path = path.id;
    record.elsewhere = path !== parts.path;
    record.ecn = this.#ecn;
    if (this.#ecn !== 0) {
      space.ecn.marked++;
      path.ecn.onMarked(now);
    }
    if (packet.inFlight) this.#paced = true;
    recovery.sent(now, space.index, record);
    parts.counters.packetsSent++;
    path.counters.packetsSent++;
    if (packet.hasAck) {
      space.received.onAckSent(now);
      space.keys.onAckSealed();
    }
    if (packet.ackEliciting) {
      parts.idle.onAckElicitingSent(now, parts.path.probeTimeout);
      if (recovery.probesOwed(space.index) > 0) {
        recovery.onProbeSent(space.index);
        parts.counters.probes++;
      }
    }
    if (parts.observed) reportSent(now, parts, packet, path.id);
    // RFC 9001 §4.9.1: a client's first Handshake packet makes Initial keys obsolete
    if (space.index === Space.HANDSHAKE && parts.side === 'client') parts.handshake.discard(now, parts, Space.INITIAL);
  }
}
