import { fromHex, toHex, utf8 } from '@quiclab/bytes';
import { hkdfExpand, hkdfExtract } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { type Random, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';

/** A generator that gives these octets. */
const fixed = (octets: Uint8Array): Random => ({ ...seededRandom(1), fill: (bytes) => bytes.set(octets) });

describe('HKDF', () => {
  test('the test cases 1 to 3 of RFC 5869 A', () => {
    const ikm = new Uint8Array(22).fill(0x0b);
    const prk = hkdfExtract(nodeProvider, 'sha256', fromHex('000102030405060708090a0b0c'), ikm);
    expect(toHex(prk)).toBe('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5');
    expect(toHex(hkdfExpand(nodeProvider, 'sha256', prk, fromHex('f0f1f2f3f4f5f6f7f8f9'), 42))).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    );

    const range = (start: number): Uint8Array => Uint8Array.from({ length: 80 }, (_, i) => start + i);
    const long = hkdfExtract(nodeProvider, 'sha256', range(0x60), range(0));
    expect(toHex(long)).toBe('06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244');
    expect(toHex(hkdfExpand(nodeProvider, 'sha256', long, range(0xb0), 82))).toBe(
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
    );

    const bare = hkdfExtract(nodeProvider, 'sha256', new Uint8Array(0), ikm);
    expect(toHex(bare)).toBe('19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04');
    expect(toHex(hkdfExpand(nodeProvider, 'sha256', bare, new Uint8Array(0), 42))).toBe(
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    );
  });

  test('gives 255 blocks and no more', () => {
    const secret = new Uint8Array(48);
    expect(hkdfExpand(nodeProvider, 'sha384', secret, utf8('x'), 255 * 48)).toHaveLength(255 * 48);
    expect(() => hkdfExpand(nodeProvider, 'sha384', secret, utf8('x'), 255 * 48 + 1)).toThrow(RangeError);
  });
});

describe('X25519', () => {
  const alice = nodeProvider.keyExchange('x25519', fixed(fromHex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a')));
  const bob = nodeProvider.keyExchange('x25519', fixed(fromHex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')));

  test('the example of RFC 7748 §6.1', () => {
    expect(toHex(alice.publicKey)).toBe('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a');
    expect(toHex(bob.publicKey)).toBe('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
    const secret = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';
    expect(toHex(alice.agree(bob.publicKey))).toBe(secret);
    expect(toHex(bob.agree(alice.publicKey))).toBe(secret);
  });

  test('shares that give an all-zero secret are refused (RFC 8446 §7.4.2)', () => {
    const lowOrder = [
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000000',
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    ];
    for (const share of lowOrder) expect(() => alice.agree(fromHex(share)), share).toThrow();
  });

  test('shares of another length are refused', () => {
    for (const length of [0, 31, 33, 65]) expect(() => alice.agree(new Uint8Array(length).fill(9))).toThrow(`not ${length}`);
  });
});

describe('P-256', () => {
  test('the example of RFC 5903 §8.1', () => {
    const i = nodeProvider.keyExchange('secp256r1', fixed(fromHex('c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433')));
    const r = nodeProvider.keyExchange('secp256r1', fixed(fromHex('c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53')));
    expect(toHex(i.publicKey)).toBe(
      '04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811805271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3',
    );
    const secret = 'd6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de';
    expect(toHex(i.agree(r.publicKey))).toBe(secret);
    expect(toHex(r.agree(i.publicKey))).toBe(secret);
  });

  test('points off the curve, compressed points and the point at infinity are refused (RFC 8446 §4.2.8.2)', () => {
    const share = nodeProvider.keyExchange('secp256r1', seededRandom(5));
    const point = nodeProvider.keyExchange('secp256r1', seededRandom(6)).publicKey;
    const off = point.slice();
    off[64] ^= 1;
    expect(() => share.agree(off)).toThrow();
    expect(() => share.agree(new Uint8Array([2 + (point[64] & 1), ...point.subarray(1, 33)]))).toThrow('not 33');
    expect(() => share.agree(new Uint8Array([0]))).toThrow('not 1');
    expect(() => share.agree(new Uint8Array(65))).toThrow();
    expect(share.agree(point)).toHaveLength(32);
  });

  test('a private key is drawn again until it is below the order of the curve', () => {
    const draws = [new Uint8Array(32).fill(0xff), new Uint8Array(32), new Uint8Array(32).fill(7)];
    const random: Random = { ...seededRandom(1), fill: (bytes) => bytes.set(draws.shift()!) };
    const share = nodeProvider.keyExchange('secp256r1', random);
    expect(draws).toHaveLength(0);
    expect(toHex(share.publicKey)).toBe(toHex(nodeProvider.keyExchange('secp256r1', fixed(new Uint8Array(32).fill(7))).publicKey));
  });
});

test('the same draws give the same shares, others give others', () => {
  for (const group of ['x25519', 'secp256r1'] as const) {
    const share = (seed: number): string => toHex(nodeProvider.keyExchange(group, seededRandom(seed)).publicKey);
    expect(share(1)).toBe(share(1));
    expect(share(1)).not.toBe(share(2));
  }
});

test('secrets are equal when all their octets are', () => {
  expect(nodeProvider.equal(fromHex('0102'), fromHex('0102'))).toBe(true);
  expect(nodeProvider.equal(fromHex('0102'), fromHex('0103'))).toBe(false);
  expect(nodeProvider.equal(fromHex('0102'), fromHex('01'))).toBe(false);
});

test('results are plain arrays, whose slice is a copy', () => {
  const share = nodeProvider.keyExchange('x25519', seededRandom(3));
  const results = [
    nodeProvider.digest('sha256', utf8('')),
    nodeProvider.hmac('sha384', utf8('k'), utf8('')),
    share.publicKey,
    share.agree(share.publicKey),
  ];
  for (const result of results) expect(Object.getPrototypeOf(result)).toBe(Uint8Array.prototype);
});
