import type { ByteReader, ByteWriter } from '@quiclab/bytes';
import { MAX_SACK_BLOCKS, type Segment } from './segment.ts';

const END = 0;
const NO_OPERATION = 1;
const MAX_SEGMENT_SIZE = 2;
const WINDOW_SCALE = 3;
const SACK_PERMITTED = 4;
const SACK = 5;
const TIMESTAMPS = 8;
const TWO_NOPS = (NO_OPERATION << 8) | NO_OPERATION;
const PERMITTED = (SACK_PERMITTED << 8) | 2;

/** RFC 7323 §2.3: a larger shift is taken for 14. */
export const MAX_WINDOW_SCALE = 14;
/** Octets that the timestamps take, with the two that align them. RFC 7323 Appendix A. */
export const TIMESTAMPS_SIZE = 12;

/** How many blocks fit beside the other options of a segment that is no SYN. */
export const sackBlocksBeside = (timestamps: boolean): number => (timestamps ? MAX_SACK_BLOCKS - 1 : MAX_SACK_BLOCKS);

/** Octets of the options that `writeOptions` writes: a multiple of four. */
export function optionsSize(segment: Segment): number {
  let size = segment.hasTimestamps ? TIMESTAMPS_SIZE : 0;
  if (segment.maxSegmentSize >= 0) size += 4;
  if (segment.windowScale >= 0) size += 4;
  if (segment.sackPermitted && !segment.hasTimestamps) size += 4;
  if (segment.sackCount > 0) size += 4 + 8 * segment.sackCount;
  return size;
}

/** Each option is aligned to four octets by what goes before it, NOPs as a rule, as in RFC 7323 Appendix A: a SYN has forty octets, as Linux's. */
export function writeOptions(segment: Segment, into: ByteWriter): void {
  if (segment.maxSegmentSize >= 0) {
    into.uint16((MAX_SEGMENT_SIZE << 8) | 4);
    into.uint16(segment.maxSegmentSize);
  }
  if (segment.hasTimestamps) {
    into.uint16(segment.sackPermitted ? PERMITTED : TWO_NOPS);
    into.uint16((TIMESTAMPS << 8) | 10);
    into.uint32(segment.timestamp);
    into.uint32(segment.echo);
  } else if (segment.sackPermitted) {
    into.uint16(TWO_NOPS);
    into.uint16(PERMITTED);
  }
  if (segment.windowScale >= 0) {
    into.uint16((NO_OPERATION << 8) | WINDOW_SCALE);
    into.uint16((3 << 8) | segment.windowScale);
  }
  if (segment.sackCount > 0) {
    into.uint16(TWO_NOPS);
    into.uint16((SACK << 8) | (2 + 8 * segment.sackCount));
    for (let i = 0; i < segment.sackCount; i++) {
      into.uint32(segment.sackStarts[i]!);
      into.uint32(segment.sackEnds[i]!);
    }
  }
}

/** Reads to the end of the options; those that are unknown are passed over. False: they make no sense (RFC 9293 §3.1, MUST-7). */
export function readOptions(segment: Segment, from: ByteReader): boolean {
  segment.clearOptions();
  while (from.remaining > 0) {
    const kind = from.uint8();
    if (kind === END) return true;
    if (kind === NO_OPERATION) continue;
    const length = from.uint8();
    if (length < 2 || length - 2 > from.remaining) return false;
    const end = from.position + length - 2;
    if (kind === MAX_SEGMENT_SIZE && length === 4) segment.maxSegmentSize = from.uint16();
    else if (kind === WINDOW_SCALE && length === 3) segment.windowScale = Math.min(from.uint8(), MAX_WINDOW_SCALE);
    else if (kind === SACK_PERMITTED && length === 2) segment.sackPermitted = true;
    else if (kind === TIMESTAMPS && length === 10) {
      segment.hasTimestamps = true;
      segment.timestamp = from.uint32();
      segment.echo = from.uint32();
    } else if (kind === SACK && length % 8 === 2 && length > 2) {
      segment.sackCount = (length - 2) / 8;
      for (let i = 0; i < segment.sackCount; i++) {
        segment.sackStarts[i] = from.uint32();
        segment.sackEnds[i] = from.uint32();
      }
    }
    from.skip(end - from.position);
  }
  return true;
}
