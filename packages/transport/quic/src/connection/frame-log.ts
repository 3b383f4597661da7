import { decodeAckDelay } from '@quiclab/recovery';
import { type FrameReader, FrameType } from '@quiclab/wire';

/**
 * Notes a received frame for the observer, as FrameLog describes it.
 * @param delayExponent  of the ACK Delay field in this packet
 */
export function logReceived(log: number[], frame: FrameReader, type: number, delayExponent: number): void {
  switch (type) {
    case FrameType.STREAM:
      log.push(type | (frame.fin ? 1 : 0), frame.id, frame.offset, frame.length);
      break;
    case FrameType.CRYPTO:
      log.push(type, 0, frame.offset, frame.length);
      break;
    case FrameType.ACK:
    case FrameType.ACK_ECN:
      log.push(type, frame.ack.count, frame.ack.largest, decodeAckDelay(frame.ack.delay, delayExponent));
      break;
    case FrameType.RESET_STREAM:
      log.push(type, frame.id, frame.finalSize, frame.code);
      break;
    case FrameType.RESET_STREAM_AT:
      log.push(type, frame.id, frame.finalSize, frame.reliableSize);
      break;
    case FrameType.ACK_FREQUENCY:
      log.push(type, frame.ackElicitingThreshold, frame.sequence, frame.requestedMaxAckDelay);
      break;
    case FrameType.DATAGRAM:
      log.push(type, 0, 0, frame.length);
      break;
    case FrameType.STOP_SENDING:
      log.push(type, frame.id, 0, frame.code);
      break;
    case FrameType.MAX_STREAM_DATA:
    case FrameType.STREAM_DATA_BLOCKED:
      log.push(type, frame.id, frame.limit, 0);
      break;
    case FrameType.NEW_CONNECTION_ID:
    case FrameType.RETIRE_CONNECTION_ID:
      log.push(type, 0, frame.sequence, 0);
      break;
    case FrameType.CONNECTION_CLOSE:
    case FrameType.CONNECTION_CLOSE_APP:
      log.push(type, frame.code, 0, 0);
      break;
    case FrameType.PADDING:
      log.push(type, 0, 0, frame.paddingLength);
      break;
    case FrameType.MAX_DATA:
    case FrameType.DATA_BLOCKED:
    case FrameType.MAX_STREAMS_BIDI:
    case FrameType.MAX_STREAMS_UNI:
    case FrameType.STREAMS_BLOCKED_BIDI:
    case FrameType.STREAMS_BLOCKED_UNI:
      log.push(type, 0, frame.limit, 0);
      break;
    default:
      log.push(type, 0, 0, 0);
  }
}
