export { ReceiveWindow, SendCredit } from './credit.ts';
export { OctetStore } from './octet-store.ts';
export { MAX_GAPS, type ReceiveFault, ReceiveStream } from './receive-stream.ts';
export type { StreamId, StreamPriority, StreamScheduler } from './scheduler.ts';
export { roundRobinByByte, roundRobinByPacket, sequential } from './schedulers.ts';
export { SendStream } from './send-stream.ts';
export {
  follow,
  RECEIVE_TRANSITIONS,
  type ReceiveInput,
  type ReceiveState,
  SEND_TRANSITIONS,
  type SendInput,
  type SendState,
  type Transition,
} from './states.ts';
export { isBidi, isClientInitiated, type StreamKind, type StreamSide, streamId, streamIndex } from './stream-id.ts';
