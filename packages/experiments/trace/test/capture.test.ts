import { fromHex, toHex } from '@quiclab/bytes';
import { Capture } from '@quiclab/trace';
import { describe, expect, test } from 'vitest';

const CLIENT = { host: '192.0.2.1', port: 50_000 };
const SERVER = { host: '192.0.2.2', port: 443 };
const OPTIONS = { name: 'client', description: 'a test', application: 'quiclab' };

interface Block {
  readonly type: number;
  readonly body: Uint8Array;
}

/** The blocks of a file, each with both of its lengths checked. */
function blocksOf(capture: Capture): Block[] {
  const blocks: Block[] = [];
  for (const octets of capture.blocks()) {
    const view = new DataView(octets.buffer);
    expect(octets.length % 4).toBe(0);
    expect([view.getUint32(4, true), view.getUint32(octets.length - 4, true)]).toEqual([octets.length, octets.length]);
    blocks.push({ type: view.getUint32(0, true), body: octets.subarray(8, -4) });
  }
  return blocks;
}
const packetIn = ({ body }: Block): Uint8Array => {
  const length = new DataView(body.buffer, body.byteOffset).getUint32(12, true);
  return body.subarray(20, 20 + length);
};
const packetOf = (...packet: Parameters<Capture['packet']>): Uint8Array => {
  const capture = new Capture(OPTIONS);
  capture.packet(...packet);
  return packetIn(blocksOf(capture).at(-1)!);
};
/** RFC 1071 over what is whole: 0xffff where the checksum in it is right. */
const sum = (octets: Uint8Array, before = 0): number => {
  let total = before;
  for (let i = 0; i < octets.length; i += 2) total += (octets[i]! << 8) | (octets[i + 1] ?? 0);
  while (total > 0xffff) total = (total >>> 16) + (total & 0xffff);
  return total;
};

describe('a capture', () => {
  test('is a section with an interface, the secrets, and then the packets (draft-ietf-opsawg-pcapng §4)', () => {
    const capture = new Capture(OPTIONS);
    capture.packet(1, 'out', 'udp', CLIENT, SERVER, 0, 1, fromHex('c0ffee'));
    capture.secret('LABEL 01 02\n');
    const [section, ...rest] = blocksOf(capture);
    expect(section!.type).toBe(0x0a0d0d0a);
    expect(toHex(section!.body.subarray(0, 16))).toBe('4d3c2b1a01000000ffffffffffffffff');
    expect(rest.map(({ type }) => type)).toEqual([1, 0x0a, 6]);
    expect(toHex(rest[0]!.body.subarray(0, 8))).toBe('6500000000000000'); // raw IP, nothing cut off
    expect(toHex(rest[1]!.body)).toBe(`4b534c540c000000${toHex(new TextEncoder().encode('LABEL 01 02\n'))}`);
  });

  test('has no block of secrets where there are none', () => {
    expect(blocksOf(new Capture(OPTIONS)).map(({ type }) => type)).toEqual([0x0a0d0d0a, 1]);
  });

  test('counts microseconds in 64 bits, says which way a packet went, and what is said of it', () => {
    const capture = new Capture(OPTIONS);
    capture.packet(2 ** 40 + 7, 'in', 'udp', SERVER, CLIENT, 0, 1, fromHex('00'), 'down:1');
    capture.remark(0, 'dropped');
    const { body } = blocksOf(capture).at(-1)!;
    expect(toHex(body.subarray(0, 12))).toBe('000000000001000007000000');
    expect(toHex(body.subarray(-32))).toBe(
      `${'02000400'}01000000${'01000f00'}${toHex(new TextEncoder().encode('down:1; dropped'))}00${'00000000'}`.padStart(64, '0'),
    );
  });
});

describe('a datagram', () => {
  test('is in an IPv4 packet that must not be fragmented, with its ECN bits and both checksums (RFC 791 §3.1, RFC 768)', () => {
    const packet = packetOf(0, 'out', 'udp', CLIENT, SERVER, 2, 0x1_0007, fromHex('c0ffee'));
    expect(toHex(packet.subarray(0, 10))).toBe('4502001f000740004011');
    expect(toHex(packet.subarray(12, 26))).toBe('c0000201c0000202c35001bb000b');
    expect(sum(packet.subarray(0, 20))).toBe(0xffff);
    expect(sum(packet.subarray(20), sum(packet.subarray(12, 20), 17 + 11))).toBe(0xffff);
    expect(toHex(packet.subarray(28))).toBe('c0ffee');
  });

  test('with a checksum of 0 says 0xffff, as 0 would mean that there is none (RFC 768)', () => {
    const empty = packetOf(0, 'out', 'udp', CLIENT, SERVER, 0, 1, fromHex('0000'));
    const rest = ~((empty[26]! << 8) | empty[27]!) & 0xffff;
    const packet = packetOf(0, 'out', 'udp', CLIENT, SERVER, 0, 1, Uint8Array.of((~rest >> 8) & 0xff, ~rest & 0xff));
    expect(toHex(packet.subarray(26, 28))).toBe('ffff');
  });

  test('between IPv6 addresses is in an IPv6 packet (RFC 8200 §3, §8.1)', () => {
    const [from, to] = [
      { host: '2001:db8::1', port: 1 },
      { host: '::', port: 2 },
    ];
    const packet = packetOf(0, 'out', 'udp', from, to, 1, 1, fromHex('c0ffee'));
    expect(toHex(packet.subarray(0, 8))).toBe('60100000000b1140');
    expect(toHex(packet.subarray(8, 40))).toBe(`20010db8000000000000000000000001${'00'.repeat(16)}`);
    expect(sum(packet.subarray(40), sum(packet.subarray(8, 40), 17 + 11))).toBe(0xffff);
  });

  test.each([
    ['example.com', "'example.com' is no IP address"],
    ['', "'' is no IP address"],
    ['1.2.3.256', 'is no IP address'],
    ['1:2', 'is no IP address'],
    ['1::2::3', 'is no IP address'],
    ['1:2:3:4::5:6:7:8', 'is no IP address'],
    ['::12345', 'is no IP address'],
    ['::1', 'one is IPv4, the other IPv6'],
  ])('to %j is refused', (host, problem) =>
    expect(() => packetOf(0, 'out', 'udp', CLIENT, { host, port: 1 }, 0, 1, fromHex('00'))).toThrow(problem),
  );

  test('that no IP packet can hold is refused', () => {
    expect(packetOf(0, 'out', 'udp', CLIENT, SERVER, 0, 1, new Uint8Array(65_507))).toHaveLength(65_535);
    expect(() => packetOf(0, 'out', 'udp', CLIENT, SERVER, 0, 1, new Uint8Array(65_508))).toThrow(RangeError);
  });
});

describe('a TCP segment', () => {
  // as @quiclab/tcp writes it: the sum has the protocol and the length, and no addresses
  const segment = fromHex('c35001bb000000010000000050100100000000006162');
  const field = ~sum(segment, 6 + segment.length) & 0xffff;
  segment.set([field >> 8, field & 0xff], 16);

  test('has the addresses in its checksum (RFC 9293 §3.1, RFC 1624 §3)', () => {
    const packet = packetOf(0, 'out', 'tcp', CLIENT, SERVER, 0, 1, segment);
    expect(packet[9]).toBe(6);
    expect(sum(packet.subarray(20), sum(packet.subarray(12, 20), 6 + segment.length))).toBe(0xffff);
  });

  test('whose bits were flipped on the way has one that is wrong', () => {
    const damaged = segment.slice();
    damaged[21]! ^= 4;
    const packet = packetOf(0, 'out', 'tcp', CLIENT, SERVER, 0, 1, damaged);
    expect(sum(packet.subarray(20), sum(packet.subarray(12, 20), 6 + segment.length))).not.toBe(0xffff);
  });
});
