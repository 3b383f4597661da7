import type { ByteReader, ByteWriter } from '@quiclab/bytes';

/** What an integer may take at most after its prefix: 62 bits need nine octets, and one is left for a padded encoding. */
const MAX_CONTINUATION = 10;

/** 2^62 - 1, as the number next to it: the sum of its parts is rounded up to this. */
const LARGEST = 2 ** 62;

/** What `readInteger` answers for an integer beyond 62 bits or with an encoding longer than any needs. */
export const INTEGER_OVERFLOW = -1;

/**
 * A prefixed integer whose first octet has been read already: its low `prefix` bits (1 to 8) begin the value. RFC 7541 §5.1.
 * Up to 62 bits are taken, as RFC 9204 §4.1.1 asks; from 2^53 on the value saturates at `Number.MAX_SAFE_INTEGER`.
 * @returns the value, or INTEGER_OVERFLOW; where the octets ended early, `reader.overrun` is set and the value means nothing
 */
export function readInteger(reader: ByteReader, first: number, prefix: number): number {
  const mask = (1 << prefix) - 1;
  let value = first & mask;
  if (value < mask) return value;
  let scale = 1;
  for (let i = 0; i < MAX_CONTINUATION; i++) {
    const octet = reader.uint8();
    if (reader.overrun) return 0;
    value += (octet & 0x7f) * scale;
    if (octet < 0x80) return value > LARGEST ? INTEGER_OVERFLOW : Math.min(value, Number.MAX_SAFE_INTEGER);
    scale *= 128;
  }
  return INTEGER_OVERFLOW;
}

/** Writes a prefixed integer. RFC 7541 §5.1. `flags` are the bits above the prefix in the first octet. */
export function writeInteger(writer: ByteWriter, flags: number, prefix: number, value: number): void {
  const mask = (1 << prefix) - 1;
  if (value < mask) {
    writer.uint8(flags | value);
    return;
  }
  writer.uint8(flags | mask);
  let rest = value - mask;
  while (rest >= 128) {
    writer.uint8((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  writer.uint8(rest);
}
