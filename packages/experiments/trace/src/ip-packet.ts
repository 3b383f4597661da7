import type { Address, Ecn } from '@quiclab/sansio';

// IP packets as they would be on a wire, around the datagrams and segments that a simulated network carries.

const UDP = 17;
const TCP = 6;
const UDP_HEADER = 8;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const HOPS = 64;
const DO_NOT_FRAGMENT = 0x4000;
const TCP_HEADER = 20;
const TCP_CHECKSUM_AT = 16;

/**
 * The IP packet (RFC 791, RFC 8200) of a UDP datagram's payload, or of a TCP segment, whose header is among its octets.
 * UDP's checksum is computed (RFC 768). That of a segment was computed without addresses, by `@quiclab/tcp`: their words are added to it, so that it is
 * right where it was, and wrong where a bit was flipped.
 * @param identification  of IPv4, so that packets are told apart; its low 16 bits count
 * Throws a RangeError where an address is none of IP, the two are of different versions, or the packet would be longer than one can be.
 */
export function ipPacket(
  protocol: 'udp' | 'tcp',
  from: Address,
  to: Address,
  ecn: Ecn,
  identification: number,
  payload: Uint8Array,
): Uint8Array {
  const [source, destination] = [addressOctets(from.host), addressOctets(to.host)];
  if (source.length !== destination.length) throw new RangeError(`from ${from.host} to ${to.host}: one is IPv4, the other IPv6`);
  const header = source.length === 4 ? IPV4_HEADER : IPV6_HEADER;
  const below = (protocol === 'udp' ? UDP_HEADER : 0) + payload.length;
  if ((header === IPV4_HEADER ? header : 0) + below > 0xffff) throw new RangeError(`an IP packet with ${payload.length} octets in it`);
  const packet = new Uint8Array(header + below);
  const view = new DataView(packet.buffer);
  const number = protocol === 'udp' ? UDP : TCP;
  const ecnBits = ecn & 3;
  if (header === IPV4_HEADER) {
    packet[0] = 0x45;
    packet[1] = ecnBits;
    view.setUint16(2, packet.length);
    view.setUint16(4, identification & 0xffff);
    view.setUint16(6, DO_NOT_FRAGMENT);
    packet[8] = HOPS;
    packet[9] = number;
    packet.set(source, 12);
    packet.set(destination, 16);
    view.setUint16(10, ~sumOf(packet.subarray(0, IPV4_HEADER)) & 0xffff);
  } else {
    view.setUint32(0, 0x60000000 | (ecnBits << 20));
    view.setUint16(4, below);
    packet[6] = number;
    packet[7] = HOPS;
    packet.set(source, 8);
    packet.set(destination, 24);
  }
  const addresses = sumOf(destination, sumOf(source));
  if (protocol === 'udp') {
    view.setUint16(header, from.port);
    view.setUint16(header + 2, to.port);
    view.setUint16(header + 4, below);
    packet.set(payload, header + UDP_HEADER);
    const sum = ~sumOf(packet.subarray(header), folded(addresses + number + below)) & 0xffff;
    view.setUint16(header + 6, sum === 0 ? 0xffff : sum); // 0 would say that there is none
  } else {
    packet.set(payload, header);
    // RFC 1624 §3
    if (payload.length >= TCP_HEADER) {
      const at = header + TCP_CHECKSUM_AT;
      view.setUint16(at, ~folded((~view.getUint16(at) & 0xffff) + addresses) & 0xffff);
    }
  }
  return packet;
}

/** The Internet checksum's sum (RFC 1071), not complemented. */
function sumOf(octets: Uint8Array, before = 0): number {
  let sum = before;
  const even = octets.length & ~1;
  for (let i = 0; i < even; i += 2) sum += (octets[i]! << 8) | octets[i + 1]!;
  if (even < octets.length) sum += octets[even]! << 8;
  return folded(sum);
}

function folded(sum: number): number {
  let left = sum;
  while (left > 0xffff) left = (left >>> 16) + (left & 0xffff);
  return left;
}

/** Octets of an address: four, or sixteen (RFC 4291 §2.2). */
function addressOctets(host: string): Uint8Array {
  const octets = host.includes(':') ? ipv6Octets(host) : ipv4Octets(host);
  if (octets === undefined) throw new RangeError(`'${host}' is no IP address`);
  return octets;
}

function ipv4Octets(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined;
  return Uint8Array.from(parts, Number);
}

function ipv6Octets(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [before, after = []] = halves.map((half) => (half === '' ? [] : half.split(':'))) as [string[], string[]?];
  const left = 8 - before.length - after.length;
  if (halves.length === 1 ? left !== 0 : left < 1) return undefined;
  const groups = [...before, ...Array<string>(left).fill('0'), ...after];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return Uint8Array.from(groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
}
