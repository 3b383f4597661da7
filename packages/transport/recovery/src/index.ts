export { type AckPolicy, type LossDetector, type ProbePolicy, type SentPacket, type SentPackets, Space } from './ports.ts';
