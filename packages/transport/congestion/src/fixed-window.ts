import type { CongestionController } from './port.ts';

/** A window of so many octets that nothing changes: for experiments in which congestion control must not take part. */
export const fixedWindow = (bytes: number): CongestionController => ({
  congestionWindow: bytes,
  pacingRate: 0,
  phase: 'congestion-avoidance',
  onPacketSent() {},
  onAck() {},
  onLoss() {},
  onEcnMarks() {},
  onSpuriousLoss() {},
  onMaxDatagramSize() {},
});
