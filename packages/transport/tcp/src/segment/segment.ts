import type { Flag } from './flags.ts';

/** RFC 2018 §3: four fit beside nothing else, three beside timestamps. */
export const MAX_SACK_BLOCKS = 4;
const NOTHING = new Uint8Array(0);

/** One segment as numbers, on its way in or out; one object, filled anew for each. RFC 9293 §3.1. */
export class Segment {
  sourcePort = 0;
  destinationPort = 0;
  sequence = 0;
  acknowledgment = 0;
  flags = 0;
  /** As it is on the wire: not scaled. */
  window = 0;
  /** Options of a SYN; -1 where there is none. RFC 9293 §3.7.1, RFC 7323 §2.2, RFC 2018 §2. */
  maxSegmentSize = -1;
  windowScale = -1;
  sackPermitted = false;
  /** TSval and TSecr. RFC 7323 §3.2. */
  hasTimestamps = false;
  timestamp = 0;
  echo = 0;
  /** Sequence numbers of the blocks [start, end), in the order in which they are told. RFC 2018 §3. */
  sackCount = 0;
  readonly sackStarts: number[] = [0, 0, 0, 0];
  readonly sackEnds: number[] = [0, 0, 0, 0];
  /** The data is [payloadStart, payloadEnd) of `bytes`. */
  bytes: Uint8Array = NOTHING;
  payloadStart = 0;
  payloadEnd = 0;

  has(flag: (typeof Flag)[keyof typeof Flag]): boolean {
    return (this.flags & flag) !== 0;
  }

  get payloadLength(): number {
    return this.payloadEnd - this.payloadStart;
  }

  /** Forgets all options. */
  clearOptions(): void {
    this.maxSegmentSize = -1;
    this.windowScale = -1;
    this.sackPermitted = false;
    this.hasTimestamps = false;
    this.timestamp = 0;
    this.echo = 0;
    this.sackCount = 0;
  }
}
