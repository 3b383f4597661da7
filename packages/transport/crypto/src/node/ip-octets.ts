import { isIPv4, isIPv6 } from 'node:net';

/** The 4 or 16 octets of a literal IP address, or undefined where the text is none. */
export function ipOctets(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.').map(Number));
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head, tail] = text.split('::').map(groups);
  const octets = new Uint8Array(16);
  octets.set(head);
  if (tail !== undefined) octets.set(tail, 16 - tail.length);
  return octets;
}

/** Groups of four hexadecimal digits; the last may be an IPv4 address (RFC 4291 §2.2). */
const groups = (text: string): number[] =>
  text === ''
    ? []
    : text.split(':').flatMap((group) => {
        if (group.includes('.')) return group.split('.').map(Number);
        const value = Number.parseInt(group, 16);
        return [value >>> 8, value & 0xff];
      });
