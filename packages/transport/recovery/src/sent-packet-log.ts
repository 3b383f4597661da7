import type { Micros } from '@quiclab/sansio';
import type { SentPackets, Space } from './ports.ts';
import { SentRecord } from './sent-record.ts';

/** The sent packets of one space: pooled records in a ring indexed by packet number, the outstanding ones linked in order. */
export class SentPacketLog implements SentPackets {
  readonly space: Space;
  largestSent = -1;
  largestAcked = -1;

  constructor(space: Space) {
    this.space = space;
  }

  oldest(): SentRecord | undefined {
    throw new Error('not yet');
  }

  after(_packetNumber: number): SentRecord | undefined {
    throw new Error('not yet');
  }

  /** For loss detectors. */
  declareLost(_packetNumber: number, _by?: 'packets' | 'time'): void {
    throw new Error('not yet');
  }

  spare(): SentRecord {
    return new SentRecord();
  }

  add(_now: Micros, _record: SentRecord): void {
    throw new Error('not yet');
  }
}
