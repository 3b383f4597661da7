import { concat, toHex } from '@quiclab/bytes';
import { type CipherSuite, nullProtection, TAG_LENGTH, trafficKeys } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { integerBelow, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';

const provider = nullProtection(nodeProvider);
const SUITE: CipherSuite = 'TLS_AES_128_GCM_SHA256';
const HEADER = 21;
const draws = seededRandom('null protection');

const aead = (fill: number) => provider.aead(SUITE, new Uint8Array(16).fill(fill));
const nonce = new Uint8Array(12).fill(3);

/** A packet of this payload length, sealed, at an odd place in its buffer. */
function sealed(payloadLength: number): Uint8Array {
  const bytes = new Uint8Array(7 + HEADER + payloadLength + TAG_LENGTH).subarray(7);
  draws.fill(bytes);
  aead(1).seal(nonce, bytes, 0, HEADER, HEADER + payloadLength);
  return bytes;
}
const opens = (bytes: Uint8Array, key = 1): boolean => aead(key).open(nonce, bytes, 0, HEADER, bytes.length) === bytes.length - TAG_LENGTH;

describe('null protection', () => {
  test.each([0, 1, 3, 4, 15, 16, 17, 31, 61])('notices every flipped bit of header, payload and tag (payload of %i)', (length) => {
    const bytes = sealed(length);
    expect(opens(bytes)).toBe(true);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      bytes[bit >>> 3] ^= 1 << (bit & 7);
      expect(opens(bytes), `bit ${bit}`).toBe(false);
      bytes[bit >>> 3] ^= 1 << (bit & 7);
    }
    expect(opens(bytes)).toBe(true);
  });

  test('notices every flipped bit of a full packet', () => {
    const bytes = sealed(1200);
    let unnoticed = 0;
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      bytes[bit >>> 3] ^= 1 << (bit & 7);
      if (opens(bytes)) unnoticed++;
      bytes[bit >>> 3] ^= 1 << (bit & 7);
    }
    expect(unnoticed).toBe(0);
  });

  test('notices two flipped bits, wherever they are', () => {
    const bytes = sealed(300);
    let unnoticed = 0;
    for (let i = 0; i < 20_000; i++) {
      const before = bytes.slice();
      const first = integerBelow(draws, 8 * bytes.length);
      const distance = 1 + integerBelow(draws, 8 * bytes.length - 1);
      for (const bit of [first, (first + distance) % (8 * bytes.length)]) bytes[bit >>> 3] ^= 1 << (bit & 7);
      if (opens(bytes)) unnoticed++;
      bytes.set(before);
    }
    // the same bit of two words of one lane, which sums of words without a shift would let cancel out
    for (let at = 0; at + 20 <= bytes.length - TAG_LENGTH; at++) {
      bytes[at] ^= 0x80;
      bytes[at + 16] ^= 0x80;
      if (opens(bytes)) unnoticed++;
      bytes[at] ^= 0x80;
      bytes[at + 16] ^= 0x80;
    }
    expect(unnoticed).toBe(0);
  });

  test('notices another nonce, another key, and another end of the header', () => {
    const bytes = sealed(100);
    expect(opens(bytes, 2)).toBe(false);
    for (let bit = 0; bit < 96; bit++) {
      const other = nonce.slice();
      other[bit >>> 3] ^= 1 << (bit & 7);
      expect(aead(1).open(other, bytes, 0, HEADER, bytes.length)).toBe(-1);
    }
    expect(aead(1).open(nonce, bytes, 0, HEADER + 1, bytes.length)).toBe(-1);
    expect(aead(1).open(nonce, bytes, 0, HEADER, HEADER + 15)).toBe(-1);
  });

  test('leaves the payload as it is, and makes packets of the size that real protection makes', () => {
    const secret = new Uint8Array(32).fill(1);
    const plain = concat(new Uint8Array(HEADER).fill(0x41), new Uint8Array(50).fill(7), new Uint8Array(TAG_LENGTH));
    for (const inner of [provider, nodeProvider]) {
      const keys = trafficKeys(inner, SUITE, secret, 1);
      const bytes = plain.slice();
      keys.packet.seal(bytes, 0, HEADER, HEADER + 50, 9);
      keys.header.protect(bytes, 0, HEADER - 2, 2);
      expect(toHex(bytes.subarray(0, HEADER + 50)) === toHex(plain.subarray(0, HEADER + 50))).toBe(!inner.confidential);
      expect(keys.header.unprotect(bytes, 0, HEADER - 2, bytes.length)).toBe(2);
      expect(keys.packet.open(bytes, 0, HEADER, bytes.length, 9)).toBe(HEADER + 50);
    }
  });

  test('does not depend on where in a buffer the packet lies', () => {
    const bytes = sealed(77);
    for (let shift = 0; shift < 8; shift++) {
      const moved = new Uint8Array(shift + bytes.length);
      moved.set(bytes, shift);
      expect(aead(1).open(nonce, moved, shift, shift + HEADER, moved.length)).toBe(moved.length - TAG_LENGTH);
      expect(opens(moved.subarray(shift))).toBe(true);
    }
  });

  test('says that it is not confidential, and leaves the handshake to the provider within', () => {
    expect(provider.confidential).toBe(false);
    expect(toHex(provider.digest('sha256', nonce))).toBe(toHex(nodeProvider.digest('sha256', nonce)));
    const shares = [provider, nodeProvider].map((each) => toHex(each.keyExchange('x25519', seededRandom(4)).publicKey));
    expect(shares[0]).toBe(shares[1]);
  });
});
