import { ByteWriter, fromHex, fromLatin1, latin1, toHex } from '@quiclab/bytes';
import { HUFFMAN_INVALID, huffmanDecode, huffmanEncode, huffmanLength, maxDecodedLength } from '@quiclab/hpack/huffman';
import { integerBelow, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';

function encode(text: string): Uint8Array {
  const writer = ByteWriter.growable();
  huffmanEncode(text, writer);
  expect(writer.position).toBe(huffmanLength(text));
  return writer.written().slice();
}

function decode(bytes: Uint8Array): string | undefined {
  const out = new Uint8Array(maxDecodedLength(bytes.length));
  const length = huffmanDecode(bytes, 0, bytes.length, out);
  expect(length).toBeLessThanOrEqual(out.length);
  return length === HUFFMAN_INVALID ? undefined : fromLatin1(out.subarray(0, length));
}

/** The slow twin: one bit at a time, over codes asked of the encoder. */
function bitwiseDecoder(): (bytes: Uint8Array) => string | undefined {
  const symbols = new Map<string, number>();
  const bits = (bytes: Uint8Array): string => [...bytes].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  for (let symbol = 0; symbol < 256; symbol++) {
    const text = String.fromCharCode(symbol);
    const eight = bits(encode(text.repeat(8))); // eight codes end on an octet: no padding
    symbols.set(eight.slice(0, eight.length / 8), symbol);
  }
  return (bytes) => {
    let text = '';
    let code = '';
    for (const bit of bits(bytes)) {
      code += bit;
      if (code === '1'.repeat(30)) return undefined;
      const symbol = symbols.get(code);
      if (symbol === undefined) continue;
      text += String.fromCharCode(symbol);
      code = '';
    }
    return code.length <= 7 && /^1*$/.test(code) ? text : undefined;
  };
}

describe('the Huffman code (RFC 7541 §5.2, Appendix B)', () => {
  test('the strings of RFC 7541 Appendix C.4 and C.6', () => {
    const cases: [string, string][] = [
      ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
      ['no-cache', 'a8eb10649cbf'],
      ['custom-key', '25a849e95ba97d7f'],
      ['custom-value', '25a849e95bb8e8b4bf'],
      ['302', '6402'],
      ['private', 'aec3771a4b'],
      ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07abe941054d444a8200595040b8166e082a62d1bff'],
      ['https://www.example.com', '9d29ad171863c78f0b97c8e9ae82ae43d3'],
      [
        'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
        '94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
      ],
    ];
    for (const [text, hex] of cases) {
      expect(toHex(encode(text))).toBe(hex);
      expect(decode(fromHex(hex))).toBe(text);
    }
  });

  test('single codes are those of the appendix: shortest, longest, first and last of a length', () => {
    // '0' is 00000 (5 bits), 'a' 00011, LF 3ffffffc (30 bits), 0xff 3ffffee (26 bits), 0xf9 ffffffe (28 bits), '{' 7ffe (15 bits)
    expect(toHex(encode('0'))).toBe('07');
    expect(toHex(encode('a'))).toBe('1f');
    expect(toHex(encode('\n'))).toBe('fffffff3');
    expect(toHex(encode('\u00ff'))).toBe('fffffbbf');
    expect(toHex(encode('\u00f9'))).toBe('ffffffef');
    expect(toHex(encode('{'))).toBe('fffd');
  });

  test('every octet is encoded and decoded back, alone and together', () => {
    for (let symbol = 0; symbol < 256; symbol++) {
      const text = String.fromCharCode(symbol);
      expect(decode(encode(text))).toBe(text);
      expect(decode(encode(`${text}a${text}`))).toBe(`${text}a${text}`);
    }
    const all = fromLatin1(Uint8Array.from({ length: 256 }, (_, i) => i));
    expect(decode(encode(all))).toBe(all);
    expect(decode(new Uint8Array(0))).toBe('');
  });

  test('padding is at most seven bits, all ones, and EOS is never in a string', () => {
    expect(decode(fromHex('07'))).toBe('0');
    expect(decode(fromHex('06'))).toBeUndefined(); // ends in zeros that are no code
    expect(decode(fromHex('07ff'))).toBeUndefined(); // eleven bits of padding
    expect(decode(fromHex('ff'))).toBeUndefined(); // eight
    expect(decode(fromHex('fffffffc'))).toBeUndefined(); // EOS is thirty ones
    expect(decode(fromHex('1fffffffff'))).toBeUndefined();
  });

  test('the table agrees with a decoder that goes bit by bit', () => {
    const random = seededRandom(54);
    const bitwise = bitwiseDecoder();
    for (let i = 0; i < 5000; i++) {
      const bytes = new Uint8Array(integerBelow(random, 12));
      random.fill(bytes);
      if (i % 2 === 0 && bytes.length > 0) bytes[bytes.length - 1]! |= 0x1f; // more of them end well
      if (i % 5 === 0) bytes.fill(0xff, 0, integerBelow(random, 5));
      expect(decode(bytes)).toBe(bitwise(bytes));
    }
  });

  test('random text comes back, and what does not fit an octet is refused', () => {
    const random = seededRandom(55);
    for (let i = 0; i < 500; i++) {
      const bytes = new Uint8Array(integerBelow(random, 100));
      random.fill(bytes);
      const text = fromLatin1(bytes);
      expect(decode(encode(text))).toBe(text);
      expect(latin1(text)).toEqual(bytes);
    }
    expect(() => huffmanLength('aĀ')).toThrow(/does not fit one octet/);
  });
});
