import { concat, fromHex, utf8 } from '@quiclab/bytes';
import { H2 } from '@quiclab/http2';
import { describe, expect, test } from 'vitest';
import {
  data,
  type End,
  type Fields,
  frame,
  GET,
  http2Against,
  OK,
  POST,
  PREFACE,
  pattern,
  type Raw,
  reset,
  type Side,
  times,
  uint32,
  windowUpdate,
} from './world.ts';

const SIDES = ['client', 'server'] as const;
const hex = (text: string): Uint8Array => fromHex(text);
const name = (code: number): string => Object.entries(H2).find(([, value]) => value === code)![0];

const [HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION] = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const PRIORITY_UPDATE = 0x10;

interface World {
  readonly end: End;
  readonly raw: Raw;
  run(): void;
}

/** One of ours, and its stream 1 open in both directions, with the head of the peer's message told. */
function open(side: Side, options: Parameters<typeof http2Against>[1] = {}): World {
  const world = http2Against(side, options);
  const { end, raw, run } = world;
  end.onEvent = (event) => {
    if (event.type === 'body-readable') end.readAll(event.id);
  };
  if (side === 'client') {
    end.http.request(0, POST, false);
    run();
    raw.say(raw.headers(1, OK));
  } else raw.say(raw.headers(1, POST));
  run();
  raw.hear();
  return world;
}

/** The code with which the connection was closed, if it was: as it was told, and as the peer hears it in the last frame. */
function closedWith({ end, raw }: World): number | undefined {
  const [closed] = end.events('closed');
  const heard = raw.hear();
  if (closed === undefined) return undefined;
  expect(end.http.closed).toBe(true);
  const last = heard.at(-1)!;
  expect([last.type, last.stream, last.payload.subarray(4, 8)]).toEqual([GOAWAY, 0, uint32(closed.code)]);
  expect([end.transport.finished, end.http.openExchanges]).toEqual([true, 0]);
  return closed.code;
}

/** What the peer says when stream 1 is open closes the connection with this. */
function closes(side: Side, ...say: Uint8Array[]): number | undefined {
  const world = open(side);
  world.raw.say(...say);
  world.run();
  return closedWith(world);
}

/** What it says ends stream 1 with this, and the connection goes on. */
function ends(side: Side, say: (raw: Raw) => Uint8Array): number | undefined {
  const { end, raw, run } = open(side);
  raw.say(say(raw));
  run();
  expect(end.http.closed).toBe(false);
  const resets = raw.hear().filter(({ type }) => type === RST_STREAM);
  if (resets.length === 0) return undefined;
  expect(resets).toHaveLength(1);
  const code = resets[0]!.payload[3];
  expect(end.events('failed').map((event) => event.code)).toEqual([code]);
  expect(end.http.openExchanges).toBe(0);
  return code;
}

describe('the connection preface (RFC 9113 §3.4)', () => {
  test('octets that are no HTTP/2 are refused at the first that is wrong', () => {
    for (const text of ['GET / HTTP/1.1\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSX', 'X', '\x16\x03\x01\x02']) {
      const world = http2Against('server', { preface: false });
      world.raw.say(utf8(text));
      world.run();
      expect(closedWith(world)).toBe(H2.PROTOCOL_ERROR);
    }
    const world = http2Against('server', { preface: false });
    world.raw.say(utf8('PRI * HTTP/2.0\r\n\r\n'));
    world.run();
    expect(world.end.http.closed).toBe(false);
  });

  for (const side of SIDES) {
    const first: [string, Uint8Array][] = [
      ['PING', frame(PING, 0, 0, '0000000000000000')],
      ['an acknowledgment of SETTINGS', frame(SETTINGS, 1, 0)],
      ['an unknown frame', frame(0x42, 0, 0)],
      ['HEADERS', frame(HEADERS, 5, 1, '82868441017a')],
      ['WINDOW_UPDATE', windowUpdate(0, 1)],
    ];
    for (const [what, octets] of first) {
      test(`${what} as the first frame at a ${side} is PROTOCOL_ERROR`, () => {
        const world = http2Against(side, { preface: false });
        world.raw.say(...(side === 'server' ? [PREFACE] : []), octets);
        world.run();
        expect(closedWith(world)).toBe(H2.PROTOCOL_ERROR);
      });
    }
  }
});

describe('frames of the connection, and their sizes (RFC 9113 §4, §4.2, §4.3, §6, §6.1, §6.2, §6.3, §6.4, §6.5, §6.6, §6.10)', () => {
  const big = new Uint8Array(16_385);
  const eight = '0102030405060708';
  const cases: [string, Uint8Array[], number][] = [
    // §4.2
    ['DATA of 16,385 octets (§4.2)', [data(1, big)], H2.FRAME_SIZE_ERROR],
    ['HEADERS of 16,385 octets (§4.2)', [frame(HEADERS, 4, 1, big)], H2.FRAME_SIZE_ERROR],
    ['an unknown frame of 16,385 octets (§4.2)', [frame(0x42, 0, 0, big)], H2.FRAME_SIZE_ERROR],
    // §4.3, §6.10
    ['DATA within a field block (§4.3)', [frame(HEADERS, 0, 1, '82'), data(1, '00')], H2.PROTOCOL_ERROR],
    ['PING within a field block (§4.3)', [frame(HEADERS, 0, 1, '82'), frame(PING, 0, 0, eight)], H2.PROTOCOL_ERROR],
    ['an unknown frame within a field block (§5.5)', [frame(HEADERS, 0, 1, '82'), frame(0x42, 0, 1)], H2.PROTOCOL_ERROR],
    ['HEADERS within a field block (§6.2)', [frame(HEADERS, 0, 1, '82'), frame(HEADERS, 4, 1, '82')], H2.PROTOCOL_ERROR],
    ['PRIORITY within a field block (§6.3)', [frame(HEADERS, 0, 1, '82'), frame(PRIORITY, 0, 1, '0000000000')], H2.PROTOCOL_ERROR],
    ['CONTINUATION of another stream (§6.10)', [frame(HEADERS, 0, 1, '82'), frame(CONTINUATION, 4, 3, '84')], H2.PROTOCOL_ERROR],
    ['CONTINUATION without HEADERS (§6.10)', [frame(CONTINUATION, 4, 1, '84')], H2.PROTOCOL_ERROR],
    [
      'CONTINUATION after the end of a field block (§6.10)',
      [frame(HEADERS, 5, 1, '4001610131'), frame(CONTINUATION, 4, 1, '84')],
      H2.PROTOCOL_ERROR,
    ],
    ['CONTINUATION of stream 0 (§6.10)', [frame(HEADERS, 0, 1, '82'), frame(CONTINUATION, 4, 0, '84')], H2.PROTOCOL_ERROR],
    ['a field block that is not HPACK (§4.3)', [frame(HEADERS, 5, 1, 'ff')], H2.COMPRESSION_ERROR],
    ['a field block with an index into nothing (§4.3)', [frame(HEADERS, 5, 1, 'e4')], H2.COMPRESSION_ERROR],
    ['a table larger than our SETTINGS (§4.3.1)', [frame(HEADERS, 5, 1, '3fe21f')], H2.COMPRESSION_ERROR],
    // §6.1
    ['DATA of stream 0 (§6.1)', [data(0, '00')], H2.PROTOCOL_ERROR],
    ['DATA of an idle stream (§5.1)', [data(5, '00')], H2.PROTOCOL_ERROR],
    ['DATA of a stream of the server’s (§5.1)', [data(2, '00')], H2.PROTOCOL_ERROR],
    ['DATA with more padding than payload (§6.1)', [frame(0, 8, 1, '030000')], H2.PROTOCOL_ERROR],
    ['DATA without the length of its padding (§4.2)', [frame(0, 8, 1)], H2.FRAME_SIZE_ERROR],
    // §6.2
    ['HEADERS of stream 0 (§6.2)', [frame(HEADERS, 4, 0, '82')], H2.PROTOCOL_ERROR],
    ['HEADERS with more padding than payload (§6.2)', [frame(HEADERS, 0x0d, 1, '0282')], H2.PROTOCOL_ERROR],
    ['HEADERS too short for the length of its padding (§4.2)', [frame(HEADERS, 0x0d, 1)], H2.FRAME_SIZE_ERROR],
    ['HEADERS too short for its priority (§4.2)', [frame(HEADERS, 0x25, 1, '00000000')], H2.FRAME_SIZE_ERROR],
    // §6.3
    ['PRIORITY of stream 0 (§6.3)', [frame(PRIORITY, 0, 0, '0000000000')], H2.PROTOCOL_ERROR],
    ['PRIORITY of four octets, of an idle stream (§6.3)', [frame(PRIORITY, 0, 5, '00000000')], H2.FRAME_SIZE_ERROR],
    // §6.4
    ['RST_STREAM of stream 0 (§6.4)', [reset(0, 0)], H2.PROTOCOL_ERROR],
    ['RST_STREAM of an idle stream (§6.4)', [reset(5, 0)], H2.PROTOCOL_ERROR],
    ['RST_STREAM of three octets (§6.4)', [frame(RST_STREAM, 0, 1, '000000')], H2.FRAME_SIZE_ERROR],
    ['RST_STREAM of five octets (§6.4)', [frame(RST_STREAM, 0, 1, '0000000000')], H2.FRAME_SIZE_ERROR],
    // §6.5
    ['SETTINGS of a stream (§6.5)', [frame(SETTINGS, 0, 1)], H2.PROTOCOL_ERROR],
    ['an acknowledgment of SETTINGS with a payload (§6.5)', [frame(SETTINGS, 1, 0, '000300000001')], H2.FRAME_SIZE_ERROR],
    ['SETTINGS of five octets (§6.5)', [frame(SETTINGS, 0, 0, '0003000000')], H2.FRAME_SIZE_ERROR],
    // §6.6
    ['PUSH_PROMISE (§6.6, §8.4)', [frame(PUSH_PROMISE, 4, 1, '0000000282')], H2.PROTOCOL_ERROR],
    ['PUSH_PROMISE of stream 0 (§6.6)', [frame(PUSH_PROMISE, 4, 0, '0000000282')], H2.PROTOCOL_ERROR],
    // §6.7
    ['PING of a stream (§6.7)', [frame(PING, 0, 1, eight)], H2.PROTOCOL_ERROR],
    ['PING of seven octets (§6.7)', [frame(PING, 0, 0, '01020304050607')], H2.FRAME_SIZE_ERROR],
    ['an acknowledgment of PING of nine octets (§6.7)', [frame(PING, 1, 0, `${eight}09`)], H2.FRAME_SIZE_ERROR],
    // §6.8
    ['GOAWAY of a stream (§6.8)', [frame(GOAWAY, 0, 1, uint32(0, 0))], H2.PROTOCOL_ERROR],
    ['GOAWAY of seven octets (§4.2)', [frame(GOAWAY, 0, 0, '00000000000000')], H2.FRAME_SIZE_ERROR],
    ['GOAWAY whose stream rises (§6.8)', [frame(GOAWAY, 0, 0, uint32(5, 0)), frame(GOAWAY, 0, 0, uint32(7, 0))], H2.PROTOCOL_ERROR],
    // §6.9
    ['WINDOW_UPDATE of three octets (§6.9)', [frame(WINDOW_UPDATE, 0, 0, '000001')], H2.FRAME_SIZE_ERROR],
    ['WINDOW_UPDATE of five octets, of a stream (§6.9)', [frame(WINDOW_UPDATE, 0, 1, '0000000001')], H2.FRAME_SIZE_ERROR],
    ['WINDOW_UPDATE of 0 for the connection (§6.9)', [windowUpdate(0, 0)], H2.PROTOCOL_ERROR],
    ['WINDOW_UPDATE of an idle stream (§5.1)', [windowUpdate(5, 1)], H2.PROTOCOL_ERROR],
    ['a window of the connection of 2^31 (§6.9.1)', [windowUpdate(0, 0x7fff_ffff)], H2.FLOW_CONTROL_ERROR],
    [
      'SETTINGS that make a window 2^31 (§6.9.2)',
      [windowUpdate(1, 0x7fff_ffff - 65_535), frame(SETTINGS, 0, 0, '000400010000')],
      H2.FLOW_CONTROL_ERROR,
    ],
  ];
  for (const side of SIDES)
    for (const [what, say, code] of cases) test(`${what} at a ${side} is ${name(code)}`, () => expect(closes(side, ...say)).toBe(code));

  test('padding of as many octets as there are left is content of none (§6.1)', () => {
    for (const side of SIDES) expect(closes(side, frame(0, 8, 1, '020000'))).toBeUndefined();
  });

  const oneSide: [string, Side, Uint8Array[], number][] = [
    ['HEADERS of an even stream (§5.1.1)', 'server', [frame(HEADERS, 5, 2, '82868401')], H2.PROTOCOL_ERROR],
    [
      'HEADERS of a stream that was passed over (§5.1.1)',
      'server',
      [frame(HEADERS, 5, 5, '828684'), frame(HEADERS, 5, 3, '828684')],
      H2.PROTOCOL_ERROR,
    ],
    ['HEADERS of a stream that we did not open (§5.1.1)', 'client', [frame(HEADERS, 5, 3, '88')], H2.PROTOCOL_ERROR],
    ['HEADERS of a stream of its own, which we did not allow (§8.4)', 'client', [frame(HEADERS, 5, 2, '88')], H2.PROTOCOL_ERROR],
    ['HEADERS of a stream that the peer has reset (§5.1)', 'server', [reset(1, 8), frame(HEADERS, 5, 1, '828684')], H2.STREAM_CLOSED],
    ['HEADERS of a stream that the peer has reset (§5.1)', 'client', [reset(1, 8), frame(HEADERS, 5, 1, '88')], H2.STREAM_CLOSED],
    ['PRIORITY_UPDATE from a server (RFC 9218 §7.1)', 'client', [frame(PRIORITY_UPDATE, 0, 0, '00000001')], H2.PROTOCOL_ERROR],
    ['PRIORITY_UPDATE of a stream (RFC 9218 §7.1)', 'server', [frame(PRIORITY_UPDATE, 0, 1, '00000001')], H2.PROTOCOL_ERROR],
    ['PRIORITY_UPDATE of three octets (§4.2)', 'server', [frame(PRIORITY_UPDATE, 0, 0, '000001')], H2.FRAME_SIZE_ERROR],
    ['PRIORITY_UPDATE for stream 0 (RFC 9218 §7.1)', 'server', [frame(PRIORITY_UPDATE, 0, 0, '00000000')], H2.PROTOCOL_ERROR],
    ['PRIORITY_UPDATE for a push (RFC 9218 §7.1)', 'server', [frame(PRIORITY_UPDATE, 0, 0, '00000002')], H2.PROTOCOL_ERROR],
    [
      'PRIORITY_UPDATE whose value is no Dictionary (RFC 9218 §7)',
      'server',
      [frame(PRIORITY_UPDATE, 0, 0, '00000001753d')],
      H2.PROTOCOL_ERROR,
    ],
    [
      'PRIORITY_UPDATE of more streams than there may be (RFC 9218 §7.1)',
      'server',
      Array.from({ length: 100 }, (_, i) => frame(PRIORITY_UPDATE, 0, 0, uint32(2 * i + 3))),
      H2.PROTOCOL_ERROR,
    ],
  ];
  for (const [what, side, say, code] of oneSide)
    test(`${what} at a ${side} is ${name(code)}`, () => expect(closes(side, ...say)).toBe(code));
});

describe('SETTINGS (RFC 9113 §6.5.2)', () => {
  const cases: [string, string, Record<Side, number | undefined>][] = [
    ['unknown ones', '00420000000100ff00000002', { client: undefined, server: undefined }],
    ['one twice', '000300000001000300000002', { client: undefined, server: undefined }],
    ['ENABLE_PUSH of 0', '000200000000', { client: undefined, server: undefined }],
    ['ENABLE_PUSH of 1', '000200000001', { client: H2.PROTOCOL_ERROR, server: undefined }],
    ['ENABLE_PUSH of 2', '000200000002', { client: H2.PROTOCOL_ERROR, server: H2.PROTOCOL_ERROR }],
    ['INITIAL_WINDOW_SIZE of 2^31 - 1', '00047fffffff', { client: undefined, server: undefined }],
    ['INITIAL_WINDOW_SIZE of 2^31', '000480000000', { client: H2.FLOW_CONTROL_ERROR, server: H2.FLOW_CONTROL_ERROR }],
    ['MAX_FRAME_SIZE of 16,384', '000500004000', { client: undefined, server: undefined }],
    ['MAX_FRAME_SIZE of 16,383', '000500003fff', { client: H2.PROTOCOL_ERROR, server: H2.PROTOCOL_ERROR }],
    ['MAX_FRAME_SIZE of 2^24 - 1', '000500ffffff', { client: undefined, server: undefined }],
    ['MAX_FRAME_SIZE of 2^24', '000501000000', { client: H2.PROTOCOL_ERROR, server: H2.PROTOCOL_ERROR }],
    ['ENABLE_CONNECT_PROTOCOL of 2 (RFC 8441 §3)', '000800000002', { client: H2.PROTOCOL_ERROR, server: H2.PROTOCOL_ERROR }],
    [
      'ENABLE_CONNECT_PROTOCOL of 1, then 0 (RFC 8441 §3)',
      '000800000001000800000000',
      { client: H2.PROTOCOL_ERROR, server: H2.PROTOCOL_ERROR },
    ],
    ['NO_RFC7540_PRIORITIES of 2 (RFC 9218 §2.1)', '000900000002', { client: H2.PROTOCOL_ERROR, server: H2.PROTOCOL_ERROR }],
  ];
  for (const side of SIDES)
    for (const [what, payload, expected] of cases) {
      const code = expected[side];
      test(`${what} at a ${side} ${code === undefined ? 'are taken' : `is ${name(code)}`}`, () => {
        const world = http2Against(side, { preface: false });
        world.raw.say(...(side === 'server' ? [PREFACE] : []), frame(SETTINGS, 0, 0, payload));
        world.run();
        expect(closedWith(world)).toBe(code);
        expect(world.end.events('settings')).toHaveLength(code === undefined ? 1 : 0);
      });
    }

  test('NO_RFC7540_PRIORITIES that changes after the first SETTINGS is PROTOCOL_ERROR (RFC 9218 §2.1)', () => {
    for (const side of SIDES) expect(closes(side, frame(SETTINGS, 0, 0, '000900000001'))).toBe(H2.PROTOCOL_ERROR);
    for (const side of SIDES) expect(closes(side, frame(SETTINGS, 0, 0, '000900000000'))).toBeUndefined();
  });

  test('they are acknowledged, each (§6.5.3)', () => {
    for (const side of SIDES) {
      const { raw, run } = open(side);
      raw.say(frame(SETTINGS, 0, 0, '000300000005'), frame(SETTINGS, 0, 0));
      run();
      expect(raw.hear()).toEqual(Array.from({ length: 2 }, () => ({ type: SETTINGS, flags: 1, stream: 0, payload: new Uint8Array(0) })));
    }
  });

  test('those that are not acknowledged in time are SETTINGS_TIMEOUT (§6.5.3)', () => {
    for (const side of SIDES) {
      const world = http2Against(side, { preface: false, settingsTimeout: 1_000 });
      const { end, raw, run } = world;
      expect(end.http.nextTimeout()).toBe(1_000);
      end.http.onTimeout(999);
      raw.say(...(side === 'server' ? [PREFACE] : []), frame(SETTINGS, 0, 0));
      run();
      expect(end.http.closed).toBe(false);
      end.http.onTimeout(1_000);
      run();
      expect(closedWith(world)).toBe(H2.SETTINGS_TIMEOUT);
    }
    const { end } = http2Against('server');
    expect(end.http.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('stream errors (RFC 9113 §5.1, §5.4.2)', () => {
  const cases: [string, (raw: Raw) => Uint8Array, number][] = [
    ['PRIORITY of four octets (§6.3)', () => frame(PRIORITY, 0, 1, '00000000'), H2.FRAME_SIZE_ERROR],
    ['WINDOW_UPDATE of 0 (§6.9)', () => windowUpdate(1, 0), H2.PROTOCOL_ERROR],
    ['a window of 2^31 (§6.9.1)', () => windowUpdate(1, 0x7fff_ffff), H2.FLOW_CONTROL_ERROR],
    ['DATA after END_STREAM (§5.1)', () => concat(data(1, '00', true), data(1, '00')), H2.STREAM_CLOSED],
    ['HEADERS after END_STREAM (§5.1)', (raw) => concat(data(1, '00', true), raw.headers(1, [['t', '1']], true)), H2.STREAM_CLOSED],
    ['HEADERS without END_STREAM within content (§8.1)', (raw) => raw.headers(1, [['t', '1']]), H2.PROTOCOL_ERROR],
    ['pseudo-header fields in trailers (§8.1)', (raw) => raw.headers(1, [[':status', '200']], true), H2.PROTOCOL_ERROR],
    ['connection-specific fields in trailers (§8.2.2)', (raw) => raw.headers(1, [['upgrade', 'x']], true), H2.PROTOCOL_ERROR],
  ];
  for (const side of SIDES)
    for (const [what, say, code] of cases) test(`${what} at a ${side} is ${name(code)}`, () => expect(ends(side, say)).toBe(code));

  test('content beyond the window of a stream is FLOW_CONTROL_ERROR, beyond that of the connection closes it (§6.9.1)', () => {
    for (const side of SIDES) {
      const world = open(side, { streamWindow: 65_535, maxStreamWindow: 65_535 });
      world.end.onEvent = () => {}; // nobody reads
      world.raw.say(times(4, data(1, pattern(16_384))));
      world.run();
      expect(world.end.events('failed')).toMatchObject([{ id: 1, code: H2.FLOW_CONTROL_ERROR }]);
      expect(world.end.http.closed).toBe(false);

      const other = open(side, { connectionWindow: 65_535, maxConnectionWindow: 65_535, streamWindow: 1 << 20 });
      other.end.onEvent = () => {};
      other.raw.say(times(4, data(1, pattern(16_384))));
      other.run();
      expect(closedWith(other)).toBe(H2.FLOW_CONTROL_ERROR);
    }
  });

  test('a stream beyond those that may be open is REFUSED_STREAM, and its fields still count for HPACK (§5.1.2)', () => {
    const { end, raw, run } = open('server', { maxConcurrentStreams: 2 });
    raw.say(raw.headers(3, GET, true), raw.headers(5, [...GET, ['x-new', 'line']], true));
    run();
    expect(raw.hear()).toMatchObject([{ type: RST_STREAM, stream: 5, payload: uint32(H2.REFUSED_STREAM) }]);
    end.http.respond(0, 3, OK, true);
    run();
    raw.say(raw.headers(7, [...GET, ['x-new', 'line']], true));
    run();
    expect(end.events('request').map(({ id }) => id)).toEqual([1, 3, 7]);
    expect(end.events('request')[2]!.fields.at(-1)).toEqual(['x-new', 'line']);
  });

  test('DATA of a stream that is closed is STREAM_CLOSED, and nothing else (§6.1)', () => {
    for (const side of SIDES) {
      const { end, raw, run } = open(side);
      raw.say(reset(1, H2.CANCEL), data(1, '00'));
      run();
      expect(raw.hear()).toMatchObject([{ type: RST_STREAM, stream: 1, payload: uint32(H2.STREAM_CLOSED) }]);
      expect(end.http.closed).toBe(false);
    }
  });

  test('HEADERS of a stream that is closed in both directions is STREAM_CLOSED for the connection (§5.1)', () => {
    const world = open('server');
    world.raw.say(world.raw.headers(3, GET, true));
    world.run();
    world.end.http.respond(0, 3, OK, true);
    world.run();
    world.raw.say(world.raw.headers(3, GET, true));
    world.run();
    expect(closedWith(world)).toBe(H2.STREAM_CLOSED);
  });

  test('what is on its way when we reset a stream is passed over: content is credited, fields are decoded (§5.1)', () => {
    for (const side of SIDES) {
      const { end, raw, run } = open(side);
      end.http.cancel(0, 1);
      raw.say(data(1, pattern(100)), windowUpdate(1, 5), frame(PRIORITY, 0, 1, '0000000010'), raw.headers(1, [['x-t', 'rail']], true));
      run();
      expect(raw.hear().map(({ type }) => type)).toEqual([RST_STREAM]);
      expect(end.http.closed).toBe(false);
      raw.say(data(1, '00')); // after its end
      run();
      expect(raw.hear()).toMatchObject([{ type: RST_STREAM, payload: uint32(H2.STREAM_CLOSED) }]);
    }
  });

  test('WINDOW_UPDATE and RST_STREAM may come late (§5.1)', () => {
    const { end, raw, run } = open('server');
    raw.say(raw.headers(3, GET, true));
    run();
    end.http.respond(0, 3, OK, true);
    run();
    raw.hear();
    raw.say(windowUpdate(3, 100), windowUpdate(3, 0x7fff_ffff), reset(3, H2.NO_ERROR), windowUpdate(3, 1));
    run();
    expect([raw.hear(), end.http.closed]).toEqual([[], false]);
  });
});

describe('malformed messages are PROTOCOL_ERROR for their stream (RFC 9113 §8, §8.1.1, §8.2, §8.2.1, §8.2.2, §8.3, §8.3.1, §8.3.2, §8.6)', () => {
  const without = (...names: string[]): Fields => GET.filter(([field]) => !names.includes(field));
  const requests: [string, Fields][] = [
    ['no :method (§8.3.1)', without(':method')],
    ['no :scheme (§8.3.1)', without(':scheme')],
    ['no :path (§8.3.1)', without(':path')],
    ['an empty :path (§8.3.1)', [...without(':path'), [':path', '']]],
    [':method twice (§8.3)', [[':method', 'GET'], ...GET]],
    [':status (§8.3)', [...GET, [':status', '200']]],
    ['a pseudo-header field that nobody knows (§8.3)', [...GET, [':unknown', '1']]],
    [':protocol, where it was not announced (RFC 8441 §3)', [[':method', 'CONNECT'], [':protocol', 'x'], ...without(':method')]],
    ['a pseudo-header field after a regular one (§8.3)', [...without(':path'), ['accept', '*/*'], [':path', '/']]],
    ['upper case in a name (§8.2.1)', [...GET, ['X-Name', 'value']]],
    ['a space in a name (§8.2.1)', [...GET, ['x name', 'value']]],
    ['a colon in a name (§8.2.1)', [...GET, ['x:name', 'value']]],
    ['NUL in a name (§8.2.1)', [...GET, ['x\0', 'value']]],
    ['an empty name (§8.2.1)', [...GET, ['', 'value']]],
    ['NUL in a value (§8.2.1)', [...GET, ['x', 'a\0b']]],
    ['CR in a value (§8.2.1)', [...GET, ['x', 'a\rb']]],
    ['LF in a value (§8.2.1)', [...GET, ['x', 'a\nb']]],
    ['a space before a value (§8.2.1)', [...GET, ['x', ' a']]],
    ['a tab after a value (§8.2.1)', [...GET, ['x', 'a\t']]],
    ['CR in :path (§8.2.1)', [...without(':path'), [':path', '/\r']]],
    ['connection (§8.2.2)', [...GET, ['connection', 'keep-alive']]],
    ['proxy-connection (§8.2.2)', [...GET, ['proxy-connection', 'x']]],
    ['keep-alive (§8.2.2)', [...GET, ['keep-alive', 'x']]],
    ['transfer-encoding (§8.2.2)', [...GET, ['transfer-encoding', 'chunked']]],
    ['upgrade (§8.2.2)', [...GET, ['upgrade', 'h2c']]],
    ['te other than trailers (§8.2.2)', [...GET, ['te', 'trailers, deflate']]],
    ['host that differs from :authority (§8.3.1)', [...GET, ['host', 'example.org']]],
    ['userinfo in :authority (§8.3.1)', [...without(':authority'), [':authority', 'me@example.com']]],
    ['CONNECT with :path (§8.5)', [[':method', 'CONNECT'], ...without(':method', ':scheme')]],
    ['CONNECT without :authority (§8.5)', [[':method', 'CONNECT']]],
    ['content-length of content that is not there (§8.1.1)', [...GET, ['content-length', '1']]],
    ['content-length that is none (§8.1.1)', [...GET, ['content-length', '1, 1']]],
  ];
  test.each(requests)('a request with %s', (_what, fields) => {
    const { end, raw, run } = http2Against('server');
    raw.say(raw.headers(1, fields, true));
    run();
    expect(raw.hear()).toMatchObject([{ type: RST_STREAM, stream: 1, payload: uint32(H2.PROTOCOL_ERROR) }]);
    expect([end.events('request'), end.events('failed'), end.http.openExchanges, end.http.closed]).toEqual([[], [], 0, false]);
    raw.say(raw.headers(3, GET, true));
    run();
    expect(end.events('request')).toHaveLength(1);
  });

  const responses: [string, (raw: Raw) => Uint8Array][] = [
    ['no :status (§8.3.2)', (raw) => raw.headers(1, [['a', 'b']], true)],
    [':status that is none (§8.3.2)', (raw) => raw.headers(1, [[':status', 'ok']], true)],
    [':status 101 (§8.6)', (raw) => raw.headers(1, [[':status', '101']])],
    [':path (§8.3)', (raw) => raw.headers(1, [...OK, [':path', '/']], true)],
    ['te (§8.2.2)', (raw) => raw.headers(1, [...OK, ['te', 'trailers']], true)],
    ['upper case in a name (§8.2.1)', (raw) => raw.headers(1, [...OK, ['Server', 'x']], true)],
    ['END_STREAM and nothing final (§8.1)', (raw) => raw.headers(1, [[':status', '103']], true)],
    ['content before its fields (§8.1)', () => data(1, '00')],
    ['content after an informational one (§8.1)', (raw) => concat(raw.headers(1, [[':status', '103']]), data(1, '00'))],
    ['less content than content-length (§8.1.1)', (raw) => concat(raw.headers(1, [...OK, ['content-length', '2']]), data(1, '00', true))],
    ['more content than content-length (§8.1.1)', (raw) => concat(raw.headers(1, [...OK, ['content-length', '1']]), data(1, '0000'))],
    [
      'more content, in padded frames (§8.1.1)',
      (raw) => concat(raw.headers(1, [...OK, ['content-length', '1']]), frame(0, 8, 1, '0100000000')),
    ],
    [
      'trailers after less content than content-length (§8.1.1)',
      (raw) => concat(raw.headers(1, [...OK, ['content-length', '2']]), data(1, '00'), raw.headers(1, [['t', '1']], true)),
    ],
    ['content where 204 has none (RFC 9110 §6.4.1)', (raw) => concat(raw.headers(1, [[':status', '204']]), data(1, '00'))],
  ];
  test.each(responses)('a response with %s', (_what, say) => {
    const { end, raw, run } = http2Against('client');
    end.onEvent = ({ type }) => type === 'body-readable' && end.readAll(1);
    end.http.request(0, POST, false);
    run();
    raw.hear();
    raw.say(say(raw));
    run();
    expect(raw.hear()).toMatchObject([{ type: RST_STREAM, stream: 1, payload: uint32(H2.PROTOCOL_ERROR) }]);
    expect(end.events('failed')).toMatchObject([{ id: 1, code: H2.PROTOCOL_ERROR, unprocessed: false }]);
    expect([end.http.openExchanges, end.http.closed]).toEqual([0, false]);
  });

  test('content in a response to HEAD, and none where HEAD announces a length (RFC 9110 §9.3.2)', () => {
    for (const [content, failed] of [
      [true, 1],
      [false, 0],
    ] as const) {
      const { end, raw, run } = http2Against('client');
      end.http.request(0, [[':method', 'HEAD'], ...GET.slice(1)], true);
      run();
      raw.say(raw.headers(1, [...OK, ['content-length', '5']], !content), ...(content ? [data(1, '00')] : []));
      run();
      expect(end.events('failed')).toHaveLength(failed);
    }
  });

  test('HEADERS in a tunnel (§8.5)', () => {
    const connect: Fields = [
      [':method', 'CONNECT'],
      [':authority', 'example.com:443'],
    ];
    const server = http2Against('server');
    server.raw.say(server.raw.headers(1, connect), data(1, '00'), server.raw.headers(1, [['t', '1']], true));
    server.run();
    expect(server.raw.hear()).toMatchObject([{ type: RST_STREAM, payload: uint32(H2.PROTOCOL_ERROR) }]);
    const client = http2Against('client');
    client.end.http.request(0, connect, false);
    client.run();
    client.raw.hear();
    client.raw.say(client.raw.headers(1, OK), client.raw.headers(1, [['t', '1']], true));
    client.run();
    expect(client.raw.hear()).toMatchObject([{ type: RST_STREAM, payload: uint32(H2.PROTOCOL_ERROR) }]);
  });

  test('less content than a request announced, more, and trailers after less', () => {
    for (const say of [
      (_raw: Raw) => data(1, '00', true),
      (_raw: Raw) => data(1, '000000'),
      (raw: Raw) => concat(data(1, '00'), raw.headers(1, [['t', '1']], true)),
    ]) {
      const { end, raw, run } = http2Against('server');
      raw.say(raw.headers(1, [...POST, ['content-length', '2']]));
      run();
      raw.say(say(raw));
      run();
      expect(end.events('failed')).toMatchObject([{ id: 1, code: H2.PROTOCOL_ERROR }]);
    }
  });
});

describe('what is taken (RFC 9113 §4.1, §5.3.2, §5.5)', () => {
  test('unknown frames, unused flags and reserved bits are passed over; so are ALTSVC, ORIGIN and priorities of old', () => {
    for (const side of SIDES) {
      const world = open(side);
      world.raw.say(
        frame(0x42, 0xff, 1, pattern(100)),
        frame(0x0a, 0, 0, '0000'), // ALTSVC, RFC 7838 §4
        frame(0x0c, 0, 0), // ORIGIN, RFC 8336 §2
        frame(PRIORITY, 0xff, 1, '8000000110'), // depends on itself
        frame(PRIORITY, 0, 99, '0000000010'),
        frame(PING, 0xfe, 0x8000_0000, '0102030405060708'),
        frame(0, 0xf6, 0x8000_0001, '0102'),
      );
      world.run();
      expect(closedWith(world)).toBeUndefined();
    }
  });

  test('a request in many frames, padded, with priorities of old, is the same request (§6.2, §6.10)', () => {
    const { end, raw, run } = http2Against('server');
    const block = raw.block([...POST, ['x-long', 'value']]);
    raw.say(
      frame(HEADERS, 0x28, 1, concat(hex('03 0000000010'.replace(' ', '')), block.subarray(0, 4), hex('000000'))),
      frame(CONTINUATION, 0, 1),
      frame(CONTINUATION, 0, 1, block.subarray(4, 9)),
      frame(CONTINUATION, 4, 1, block.subarray(9)),
      frame(0, 8, 1, concat(hex('04'), utf8('some'), hex('00000000'))),
      frame(0, 9, 1, concat(hex('00'), utf8(' content'))),
    );
    run();
    expect(end.events('request')).toMatchObject([{ id: 1, fields: [...POST, ['x-long', 'value']], end: false }]);
    expect(end.readAll(1)).toEqual({ data: utf8('some content'), fin: true });
  });

  test('PING is answered with its octets, before what waits, and an answer is not (§6.7)', () => {
    for (const side of SIDES) {
      const { end, raw, run } = open(side);
      if (side === 'server') end.http.respond(0, 1, OK, false);
      end.http.writeBody(0, 1, pattern(20_000));
      raw.say(frame(PING, 0, 0, '0102030405060708'), frame(PING, 1, 0, '0807060504030201'));
      end.transport.peer.deliver(); // what comes is heard before what waits is laid out
      run();
      const heard = raw.hear();
      expect(heard.filter(({ type }) => type === PING)).toEqual([{ type: PING, flags: 1, stream: 0, payload: hex('0102030405060708') }]);
      expect(heard[0]!.type).toBe(PING);
    }
  });

  test('a stream number beyond one that was passed over is fine, and closes it (§5.1.1)', () => {
    const { end, raw, run } = http2Against('server');
    raw.say(raw.headers(7, GET, true), raw.headers(9, GET, true));
    run();
    expect(end.events('request').map(({ id }) => id)).toEqual([7, 9]);
  });

  test('error codes that nobody knows mean nothing special (§7)', () => {
    const { end, raw, run } = open('client');
    raw.say(reset(1, 0xffff_ffff), frame(GOAWAY, 0, 0, concat(uint32(1, 0xdead_beef), utf8('debug data'))));
    run();
    expect(end.events('reset')).toMatchObject([{ code: 0xffff_ffff, unprocessed: false }]);
    expect(end.events('goaway')).toHaveLength(1);
    expect(end.http.closed).toBe(false);
  });
});
