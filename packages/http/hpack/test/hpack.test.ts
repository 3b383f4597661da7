import { ByteWriter, concat, fromHex, sameBytes, toHex } from '@quiclab/bytes';
import {
  HpackDecoder,
  HpackEncoder,
  type HpackEncoderOptions,
  HpackError,
  isSensitive,
  type Line,
  markSensitive,
  STATIC_TABLE,
} from '@quiclab/hpack';
import { integerBelow, type Random, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';

function encoded(encoder: HpackEncoder, fields: readonly Line[]): Uint8Array {
  const writer = ByteWriter.growable();
  encoder.encode(writer, fields);
  return writer.written();
}
const once = (fields: readonly Line[], options?: HpackEncoderOptions): string => toHex(encoded(new HpackEncoder(options), fields));
const decoded = (hex: string, limit?: number, tableSize?: number) => new HpackDecoder(limit, tableSize).decode(fromHex(hex));

describe('tables (RFC 7541 §2.3, §4, §4.1)', () => {
  test('every line of the static table is one octet, and comes back (Appendix A)', () => {
    expect(STATIC_TABLE).toHaveLength(61);
    STATIC_TABLE.forEach((line, i) => {
      expect(once([line], { indexing: () => 'index' })).toBe(toHex(Uint8Array.of(0x80 | (i + 1))));
      expect(decoded(toHex(Uint8Array.of(0x80 | (i + 1))))).toEqual([line]);
    });
  });

  test('the newest line has the lowest index, and the static ones come before it (§2.3.3)', () => {
    const decoder = new HpackDecoder();
    decoder.decode(fromHex('4001610131 4001620132'.replace(/ /g, '')));
    expect(decoder.decode(fromHex('bebf'))).toEqual([
      ['b', '2'],
      ['a', '1'],
    ]);
  });

  test('a new line may take its name from the entry that it pushes out (§4.4)', () => {
    const decoder = new HpackDecoder(1_000, 40);
    expect(decoder.decode(fromHex('4001610131 7e0132'.replace(/ /g, '')))).toEqual([
      ['a', '1'],
      ['a', '2'],
    ]);
    expect(decoder.tableSize).toBe(34);
    expect(() => decoder.decode(fromHex('bf'))).toThrow(HpackError);
  });

  test('a line that is larger than the table empties it, and is no error (§4.4)', () => {
    const decoder = new HpackDecoder(1_000, 40);
    decoder.decode(fromHex('4001610131'));
    expect(decoder.decode(fromHex(`400161 09${'78'.repeat(9)}`.replace(/ /g, '')))).toEqual([['a', 'x'.repeat(9)]]);
    expect(decoder.tableSize).toBe(0);
  });

  test('duplicates are entries like others (§2.3.2)', () => {
    const decoder = new HpackDecoder();
    decoder.decode(fromHex('40016101314001610131'));
    expect([decoder.tableSize, decoder.decode(fromHex('bebf'))]).toEqual([
      68,
      [
        ['a', '1'],
        ['a', '1'],
      ],
    ]);
  });
});

describe('table size updates (RFC 7541 §4.2, §6.3)', () => {
  test('a decoder takes one up to what it allowed, and no more', () => {
    for (const hex of ['20', '3f00', '3fe11f', '203fe11f']) expect(decoded(hex)).toEqual([]); // 0, 31, 4096, 0 and then 4096
    expect(() => decoded('3fe21f')).toThrow(/4097 octets, and it may have 4096/);
  });

  test('one after a field line is an error', () => expect(() => decoded('8220')).toThrow(/after a field line/));

  test('it evicts (§4.3)', () => {
    const decoder = new HpackDecoder();
    decoder.decode(fromHex('4001610131 4001620132'.replace(/ /g, '')));
    expect(decoder.decode(fromHex('3f15be'))).toEqual([['b', '2']]); // 52 octets: room for one
    expect(() => decoder.decode(fromHex('bf'))).toThrow(HpackError);
  });

  test('what was lowered below the table must be said by the next block, first (RFC 9113 §4.3.1)', () => {
    const lowered = () => {
      const decoder = new HpackDecoder();
      decoder.decode(fromHex('4001610131'));
      decoder.setMaxTableSize(100);
      return decoder;
    };
    expect(() => lowered().decode(fromHex('82'))).toThrow(/had to come down to 100/);
    expect(() => lowered().decode(fromHex('3f46'))).toThrow(/101 octets, and it may have 100/);
    expect(lowered().decode(fromHex('3f45be'))).toEqual([['a', '1']]);
    expect(lowered().decode(fromHex('20'))).toEqual([]);
  });

  test('the lowest in between must be said, also where it was raised again (RFC 7541 §4.2)', () => {
    const swung = () => {
      const decoder = new HpackDecoder();
      decoder.setMaxTableSize(0);
      decoder.setMaxTableSize(4_096);
      return decoder;
    };
    expect(() => swung().decode(fromHex('82'))).toThrow(/come down to 0/);
    expect(() => swung().decode(fromHex('3fe11f82'))).toThrow(/come down to 0/);
    expect(swung().decode(fromHex('203fe11f82'))).toEqual([[':method', 'GET']]);
  });

  test('a raised maximum asks for nothing', () => {
    const decoder = new HpackDecoder();
    decoder.setMaxTableSize(8_192);
    expect(decoder.decode(fromHex('82'))).toEqual([[':method', 'GET']]);
    expect(decoder.decode(fromHex('3fe13f'))).toEqual([]); // 8,192
  });

  test('an encoder says the lowest and the last, once', () => {
    const encoder = new HpackEncoder();
    const line: Line = ['x-name', 'a value'];
    encoded(encoder, [line]);
    expect(encoder.tableSize).toBe(45);
    encoder.setMaxTableSize(0);
    encoder.setMaxTableSize(100);
    expect(toHex(encoded(encoder, []))).toBe('203f45');
    expect([encoder.tableSize, toHex(encoded(encoder, []))]).toEqual([0, '']);
    encoder.setMaxTableSize(1 << 20);
    expect(toHex(encoded(encoder, []))).toBe('3fe11f'); // its own maximum, 4,096
    encoder.setMaxTableSize(64);
    expect(toHex(encoded(encoder, []))).toBe('3f21');
  });

  test('an encoder that keeps no table says so first', () => {
    const encoder = new HpackEncoder({ maxTableSize: 0 });
    expect(toHex(encoded(encoder, [[':method', 'GET']]))).toBe('2082');
    expect(toHex(encoded(encoder, [['a', '1']]))).toBe('0001610131');
  });
});

describe('what is indexed (RFC 7541 §6.2, §7.1, §7.1.3)', () => {
  const first = (line: Line): number => Number.parseInt(once([line]).slice(0, 2), 16);

  test('credentials and short cookies never are, long cookies are', () => {
    expect(first(['authorization', 'Basic x'])).toBe(0x1f); // never, name 23
    expect(first(['proxy-authorization', 'x'])).toBe(0x1f);
    expect(first(['cookie', 'a=b'])).toBe(0x1f);
    expect(first(['cookie', `a=${'b'.repeat(30)}`])).toBe(0x60);
    expect(first(['set-cookie', 'a=b'])).toBe(0x1f);
  });

  test('what is another one in every message is not', () => {
    for (const name of [':path', 'content-length', 'date', 'etag', 'last-modified', 'location']) expect(first([name, 'x1']) & 0xf0).toBe(0);
    expect(first(['user-agent', 'x'])).toBe(0x7a);
  });

  test('a line that is marked is written never-indexed, even if a table has it', () => {
    const encoder = new HpackEncoder();
    encoded(encoder, [['x-key', 'abc']]);
    const line = markSensitive(['x-key', 'abc']);
    expect(encoded(encoder, [line])[0]! & 0xf0).toBe(0x10);
    const [back] = new HpackDecoder().decode(encoded(new HpackEncoder(), [line]))!;
    expect([isSensitive(back!), isSensitive(['x-key', 'abc'])]).toEqual([true, false]);
  });

  test('what would push out nearly everything stays outside', () => {
    const encoder = new HpackEncoder();
    encoded(encoder, [
      ['x-a', '1'],
      ['x-b', 'y'.repeat(3_100)],
    ]);
    expect(encoder.tableSize).toBe(36);
  });

  test('a character that is no octet is refused, and so is what it would be truncated to', () => {
    for (const line of [
      ['x-a', 'Ā'],
      ['Āx', 'a'],
    ] as const)
      expect(() => once([line])).toThrow(RangeError);
  });
});

describe('what cannot be decoded (RFC 7541 §2.3.3, §5, §6, §6.1)', () => {
  const cases: [string, string, RegExp][] = [
    ['index 0 (§6.1)', '80', /index 0/],
    ['an index beyond both tables', 'be', /index 62, and the tables have 61 and 0/],
    ['a name beyond both tables', '7e0131', /index 62/],
    ['an index that ends in its octets', 'ff80', /ends within an integer/],
    ['an index of more than 62 bits', 'ffffffffffffffffffff7f', /more than 62 bits/],
    ['a string beyond the block', '400a6161', /a string of 10 octets, and 2 are left/],
    ['a string of 2^53 octets', '00 01 61 7f81ffffffffffff0f', /a string of 9007199254740991 octets, and 0 are left/],
    ['a block that ends before a name', '40', /ends within an integer/],
    ['a block that ends before a value', '400161', /ends within an integer/],
    ['Huffman code with padding of eleven bits (§5.2)', '008207ff 0131', /not in Huffman code/],
    ['Huffman code with zeros for padding (§5.2)', '008106 0131', /not in Huffman code/],
    ['Huffman code with EOS in it (§5.2)', '0084ffffffff0131', /not in Huffman code/],
  ];
  for (const [what, hex, reason] of cases) {
    test(what, () => {
      expect(() => decoded(hex.replace(/ /g, ''))).toThrow(HpackError);
      expect(() => decoded(hex.replace(/ /g, ''))).toThrow(reason);
    });
  }

  test('every truncation of a block is an error, or a shorter list', () => {
    const whole = encoded(new HpackEncoder(), [
      [':method', 'GET'],
      [':path', '/a/b'],
      ['x-name', 'value'],
      ['cookie', 'a=b'],
    ]);
    for (let length = 0; length < whole.length; length++) {
      let fields: Line[] | undefined = [];
      try {
        fields = new HpackDecoder().decode(whole.subarray(0, length));
      } catch (error) {
        expect(error).toBeInstanceOf(HpackError);
      }
      expect(fields!.length).toBeLessThan(4);
    }
  });
});

describe('bombs (RFC 7541 §7.3)', () => {
  const big: Line = ['x-big', 'y'.repeat(4_000)];
  const insert = encoded(new HpackEncoder({ indexing: () => 'index', maxTableSize: 1 << 20, tableSize: 1 << 20 }), [big]);

  test('a list that expands is refused by what it would be, and costs what came', () => {
    const decoder = new HpackDecoder(65_536, 1 << 20);
    const block = concat(insert, new Uint8Array(16_000).fill(0xbe)); // would be 64 MB
    expect(decoder.decode(block)).toBeUndefined();
    expect(decoder.tableSize).toBe(4_037);
    expect(decoder.decode(Uint8Array.of(0xbe))).toEqual([big]); // the table is right
  });

  test('the limit is exact, and counts 32 for each line', () => {
    expect(decoded('82', 7 + 3 + 32)).toEqual([[':method', 'GET']]);
    expect(decoded('82', 7 + 3 + 31)).toBeUndefined();
    const literal = '400161 0131'.replace(/ /g, '');
    expect(decoded(literal, 34)).toEqual([['a', '1']]);
    expect(decoded(literal, 33)).toBeUndefined();
  });

  test('beyond the limit lines still enter the table, and those that do not fit still empty it', () => {
    const decoder = new HpackDecoder(40, 100);
    expect(decoder.decode(fromHex('40016101314001620132'))).toBeUndefined();
    expect(decoder.decode(fromHex('be'))).toEqual([['b', '2']]);
    expect(decoder.decode(fromHex('bf'))).toEqual([['a', '1']]);
    expect(decoder.decode(concat(fromHex('4001637f49'), new Uint8Array(200).fill(0x78)))).toBeUndefined();
    expect(decoder.tableSize).toBe(0);
  });

  test('a table never holds more than its size, whatever comes', () => {
    const random = seededRandom('tables');
    for (let seed = 0; seed < 50; seed++) {
      const decoder = new HpackDecoder(2_000, 512);
      for (let i = 0; i < 40; i++) {
        const block = new Uint8Array(integerBelow(random, 60));
        random.fill(block);
        try {
          decoder.decode(block);
        } catch (error) {
          expect(error).toBeInstanceOf(HpackError);
          break;
        }
        expect(decoder.tableSize).toBeLessThanOrEqual(512);
      }
    }
  });
});

/** Lists as messages have them: few names, some values again, some new. */
function randomList(random: Random, latin = false): Line[] {
  const names = [':path', 'cookie', 'x-a', 'x-b', 'x-c', 'accept', 'date', 'authorization', 'user-agent', 'x-long-name-of-a-field'];
  return Array.from({ length: integerBelow(random, 15) }, () => {
    const name = names[integerBelow(random, names.length)]!;
    const value = new Uint8Array(integerBelow(random, integerBelow(random, 10) === 0 ? 800 : 12));
    random.fill(value);
    const text = String.fromCharCode(...value.map((octet) => (latin ? octet : 0x20 + (octet % 5))));
    return [name, text];
  });
}

describe('round trips (RFC 7541 §3, §3.1)', () => {
  test('what one encoder wrote, one decoder reads, with the same table, through any change of its size', () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = seededRandom(seed);
      const ownMaximum = [0, 64, 512, 4_096, 65_536][integerBelow(random, 5)]!;
      const encoder = new HpackEncoder({ maxTableSize: ownMaximum });
      const decoder = new HpackDecoder();
      for (let i = 0; i < 60; i++) {
        const fields = randomList(random, seed % 2 === 0);
        expect(decoder.decode(encoded(encoder, fields))).toEqual(fields);
        expect(decoder.tableSize).toBe(encoder.tableSize);
        for (let changes = integerBelow(random, 4) === 0 ? 1 + integerBelow(random, 3) : 0; changes > 0; changes--) {
          const size = integerBelow(random, 6_000);
          encoder.setMaxTableSize(size);
          decoder.setMaxTableSize(size);
        }
      }
    }
  });

  test('the second of two equal requests is an octet for each indexed line', () => {
    const fields: Line[] = [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', '/'],
      [':authority', 'example.com'],
      ['user-agent', 'a browser'],
      ['accept', '*/*'],
    ];
    const encoder = new HpackEncoder();
    const first = encoded(encoder, fields);
    const second = encoded(encoder, fields);
    expect([second.length, first.length > 20]).toEqual([6, true]);
    expect(sameBytes(first, second)).toBe(false);
  });

  test('20,000 altered blocks end in a list within the limit, in none, or in an HpackError', () => {
    const random = seededRandom('altered');
    const outcomes = { list: 0, refused: 0, error: 0 };
    for (let i = 0; i < 20_000; i++) {
      const decoder = new HpackDecoder(400, 256);
      const encoder = new HpackEncoder({ tableSize: 256 });
      const blocks = [encoded(encoder, randomList(random)), encoded(encoder, randomList(random))];
      const altered = blocks[integerBelow(random, 2)]!;
      for (let n = integerBelow(random, 3); n >= 0 && altered.length > 0; n--)
        altered[integerBelow(random, altered.length)]! ^= 1 << integerBelow(random, 8);
      try {
        for (const block of blocks) {
          const fields = decoder.decode(block);
          const size = fields?.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0) ?? 0;
          expect(size).toBeLessThanOrEqual(400);
          outcomes[fields === undefined ? 'refused' : 'list']++;
          expect(decoder.tableSize).toBeLessThanOrEqual(256);
        }
      } catch (error) {
        if (!(error instanceof HpackError)) throw error;
        outcomes.error++;
      }
    }
    expect(Math.min(outcomes.list, outcomes.refused, outcomes.error)).toBeGreaterThan(1_000);
  });
});
