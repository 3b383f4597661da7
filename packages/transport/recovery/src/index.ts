export { decodeAckDelay, encodeAckDelay } from './ack-delay.ts';
export { ackByTime, ackEvery, ackEverySecond, type DelayedAckOptions, immediateAcks, MAX_GAPS_WATCHED } from './ack-policy.ts';
export {
  type AckRequest,
  type AckRequester,
  type AckRequests,
  type AcksPerRoundTripOptions,
  acksPerRoundTrip,
  noAckRequests,
} from './ack-requests.ts';
export { type AdaptiveOptions, adaptiveThreshold } from './adaptive-threshold.ts';
export { DeliveryRate, MutableAckSummary, type SampledPacket } from './delivery-rate.ts';
export { detectLost, lossDelay, packetAndTimeThreshold, type ThresholdOptions } from './loss-detector.ts';
export { type AckPolicy, type LossDetector, type ProbePolicy, type SentPacket, type SentPackets, Space } from './ports.ts';
export { singleProbes, standardProbes, tailLossProbes } from './probes.ts';
export { Recovery, type RecoveryOptions } from './recovery.ts';
export { INITIAL_RTT, RttEstimator } from './rtt.ts';
export { ACK_ONLY_SIZE, MAX_REMEMBERED as MAX_LOST_REMEMBERED, MAX_SIZE as MAX_OUTSTANDING, SentPacketLog } from './sent-packet-log.ts';
export { PacketState, SentRecord } from './sent-record.ts';
export { WindowUse } from './window-use.ts';
