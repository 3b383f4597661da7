import { ByteWriter, fromHex, toHex } from '@quiclab/bytes';
import { HpackDecoder, HpackEncoder, type HuffmanUse, type Indexing, isSensitive, type Line } from '@quiclab/hpack';
import { describe, expect, test } from 'vitest';

/** One step: a list, its octets, and what the tables of both ends hold after it. */
interface Step {
  readonly name: string;
  readonly hex: string;
  readonly fields: readonly Line[];
  readonly tableSize: number;
}

/** Steps share their tables, as the examples do. */
function example(steps: readonly Step[], tableSize: number, huffman: HuffmanUse, indexing: Indexing): void {
  const encoder = new HpackEncoder({ tableSize, huffman, indexing: () => indexing });
  const decoder = new HpackDecoder(Number.MAX_SAFE_INTEGER, tableSize);
  for (const { name, hex, fields, tableSize: after } of steps) {
    test(`${name}, to the letter, both ways`, () => {
      const writer = ByteWriter.growable();
      encoder.encode(writer, fields);
      expect(toHex(writer.written())).toBe(hex);
      expect(decoder.decode(fromHex(hex))).toEqual(fields);
      expect([encoder.tableSize, decoder.tableSize]).toEqual([after, after]);
    });
  }
}

describe('single lines (RFC 7541 Appendix C.2, §6.1, §6.2.1, §6.2.2 and §6.2.3)', () => {
  const one = (name: string, hex: string, line: Line, tableSize: number, indexing: Indexing): void =>
    example([{ name, hex, fields: [line], tableSize }], 4_096, 'never', indexing);
  one('C.2.1 with indexing', '400a637573746f6d2d6b65790d637573746f6d2d686561646572', ['custom-key', 'custom-header'], 55, 'index');
  one('C.2.2 without indexing', '040c2f73616d706c652f70617468', [':path', '/sample/path'], 0, 'plain');
  one('C.2.3 never indexed', '100870617373776f726406736563726574', ['password', 'secret'], 0, 'never');
  one('C.2.4 indexed', '82', [':method', 'GET'], 0, 'index');

  test('C.2.3 comes as a line that is passed on never indexed (§6.2.3)', () => {
    const [line] = new HpackDecoder().decode(fromHex('100870617373776f726406736563726574'))!;
    expect(isSensitive(line!)).toBe(true);
    const writer = ByteWriter.growable();
    new HpackEncoder({ huffman: 'never' }).encode(writer, [line!]);
    expect(toHex(writer.written())).toBe('100870617373776f726406736563726574');
  });
});

const requests: readonly (readonly Line[])[] = [
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
    ['cache-control', 'no-cache'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/index.html'],
    [':authority', 'www.example.com'],
    ['custom-key', 'custom-value'],
  ],
];
const steps = (lists: readonly (readonly Line[])[], sizes: readonly number[], hexes: readonly string[], what: string): Step[] =>
  hexes.map((hex, i) => ({ name: `the ${['first', 'second', 'third'][i]} ${what}`, hex, fields: lists[i]!, tableSize: sizes[i]! }));

describe('requests (RFC 7541 Appendix C.3)', () => {
  const hexes = [
    '828684410f7777772e6578616d706c652e636f6d',
    '828684be58086e6f2d6361636865',
    '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
  ];
  example(steps(requests, [57, 110, 164], hexes, 'request'), 4_096, 'never', 'index');
});

describe('requests in Huffman code (RFC 7541 Appendix C.4)', () => {
  const hexes = ['828684418cf1e3c2e5f23a6ba0ab90f4ff', '828684be5886a8eb10649cbf', '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf'];
  example(steps(requests, [57, 110, 164], hexes, 'request'), 4_096, 'always', 'index');
});

const response = (status: string, second: number): Line[] => [
  [':status', status],
  ['cache-control', 'private'],
  ['date', `Mon, 21 Oct 2013 20:13:${second} GMT`],
  ['location', 'https://www.example.com'],
];
const responses: readonly (readonly Line[])[] = [
  response('302', 21),
  response('307', 21),
  [...response('200', 22), ['content-encoding', 'gzip'], ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1']],
];

describe('responses, with a table of 256 octets (RFC 7541 Appendix C.5)', () => {
  const hexes = [
    '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
    '4803333037c1c0bf',
    '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
  ];
  example(steps(responses, [222, 222, 215], hexes, 'response'), 256, 'never', 'index');
});

describe('responses in Huffman code, with a table of 256 octets (RFC 7541 Appendix C.6)', () => {
  const hexes = [
    '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
    '4883640effc1c0bf',
    '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
  ];
  example(steps(responses, [222, 222, 215], hexes, 'response'), 256, 'always', 'index');
});
