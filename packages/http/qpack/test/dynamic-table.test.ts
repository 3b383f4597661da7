import { ByteWriter, fromHex, toHex } from '@quiclab/bytes';
import { BLOCKED, QPACK_DECOMPRESSION_FAILED, QPACK_ENCODER_STREAM_ERROR, QpackDecoder, QpackEncoder, QpackError } from '@quiclab/qpack';
import { integerBelow, type Random, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';

type Fields = readonly (readonly [string, string])[];
const UNLIMITED = Number.MAX_SAFE_INTEGER;

const answersOf = (decoder: QpackDecoder): string => toHex(decoder.takeAnswers() ?? new Uint8Array(0));

function section(encoder: QpackEncoder, fields: Fields, stream: number, insert = true): Uint8Array {
  const writer = ByteWriter.growable();
  encoder.encode(writer, fields, stream, insert);
  return writer.written().slice();
}

describe('the examples of RFC 9204 Appendix B', () => {
  const decoder = new QpackDecoder(UNLIMITED, 220);

  test('B.2: a section before the insertions that it refers to waits for them', () => {
    const needy = fromHex('0381 10 11');
    expect(decoder.decode(needy, 4)).toBe(BLOCKED);
    expect(decoder.receiveEncoderStream(fromHex('3fbd01 c00f7777772e6578616d706c652e636f6d'))).toBe(true);
    expect(decoder.decode(needy, 4)).toBe(BLOCKED);
    expect(decoder.receiveEncoderStream(fromHex('c10c2f73616d706c652f70617468'))).toBe(true);
    expect(decoder.decode(needy, 4)).toEqual([
      [':authority', 'www.example.com'],
      [':path', '/sample/path'],
    ]);
    expect([answersOf(decoder), decoder.tableSize]).toEqual(['010184', 106]);
  });

  test('B.3: an insertion with a name of its own, in pieces', () => {
    for (const octet of fromHex('4a637573746f6d2d6b65790c637573746f6d2d76616c7565')) decoder.receiveEncoderStream(Uint8Array.of(octet));
    expect([answersOf(decoder), decoder.tableSize]).toEqual(['01', 160]);
  });

  test('B.4: a duplicate, and a stream that is given up', () => {
    decoder.receiveEncoderStream(fromHex('02'));
    expect(decoder.tableSize).toBe(217);
    expect(decoder.decode(fromHex('0500 80 c1 81'), 8)).toEqual([
      [':authority', 'www.example.com'],
      [':path', '/'],
      ['custom-key', 'custom-value'],
    ]);
    expect(answersOf(decoder)).toBe('0188');
    decoder.abandon(8);
    expect(answersOf(decoder)).toBe('48');
  });

  test('B.5: an insertion lets the oldest go', () => {
    decoder.receiveEncoderStream(fromHex('810d637573746f6d2d76616c756532'));
    expect(decoder.tableSize).toBe(215);
    expect(() => decoder.decode(fromHex('0280 10'), 12)).toThrow(/not there any more/); // the first line
  });
});

describe('our encoder (RFC 9204 §2.1)', () => {
  const FIELDS: Fields = [
    [':method', 'GET'],
    [':path', '/one'],
    ['user-agent', 'somebody/1.0'],
    ['cookie', 'a cookie that nobody can guess'],
    ['authorization', 'secret'],
  ];

  test('says nothing of a table before the peer allows one, and nothing where instructions cannot leave', () => {
    const encoder = new QpackEncoder({ maxTableCapacity: 4096 });
    const plain = section(new QpackEncoder(), FIELDS, 0);
    expect(section(encoder, FIELDS, 0)).toEqual(plain);
    encoder.allow(4096, 100);
    expect(section(encoder, FIELDS, 4, false)).toEqual(plain);
    expect(encoder.takeInstructions()).toBeUndefined();
  });

  test('refers to what the peer may not have only as far as streams may wait', () => {
    const encoder = new QpackEncoder({ maxTableCapacity: 4096 });
    encoder.allow(4096, 1);
    const first = section(encoder, FIELDS, 0);
    const decoder = new QpackDecoder(UNLIMITED, 4096);
    expect(decoder.decode(first, 0)).toBe(BLOCKED);
    expect(decoder.decode(section(encoder, FIELDS, 4), 4)).toEqual(FIELDS); // one waits already
    expect(decoder.decode(section(encoder, FIELDS, 0), 0)).toBe(BLOCKED); // that one may
    decoder.receiveEncoderStream(encoder.takeInstructions()!);
    encoder.receiveDecoderStream(decoder.takeAnswers()!);
    const known = section(encoder, FIELDS, 8);
    expect(known.length).toBeLessThan(first.length + 1);
    for (const [octets, stream] of [[first, 0] as const, [known, 8] as const]) expect(decoder.decode(octets, stream)).toEqual(FIELDS);
  });

  test('what must not be guessed at, and what is another value each time, is in no table (RFC 9204 §7.1)', () => {
    const encoder = new QpackEncoder({ maxTableCapacity: 4096 });
    encoder.allow(4096, 100);
    section(encoder, FIELDS, 0);
    const decoder = new QpackDecoder(UNLIMITED, 4096);
    decoder.receiveEncoderStream(encoder.takeInstructions()!);
    expect(decoder.tableSize).toBe('user-agentsomebody/1.0'.length + 32 + 'cookiea cookie that nobody can guess'.length + 32);
  });

  test('a field that is no octets leaves the table as it was', () => {
    const encoder = new QpackEncoder({ maxTableCapacity: 4096 });
    encoder.allow(4096, 100);
    expect(() => section(encoder, [['x-one', 'Ā']], 0)).toThrow(RangeError);
    expect(encoder.takeInstructions()).toBeUndefined();
    const needy = section(encoder, [['x-one', 'a']], 0);
    const decoder = new QpackDecoder(UNLIMITED, 4096);
    decoder.receiveEncoderStream(encoder.takeInstructions()!);
    expect(decoder.decode(needy, 0)).toEqual([['x-one', 'a']]);
  });
});

/** Encoder and decoder with streams between them that deliver when they like, and are given up sometimes. */
function converse(random: Random): { readonly decoded: number; readonly waited: number; readonly evicted: boolean } {
  const below = (n: number): number => integerBelow(random, n);
  const capacity = 64 + below(600);
  const mayWait = below(5);
  const encoder = new QpackEncoder({
    maxTableCapacity: below(2) === 0 ? capacity : 32 + below(2 * capacity),
    maxOutstanding: 1 + below(40),
  });
  const decoder = new QpackDecoder(UNLIMITED, capacity);
  encoder.allow(capacity, mayWait);
  const up: number[] = []; // octets under way on the two streams
  const back: number[] = [];
  const underWay: { readonly stream: number; readonly fields: Fields; readonly octets: Uint8Array; waits: boolean }[] = [];
  const gone = new Set<number>(); // streams that were given up
  let decoded = 0;
  let waited = 0;
  let evicted = false;
  for (let turn = 0; turn < 400 || underWay.length > 0; turn++) {
    const what = below(4);
    if (what === 0 && turn < 400) {
      const fields = Array.from({ length: 1 + below(6) }, () => [`x-${below(6)}`, 'v'.repeat(1 + below(20))] as const);
      const stream = 4 * below(30);
      if (gone.has(stream)) continue;
      const octets = section(encoder, fields, stream, below(8) > 0);
      up.push(...(encoder.takeInstructions() ?? []));
      underWay.push({ stream, fields, octets, waits: false });
    } else if (what === 1 && up.length > 0) {
      const before = decoder.tableSize;
      if (decoder.receiveEncoderStream(Uint8Array.from(up.splice(0, 1 + below(40))))) for (const one of underWay) one.waits = false; // until asked again
      if (decoder.tableSize < before) evicted = true;
    } else if (what === 2 && back.length > 0) encoder.receiveDecoderStream(Uint8Array.from(back.splice(0, 1 + below(8))));
    else if (underWay.length > 0) {
      const one = underWay[below(underWay.length)]!;
      const first = underWay.find(({ stream }) => stream === one.stream)!;
      const fields = decoder.decode(first.octets, first.stream);
      if (fields === BLOCKED) {
        if (!first.waits) waited++;
        first.waits = true;
        const waiting = new Set(underWay.filter(({ waits }) => waits).map(({ stream }) => stream));
        expect(waiting.size).toBeLessThanOrEqual(mayWait);
        if (below(10) === 0) {
          for (const one of underWay.filter(({ stream }) => stream === first.stream)) underWay.splice(underWay.indexOf(one), 1);
          gone.add(first.stream);
          decoder.abandon(first.stream);
        }
      } else {
        expect(fields).toEqual(first.fields);
        decoded++;
        underWay.splice(underWay.indexOf(first), 1);
      }
    }
    expect(decoder.tableSize).toBeLessThanOrEqual(capacity);
    back.push(...(decoder.takeAnswers() ?? []));
  }
  return { decoded, waited, evicted };
}

test('60 conversations: whatever comes first, each section comes back, and no more wait than may (RFC 9204 §2.1.1, §2.1.2)', () => {
  let [decoded, waited, evicted] = [0, 0, 0];
  for (let seed = 0; seed < 60; seed++) {
    const told = converse(seededRandom(seed).fork('qpack'));
    decoded += told.decoded;
    waited += told.waited;
    if (told.evicted) evicted++;
  }
  expect(decoded).toBeGreaterThan(2_000);
  expect(waited).toBeGreaterThan(60);
  expect(evicted).toBeGreaterThan(10);
});

test('20,000 altered streams of instructions end in a table within its capacity or in QPACK_ENCODER_STREAM_ERROR', () => {
  const random = seededRandom(9204);
  const whole = fromHex(
    '3fbd01c00f7777772e6578616d706c652e636f6d4a637573746f6d2d6b65790c637573746f6d2d76616c756501810d637573746f6d2d76616c756532',
  );
  const needy = fromHex('0500 80 c1 81 10');
  let failures = 0;
  for (let i = 0; i < 20_000; i++) {
    const altered = whole.slice(0, whole.length - integerBelow(random, 3));
    for (let n = integerBelow(random, 4); n >= 0; n--) altered[integerBelow(random, altered.length)] = integerBelow(random, 256);
    const decoder = new QpackDecoder(UNLIMITED, 220);
    const cut = integerBelow(random, altered.length);
    let allowed = QPACK_ENCODER_STREAM_ERROR;
    try {
      decoder.receiveEncoderStream(altered.subarray(0, cut));
      decoder.receiveEncoderStream(altered.subarray(cut));
      expect(decoder.tableSize).toBeLessThanOrEqual(220);
      allowed = QPACK_DECOMPRESSION_FAILED;
      decoder.decode(needy, 0);
    } catch (error) {
      if (!(error instanceof QpackError)) throw error;
      expect(error.code).toBe(allowed);
      failures++;
    }
  }
  expect(failures).toBeGreaterThan(1_000);
  expect(failures).toBeLessThan(20_000);
});

test('an Encoded Insert Count is what it is modulo twice the most lines, and no other (RFC 9204 §4.5.1.1)', () => {
  const decoder = new QpackDecoder(UNLIMITED, 100); // 3 lines at most: counts go round at 6
  decoder.receiveEncoderStream(fromHex('3f45'));
  for (let i = 0; i < 9; i++) decoder.receiveEncoderStream(fromHex('c00161')); // ten in all
  decoder.receiveEncoderStream(fromHex('c00162'));
  expect(decoder.decode(fromHex('0500 80'), 0)).toEqual([[':authority', 'b']]); // (4 + 6) mod 6 + 1
  expect(decoder.decode(fromHex('0100 80'), 0)).toBe(BLOCKED); // 12
  expect(() => decoder.decode(fromHex('0700 80'), 0)).toThrow(/Encoded Insert Count of 7/);
});
