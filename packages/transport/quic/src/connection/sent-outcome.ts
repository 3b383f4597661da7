import { type SentRecord, Space } from '@quiclab/recovery';
import { FrameType } from '@quiclab/wire';
import { FRAME_STRIDE } from '../packet/sent-frames.ts';
import type { Parts } from './parts.ts';

/** A packet was acknowledged: each frame's part is told. RFC 9000 §13.3. */
export function onPacketAcked(parts: Parts, record: SentRecord): void {
  const { frames } = record;
  const space = parts.spaces[record.space]!;
  for (let i = 0; i < frames.length; i += FRAME_STRIDE) {
    const stream = frames[i + 1]!;
    const offset = frames[i + 2]!;
    const size = frames[i + 3]!;
    switch (frames[i]) {
      case FrameType.STREAM:
        parts.sender.onStreamAcked(stream, offset, size, false);
        break;
      case FrameType.STREAM | 1:
        parts.sender.onStreamAcked(stream, offset, size, true);
        break;
      case FrameType.ACK:
      case FrameType.ACK_ECN:
        space.received.onAckAcked(offset);
        break;
      case FrameType.CRYPTO:
        space.crypto.onAcked(offset, size);
        break;
      case FrameType.RESET_STREAM:
        parts.sender.onResetAcked(stream);
        break;
      case FrameType.RESET_STREAM_AT:
        parts.sender.onResetAtAcked(stream, size);
        break;
      case FrameType.RETIRE_CONNECTION_ID:
        parts.peerIds.onFrameAcked(offset);
        break;
      case FrameType.DATAGRAM:
        parts.datagrams.onAcked(offset);
        break;
      case FrameType.ACK_FREQUENCY:
        parts.ackFrequency.onAcked(offset, parts.path.recovery);
        break;
    }
  }
}

/** A packet was lost: what it said is said again, but for its datagrams, of which the application is told. */
export function onPacketLost(parts: Parts, record: SentRecord): void {
  sayAgain(parts, record);
  const { frames } = record;
  for (let i = 0; i < frames.length; i += FRAME_STRIDE) if (frames[i] === FrameType.DATAGRAM) parts.datagrams.onLost(frames[i + 2]!);
}

/** What a packet said must be said again, brought up to date: the parts know how. RFC 9000 §13.3. */
function sayAgain(parts: Parts, record: SentRecord): void {
  const { frames } = record;
  const space = parts.spaces[record.space]!;
  for (let i = 0; i < frames.length; i += FRAME_STRIDE) {
    const stream = frames[i + 1]!;
    const offset = frames[i + 2]!;
    const size = frames[i + 3]!;
    switch (frames[i]) {
      case FrameType.STREAM:
        parts.sender.onStreamLost(stream, offset, size, false);
        break;
      case FrameType.STREAM | 1:
        parts.sender.onStreamLost(stream, offset, size, true);
        break;
      case FrameType.CRYPTO:
        space.crypto.onLost(offset, size);
        break;
      case FrameType.RESET_STREAM:
        parts.sender.onResetLost(stream);
        break;
      case FrameType.RESET_STREAM_AT:
        parts.sender.onResetAtLost(stream, size);
        break;
      case FrameType.STOP_SENDING:
        parts.sender.onStopLost(stream);
        break;
      case FrameType.MAX_DATA:
        parts.credit.onLimitLost(offset);
        break;
      case FrameType.DATA_BLOCKED:
        parts.credit.onBlockedLost(offset);
        break;
      case FrameType.MAX_STREAM_DATA:
        parts.sender.onCreditLost(stream, offset);
        break;
      case FrameType.STREAM_DATA_BLOCKED:
        parts.sender.onBlockedLost(stream, offset);
        break;
      case FrameType.MAX_STREAMS_BIDI:
        parts.table.bidi.onLimitLost(offset);
        break;
      case FrameType.MAX_STREAMS_UNI:
        parts.table.uni.onLimitLost(offset);
        break;
      case FrameType.STREAMS_BLOCKED_BIDI:
        parts.table.bidi.onBlockedLost(offset);
        break;
      case FrameType.STREAMS_BLOCKED_UNI:
        parts.table.uni.onBlockedLost(offset);
        break;
      case FrameType.NEW_CONNECTION_ID:
        parts.localIds.onFrameLost(offset);
        break;
      case FrameType.RETIRE_CONNECTION_ID:
        parts.peerIds.onFrameLost(offset);
        break;
      case FrameType.HANDSHAKE_DONE:
        parts.handshakeDone.pending = true;
        break;
      case FrameType.NEW_TOKEN:
        parts.newToken.onFrameLost();
        break;
      case FrameType.ACK_FREQUENCY:
        parts.ackFrequency.onLost(offset);
        break;
      // PING, IMMEDIATE_ACK, PADDING, ACK, PATH_CHALLENGE, PATH_RESPONSE, DATAGRAM and CONNECTION_CLOSE are not repeated
    }
  }
}

/**
 * What an ack-eliciting probe should repeat: the oldest outstanding packet of the space that says anything and was not repeated
 * yet. A repeated one stands behind it, so that probe after probe goes through all that is outstanding. RFC 9002 §6.2.4.
 */
export function repeatOldest(parts: Parts, space: Space): void {
  const sent = parts.path.recovery.sentPackets(space);
  for (let record = sent.oldest(); record !== undefined; record = sent.after(record.packetNumber)) {
    if (record.repeated || !saysSomething(record)) continue;
    record.repeated = true;
    sayAgain(parts, record);
    // a copy of what has been acknowledged meanwhile has nothing to say
    if (space === Space.APPLICATION || parts.spaces[space]!.crypto.hasToSend) return;
  }
}

/** Everything outstanding in a space is to be said again. */
export function repeatAll(parts: Parts, space: Space): void {
  const sent = parts.path.recovery.sentPackets(space);
  for (let record = sent.oldest(); record !== undefined; record = sent.after(record.packetNumber)) onPacketLost(parts, record);
}

/** Whether any of its frames would be repeated: an earlier probe may have been nothing but a PING. */
function saysSomething({ ackEliciting, frames }: SentRecord): boolean {
  if (!ackEliciting) return false;
  for (let i = 0; i < frames.length; i += FRAME_STRIDE) {
    if (!SAYS_NOTHING.includes(frames[i]!)) return true;
  }
  return false;
}

const SAYS_NOTHING: readonly number[] = [
  FrameType.PING,
  FrameType.IMMEDIATE_ACK,
  FrameType.PADDING,
  FrameType.ACK,
  FrameType.ACK_ECN,
  FrameType.PATH_CHALLENGE,
  FrameType.PATH_RESPONSE,
  FrameType.DATAGRAM,
];
