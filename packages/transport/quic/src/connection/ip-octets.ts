import { UsageError } from '../errors.ts';

// Literal IP addresses as octets and back. Below the outer rings there is no platform to ask.

/** '192.0.2.1' as 4 octets. Throws UsageError. */
export function ipv4Octets(text: string): Uint8Array {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256))
    throw new UsageError(`'${text}' is no literal IPv4 address`);
  return Uint8Array.from(parts, Number);
}

/** '2001:db8::1' as 16 octets (RFC 4291 §2.2). Throws UsageError. */
export function ipv6Octets(text: string): Uint8Array {
  const halves = text.split('::');
  const groups = (half: string): string[] => (half === '' ? [] : half.split(':'));
  const head = groups(halves[0]!);
  const tail = halves.length === 2 ? groups(halves[1]!) : [];
  const missing = 8 - head.length - tail.length;
  const valid = halves.length <= 2 && (halves.length === 2 ? missing >= 1 : missing === 0);
  if (!valid || ![...head, ...tail].every((group) => /^[0-9a-fA-F]{1,4}$/.test(group)))
    throw new UsageError(`'${text}' is no literal IPv6 address`);
  const all = [...head, ...new Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...tail];
  return Uint8Array.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
}

/** 16 octets as text in the form that systems print: the longest run of zero groups shortened, no leading zeros (RFC 5952 §4). */
export function formatIpv6(octets: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (octets[2 * i]! * 256 + octets[2 * i + 1]!).toString(16));
  let start = -1;
  let length = 1; // §4.2.2: a single group is not shortened
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === '0') run++;
    if (run > length) [start, length] = [i, run];
  }
  if (start < 0) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}
