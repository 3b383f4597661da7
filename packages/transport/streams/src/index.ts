export { ReceiveWindow, SendCredit } from './credit.ts';
export { OctetStore } from './octet-store.ts';
export { LEAST_PIECES, OCTETS_PER_PIECE, PieceBudget, piecesFor } from './pieces.ts';
export { MAX_PINNED, type ReceiveFault, ReceiveStream } from './receive-stream.ts';
export type { StreamId, StreamPriority, StreamScheduler } from './scheduler.ts';
export { oneStreamPerPacket } from './schedulers/one-stream-per-packet.ts';
export { roundRobinByByte, roundRobinByPacket } from './schedulers/round-robin.ts';
export { sequential } from './schedulers/sequential.ts';
export { strictUrgency } from './schedulers/strict-urgency.ts';
export { type StreamWeight, type WeightedFairOptions, weightByUrgency, weightedFair } from './schedulers/weighted-fair.ts';
export { OWN_SEND_BUFFER, SendBudget } from './send-budget.ts';
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
