import { type ByteReader, type ByteWriter, type RangeSet, varintSize } from '@quiclab/bytes';
import { FrameType } from './frame-types.ts';

/** Ranges of one ACK frame that are kept, from the highest; those below are checked and passed over, as if the peer had not repeated them. */
export const MAX_ACK_RANGES = 256;

/** Packets received with each ECN codepoint in one packet number space. RFC 9000 §19.3.2. */
export interface EcnCounts {
  readonly ect0: number;
  readonly ect1: number;
  readonly ce: number;
}

/** What an ACK frame says; filled anew for each. Ranges are in descending order. RFC 9000 §19.3. */
export class AckRecord {
  /** Largest Acknowledged: `largestOf[0]`. */
  largest = 0;
  /** ACK Delay as on the wire: not yet multiplied by 2^ack_delay_exponent. */
  delay = 0;
  /** How many ranges are kept in `smallest` and `largestOf`: from 1 to MAX_ACK_RANGES. Entries from there on are left over from other frames. */
  count = 0;
  /** Lowest packet number of the nth range. */
  readonly smallest: number[] = [];
  /** Highest packet number of the nth range. */
  readonly largestOf: number[] = [];
  /** Whether the frame reported ECN counts (type 0x03); without, the three below are 0. */
  hasEcn = false;
  ect0 = 0;
  ect1 = 0;
  ce = 0;
}

/**
 * Reads an ACK frame behind its type. RFC 9000 §19.3.
 * @returns '' or why it is malformed; whether it was cut short is for the caller to see in `reader.overrun`
 */
export function readAck(reader: ByteReader, hasEcn: boolean, into: AckRecord): string {
  // Packet numbers from 2^53 on saturate: they were never sent, so whatever is made of them ends the connection, and the
  // arithmetic below stays exact for all numbers that can matter.
  const largest = reader.varint();
  into.largest = largest;
  into.delay = reader.varint();
  const more = reader.varint();
  let smallest = largest - reader.varint();
  if (smallest < 0) return `first range reaches ${-smallest} below zero from ${largest}`;
  into.largestOf[0] = largest;
  into.smallest[0] = smallest;
  into.count = 1;
  // each further range takes two octets at least: a count that promises more is refused before any is read
  if (more > reader.remaining / 2) return reader.overrun ? '' : `${more} ranges in ${reader.remaining} octets`;
  for (let i = 1; i <= more; i++) {
    const top = smallest - reader.varint() - 2;
    smallest = top - reader.varint();
    if (reader.overrun) return '';
    if (smallest < 0) return `range ${i} of ${more} reaches ${-smallest} below zero`;
    if (i < MAX_ACK_RANGES) {
      into.largestOf[i] = top;
      into.smallest[i] = smallest;
      into.count = i + 1;
    }
  }
  into.hasEcn = hasEcn;
  into.ect0 = hasEcn ? reader.varint() : 0;
  into.ect1 = hasEcn ? reader.varint() : 0;
  into.ce = hasEcn ? reader.varint() : 0;
  return '';
}

/**
 * Writes an ACK frame with as many ranges as fit, from the highest. RFC 9000 §19.3.
 * @param ranges     packet numbers received in this space
 * @param delay      ACK Delay as on the wire: microseconds divided by 2^(our ack_delay_exponent)
 * @param maxRanges  most ranges to write
 * @param room       octets that the frame may take, all that the writer has unless told; never more
 * @param ecn        counts to report, which makes it type 0x03
 * @returns false, and nothing written, where not even the highest range fits or there is none
 */
export function writeAck(w: ByteWriter, ranges: RangeSet, delay: number, maxRanges: number, room = w.remaining, ecn?: EcnCounts): boolean {
  const last = ranges.count - 1;
  if (last < 0 || maxRanges < 1) return false;
  const limit = Math.min(room, w.remaining);
  const largest = ranges.end(last) - 1;
  const first = largest - ranges.start(last);
  let size = 1 + varintSize(largest) + varintSize(delay) + varintSize(first);
  if (ecn !== undefined) size += varintSize(ecn.ect0) + varintSize(ecn.ect1) + varintSize(ecn.ce);
  if (size + 1 > limit) return false;
  let more = 0;
  const mostMore = Math.min(last, maxRanges - 1);
  while (more < mostMore) {
    const i = last - more - 1;
    size += varintSize(gapAbove(ranges, i)) + varintSize(ranges.end(i) - 1 - ranges.start(i));
    if (size + varintSize(more + 1) > limit) break;
    more++;
  }

  w.uint8(ecn === undefined ? FrameType.ACK : FrameType.ACK_ECN);
  w.varint(largest);
  w.varint(delay);
  w.varint(more);
  w.varint(first);
  for (let i = last - 1; i >= last - more; i--) {
    w.varint(gapAbove(ranges, i));
    w.varint(ranges.end(i) - 1 - ranges.start(i));
  }
  if (ecn !== undefined) {
    w.varint(ecn.ect0);
    w.varint(ecn.ect1);
    w.varint(ecn.ce);
  }
  return true;
}

/** The Gap field between the nth range and the next higher one: one less than the packets between them. RFC 9000 §19.3.1. */
const gapAbove = (ranges: RangeSet, index: number): number => ranges.start(index + 1) - ranges.end(index) - 1;
