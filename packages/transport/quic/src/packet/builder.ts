import { ByteWriter, type RangeSet } from '@quiclab/bytes';
import { TAG_LENGTH } from '@quiclab/crypto';
import { encodeAckDelay, type SentRecord, Space } from '@quiclab/recovery';
import {
  type EcnCounts,
  FrameType,
  PacketType,
  packetNumberLength,
  setLength,
  writeAck,
  writeLongHeader,
  writeShortHeader,
} from '@quiclab/wire';
import { assert } from '../errors.ts';
import type { PacketSpace } from '../space/space.ts';

const NO_TOKEN = new Uint8Array(0);
/** How the records of 0-RTT packets are marked: when early data is rejected, they go. */
export const EARLY = 1;
const LONG_TYPE = [PacketType.INITIAL, PacketType.HANDSHAKE, PacketType.ZERO_RTT] as const; // by space

/** Ranges in one ACK frame; those below were said before, and mattered then. */
const MAX_ACK_RANGES_SENT = 32;
/** What the two octets of a long header's Length field can say. */
const MAX_LONG_PACKET = 0x3fff;

/** Header octets beside the connection IDs: first octet, version, two ID lengths, token length, length, packet number. RFC 9000 §17.2.2. */
export const LONG_OVERHEAD = 1 + 4 + 1 + 1 + 1 + 2 + 4;

/**
 * One packet on its way out: `begin`, let the parts write their frames, then `seal`, or `abandon`. The frames go
 * straight into the datagram; what they were is logged in the packet's record. RFC 9000 §12, §17.
 */
export class PacketBuilder {
  /** Where frames are written; its end leaves room for the AEAD tag. */
  readonly writer: ByteWriter;
  /** Whether an ACK frame, or only one, is in. */
  hasAck: boolean;
  ackEliciting: boolean;
  /** RFC 9002 §2: ack-eliciting, or with PADDING. */
  inFlight: boolean;
  open: boolean;
  /** A 0-RTT packet: numbers of the application space, keys and header of its own. */
  early: boolean;

  #space: PacketSpace | undefined;
  #record: SentRecord | undefined;
  #start: number;
  #packetNumberOffset: number;
  #packetNumberLength: number;
  #payloadStart: number;

  constructor() {
    this.writer = new ByteWriter(NO_TOKEN);
    this.hasAck = false;
    this.ackEliciting = false;
    this.inFlight = false;
    this.open = false;
    this.early = false;
    this.#space = undefined;
    this.#record = undefined;
    this.#start = 0;
    this.#packetNumberOffset = 0;
    this.#packetNumberLength = 0;
    this.#payloadStart = 0;
  }

  get space(): PacketSpace {
    return this.#space!;
  }
  get record(): SentRecord {
    return this.#record!;
  }
  /** Octets that frames may still take. */
  get remaining(): number {
    return this.writer.end - this.writer.position;
  }
  get empty(): boolean {
    return this.writer.position === this.#payloadStart;
  }
  /** Where the packet ends once it is sealed. */
  get sealedEnd(): number {
    return this.writer.position + TAG_LENGTH;
  }

  /**
   * Writes the header at `start` of a datagram that may be filled up to `end`. Returns false when there is no room for a
   * packet worth sending.
   */
  begin(
    space: PacketSpace,
    record: SentRecord,
    version: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    destination: Uint8Array,
    source: Uint8Array,
    token: Uint8Array,
  ): boolean {
    this.early = space.index === Space.APPLICATION && !space.keys.canWrite;
    const short = space.index === Space.APPLICATION && !this.early;
    const header = short
      ? 1 + destination.length + 4
      : LONG_OVERHEAD + destination.length + source.length + (space.index === Space.INITIAL ? token.length + 1 : 0);
    if (!short) end = Math.min(end, start + MAX_LONG_PACKET);
    if (start + header + TAG_LENGTH + 32 > end) return false;
    const packetNumber = space.nextPacketNumber;
    const length = packetNumberLength(packetNumber, space.largestAcked);
    this.writer.reset(bytes, start, end);
    this.#packetNumberOffset = short
      ? writeShortHeader(this.writer, destination, packetNumber, length, space.keys.writePhase, 0)
      : writeLongHeader(this.writer, LONG_TYPE[space.index]!, version, destination, source, token, packetNumber, length);
    this.#payloadStart = this.writer.position;
    this.writer.end = end - TAG_LENGTH;
    this.#space = space;
    this.#record = record;
    this.#start = start;
    this.#packetNumberLength = length;
    this.hasAck = false;
    this.ackEliciting = false;
    this.inFlight = false;
    this.open = true;
    record.packetNumber = packetNumber;
    record.level = this.early ? EARLY : 0;
    return true;
  }

  /** The QUIC bit of this packet is 0. RFC 9287. Before it is sealed: the bit is authenticated, and not masked. */
  clearQuicBit(): void {
    this.writer.bytes[this.#start]! &= 0xbf;
  }

  /** Notes a frame that was just written; see FrameLog for what the numbers mean. */
  log(type: number, stream: number, offset: number, size: number): void {
    this.#record!.frames.push(type, stream, offset, size);
    this.ackEliciting = true;
    this.inFlight = true;
  }

  /** Writes an ACK frame with as many ranges as fit, and with ECN counts where there are any. RFC 9000 §19.3. */
  ack(ranges: RangeSet, delay: number, delayExponent: number, ecn: EcnCounts | undefined): boolean {
    if (!writeAck(this.writer, ranges, encodeAckDelay(delay, delayExponent), MAX_ACK_RANGES_SENT, this.remaining, ecn)) return false;
    this.#record!.frames.push(ecn === undefined ? FrameType.ACK : FrameType.ACK_ECN, ranges.count, ranges.end(ranges.count - 1) - 1, delay);
    this.hasAck = true;
    return true;
  }

  /** Notes a CONNECTION_CLOSE: neither acknowledged nor in flight. RFC 9000 §13.2.1. */
  logClose(type: number, code: number): void {
    this.#record!.frames.push(type, code, 0, 0);
  }

  /** Fills up with PADDING until the sealed packet ends at `sealedEnd`. PADDING counts as in flight (RFC 9002 §2). */
  padTo(sealedEnd: number): void {
    const missing = sealedEnd - TAG_LENGTH - this.writer.position;
    if (missing <= 0) return;
    this.writer.zeros(missing);
    this.#record!.frames.push(FrameType.PADDING, 0, 0, missing);
    this.inFlight = true;
  }

  /**
   * No more frames will come: fills up what is too short to be protected (RFC 9001 §5.4.2: the sample begins 4 octets after
   * the start of the packet number), or for a stateless reset that answers it to look like a packet (RFC 9000 §10.3).
   * @param idLength  octets of the connection IDs that we issue
   */
  finish(idLength: number): void {
    let end = this.#packetNumberOffset + 4 + TAG_LENGTH;
    if (this.ackEliciting && this.#space!.index === Space.APPLICATION && !this.early) end = Math.max(end, this.#start + 22 + idLength);
    this.padTo(end);
  }

  /** Where the frames begin in `writer.bytes`, until the packet is sealed; they end at `writer.position`. */
  get payloadStart(): number {
    return this.#payloadStart;
  }

  /** Protects the packet and returns where it ends. RFC 9001 §5. */
  seal(): number {
    const space = this.#space!;
    const writer = this.writer;
    const bytes = writer.bytes;
    const payloadEnd = writer.position;
    const end = payloadEnd + TAG_LENGTH;
    if (this.early || space.index !== Space.APPLICATION) setLength(bytes, this.#packetNumberOffset, end);
    const record = this.#record!;
    const keys = this.early ? space.early : space.keys;
    keys.seal(bytes, this.#start, this.#packetNumberOffset, this.#packetNumberLength, payloadEnd, record.packetNumber);
    record.bytes = end - this.#start;
    record.ackEliciting = this.ackEliciting;
    record.inFlight = this.inFlight;
    if (++space.nextPacketNumber === space.skipped) space.skip();
    this.open = false;
    return end;
  }

  /** Nothing worth sending got in; the record will serve the next packet. */
  abandon(): void {
    assert(this.open, 'a packet was abandoned that was not begun');
    this.open = false;
  }
}
