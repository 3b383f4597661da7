import { ByteWriter, fromHex, fromLatin1, toHex } from '@quiclab/bytes';
import {
  QPACK_DECODER_STREAM_ERROR,
  QPACK_DECOMPRESSION_FAILED,
  QPACK_ENCODER_STREAM_ERROR,
  QpackDecoder,
  QpackEncoder,
  QpackError,
  STATIC_TABLE,
} from '@quiclab/qpack';
import { integerBelow, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';

type Fields = readonly (readonly [string, string])[];

function encode(fields: Fields): Uint8Array {
  const writer = ByteWriter.growable();
  new QpackEncoder().encode(writer, fields);
  return writer.written().slice();
}

function codeOf(action: () => void): number {
  try {
    action();
  } catch (error) {
    if (error instanceof QpackError) return error.code;
    throw error;
  }
  return 0;
}

describe('field sections (RFC 9204 §4.5)', () => {
  test('the example of RFC 9204 Appendix B.1: a literal with a static name', () => {
    expect(new QpackDecoder().decode(fromHex('0000 510b 2f69 6e64 6578 2e68 746d 6c'))).toEqual([[':path', '/index.html']]);
  });

  test('a line of the static table is one octet or two, in the order of the appendix', () => {
    expect(STATIC_TABLE).toHaveLength(99);
    expect(toHex(encode([[':method', 'GET']]))).toBe('0000d1');
    expect(toHex(encode([['x-frame-options', 'sameorigin']]))).toBe('0000ff23');
    const indexable = STATIC_TABLE.filter(([name]) => !/^(set-)?cookie$|^authorization$/.test(name));
    for (const line of indexable) expect(encode([line]).length).toBeLessThanOrEqual(4);
    expect(new QpackDecoder().decode(encode(STATIC_TABLE))).toEqual(STATIC_TABLE);
  });

  test('values that must not be guessed at are marked never-indexed, also where the table has the line (RFC 9204 §7.1.3)', () => {
    expect(encode([['authorization', 'a']])[2]! & 0b1110_0000).toBe(0b0110_0000);
    expect(encode([['cookie', '']])[2]! & 0b1110_0000).toBe(0b0110_0000);
    expect(encode([['proxy-authorization', 'a']])[2]! & 0b1111_0000).toBe(0b0011_0000);
    expect(encode([['x-mine', 'a']])[2]! & 0b1111_0000).toBe(0b0010_0000);
  });

  test('strings are Huffman-coded where that is shorter, and plain where it is not', () => {
    expect(toHex(encode([['x', 'www.example.com']]))).toBe('000021788cf1e3c2e5f23a6ba0ab90f4ff');
    expect(toHex(encode([['x', '\\\\']]))).toBe('00002178025c5c');
  });

  test('any list of octet strings comes back', () => {
    const random = seededRandom(9204);
    const decoder = new QpackDecoder();
    const octets = (): string => {
      const bytes = new Uint8Array(integerBelow(random, integerBelow(random, 20) === 0 ? 9000 : 40));
      random.fill(bytes);
      if (integerBelow(random, 2) === 0) for (let i = 0; i < bytes.length; i++) bytes[i] = 0x20 + (bytes[i]! % 95);
      return fromLatin1(bytes);
    };
    for (let i = 0; i < 300; i++) {
      const fields = Array.from({ length: integerBelow(random, 8) }, () => {
        const known = STATIC_TABLE[integerBelow(random, 99)]!;
        return [integerBelow(random, 2) === 0 ? known[0] : octets(), octets()] as const;
      });
      expect(decoder.decode(encode(fields))).toEqual(fields);
    }
  });

  test('characters beyond an octet are refused', () => {
    expect(() => encode([['x', 'Ā']])).toThrow(RangeError);
  });

  test('a section above the size limit is no error, but not decoded either (RFC 9114 §4.2.2)', () => {
    const fields = [['ab', 'cde']] as const;
    expect(new QpackDecoder(37).decode(encode(fields))).toEqual(fields);
    expect(new QpackDecoder(36).decode(encode(fields))).toBeUndefined();
    expect(new QpackDecoder(1000).decode(fromHex(`0000${'d1'.repeat(5000)}`))).toBeUndefined(); // five octets stand for 42
  });

  test('a static index that does not exist, a table that is not there, and an integer without end fail (RFC 9204 §2.2.3, §3.1)', () => {
    const fails = ['', '00', '02 00', '0000 ff24', '0000 7f5500', '0000 80', '0000 4000', '0000 10', '0000 0000', '00 80', '00 81'];
    fails.push('0000 ffffffffffffffffffffffff', '0000 2005', '0000 2178ff', '0000 21788106', '0000 5f');
    for (const hex of fails)
      expect([hex, codeOf(() => new QpackDecoder().decode(fromHex(hex)))]).toEqual([hex, QPACK_DECOMPRESSION_FAILED]);
  });

  test('a Base may be anything that is not negative (RFC 9204 §4.5.1.2)', () => {
    expect(new QpackDecoder().decode(fromHex('00 05 d1'))).toEqual([[':method', 'GET']]);
  });

  test('truncated anywhere, a section is shorter or fails', () => {
    const fields = [
      [':path', '/index.html'],
      ['x-long-name', 'value with words'],
      [':status', '200'],
    ] as const;
    const whole = encode(fields);
    for (let length = 0; length < whole.length; length++) {
      const decode = (): unknown => {
        const decoded = new QpackDecoder().decode(whole.subarray(0, length));
        expect(fields.slice(0, decoded!.length)).toEqual(decoded);
        return decoded;
      };
      expect([0, QPACK_DECOMPRESSION_FAILED]).toContain(codeOf(decode));
    }
  });

  test('20,000 altered sections end in a list within the limit or in QPACK_DECOMPRESSION_FAILED', () => {
    const random = seededRandom(20_000);
    const whole = encode([
      [':method', 'GET'],
      [':path', '/some/where?query=1'],
      ['x-name', 'value'],
      ['cookie', 'a=b; c=d'],
      ['x-binary', '\u0000\u00ff'],
    ]);
    const decoder = new QpackDecoder(4096);
    let failures = 0;
    for (let i = 0; i < 20_000; i++) {
      const altered = whole.slice(0, whole.length - integerBelow(random, 3));
      for (let n = integerBelow(random, 4); n >= 0; n--) altered[integerBelow(random, altered.length)] = integerBelow(random, 256);
      const code = codeOf(() => {
        const fields = decoder.decode(altered) as Fields | undefined; // without a table nothing waits
        const size = fields?.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0) ?? 0;
        expect(size).toBeLessThanOrEqual(4096);
      });
      if (code !== 0) failures++;
      if (code !== 0) expect(code).toBe(QPACK_DECOMPRESSION_FAILED);
    }
    expect(failures).toBeGreaterThan(1000);
    expect(failures).toBeLessThan(20_000);
  });
});

describe('the encoder stream of a peer that may not insert (RFC 9204 §4.3)', () => {
  test('may set the capacity to 0, as often as it likes', () => {
    expect(codeOf(() => new QpackDecoder().receiveEncoderStream(fromHex('20 20 20')))).toBe(0);
  });

  test('anything else is QPACK_ENCODER_STREAM_ERROR', () => {
    for (const hex of ['21', '3f01', '3fbd01', 'c00161', '80', '4161', '00', '20 ff80ffffffff01']) {
      expect([hex, codeOf(() => new QpackDecoder().receiveEncoderStream(fromHex(hex)))]).toEqual([hex, QPACK_ENCODER_STREAM_ERROR]);
    }
  });
});

describe('the decoder stream of a peer whom we sent no insertion (RFC 9204 §4.4)', () => {
  test('may cancel streams, in any split', () => {
    const encoder = new QpackEncoder();
    expect(codeOf(() => encoder.receiveDecoderStream(fromHex('40 7f 80 80 01 44')))).toBe(0);
    for (const octet of fromHex('7f ff 01 48')) expect(codeOf(() => encoder.receiveDecoderStream(Uint8Array.of(octet)))).toBe(0);
  });

  test('has nothing to acknowledge: QPACK_DECODER_STREAM_ERROR', () => {
    for (const hex of ['80', 'ff01', '00', '01', '3f00', '44 81', `7f${'80'.repeat(11)}`]) {
      expect([hex, codeOf(() => new QpackEncoder().receiveDecoderStream(fromHex(hex)))]).toEqual([hex, QPACK_DECODER_STREAM_ERROR]);
    }
  });
});
