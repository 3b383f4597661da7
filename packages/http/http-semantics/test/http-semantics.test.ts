import {
  contentLength,
  endToEnd,
  fieldSectionSize,
  fieldValue,
  fieldValues,
  formatPriority,
  INVALID_LENGTH,
  isConnectionSpecific,
  isFieldValue,
  isLowerCaseFieldName,
  isToken,
  malformedRequest,
  methodProperties,
  NO_LENGTH,
  neverHasContent,
  parsePriority,
  parseStatus,
  statusClass,
  trimBlanks,
} from '@quiclab/http-semantics';
import { describe, expect, test } from 'vitest';

describe('fields (RFC 9110 §5)', () => {
  test('lines of one name combine in order with a comma, cookies with a semicolon (RFC 9110 §5.3, RFC 9114 §4.2.1)', () => {
    const fields = [
      ['accept', 'a'],
      ['cookie', 'x=1'],
      ['accept', 'b'],
      ['cookie', 'y=2'],
    ] as const;
    expect(fieldValue(fields, 'accept')).toBe('a, b');
    expect(fieldValue(fields, 'cookie')).toBe('x=1; y=2');
    expect(fieldValue(fields, 'absent')).toBeUndefined();
    expect(fieldValues(fields, 'accept')).toEqual(['a', 'b']);
  });

  test('each line counts 32 octets more than its text (RFC 9114 §4.2.2)', () => {
    expect(fieldSectionSize([])).toBe(0);
    expect(
      fieldSectionSize([
        ['a', 'bc'],
        [':path', '/'],
      ]),
    ).toBe(35 + 38);
  });

  test('a token has one character or more, none of them a delimiter, control or beyond ASCII (RFC 9110 §5.6.2)', () => {
    for (const good of ['GET', 'x', "!#$%&'*+-.^_`|~09az"]) expect(isToken(good)).toBe(true);
    for (const bad of ['', 'a b', 'a:', '(', 'a\u007f', 'é', 'ā', 'a\0', '"']) expect(isToken(bad)).toBe(false);
  });

  test('a field name on the wire is a token without upper case (RFC 9114 §4.2)', () => {
    expect(isLowerCaseFieldName('content-type')).toBe(true);
    for (const bad of ['', 'Content-Type', ':path', 'a b', 'x\n', 'Ā']) expect(isLowerCaseFieldName(bad)).toBe(false);
  });

  test('a field value holds no control but inner tabs, and no blanks around it (RFC 9110 §5.5)', () => {
    for (const good of ['', 'a', 'a b', 'a\tb', '\u0080ÿ', '"']) expect(isFieldValue(good)).toBe(true);
    for (const bad of [' a', 'a ', '\ta', 'a\r', 'a\nb', 'a\0b', 'a\u007fb', ' ', 'Ā']) expect(isFieldValue(bad)).toBe(false);
    expect(trimBlanks(' \ta b\t ')).toBe('a b');
    expect(trimBlanks('\u00a0a\n')).toBe('\u00a0a\n');
  });

  test('connection-specific fields and those named by Connection end at the hop (RFC 9110 §7.6.1)', () => {
    expect(isConnectionSpecific('keep-alive')).toBe(true);
    expect(isConnectionSpecific('content-length')).toBe(false);
    expect(
      endToEnd([
        ['connection', 'close, X-Hop'],
        ['x-hop', '1'],
        ['te', 'trailers'],
        ['transfer-encoding', 'chunked'],
        ['host', 'a'],
      ]),
    ).toEqual([['host', 'a']]);
  });
});

describe('Content-Length (RFC 9110 §8.6)', () => {
  const of = (...values: string[]): number => contentLength(values.map((value) => ['content-length', value] as const));
  test('is digits, once, below 2^53', () => {
    expect(contentLength([['a', '1']])).toBe(NO_LENGTH);
    expect(of('0')).toBe(0);
    expect(of('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER);
    for (const bad of ['', '-1', '+1', '1 ', '1.0', '0x1', '1,1', '9007199254740993', '9'.repeat(400)])
      expect(of(bad)).toBe(INVALID_LENGTH);
    expect(of('5', '5')).toBe(INVALID_LENGTH);
  });
});

test('methods promise what RFC 9110 §9.2 says, and unknown ones nothing', () => {
  expect(methodProperties('GET')).toEqual({ safe: true, idempotent: true });
  expect(methodProperties('PUT')).toEqual({ safe: false, idempotent: true });
  expect(methodProperties('POST')).toEqual({ safe: false, idempotent: false });
  expect(methodProperties('get')).toEqual({ safe: false, idempotent: false });
});

test('a status is three digits from 100; from 600 on it is a server error (RFC 9110 §15)', () => {
  expect(parseStatus('200')).toBe(200);
  for (const bad of ['', '20', '2000', '099', 'abc', '2 0', '20\n']) expect(parseStatus(bad)).toBe(-1);
  expect([100, 204, 301, 404, 599, 700].map(statusClass)).toEqual([1, 2, 3, 4, 5, 5]);
  expect([neverHasContent('HEAD', 200), neverHasContent('GET', 204), neverHasContent('GET', 304), neverHasContent('GET', 200)]).toEqual([
    true,
    true,
    true,
    false,
  ]);
});

describe('Priority (RFC 9218 §4, RFC 9651 §4.2)', () => {
  const cases: [string, number, boolean][] = [
    ['', 3, false],
    ['u=0', 0, false],
    ['u=5, i', 5, true],
    ['i', 3, true],
    ['i=?0', 3, false],
    ['i=?1,u=7', 7, true],
    ['  u=2\t,\ti  ', 2, true],
    ['u=1, u=6', 6, false], // the last one counts
    ['u=8', 3, false], // out of range: passed over
    ['u=-1', 3, false],
    ['u=1.5', 3, false], // another type: passed over
    ['i=1', 3, false],
    ['u="1"', 3, false],
    ['u=2;x=1;y', 2, false],
    ['a=(1 2;p "x y");q, b=:aGk=:, c=tok/en, d=@12, e=%"f%c3%bc", *f, u=4', 4, false],
  ];
  for (const [text, urgency, incremental] of cases) {
    test(`'${text}' is u=${urgency}${incremental ? ', i' : ''}`, () => expect(parsePriority(text)).toEqual({ urgency, incremental }));
  }

  for (const bad of [
    'u=',
    'u=1,',
    ',u=1',
    'U=1',
    'u = 1',
    'u=1 i',
    'i=?2',
    'u=1;',
    '=1',
    'u=1,,i',
    'a="',
    'a=(1',
    'a=(1,2)',
    'u=1234567890123456',
    'a=1.',
    'a=@1.5',
    'a=:%:',
    'é',
    'u=--1',
    '\tu=1',
  ]) {
    test(`'${bad}' is no Dictionary`, () => expect(parsePriority(bad)).toBeUndefined());
  }

  test('what is formatted is parsed back, and the default is said with nothing', () => {
    for (let urgency = 0; urgency < 8; urgency++) {
      for (const incremental of [false, true])
        expect(parsePriority(formatPriority({ urgency, incremental }))).toEqual({ urgency, incremental });
    }
    expect(formatPriority({ urgency: 3, incremental: false })).toBe('');
  });
});

describe('extended CONNECT (RFC 8441 §4)', () => {
  const websocket: [string, string][] = [
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
    [':scheme', 'https'],
    [':path', '/chat'],
    [':authority', 'example.com'],
  ];
  const without = (name: string): [string, string][] => websocket.filter((field) => field[0] !== name);

  test(':protocol is known where the server said that it takes it, and nowhere else', () => {
    expect(malformedRequest(websocket, true)).toBe('');
    expect(malformedRequest(websocket)).toBe("pseudo-header field ':protocol', which has no meaning here");
  });

  test('it needs CONNECT, :scheme, :path and :authority, and a token', () => {
    expect(malformedRequest([[':method', 'GET'], ...without(':method')], true)).toBe(':protocol without CONNECT');
    expect(malformedRequest(without(':scheme'), true)).toBe('no :scheme');
    expect(malformedRequest(without(':path'), true)).toBe('no :path');
    expect(malformedRequest(without(':authority'), true)).toBe(':protocol without :authority');
    expect(malformedRequest([...without(':protocol').slice(0, 1), [':protocol', 'web socket'], ...websocket.slice(2)], true)).toBe(
      ':protocol is no token',
    );
  });

  test('CONNECT without it stays what it was (RFC 9113 §8.5)', () => {
    const fields: [string, string][] = [
      [':method', 'CONNECT'],
      [':authority', 'example.com:443'],
    ];
    expect(malformedRequest(fields, true)).toBe('');
    expect(malformedRequest([...fields, [':path', '/']], true)).toBe('CONNECT with :scheme or :path');
  });
});
