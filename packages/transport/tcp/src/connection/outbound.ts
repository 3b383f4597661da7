import type { Datagram, Micros } from '@quiclab/sansio';
import { UsageError } from '../errors.ts';
import type { Purpose, SegmentView } from '../observer.ts';
import { headerSize, writeSegment } from '../segment/codec.ts';
import { Flag } from '../segment/flags.ts';
import { sackBlocksBeside } from '../segment/options.ts';
import { Segment } from '../segment/segment.ts';
import { sequenceOf } from '../segment/sequence.ts';
import type { ControlBlock } from './control-block.ts';
import type { Opening } from './opening.ts';
import { isSynchronized } from './states.ts';

/** A view that can be filled. */
export type MutableView = { -readonly [K in keyof SegmentView]: SegmentView[K] };
export const newView = (): MutableView => ({
  offset: 0,
  length: 0,
  fin: false,
  syn: false,
  rst: false,
  acknowledged: -1,
  window: 0,
  bytes: 0,
  purpose: 'ack',
  transmission: 0,
});

/** What leaves next: one segment at a time, the most urgent first. */
export class Outbound {
  readonly #block: ControlBlock;
  readonly #opening: Opening;
  readonly #segment = new Segment();
  readonly #view = newView();

  constructor(block: ControlBlock, opening: Opening) {
    this.#block = block;
    this.#opening = opening;
  }

  pollTransmit(now: Micros, into: Datagram): boolean {
    const block = this.#block;
    const { sender, receiver } = block;
    if (block.resetOwed) return this.#reset(now, into);
    if (block.synOwed) return this.#syn(now, into);
    if (block.state === 'syn-received' && receiver.ackOwed) return this.#ack(now, into, 0);
    if (!isSynchronized(block.state)) return false;
    // RFC 2018: news of a hole does not wait for data, and full segments have no room for it
    if (block.handshakeAckOwed || (receiver.ackOwed && receiver.outOfOrder.isOwed)) return this.#ack(now, into, sender.next);
    if (sender.prepare(now)) return this.#data(now, into);
    if (sender.windowProbeOwed) {
      sender.onWindowProbeSent(now);
      return this.#probe(now, into, sender.una - 1, 'window-probe');
    }
    if (block.keepAlive.owed) {
      block.keepAlive.owed = false;
      return this.#probe(now, into, sender.next - 1, 'keep-alive');
    }
    return receiver.ackOwed && this.#ack(now, into, sender.next);
  }

  #reset(now: Micros, into: Datagram): boolean {
    const block = this.#block;
    block.resetOwed = false;
    const { sender } = block;
    this.#begin(now, Flag.RST | Flag.ACK, sender.next);
    return this.#send(now, into, 0, 'reset');
  }

  #syn(now: Micros, into: Datagram): boolean {
    const block = this.#block;
    const answers = block.state === 'syn-received';
    this.#begin(now, answers ? Flag.SYN | Flag.ACK : Flag.SYN, -1);
    this.#opening.writeOffers(this.#segment);
    this.#opening.onSent(now);
    if (answers) block.receiver.ackOwed = false;
    return this.#send(now, into, 0, 'syn');
  }

  #ack(now: Micros, into: Datagram, position: number): boolean {
    const block = this.#block;
    this.#begin(now, Flag.ACK, position);
    if (block.sackPermitted && block.receiver.outOfOrder.isOwed)
      block.receiver.outOfOrder.write(this.#segment, block.remoteBase, sackBlocksBeside(block.timestamps.used));
    return this.#send(now, into, 0, 'ack');
  }

  /** A segment below the window, which the peer must answer. RFC 9293 §3.8.4, §3.8.6.1; no octet of data is risked, as in Linux. */
  #probe(now: Micros, into: Datagram, position: number, purpose: Purpose): boolean {
    this.#begin(now, Flag.ACK, position);
    return this.#send(now, into, 0, purpose);
  }

  #data(now: Micros, into: Datagram): boolean {
    const block = this.#block;
    const { sender } = block;
    const { nextOffset: offset, nextLength: length, nextFin: fin, nextPurpose: purpose } = sender;
    const pushed = offset + length === sender.stream.written;
    this.#begin(now, Flag.ACK | (fin ? Flag.FIN : 0) | (pushed && length > 0 ? Flag.PSH : 0), offset);
    const header = headerSize(this.#segment);
    if (header + length > into.bytes.length)
      throw new UsageError(
        `a segment of ${header + length} octets does not fit the driver's slot of ${into.bytes.length}: see maxSegmentSize`,
      );
    if (length > 0) sender.stream.copy(offset, length, into.bytes, header);
    this.#view.transmission = sender.nextTransmission;
    sender.onSent(now, this.#segment.timestamp);
    if (sender.stream.writableOwed) {
      sender.stream.writableOwed = false;
      block.events.onWritable();
    }
    return this.#send(now, into, length, purpose);
  }

  #begin(now: Micros, flags: number, position: number): void {
    const block = this.#block;
    const segment = this.#segment;
    const { receiver, timestamps } = block;
    segment.clearOptions();
    segment.sourcePort = block.local.port;
    segment.destinationPort = block.remote.port;
    segment.flags = flags;
    segment.sequence = sequenceOf(block.localBase, position);
    segment.acknowledgment = (flags & Flag.ACK) !== 0 ? sequenceOf(block.remoteBase, receiver.next) : 0;
    const scale = (flags & Flag.SYN) !== 0 ? 1 : 1 << block.receiveScale;
    const window = receiver.window.open(receiver.next, receiver.stream.readOffset);
    segment.window = Math.min(65_535, Math.ceil(window / scale));
    segment.hasTimestamps = timestamps.used;
    segment.timestamp = timestamps.at(now);
    segment.echo = timestamps.recent;
    this.#view.offset = position;
    this.#view.window = segment.window * scale;
    this.#view.transmission = 0;
  }

  #send(now: Micros, into: Datagram, length: number, purpose: Purpose): boolean {
    const block = this.#block;
    const segment = this.#segment;
    const view = this.#view;
    const acknowledges = segment.has(Flag.ACK);
    const bytes = headerSize(segment) + length;
    writeSegment(segment, into.bytes, bytes);
    into.length = bytes;
    into.local = block.local;
    into.remote = block.remote;
    if (acknowledges) {
      block.lastAckSent = block.receiver.next;
      block.handshakeAckOwed = false;
      block.receiver.onAckSent(view.window);
    }
    view.length = length;
    view.fin = segment.has(Flag.FIN);
    view.syn = segment.has(Flag.SYN);
    view.rst = segment.has(Flag.RST);
    view.acknowledged = acknowledges ? block.receiver.next : -1;
    view.bytes = bytes;
    view.purpose = purpose;
    block.observer.segmentSent(now, view);
    return true;
  }
}
