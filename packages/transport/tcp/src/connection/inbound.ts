import type { Micros } from '@quiclab/sansio';
import type { DropReason } from '../errors.ts';
import { Flag } from '../segment/flags.ts';
import type { Segment } from '../segment/segment.ts';
import { positionOf } from '../segment/sequence.ts';
import { SackBlocks } from '../send/sack-blocks.ts';
import type { ControlBlock } from './control-block.ts';
import type { Opening } from './opening.ts';
import { isSynchronized, mayReceive } from './states.ts';

/** A segment that came: the steps of RFC 9293 §3.10.7.3 and §3.10.7.4, with RFC 5961's for who cannot see what passes between the two ends. */
export class Inbound {
  readonly #block: ControlBlock;
  readonly #opening: Opening;
  readonly #blocks = new SackBlocks();

  constructor(block: ControlBlock, opening: Opening) {
    this.#block = block;
    this.#opening = opening;
  }

  /** @returns why it was not taken; 'no-connection' is to be answered by a reset */
  receive(now: Micros, segment: Segment): DropReason | '' {
    const { state } = this.#block;
    if (state === 'closed' || state === 'listen') return 'no-connection';
    return state === 'syn-sent' ? this.#answerToSyn(now, segment) : this.#usual(now, segment);
  }

  /** SYN-SENT: §3.10.7.3. */
  #answerToSyn(now: Micros, segment: Segment): DropReason | '' {
    const block = this.#block;
    const acknowledges = segment.has(Flag.ACK);
    if (acknowledges && segment.acknowledgment !== block.localBase) return segment.has(Flag.RST) ? 'reset' : 'no-connection';
    if (segment.has(Flag.RST)) {
      if (!acknowledges) return 'reset';
      block.abort(now, 'the connection was refused', false);
      return '';
    }
    if (!segment.has(Flag.SYN) || segment.has(Flag.FIN)) return 'syn';
    this.#opening.onSyn(now, segment);
    if (!acknowledges) {
      block.move(now, 'syn'); // both have called each other at once: Figure 8
      this.#opening.begin();
      return '';
    }
    this.#opening.establish(now, segment);
    block.sender.onWindow(segment.window, segment.window);
    block.windowSequence = -1;
    block.windowAcknowledgment = 0;
    block.handshakeAckOwed = true;
    block.move(now, 'syn-ack');
    block.close(now);
    return '';
  }

  #usual(now: Micros, segment: Segment): DropReason | '' {
    const block = this.#block;
    const { receiver } = block;
    // RFC 7323 §3.2: without a word, once both ends have offered them; and no reason to end the connection
    if (block.timestamps.used && !segment.hasTimestamps && (segment.flags & (Flag.RST | Flag.SYN)) === 0) return 'timestamp';
    const start = positionOf(block.remoteBase, segment.sequence, receiver.next);
    // Figure 8: where both have called, each answers the other's SYN by one that has the same number
    const answers = block.state === 'syn-received' && start === -1 && (segment.flags & ~Flag.PSH) === (Flag.SYN | Flag.ACK);
    const reason = answers ? '' : this.#checkSequence(now, segment, start);
    if (reason !== '') return reason;
    if (segment.has(Flag.RST)) return this.#reset(now, start);
    if (segment.has(Flag.SYN) && !answers) {
      this.#challenge(now); // RFC 5961 §4.2
      return 'syn';
    }
    if (!segment.has(Flag.ACK)) return 'acknowledgment';
    if (block.timestamps.used && segment.hasTimestamps && start <= block.lastAckSent) block.timestamps.accept(now, segment.timestamp);
    const acknowledged = this.#acknowledgment(now, segment, start);
    if (acknowledged !== '') return acknowledged;
    block.keepAlive.onHeard(now);
    return this.#data(now, segment, start);
  }

  /** First check, §3.10.7.4, after RFC 7323 §5.3: is any of it within the window? */
  #checkSequence(now: Micros, segment: Segment, start: number): DropReason | '' {
    const block = this.#block;
    const { receiver, timestamps } = block;
    const { next } = receiver;
    const end = start + segment.payloadLength + (segment.has(Flag.FIN) ? 1 : 0) + (segment.has(Flag.SYN) ? 1 : 0);
    if (timestamps.used && segment.hasTimestamps && !segment.has(Flag.RST) && timestamps.isOld(now, segment.timestamp)) {
      // an acknowledgement that was overtaken wants no answer
      if (end > start) this.#answerOld(now, segment, start, end);
      return 'timestamp';
    }
    const { edge } = receiver.window;
    if (end === start ? start === next || (start > next && start < edge) : end > next && start < edge) return '';
    // a closed window still lets an acknowledgement through: what it carries is cut off later
    if (start === next && edge === next && !segment.has(Flag.SYN)) return '';
    if (!segment.has(Flag.RST)) this.#answerOld(now, segment, start, end);
    return 'window';
  }

  #answerOld(now: Micros, segment: Segment, start: number, end: number): void {
    const block = this.#block;
    if (block.state === 'syn-received' && segment.has(Flag.SYN) && !segment.has(Flag.ACK)) {
      this.#opening.begin(); // the answer was lost
      return;
    }
    if (block.state === 'time-wait' && segment.has(Flag.FIN)) block.deadline = now + block.config.timeWait; // §3.10.7.4: restart the timer
    if (segment.payloadLength > 0 && end <= block.receiver.next) {
      block.observer.streamRepeated(now, start, segment.payloadLength);
      block.receiver.onRepeated(start, end);
    } else if (end > start && !segment.has(Flag.SYN)) block.receiver.ackOwed = true;
    else this.#challenge(now);
  }

  /** Second: only one that hits the next octet is believed. RFC 5961 §3.2. */
  #reset(now: Micros, start: number): DropReason | '' {
    const block = this.#block;
    if (start !== block.receiver.next) {
      this.#challenge(now);
      return 'reset';
    }
    block.abort(now, 'the peer has reset the connection', false);
    return '';
  }

  /** Fifth: what it acknowledges, and the window. */
  #acknowledgment(now: Micros, segment: Segment, start: number): DropReason | '' {
    const block = this.#block;
    const { sender } = block;
    const acknowledged = positionOf(block.localBase, segment.acknowledgment, sender.una);
    if (block.state === 'syn-received') {
      if (acknowledged !== 0) return 'no-connection';
      this.#opening.establish(now, segment);
      block.move(now, 'ack-of-syn');
      block.close(now);
    }
    if (!isSynchronized(block.state)) return 'acknowledgment';
    if (acknowledged > sender.next || acknowledged < sender.una - sender.largestWindow) {
      this.#challenge(now); // RFC 5961 §5.2
      return 'acknowledgment';
    }
    if (acknowledged < sender.una) return '';
    const window = segment.has(Flag.SYN) ? segment.window : segment.window * (1 << block.sendScale); // RFC 7323 §2.2
    const edge = acknowledged + window;
    const isDuplicate =
      segment.payloadLength === 0 && !segment.has(Flag.FIN) && acknowledged === sender.una && edge === sender.stream.maxData;
    const isNewer = start > block.windowSequence || (start === block.windowSequence && acknowledged >= block.windowAcknowledgment);
    if (isNewer) {
      block.windowSequence = start;
      block.windowAcknowledgment = acknowledged;
      sender.onWindow(edge, window);
    }
    this.#readBlocks(segment, acknowledged);
    const hasEcho = block.timestamps.used && segment.hasTimestamps;
    const echoAge = hasEcho ? block.timestamps.since(now, segment.echo) : 0;
    sender.onAck(now, acknowledged, this.#blocks, hasEcho ? segment.echo : -1, echoAge, isDuplicate);
    if (sender.stream.writableOwed) {
      sender.stream.writableOwed = false;
      block.events.onWritable();
    }
    if (sender.finAcked) block.move(now, 'ack-of-fin');
    return '';
  }

  /** Blocks that name what was never sent, or nothing at all, are passed over. RFC 2018, RFC 2883 §4. */
  #readBlocks(segment: Segment, acknowledged: number): void {
    const block = this.#block;
    const blocks = this.#blocks;
    blocks.clear();
    if (!block.sackPermitted) return;
    const { next, una } = block.sender;
    for (let i = 0; i < segment.sackCount; i++) {
      const start = positionOf(block.localBase, segment.sackStarts[i]!, acknowledged);
      const end = positionOf(block.localBase, segment.sackEnds[i]!, acknowledged);
      if (start >= end || end > next || start < 0) continue;
      if (i === 0 && this.#tellsDuplicate(segment, start, end, acknowledged)) blocks.setDuplicate(start, end);
      else if (start >= acknowledged && end > una) blocks.add(start, end);
    }
  }

  #tellsDuplicate(segment: Segment, start: number, end: number, acknowledged: number): boolean {
    if (end <= acknowledged) return true;
    if (segment.sackCount < 2) return false;
    const { localBase } = this.#block;
    const outerStart = positionOf(localBase, segment.sackStarts[1]!, acknowledged);
    const outerEnd = positionOf(localBase, segment.sackEnds[1]!, acknowledged);
    return start >= outerStart && end <= outerEnd;
  }

  /** Seventh and eighth: the data, and the FIN. */
  #data(now: Micros, segment: Segment, start: number): DropReason | '' {
    const block = this.#block;
    const { receiver, timestamps } = block;
    let fin = segment.has(Flag.FIN);
    if (segment.payloadLength === 0 && !fin) return '';
    if (!mayReceive(block.state)) {
      receiver.ackOwed = true;
      return '';
    }
    let to = segment.payloadEnd;
    const beyond = start + segment.payloadLength + (fin ? 1 : 0) - receiver.window.edge;
    if (beyond > 0) {
      if (fin) fin = false;
      to = Math.min(to, segment.payloadStart + Math.max(0, receiver.window.edge - start));
      receiver.ackOwed = true;
      if (to === segment.payloadStart) return 'window';
    }
    const reason = receiver.receive(now, start, segment.bytes, segment.payloadStart, to, fin);
    if (reason !== '') return reason;
    receiver.measure(now, timestamps.used && segment.hasTimestamps ? timestamps.since(now, segment.echo) : 0);
    if (receiver.stream.readable) block.events.onReadable();
    if (receiver.finReached) block.move(now, 'fin');
    return '';
  }

  #challenge(now: Micros): void {
    const block = this.#block;
    if (block.challenges.allow(now)) block.receiver.ackOwed = true;
  }
}
