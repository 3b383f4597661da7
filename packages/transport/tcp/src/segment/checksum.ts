const PROTOCOL = 6;

/**
 * The checksum of RFC 9293 §3.1 over the first `length` octets, 0 where the field in them is right. Of the pseudo-header it takes
 * protocol and length, but not the addresses: a NAT rewrites those and the sum along with them, and the networks that this
 * machine meets rewrite addresses alone. Adding the address words makes it the sum of a real packet.
 */
export function checksum(bytes: Uint8Array, length: number): number {
  let sum = PROTOCOL + length;
  const even = length & ~1;
  for (let i = 0; i < even; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!;
  if (even < length) sum += bytes[even]! << 8;
  sum = (sum >>> 16) + (sum & 0xffff);
  sum = (sum >>> 16) + (sum & 0xffff);
  return ~sum & 0xffff;
}
