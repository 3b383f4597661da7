import {
  oneStreamPerPacket,
  roundRobinByByte,
  roundRobinByPacket,
  type StreamScheduler,
  sequential,
  strictUrgency,
  weightedFair,
} from '@quiclab/streams';

/** Schedulers by the name that plans have for them. */
export const SCHEDULERS: Readonly<Record<string, () => StreamScheduler>> = {
  'strict-urgency': () => strictUrgency(),
  'round-robin-by-byte': () => roundRobinByByte(),
  'round-robin-by-packet': () => roundRobinByPacket(),
  sequential: () => sequential(),
  'weighted-fair': () => weightedFair(),
  'one-stream-per-packet': () => oneStreamPerPacket(strictUrgency()),
};
