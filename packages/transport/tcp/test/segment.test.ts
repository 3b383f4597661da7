import { fromHex, toHex } from '@quiclab/bytes';
import { seededRandom } from '@quiclab/sansio';
import { Flag, readSegment, Segment, writeSegment } from '@quiclab/tcp';
import { describe, expect, test } from 'vitest';
import { headerSize } from '../src/segment/codec.ts';
import { positionOf, sequenceOf } from '../src/segment/sequence.ts';

/** A segment as octets; `fill` sets what it says. */
function octets(fill: (segment: Segment) => void, data = ''): Uint8Array {
  const segment = new Segment();
  segment.sourcePort = 50_000;
  segment.destinationPort = 443;
  segment.flags = Flag.ACK;
  fill(segment);
  const payload = fromHex(data);
  const bytes = new Uint8Array(headerSize(segment) + payload.length);
  bytes.set(payload, headerSize(segment));
  writeSegment(segment, bytes, bytes.length);
  return bytes;
}

function read(bytes: Uint8Array): Segment {
  const segment = new Segment();
  expect(readSegment(bytes, bytes.length, segment)).toBe('');
  return segment;
}

describe('sequence numbers (RFC 9293 §3.4)', () => {
  test('wrap on the wire and not inside', () => {
    const base = 0xffff_fff0;
    expect(sequenceOf(base, -1)).toBe(0xffff_ffef);
    expect(sequenceOf(base, 15)).toBe(0xffff_ffff);
    expect(sequenceOf(base, 16)).toBe(0);
    expect(positionOf(base, 0, 10)).toBe(16);
    expect(positionOf(base, 0xffff_ffef, 0)).toBe(-1);
  });

  test('mean the nearest position, after any number of laps', () => {
    const random = seededRandom(1);
    for (let i = 0; i < 10_000; i++) {
      const base = random.uint32();
      const near = random.uint32() * 1_000 + random.uint32();
      const distance = (random.uint32() | 0) >> (random.uint32() % 32);
      expect(positionOf(base, sequenceOf(base, near + distance), near)).toBe(near + distance);
    }
  });
});

describe('octets (RFC 9293 §3.1)', () => {
  test('a SYN with all that it offers takes forty, in the order that Linux has', () => {
    const bytes = octets((segment) => {
      segment.sequence = 0x01020304;
      segment.flags = Flag.SYN;
      segment.window = 0xfaf0;
      segment.maxSegmentSize = 1_460;
      segment.sackPermitted = true;
      segment.windowScale = 7;
      segment.hasTimestamps = true;
      segment.timestamp = 0xaabbccdd;
    });
    expect(toHex(bytes.subarray(0, 16))).toBe('c35001bb0102030400000000a002faf0');
    expect(toHex(bytes.subarray(20))).toBe('020405b4' + '0402080aaabbccdd00000000' + '01030307');
    const segment = read(bytes);
    expect(segment).toMatchObject({
      maxSegmentSize: 1_460,
      sackPermitted: true,
      windowScale: 7,
      hasTimestamps: true,
      timestamp: 0xaabbccdd,
    });
    expect(segment.payloadLength).toBe(0);
  });

  test('an acknowledgement with timestamps and three blocks takes sixty, the most there is (RFC 2018 §3)', () => {
    const bytes = octets((segment) => {
      segment.acknowledgment = 1_000;
      segment.hasTimestamps = true;
      segment.echo = 7;
      segment.sackCount = 3;
      [5_000, 0xffff_ff00, 3_000].forEach((start, i) => {
        segment.sackStarts[i] = start;
        segment.sackEnds[i] = (start + 500) >>> 0;
      });
    });
    expect(bytes.length).toBe(60);
    const segment = read(bytes);
    expect(segment.sackCount).toBe(3);
    expect(segment.sackStarts.slice(0, 3)).toEqual([5_000, 0xffff_ff00, 3_000]);
    expect(segment.sackEnds.slice(0, 3)).toEqual([5_500, 0xf4, 3_500]);
    expect(segment.echo).toBe(7);
  });

  test('data, of an odd number of octets', () => {
    const segment = read(octets((one) => (one.flags |= Flag.PSH | Flag.FIN), '616263'));
    expect(toHex(segment.bytes.subarray(segment.payloadStart, segment.payloadEnd))).toBe('616263');
    expect([segment.has(Flag.FIN), segment.has(Flag.SYN)]).toEqual([true, false]);
  });

  test('the checksum, with the addresses added, is the one of a real packet', () => {
    // the example has addresses 192.0.2.1 and 192.0.2.2: the sum over the complete pseudo-header (RFC 9293 §3.1), worked out by hand
    const bytes = octets((segment) => {
      segment.flags = Flag.SYN;
      segment.window = 0xffff;
    });
    const words = [0xc000, 0x0201, 0xc000, 0x0202, 6, 20, 0xc350, 0x01bb, 0, 0, 0, 0, 0x5002, 0xffff, 0, 0];
    const sum = words.reduce((a, b) => a + b, 0);
    const whole = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
    const ours = (bytes[16]! << 8) | bytes[17]!;
    let real = (~ours & 0xffff) + 0xc000 + 0x0201 + 0xc000 + 0x0202;
    real = (real & 0xffff) + (real >>> 16);
    expect(~real & 0xffff).toBe(whole);
  });
});

describe('what makes no sense is not taken', () => {
  const good = (): Uint8Array => octets((segment) => (segment.sequence = 0x1234_5678), '00112233445566778899');

  test('any single bit that flips is noticed', () => {
    const bytes = good();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(readSegment(bytes, bytes.length, new Segment()), `bit ${bit}`).toBe('checksum');
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
    expect(readSegment(bytes, bytes.length, new Segment())).toBe('');
  });

  test('a length that is not its own', () => {
    const bytes = good();
    for (let length = 0; length < bytes.length; length++) expect(readSegment(bytes, length, new Segment())).not.toBe('');
  });

  /** The same octets with a checksum that is right. */
  function resealed(change: (bytes: Uint8Array) => void): Uint8Array {
    const bytes = octets((segment) => {
      segment.hasTimestamps = true;
    });
    change(bytes);
    bytes[16] = 0;
    bytes[17] = 0;
    let sum = 6 + bytes.length;
    for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!;
    sum = (sum & 0xffff) + (sum >>> 16);
    sum = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
    bytes[16] = sum >>> 8;
    bytes[17] = sum;
    return bytes;
  }

  test.each([
    ['a data offset below the header', (bytes: Uint8Array) => (bytes[12] = 4 << 4)],
    ['a data offset beyond the segment', (bytes: Uint8Array) => (bytes[12] = 15 << 4)],
    ['an option of no length', (bytes: Uint8Array) => bytes.set([8, 0], 20)],
    ['an option longer than the header', (bytes: Uint8Array) => bytes.set([8, 13], 20)],
    ['an option whose length is cut off', (bytes: Uint8Array) => bytes.set([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 8], 20)],
  ])('%s', (_name, change) => {
    expect(readSegment(resealed(change), 32, new Segment())).toBe('header');
  });

  test.each([
    ['an unknown option', [254, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]],
    ['an MSS option of another length', [2, 3, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
    ['a SACK option with half a block', [5, 6, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1]],
    ['nothing after the end of options', [0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ])('%s is passed over', (_name, options) => {
    const segment = read(resealed((bytes) => bytes.set(options, 20)));
    expect(segment).toMatchObject({ maxSegmentSize: -1, hasTimestamps: false, sackCount: 0 });
  });

  test('a window scale above 14 counts as 14 (RFC 7323 §2.3)', () => {
    expect(read(resealed((bytes) => bytes.set([3, 3, 255, 1, 1, 1, 1, 1, 1, 1, 1, 1], 20))).windowScale).toBe(14);
  });
});
