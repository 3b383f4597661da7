import { ByteReader, ByteWriter } from '@quiclab/bytes';
import type { DropReason } from '../errors.ts';
import { checksum } from './checksum.ts';
import { optionsSize, readOptions, writeOptions } from './options.ts';
import type { Segment } from './segment.ts';

export const HEADER = 20;
const CHECKSUM_AT = 16;

const reader = new ByteReader(new Uint8Array(0));
const writer = new ByteWriter(new Uint8Array(0));

/** Takes a segment apart; its data stays where it is. RFC 9293 §3.1. */
export function readSegment(bytes: Uint8Array, length: number, into: Segment): DropReason | '' {
  if (length < HEADER) return 'header';
  if (checksum(bytes, length) !== 0) return 'checksum';
  reader.reset(bytes, 0, length);
  into.sourcePort = reader.uint16();
  into.destinationPort = reader.uint16();
  into.sequence = reader.uint32();
  into.acknowledgment = reader.uint32();
  const dataOffset = (reader.uint8() >> 4) * 4;
  into.flags = reader.uint8();
  into.window = reader.uint16();
  reader.skip(4); // the checksum is right, and nothing is urgent
  if (dataOffset < HEADER || dataOffset > length) return 'header';
  reader.end = dataOffset;
  if (!readOptions(into, reader)) return 'header';
  into.bytes = bytes;
  into.payloadStart = dataOffset;
  into.payloadEnd = length;
  return '';
}

/** Where the data of a segment with these options begins. */
export const headerSize = (segment: Segment): number => HEADER + optionsSize(segment);

/** Writes header and options before the data, which lies at `headerSize` already, and the checksum over all `length` octets. */
export function writeSegment(segment: Segment, bytes: Uint8Array, length: number): void {
  const header = headerSize(segment);
  writer.reset(bytes, 0, header);
  writer.uint16(segment.sourcePort);
  writer.uint16(segment.destinationPort);
  writer.uint32(segment.sequence);
  writer.uint32(segment.acknowledgment);
  writer.uint8((header / 4) << 4);
  writer.uint8(segment.flags);
  writer.uint16(segment.window);
  writer.uint32(0);
  writeOptions(segment, writer);
  const sum = checksum(bytes, length);
  bytes[CHECKSUM_AT] = sum >>> 8;
  bytes[CHECKSUM_AT + 1] = sum;
}
