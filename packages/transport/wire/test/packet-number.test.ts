import { ByteWriter, fromHex, toHex } from '@quiclab/bytes';
import { expandPacketNumber, packetNumberLength, readPacketNumber, writePacketNumber } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';

describe('packet numbers (RFC 9000 §17.1)', () => {
  test('Appendix A.2: 29,519 numbers out take 16 bits, 65,611 take 24', () => {
    expect(packetNumberLength(0xac5c02, 0xabe8b3)).toBe(2);
    expect(packetNumberLength(0xace8fe, 0xabe8b3)).toBe(3);
  });

  test('Appendix A.3: 0x9b32 after 0xa82f30ea is 0xa82f9b32', () => {
    expect(expandPacketNumber(0xa82f30ea, 0x9b32, 2)).toBe(0xa82f9b32);
  });

  test.each([
    [0, -1, 1],
    [127, -1, 1],
    [128, -1, 2],
    [0x7fff, -1, 2],
    [0x8000, -1, 3],
    [0x7f_ffff, -1, 3],
    [0x80_0000, -1, 4],
    [2 ** 40, 2 ** 40 - 128, 1],
  ] as const)('%d with %d acknowledged takes %d octets (Appendix A.2)', (packetNumber, largestAcked, length) => {
    expect(packetNumberLength(packetNumber, largestAcked)).toBe(length);
  });

  test('what a sender may truncate, a receiver expands, wherever it stands in between (§17.1)', () => {
    for (const largestAcked of [-1, 0, 200, 0xabe8b3, 2 ** 32 - 5, 2 ** 40, 2 ** 52]) {
      for (const out of [1, 2, 100, 127, 128, 129, 0x7fff, 0x8000, 0x8001, 0x7f_ffff, 0x80_0000, 0x80_0001, 0x7fff_ffff]) {
        const packetNumber = largestAcked + out;
        const length = packetNumberLength(packetNumber, largestAcked);
        const truncated = packetNumber % 2 ** (8 * length);
        // the receiver has what it acknowledged, and at most all before this packet
        for (const largestReceived of [largestAcked, packetNumber - 1, Math.floor((largestAcked + packetNumber) / 2)]) {
          if (largestReceived < largestAcked || largestReceived >= packetNumber) continue;
          expect(expandPacketNumber(largestReceived, truncated, length)).toBe(packetNumber);
        }
      }
    }
  });

  test('a late packet is expanded downwards, and never below zero', () => {
    expect(expandPacketNumber(0x1_0000, 0xfff0, 2)).toBe(0xfff0);
    expect(expandPacketNumber(300, 0xf0, 1)).toBe(0xf0);
    expect(expandPacketNumber(-1, 0xff, 1)).toBe(0xff);
    expect(expandPacketNumber(-1, 0xffff_ffff, 4)).toBe(0xffff_ffff);
  });

  test('no expanded number passes 2^53 - 1', () => {
    for (const length of [1, 2, 3, 4]) {
      expect(expandPacketNumber(Number.MAX_SAFE_INTEGER - 1, 0, length)).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
    }
  });

  test.each([
    [1, 'f0'],
    [2, 'def0'],
    [3, 'bcdef0'],
    [4, '9abcdef0'],
  ])('%d octets are the lowest ones, in network byte order', (length, hex) => {
    const w = ByteWriter.growable();
    writePacketNumber(w, 0x12_9abc_def0, length);
    expect(toHex(w.written())).toBe(hex);
    expect(readPacketNumber(fromHex(`ff${hex}ff`), 1, length)).toBe(Number.parseInt(hex, 16));
  });
});
