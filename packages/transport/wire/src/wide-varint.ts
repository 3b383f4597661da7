// Variable-length integers of 8 octets, compared without losing what lies above 2^53. ByteReader saturates there; the few
// bounds of RFC 9000 that are higher look at the octets again, off the usual path.

/** The upper 32 bits of the 8-octet variable-length integer at `at`. */
export const high = (b: Uint8Array, at: number): number =>
  (((b[at]! & 0x3f) << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!) >>> 0;

/** Its lower 32 bits. */
export const low = (b: Uint8Array, at: number): number => ((b[at + 4]! << 24) | (b[at + 5]! << 16) | (b[at + 6]! << 8) | b[at + 7]!) >>> 0;

/** Whether the integer at `a` is larger than the one at `b`. */
export function isLarger(bytes: Uint8Array, a: number, b: number): boolean {
  const difference = high(bytes, a) - high(bytes, b);
  return difference !== 0 ? difference > 0 : low(bytes, a) > low(bytes, b);
}

/** Whether it is more than 2^60 streams: a stream ID has 62 bits, two of which are its type. RFC 9000 §4.6. */
export function isTooManyStreams(bytes: Uint8Array, at: number): boolean {
  const upper = high(bytes, at);
  return upper > 0x1000_0000 || (upper === 0x1000_0000 && low(bytes, at) > 0);
}
