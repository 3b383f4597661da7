import { sameBytes } from '@quiclab/bytes';
import { decodeAckDelay, type SentRecord, Space } from '@quiclab/recovery';
import { type Datagram, ECN_UNSUPPORTED, type Ecn, type Micros, NEVER } from '@quiclab/sansio';
import {
  FrameReader,
  FrameType,
  MIN_STATELESS_RESET,
  PacketHeader,
  PacketType,
  RESET_TOKEN_LENGTH,
  readHeader,
  TransportError,
  TransportErrorCode,
} from '@quiclab/wire';
import { peerClose } from '../control/close.ts';
import type { DropReason } from '../errors.ts';
import { PacketOpener } from '../packet/opener.ts';
import { WaitingPackets } from '../packet/waiting.ts';
import { SMALLEST_MAX_DATAGRAM } from '../path/mtu.ts';
import type { Path } from '../path/path.ts';
import type { SpaceKeys } from '../space/keys.ts';
import { takeEcnCounts } from './ecn-feedback.ts';
import { checkPlace, isAckEliciting, isProbing } from './frame-rules.ts';
import { Hastening } from './hastening.ts';
import { InboundReports } from './inbound-reports.ts';
import { changeVersion, initialKeysFor, isRead, onVersionNegotiation } from './negotiation.ts';
import type { Parts } from './parts.ts';
import { reportAcked, reportLost, reportPath, reportRecovery } from './reports.ts';
import { onRetry } from './retry.ts';
import { onPacketAcked } from './sent-outcome.ts';
import { countAcknowledged } from './statistics.ts';
import { stamp } from './versions.ts';

/** A packet whose header was not read. */
const UNKNOWN = -1;
const SPACE_OF = [Space.INITIAL, Space.APPLICATION, Space.HANDSHAKE, -1, Space.APPLICATION] as const; // by PacketType

/** One datagram in: packets, their frames, each handed to the one part that owns its subject. Nothing is sent here. RFC 9000 §12, §13. */
export class Inbound {
  readonly #parts: Parts;
  readonly #idLength: number;
  readonly #header = new PacketHeader();
  readonly #opener = new PacketOpener();
  readonly #frames = new FrameReader();
  /** The connection ID that the first packet of the datagram went to. */
  readonly #destination = new Uint8Array(20);
  #destinationLength = 0;
  readonly #waiting = new WaitingPackets();
  readonly #hastening = new Hastening();
  /** The ID that the peer chose in the handshake is known: at a server from the first Initial, at a client from the first answer. */
  #peerIdKnown: boolean;
  /** Packets that no key opened. */
  #forgeries = 0;
  /** Where the datagram that is being read came from. */
  #path: Path;
  /** The connection ID of ours that the peer used last on the active path: another one tells that it moved knowingly. */
  readonly #lastDestination = new Uint8Array(20);
  readonly #reports: InboundReports;
  /** Nothing but what a path is probed by was in the packet. RFC 9000 §9.1. */
  #onlyProbing = false;

  /** @param idLength  octets of the connection IDs that we issue */
  constructor(parts: Parts, idLength: number) {
    this.#parts = parts;
    this.#idLength = idLength;
    this.#peerIdKnown = parts.side === 'server';
    this.#path = parts.path;
    this.#reports = new InboundReports(parts);
  }

  /** Takes a datagram. Throws TransportError: the peer's fault, proven. */
  receive(now: Micros, { bytes, length, local, remote, ecn }: Datagram): void {
    const parts = this.#parts;
    const path = parts.paths.of(local, remote, parts.handshake.confirmed);
    if (path === undefined) {
      this.#drop(now, 'unknown-path', length, UNKNOWN);
      return;
    }
    this.#path = path;
    this.#reports.replaying = false;
    parts.counters.datagramsReceived++;
    parts.counters.bytesReceived += length;
    path.credit(length);
    parts.observer.datagramReceived(now, parts.counters.datagramsReceived - 1, path.id, length, ecn);
    parts.lifecycle.onDatagram();
    if (parts.lifecycle.silent) {
      this.#drop(now, 'closing', length, UNKNOWN);
      return;
    }
    this.#datagram(now, bytes, length, length, ecn === ECN_UNSUPPORTED ? 0 : ecn);
    if (this.#waiting.count > 0) this.#replay(now);
    parts.path.recovery.updateDeadline(now);
  }

  /** A datagram that ends in our peer's reset token: it has lost the connection. RFC 9000 §10.3.1. */
  onStatelessReset(now: Micros): void {
    this.#parts.lifecycle.drain(now, { kind: 'stateless-reset' }, this.#parts.path.probeTimeout);
  }

  #datagram(now: Micros, bytes: Uint8Array, length: number, datagramLength: number, ecn: Ecn): void {
    const header = this.#header;
    for (let offset = 0; offset < length && !this.#parts.lifecycle.silent; offset = header.end) {
      if (readHeader(bytes, offset, length, this.#idLength, header, this.#parts.config.grease) !== '') {
        this.#drop(now, 'header', length - offset, UNKNOWN);
        return;
      }
      const size = header.end - offset;
      const { type } = header;
      const reason = this.#packet(now, bytes, datagramLength, offset, ecn);
      if (reason === '') continue;
      this.#drop(now, reason, size, type);
      // RFC 9000 §10.3.1: whatever kept the packet from being read, random octets could have done so
      if (offset === 0 && this.#isStatelessReset(bytes, length)) {
        this.onStatelessReset(now);
        return;
      }
    }
  }

  /** '' when the packet was taken, else why not. */
  #packet(now: Micros, bytes: Uint8Array, datagramLength: number, offset: number, ecn: Ecn): DropReason | '' {
    const parts = this.#parts;
    const header = this.#header;
    const { type } = header;
    if (type === PacketType.VERSION_NEGOTIATION)
      return this.#peerIdKnown ? 'invalid-version-negotiation' : onVersionNegotiation(now, parts, header);
    if (type === PacketType.RETRY) return this.#peerIdKnown ? 'retry' : onRetry(now, parts, header);
    if (!isRead(parts, type, header.version)) return 'version';
    if (offset === 0) {
      this.#destinationLength = header.destinationIdLength;
      for (let i = 0; i < header.destinationIdLength; i++) this.#destination[i] = bytes[header.destinationIdStart + i]!;
    } else if (!this.#sameDestination(bytes)) return 'connection-id'; // RFC 9000 §12.2
    if (type === PacketType.INITIAL && parts.side === 'server' && datagramLength < SMALLEST_MAX_DATAGRAM) return 'initial-too-small';
    if (type === PacketType.INITIAL && parts.side === 'client' && header.tokenLength > 0) return 'header'; // RFC 9000 §17.2.2
    const index = SPACE_OF[type]!;
    const early = type === PacketType.ZERO_RTT;
    if (early && parts.side === 'client') return 'keys-unavailable'; // a server sends none
    const space = parts.spaces[index]!;
    // RFC 9000 §7.2: the source ID must not change
    if (type !== PacketType.ONE_RTT && this.#peerIdKnown && !sameBytes(header.sourceId, parts.peerIds.ofHandshake)) return 'connection-id';
    const keys = early ? space.early : type === PacketType.INITIAL ? initialKeysFor(parts, space, header.version) : space.keys;
    if (!keys.canRead && !keys.discarded) {
      this.#hastening.onUnreadable(now, parts);
      if (!this.#waiting.keep(bytes, offset, header.end, type, ecn)) return 'keys-unavailable';
      parts.observer.packetBuffered(now, type, header.end - offset);
      return '';
    }
    const reason = this.#opener.open(now, space, keys, header, bytes, 3 * parts.path.probeTimeout);
    if (reason === 'not-authentic') this.#onForgery(keys);
    if (reason !== '') return reason;
    // RFC 9369 §4.1: the first long header of another version tells a client what the server has chosen
    if (type === PacketType.INITIAL && keys !== space.keys && keys !== space.before) changeVersion(parts, header.version, keys);
    return this.#opened(now, space.index, early, bytes, ecn);
  }

  /** RFC 9001 §6.6: the integrity limit of the AEAD counts forgeries over all keys of the connection. */
  #onForgery(keys: SpaceKeys): void {
    if (++this.#forgeries > Math.min(keys.integrityLimit, this.#parts.config.maxForgedPackets))
      throw new TransportError(TransportErrorCode.AEAD_LIMIT_REACHED, `${this.#forgeries} packets were not authentic`);
  }

  #opened(now: Micros, index: Space, early: boolean, bytes: Uint8Array, ecn: Ecn): DropReason | '' {
    const parts = this.#parts;
    const space = parts.spaces[index]!;
    const { packetNumber, payloadStart, payloadEnd } = this.#opener;
    parts.counters.packetsReceived++;
    this.#path.counters.packetsReceived++;
    this.#path.ecn.onReceived(ecn);
    parts.paths.keep(this.#path);
    if (parts.observed) this.#reports.opened(now, this.#path.id, space, early, this.#header, this.#opener, this.#frames);
    if (!this.#peerIdKnown) {
      this.#peerIdKnown = true;
      parts.peerIds.replaceFirst(this.#header.sourceId); // RFC 9000 §7.2
    }
    if (index === Space.HANDSHAKE && parts.side === 'server') {
      if (!parts.path.validated) parts.observer.pathValidation(now, parts.path.id, 'succeeded');
      parts.path.validate(); // RFC 9000 §8.1: whoever has Handshake keys has read our Initial
      parts.handshake.discard(now, parts, Space.INITIAL); // RFC 9001 §4.9.1
    }
    if (payloadStart === payloadEnd)
      throw new TransportError(TransportErrorCode.PROTOCOL_VIOLATION, `${space.level} packet ${packetNumber} has no frames`);
    parts.table.early = early;
    // RFC 9001 §4.9.3: 0-RTT packets that were overtaken are still taken for a while
    if (index === Space.APPLICATION && !early && space.early.canRead && space.early.deadline === NEVER)
      space.early.deadline = now + 3 * parts.path.probeTimeout;
    const ackEliciting = this.#readFrames(now, index, early, bytes, payloadStart, payloadEnd);
    if (parts.streams.refused) {
      parts.streams.refused = false;
      space.received.onRefused(packetNumber);
      return 'refused';
    }
    const newest = packetNumber > space.received.largest;
    space.received.onPacket(now, packetNumber, ackEliciting, ecn);
    if (index === Space.APPLICATION && newest && !early && parts.side === 'server') this.#follow(now);
    parts.idle.onReceived(now, parts.path.probeTimeout);
    return '';
  }

  /** A server goes where its peer is. RFC 9000 §9.3. */
  #follow(now: Micros): void {
    const { paths, observer, events } = this.#parts;
    const path = this.#path;
    const newId = !sameBytes(this.#lastDestination, this.#destination);
    if (path !== paths.active) {
      if (this.#onlyProbing || !paths.follow(now, path, newId)) return;
      events.push({ type: 'path-changed', local: path.local, remote: path.remote });
      observer.pathChanged(now, path.id, path.local, path.remote);
    }
    if (newId) this.#lastDestination.set(this.#destination);
  }

  /** Whether anything in the packet elicits an acknowledgement. */
  #readFrames(now: Micros, index: Space, early: boolean, bytes: Uint8Array, start: number, end: number): boolean {
    const frames = this.#frames;
    const { lifecycle } = this.#parts;
    let ackEliciting = false;
    let hasCrypto = false;
    let hasOldCrypto = false;
    this.#onlyProbing = true;
    frames.reset(bytes, start, end);
    for (let type = frames.next(); type >= 0; type = frames.next()) {
      if (early || index !== Space.APPLICATION) checkPlace(type, frames.rawType, index, early);
      if (isAckEliciting(type)) ackEliciting = true;
      if (!isProbing(type)) this.#onlyProbing = false;
      if (!lifecycle.open && type !== FrameType.CONNECTION_CLOSE && type !== FrameType.CONNECTION_CLOSE_APP) continue;
      if (type === FrameType.CRYPTO) {
        if (this.#parts.spaces[index]!.crypto.receive(frames.offset, bytes, frames.dataStart, frames.dataEnd)) hasCrypto = true;
        else hasOldCrypto = true;
      } else this.#frame(now, index, bytes, type);
    }
    // after the whole packet: TLS may discard the keys, and with them the space, that the other frames belong to
    if (!lifecycle.open) return ackEliciting;
    if (hasCrypto) this.#parts.handshake.onCrypto(now, this.#parts, index);
    else if (ackEliciting && index !== Space.APPLICATION) this.#hastening.onNothingNew(now, this.#parts, index, hasOldCrypto);
    return ackEliciting;
  }

  /** Hands a frame to its part. */
  #frame(now: Micros, index: Space, bytes: Uint8Array, type: number): void {
    const parts = this.#parts;
    const frame = this.#frames;
    switch (type) {
      case FrameType.PADDING:
      case FrameType.PING:
      case FrameType.DATA_BLOCKED:
      case FrameType.STREAMS_BLOCKED_BIDI:
      case FrameType.STREAMS_BLOCKED_UNI:
        return;
      case FrameType.STREAM:
        parts.streams.onStream(now, frame, bytes);
        return;
      case FrameType.ACK:
      case FrameType.ACK_ECN:
        this.#ack(now, index);
        return;
      case FrameType.RESET_STREAM:
        parts.streams.onReset(frame);
        return;
      case FrameType.RESET_STREAM_AT:
        if (!parts.config.resetStreamAt)
          throw new TransportError(TransportErrorCode.FRAME_ENCODING_ERROR, 'RESET_STREAM_AT, which we have not said that we take', type);
        parts.streams.onResetAt(frame);
        return;
      case FrameType.DATAGRAM:
        parts.datagrams.receive(frame, parts.table.early);
        return;
      case FrameType.ACK_FREQUENCY:
        parts.ackFrequency.receive(frame, parts.spaces[index]!.received);
        return;
      case FrameType.IMMEDIATE_ACK:
        parts.ackFrequency.receiveImmediate(frame, parts.spaces[index]!.received);
        return;
      case FrameType.STOP_SENDING:
        parts.streams.onStopSending(frame.id, frame.code);
        return;
      case FrameType.MAX_DATA:
        if (parts.credit.send.raise(frame.limit)) parts.sender.onConnectionCredit();
        return;
      case FrameType.MAX_STREAM_DATA:
        parts.streams.onMaxStreamData(frame.id, frame.limit);
        return;
      case FrameType.STREAM_DATA_BLOCKED:
        parts.streams.onStreamDataBlocked(frame.id);
        return;
      case FrameType.MAX_STREAMS_BIDI:
        this.#streamLimit('bidi');
        return;
      case FrameType.MAX_STREAMS_UNI:
        this.#streamLimit('uni');
        return;
      case FrameType.NEW_CONNECTION_ID:
        parts.peerIds.onNew(frame.sequence, frame.retirePriorTo, frame.connectionId, frame.resetToken);
        return;
      case FrameType.RETIRE_CONNECTION_ID:
        parts.localIds.onRetire(frame.sequence, this.#destination.subarray(0, this.#idLength));
        return;
      case FrameType.PATH_CHALLENGE:
        parts.paths.onChallenge(this.#path, frame.data());
        return;
      case FrameType.PATH_RESPONSE:
        reportPath(now, parts, parts.paths.onResponse(now, frame.data())); // one that nobody asked for is ignored, as §19.18 allows
        return;
      case FrameType.NEW_TOKEN:
        if (parts.side === 'server') throw new TransportError(TransportErrorCode.PROTOCOL_VIOLATION, 'NEW_TOKEN from a client', type);
        parts.events.pushToken({ type: 'token', data: stamp(parts.versions.current, frame.data()) });
        return;
      case FrameType.HANDSHAKE_DONE:
        if (parts.side === 'server') throw new TransportError(TransportErrorCode.PROTOCOL_VIOLATION, 'HANDSHAKE_DONE from a client', type);
        parts.handshake.confirm(now, parts);
        return;
      case FrameType.CONNECTION_CLOSE:
      case FrameType.CONNECTION_CLOSE_APP:
        parts.lifecycle.drain(now, peerClose(type, frame.code, frame.frameType, frame.reason), parts.path.probeTimeout);
        return;
    }
  }

  #streamLimit(kind: 'bidi' | 'uni'): void {
    const { table, events, sender, handshake } = this.#parts;
    if (table[kind].onPeerLimit(this.#frames.limit)) events.push({ type: 'streams-available', kind });
    if (handshake.earlyData === 'rejected') sender.onLimits(); // streams of early data may have been beyond the limit
  }

  #ack(now: Micros, index: Space): void {
    const parts = this.#parts;
    const { ack } = this.#frames;
    const { recovery } = parts.path;
    const delay = index === Space.APPLICATION ? decodeAckDelay(ack.delay, parts.peerParameters.ackDelayExponent) : 0;
    if (!recovery.onAck(now, index, ack.count, ack.largestOf, ack.smallest, delay))
      throw new TransportError(
        TransportErrorCode.PROTOCOL_VIOLATION,
        `packet ${ack.largest} was acknowledged, it was never sent`,
        this.#frames.rawType,
      );
    const smallest = ack.smallest[ack.count - 1]!;
    if (index === Space.APPLICATION && smallest < parts.handshake.rejectedBelow)
      throw new TransportError(
        TransportErrorCode.PROTOCOL_VIOLATION, // RFC 9001 §4.6.2
        `packet ${smallest} was acknowledged, it was of 0-RTT that was rejected`,
        this.#frames.rawType,
      );
    const space = parts.spaces[index]!;
    const raises = ack.largest > space.largestAcked;
    if (raises) space.largestAcked = ack.largest;
    if (parts.observed) reportAcked(now, parts, space.level);
    for (const record of recovery.acked) this.#acked(now, record);
    for (const record of recovery.lateAcked) this.#acked(now, record);
    takeEcnCounts(now, parts, space, ack, raises);
    reportLost(now, parts, recovery.lost);
    if (recovery.acked.length === 0) return;
    if (index === Space.APPLICATION) parts.ackFrequency.onAck(now, recovery, parts.path.datagramSize);
    if (parts.observed) reportRecovery(now, parts);
  }

  #acked(now: Micros, record: SentRecord): void {
    countAcknowledged(this.#parts, record);
    if (this.#parts.config.mtuDiscovery) this.#parts.paths.onAcked(now, record);
    onPacketAcked(this.#parts, record);
  }

  #sameDestination(bytes: Uint8Array): boolean {
    const { destinationIdStart, destinationIdLength } = this.#header;
    if (destinationIdLength !== this.#destinationLength) return false;
    for (let i = 0; i < destinationIdLength; i++) if (bytes[destinationIdStart + i] !== this.#destination[i]) return false;
    return true;
  }

  #isStatelessReset(bytes: Uint8Array, length: number): boolean {
    if (length < MIN_STATELESS_RESET || (bytes[0]! & 0xc0) !== 0x40) return false;
    return this.#parts.peerIds.isResetToken(bytes, length - RESET_TOKEN_LENGTH);
  }

  /** Keys have come: so do the packets that waited for them, which may bring the next keys. */
  #replay(now: Micros): void {
    const { spaces, lifecycle } = this.#parts;
    this.#reports.replaying = true;
    for (const type of [PacketType.INITIAL, PacketType.ZERO_RTT, PacketType.HANDSHAKE, PacketType.ONE_RTT]) {
      const space = spaces[SPACE_OF[type]!]!;
      const keys = type === PacketType.ZERO_RTT ? space.early : space.keys;
      if (!keys.canRead && !keys.discarded) continue;
      for (let packet = this.#waiting.take(type); packet !== undefined; packet = this.#waiting.take(type))
        if (lifecycle.open && keys.canRead) this.#datagram(now, packet.bytes, packet.bytes.length, SMALLEST_MAX_DATAGRAM, packet.ecn);
    }
    this.#reports.replaying = false;
  }

  #drop(now: Micros, reason: DropReason, octets: number, type: number): void {
    this.#parts.counters.packetsDropped++;
    this.#parts.observer.packetDropped(now, reason, octets, type);
  }
}
