/** The octets that a value takes as a QUIC variable-length integer: 1, 2, 4 or 8 (RFC 9000 §16). */
export const varintSize = (value: number): number => (value < 0x40 ? 1 : value < 0x4000 ? 2 : value < 0x4000_0000 ? 4 : 8);

/** The largest value that a variable-length integer may have is 2^62 − 1; ours stay below 2^53, and reading saturates there. */
export const MAX_VARINT = Number.MAX_SAFE_INTEGER;
