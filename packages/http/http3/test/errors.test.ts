import { concat, fromHex, utf8 } from '@quiclab/bytes';
import { H3 } from '@quiclab/http3';
import { describe, expect, test } from 'vitest';
import type { FakeStreams } from './fake-streams.ts';
import { data, type Fields, frame, framesIn, GET, headers, http3Against, OK, POST, varint } from './world.ts';

type Side = 'client' | 'server';
const hex = (text: string): Uint8Array => fromHex(text);
const name = (code: number): string => Object.entries(H3).find(([, value]) => value === code)![0];
const SETTINGS = frame(0x04);

/** What the peer of `side` says on a new unidirectional stream, then whether it ends it. */
function onUni(side: Side, octets: Uint8Array, options: { controlStream?: boolean; finish?: boolean } = {}): number | undefined {
  const { end, raw, run } = http3Against(side, options);
  const id = raw.openStream('uni')!;
  raw.write(0, id, octets);
  if (options.finish === true) raw.finish(id);
  run();
  return end.transport.closed?.code;
}

/** What the peer of `side` says on its control stream, after SETTINGS. */
function onControl(side: Side, octets: Uint8Array): number | undefined {
  const { end, raw, control, run } = http3Against(side);
  raw.write(0, control, octets);
  run();
  if (end.transport.closed !== undefined) expect(end.events('closed')).toHaveLength(1);
  return end.transport.closed?.code;
}

interface Outcome {
  readonly connection: number | undefined;
  readonly reset: number | undefined;
  readonly stopped: number | undefined;
  readonly failed: number | undefined;
  readonly told: string[];
}

/** What the peer of `side` says on a request stream; content is read as it comes. */
function onRequest(side: Side, octets: Uint8Array, options: { request?: Fields; finish?: boolean; limit?: number } = {}): Outcome {
  const { end, raw, run } = http3Against(side, options.limit === undefined ? {} : { maxFieldSectionSize: options.limit });
  end.onEvent = (event) => {
    if (event.type === 'body-readable') end.readAll(event.id);
  };
  const id = side === 'server' ? raw.openStream('bidi')! : end.http.request(0, options.request ?? GET, false)!;
  run();
  raw.write(0, id, octets);
  if (options.finish !== false) raw.finish(id);
  run();
  return {
    connection: end.transport.closed?.code,
    reset: end.transport.resets.find((reset) => reset.id === id)?.code,
    stopped: end.transport.stops.find((stop) => stop.id === id)?.code,
    failed: end.events('failed')[0]?.code,
    told: end.told.map(({ type }) => type).filter((type) => type !== 'settings' && type !== 'sent'),
  };
}

describe('the control stream (RFC 9114 §6.2.1, §7.2)', () => {
  const anySide: [string, Uint8Array, number][] = [
    ['DATA', data('00'), H3.FRAME_UNEXPECTED],
    ['HEADERS', headers(GET), H3.FRAME_UNEXPECTED],
    ['PUSH_PROMISE', frame(0x05, '00'), H3.FRAME_UNEXPECTED],
    ['SETTINGS a second time', SETTINGS, H3.FRAME_UNEXPECTED],
    ["HTTP/2's PRIORITY", frame(0x02), H3.FRAME_UNEXPECTED],
    ["HTTP/2's PING", frame(0x06), H3.FRAME_UNEXPECTED],
    ["HTTP/2's WINDOW_UPDATE", frame(0x08), H3.FRAME_UNEXPECTED],
    ["HTTP/2's CONTINUATION", frame(0x09), H3.FRAME_UNEXPECTED],
    ['CANCEL_PUSH of a push that was never promised', frame(0x03, '00'), H3.ID_ERROR],
    ['CANCEL_PUSH of no push', frame(0x03), H3.FRAME_ERROR],
    ['CANCEL_PUSH with more than an ID', frame(0x03, '0000'), H3.FRAME_ERROR],
    ['GOAWAY of nothing', frame(0x07), H3.FRAME_ERROR],
    ['GOAWAY that ends within its ID', frame(0x07, '40'), H3.FRAME_ERROR],
    ['GOAWAY with more than an ID', frame(0x07, '0000'), H3.FRAME_ERROR],
    ['GOAWAY of nine octets', frame(0x07, '000000000000000000'), H3.FRAME_ERROR],
    ['GOAWAY that rises', concat(frame(0x07, '04'), frame(0x07, '08')), H3.ID_ERROR],
    ['257 frames that say nothing', concat(...Array.from({ length: 257 }, () => frame(0x21))), H3.EXCESSIVE_LOAD],
  ];
  for (const side of ['client', 'server'] as const) {
    for (const [what, octets, code] of anySide) {
      test(`${what} at a ${side} is ${name(code)}`, () => expect(onControl(side, octets)).toBe(code));
    }
  }

  const oneSide: [string, Side, Uint8Array, number][] = [
    ['MAX_PUSH_ID from a server', 'client', frame(0x0d, '00'), H3.FRAME_UNEXPECTED],
    ['MAX_PUSH_ID that falls', 'server', concat(frame(0x0d, '05'), frame(0x0d, '04')), H3.ID_ERROR],
    ['MAX_PUSH_ID with more than an ID', 'server', frame(0x0d, '0505'), H3.FRAME_ERROR],
    ['GOAWAY with a stream that is no request', 'client', frame(0x07, '03'), H3.ID_ERROR],
    ['PRIORITY_UPDATE from a server (RFC 9218 §7.2)', 'client', frame(0xf0700, '00'), H3.FRAME_UNEXPECTED],
    ['PRIORITY_UPDATE of a push from a server', 'client', frame(0xf0701, '00'), H3.FRAME_UNEXPECTED],
    ['PRIORITY_UPDATE of a stream that is no request', 'server', frame(0xf0700, '02'), H3.ID_ERROR],
    ['PRIORITY_UPDATE of a push', 'server', frame(0xf0701, '00'), H3.ID_ERROR],
    ['PRIORITY_UPDATE without an ID', 'server', frame(0xf0700, '40'), H3.FRAME_ERROR],
    [
      'PRIORITY_UPDATE whose value is no Dictionary',
      'server',
      frame(0xf0700, concat(varint(0), utf8('u=')).slice()),
      H3.GENERAL_PROTOCOL_ERROR,
    ],
    ['PRIORITY_UPDATE of 20,000 octets', 'server', concat(varint(0xf0700), varint(20_000)), H3.EXCESSIVE_LOAD],
  ];
  for (const [what, side, octets, code] of oneSide) {
    test(`${what} is ${name(code)}`, () => expect(onControl(side, octets)).toBe(code));
  }

  test('what may come is taken: unknown frames, a falling GOAWAY, MAX_PUSH_ID from a client, PRIORITY_UPDATE', () => {
    expect(
      onControl('client', concat(frame(0x21, '0102'), frame(0x07, '08'), frame(0x07, '08'), frame(0x07, '04'), frame(0x4242))),
    ).toBeUndefined();
    expect(onControl('server', concat(frame(0x0d, '00'), frame(0x0d, '05'), frame(0xf0700, '04'), frame(0x07, '03')))).toBeUndefined();
  });

  test('more than 128 priorities of requests that have not come are forgotten, oldest first', () => {
    const { end, raw, control, run } = http3Against('server');
    for (let i = 0; i <= 128; i++) raw.write(0, control, frame(0xf0700, concat(varint(4 * i), utf8(`u=${i % 8}`))));
    run();
    for (const i of [0, 1]) raw.write(0, raw.openStream('bidi')!, headers([...GET, ['x', `${i}`]]));
    run();
    expect(end.transport.priorities).toEqual([{ id: 4, priority: { urgency: 1, incremental: false } }]);
  });

  test('any frame before SETTINGS is MISSING_SETTINGS, an unknown one too (§9)', () => {
    for (const octets of [frame(0x07, '00'), frame(0x21), data('00'), frame(0x0d, '00')]) {
      const { end, raw, control, run } = http3Against('server', { controlStream: false });
      raw.write(0, control, concat(varint(0), octets));
      run();
      expect(end.transport.closed?.code).toBe(H3.MISSING_SETTINGS);
    }
  });

  const settings: [string, string, number | undefined][] = [
    ['unknown and reserved ones', '0643e8 21 00 4f11 01', undefined],
    ['one twice', '0600 0601', H3.SETTINGS_ERROR],
    ['an unknown one twice', '2100 2100', H3.SETTINGS_ERROR],
    ["HTTP/2's ENABLE_PUSH", '0200', H3.SETTINGS_ERROR],
    ["HTTP/2's MAX_CONCURRENT_STREAMS", '0300', H3.SETTINGS_ERROR],
    ["HTTP/2's INITIAL_WINDOW_SIZE", '0400', H3.SETTINGS_ERROR],
    ["HTTP/2's MAX_FRAME_SIZE", '0500', H3.SETTINGS_ERROR],
    ['an identifier without value', '06', H3.FRAME_ERROR],
    ['a value that is cut', '0640', H3.FRAME_ERROR],
    ['H3_DATAGRAM of 1 (RFC 9297 §2.1.1)', '3301', undefined],
    ['H3_DATAGRAM of 2 (RFC 9297 §2.1.1)', '3302', H3.SETTINGS_ERROR],
    ['ENABLE_CONNECT_PROTOCOL of 2', '0802', H3.SETTINGS_ERROR],
  ];
  for (const [what, payload, code] of settings) {
    test(`SETTINGS with ${what} ${code === undefined ? 'are taken' : `is ${name(code)}`} (§7.2.4)`, () => {
      const { end, raw, control, run } = http3Against('client', { controlStream: false });
      raw.write(0, control, concat(varint(0), frame(0x04, payload.replace(/ /g, ''))));
      run();
      expect(end.transport.closed?.code).toBe(code);
      expect(end.events('settings')).toHaveLength(code === undefined ? 1 : 0);
    });
  }

  test('a SETTINGS frame of 20,000 octets is EXCESSIVE_LOAD before it is there', () => {
    const { end, raw, control, run } = http3Against('client', { controlStream: false });
    raw.write(0, control, concat(varint(0), varint(4), varint(20_000)));
    run();
    expect(end.transport.closed?.code).toBe(H3.EXCESSIVE_LOAD);
  });
});

describe('unidirectional streams (RFC 9114 §6.2)', () => {
  for (const type of [0, 2, 3]) {
    test(`a second stream of type ${type} is STREAM_CREATION_ERROR`, () => {
      const { end, raw, run } = http3Against('server');
      for (let i = type === 0 ? 1 : 0; i < 2; i++) raw.write(0, raw.openStream('uni')!, varint(type));
      run();
      expect(end.transport.closed?.code).toBe(H3.STREAM_CREATION_ERROR);
    });

    test(`the end or reset of a stream of type ${type} is CLOSED_CRITICAL_STREAM (§6.2.1, RFC 9204 §4.2)`, () => {
      const ways: ((raw: FakeStreams, id: number) => void)[] = [(raw, id) => raw.finish(id), (raw, id) => raw.reset(id, H3.NO_ERROR)];
      for (const way of ways) {
        const { end, raw, control, run } = http3Against('client');
        const id = type === 0 ? control : raw.openStream('uni')!;
        if (type !== 0) raw.write(0, id, varint(type));
        run();
        way(raw, id);
        run();
        expect(end.transport.closed?.code).toBe(H3.CLOSED_CRITICAL_STREAM);
      }
    });
  }

  test('a peer that refuses our control or QPACK streams is CLOSED_CRITICAL_STREAM', () => {
    for (const id of [2, 6, 10]) {
      const { end, raw, run } = http3Against('client');
      raw.stopSending(id, H3.NO_ERROR);
      run();
      expect(end.transport.closed?.code).toBe(H3.CLOSED_CRITICAL_STREAM);
    }
  });

  test('a push stream is STREAM_CREATION_ERROR at a server, and ID_ERROR at a client that allowed none (§6.2.2, §4.6)', () => {
    expect(onUni('server', varint(1))).toBe(H3.STREAM_CREATION_ERROR);
    expect(onUni('client', concat(varint(1), varint(0)))).toBe(H3.ID_ERROR);
  });

  test('streams of unknown type are stopped, whatever is on them, and are no error', () => {
    for (const type of [0x04, 0x21, 0x41, 0x54, 0x3fff_ffff, 2 ** 52]) {
      const { end, raw, run } = http3Against('server');
      const id = raw.openStream('uni')!;
      raw.write(0, id, concat(varint(type), hex('ffffffffff')));
      run();
      expect(end.transport.closed).toBeUndefined();
      expect(end.transport.stops).toEqual([{ id, code: H3.STREAM_CREATION_ERROR }]);
    }
  });

  test('streams may end or be reset before their type is known', () => {
    expect(onUni('server', hex(''), { finish: true })).toBeUndefined();
    expect(onUni('server', hex('40'), { finish: true })).toBeUndefined();
    const { end, raw, run } = http3Against('server');
    const id = raw.openStream('uni')!;
    raw.write(0, id, hex('80'));
    run();
    raw.reset(id, 0);
    run();
    expect(end.transport.closed).toBeUndefined();
  });

  test('a type may come in any number of pieces', () => {
    const { end, raw, run } = http3Against('server');
    const id = raw.openStream('uni')!;
    for (const octet of hex('c000000000000002')) {
      raw.write(0, id, Uint8Array.of(octet));
      run();
    }
    raw.write(0, id, hex('c0'));
    run();
    expect(end.transport.closed?.code).toBe(H3.QPACK_ENCODER_STREAM_ERROR);
  });

  test('what breaks QPACK has its code (RFC 9204 §6)', () => {
    expect(onUni('server', hex('023fe11f'))).toBe(H3.QPACK_ENCODER_STREAM_ERROR);
    expect(onUni('client', hex('0220'))).toBeUndefined();
    expect(onUni('client', hex('0380'))).toBe(H3.QPACK_DECODER_STREAM_ERROR);
    expect(onUni('client', hex('0301'))).toBe(H3.QPACK_DECODER_STREAM_ERROR);
    expect(onUni('server', hex('0344'))).toBeUndefined();
  });
});

describe('request streams (RFC 9114 §4.1, §7.2)', () => {
  test('a bidirectional stream from a server is STREAM_CREATION_ERROR (§6.1)', () => {
    const { end, raw, run } = http3Against('client');
    raw.write(0, raw.openStream('bidi')!, hex('00'));
    run();
    expect(end.transport.closed?.code).toBe(H3.STREAM_CREATION_ERROR);
  });

  const [request, response] = [headers(POST), headers(OK)];
  const trailers = headers([['t', '1']]);
  for (const [side, head] of [
    ['server', request],
    ['client', response],
  ] as const) {
    const cases: [string, Uint8Array, number][] = [
      ['DATA before HEADERS', data('00'), H3.FRAME_UNEXPECTED],
      ['DATA after trailers', concat(head, trailers, data('00')), H3.FRAME_UNEXPECTED],
      ['HEADERS after trailers', concat(head, data('00'), trailers, trailers), H3.FRAME_UNEXPECTED],
      ['SETTINGS', concat(head, SETTINGS), H3.FRAME_UNEXPECTED],
      ['GOAWAY', frame(0x07, '00'), H3.FRAME_UNEXPECTED],
      ['CANCEL_PUSH', concat(head, frame(0x03, '00')), H3.FRAME_UNEXPECTED],
      ['MAX_PUSH_ID', frame(0x0d, '00'), H3.FRAME_UNEXPECTED],
      ['PRIORITY_UPDATE', frame(0xf0700, '00'), H3.FRAME_UNEXPECTED],
      ["HTTP/2's PRIORITY", concat(head, frame(0x02)), H3.FRAME_UNEXPECTED],
      ["HTTP/2's PING", frame(0x06), H3.FRAME_UNEXPECTED],
      ["HTTP/2's WINDOW_UPDATE", concat(head, data('00'), frame(0x08)), H3.FRAME_UNEXPECTED],
      ["HTTP/2's CONTINUATION", frame(0x09), H3.FRAME_UNEXPECTED],
      ['an end within a frame header', concat(head, hex('40')), H3.FRAME_ERROR],
      ['an end within DATA', concat(head, hex('000501')), H3.FRAME_ERROR],
      ['an end within HEADERS', head.subarray(0, head.length - 1), H3.FRAME_ERROR],
      ['an end within an unknown frame', concat(head, hex('210501')), H3.FRAME_ERROR],
      ['an empty field section', frame(0x01), H3.QPACK_DECOMPRESSION_FAILED],
      ['a field section that needs a dynamic table', frame(0x01, '020080'), H3.QPACK_DECOMPRESSION_FAILED],
      ['257 frames in a row that say nothing', concat(...Array.from({ length: 257 }, () => frame(0x40, '00'))), H3.EXCESSIVE_LOAD],
      ['257 empty DATA frames in a row', concat(head, ...Array.from({ length: 257 }, () => data(''))), H3.EXCESSIVE_LOAD],
    ];
    for (const [what, octets, code] of cases) {
      test(`${what} at a ${side} is ${name(code)}`, () => expect(onRequest(side, octets).connection).toBe(code));
    }
  }

  test('PUSH_PROMISE is FRAME_UNEXPECTED at a server, ID_ERROR at a client that allowed no push (§7.2.5)', () => {
    expect(onRequest('server', concat(request, frame(0x05, '00'))).connection).toBe(H3.FRAME_UNEXPECTED);
    expect(onRequest('client', frame(0x05, concat(varint(0), framesIn(request)[0]!.payload))).connection).toBe(H3.ID_ERROR);
  });

  test('HEADERS in a tunnel is FRAME_UNEXPECTED (§4.4)', () => {
    const connect: Fields = [
      [':method', 'CONNECT'],
      [':authority', 'example.com:443'],
    ];
    expect(onRequest('server', concat(headers(connect), data('00'), trailers)).connection).toBe(H3.FRAME_UNEXPECTED);
    expect(onRequest('client', concat(response, data('00'), trailers), { request: connect }).connection).toBe(H3.FRAME_UNEXPECTED);
  });

  test('unknown and reserved frames are passed over, wherever they stand, in any length', () => {
    const unknown = [frame(0x21), frame(0x40, 'aabbcc'), frame(0x1f * 1000 + 0x21, new Uint8Array(5000))];
    const octets = concat(...unknown, request, ...unknown, data('0102'), ...unknown, trailers, ...unknown);
    expect(onRequest('server', octets)).toEqual({
      connection: undefined,
      reset: undefined,
      stopped: undefined,
      failed: undefined,
      told: ['request', 'body-readable', 'trailers'],
    });
  });

  test('frames that say nothing are counted in a row only', () => {
    const some = Array.from({ length: 200 }, () => frame(0x21));
    expect(onRequest('server', concat(request, ...some, data('01'), ...some, data('02'), ...some)).connection).toBeUndefined();
  });

  test('a request stream that ends before its request is REQUEST_INCOMPLETE, and nobody is told', () => {
    for (const octets of [hex(''), frame(0x21, '00')]) {
      expect(onRequest('server', octets)).toMatchObject({ connection: undefined, reset: H3.REQUEST_INCOMPLETE, told: [] });
    }
  });

  test('a response that ends before its final head is MESSAGE_ERROR', () => {
    for (const octets of [hex(''), headers([[':status', '103']])]) {
      expect(onRequest('client', octets)).toMatchObject({ connection: undefined, failed: H3.MESSAGE_ERROR });
    }
  });

  test('a field section above our limit is answered with 431, and the rest is not wanted (§4.2.2)', () => {
    const many = headers([...GET, ['x-long', 'a'.repeat(400)]]); // short in Huffman code
    for (const octets of [many, concat(varint(1), varint(100_000))]) {
      const { end, raw, run } = http3Against('server', { maxFieldSectionSize: 400 });
      const id = raw.openStream('bidi')!;
      raw.write(0, id, octets);
      run();
      expect(framesIn(raw.drain(id).data)[0]!.fields).toEqual([[':status', '431']]);
      expect(end.transport.stops).toEqual([{ id, code: H3.NO_ERROR }]);
      expect([end.events('request').length, end.http.openExchanges]).toEqual([0, 0]);
    }
  });

  test('a response or trailers above our limit are MESSAGE_ERROR (§10.5.1)', () => {
    const many = headers([...OK, ['x-long', 'a'.repeat(400)]]);
    expect(onRequest('client', many, { limit: 400 })).toMatchObject({ failed: H3.MESSAGE_ERROR, reset: H3.MESSAGE_ERROR });
    const big = headers([['x-long', 'a'.repeat(400)]]);
    expect(onRequest('server', concat(request, data('00'), big), { limit: 400 })).toMatchObject({
      failed: H3.MESSAGE_ERROR,
      stopped: undefined,
    });
  });
});

describe('malformed messages are MESSAGE_ERROR on their stream, and the connection lives (RFC 9114 §4.1.2)', () => {
  const put = (fields: Fields, key: string, value: string | undefined): Fields =>
    fields.flatMap((field) => (field[0] !== key ? [field] : value === undefined ? [] : [[key, value] as const]));
  const requests: [string, Fields][] = [
    ['no fields', []],
    ['no :method', put(GET, ':method', undefined)],
    ['no :scheme', put(GET, ':scheme', undefined)],
    ['no :path', put(GET, ':path', undefined)],
    ['no authority', put(GET, ':authority', undefined)],
    ['an empty :method', put(GET, ':method', '')],
    ['a :method that is no token', put(GET, ':method', 'G T')],
    ['an empty :path', put(GET, ':path', '')],
    ['a :path without slash', put(GET, ':path', 'a')],
    ['a :path with a blank', put(GET, ':path', '/a b')],
    ['a :path with a fragment', put(GET, ':path', '/a#b')],
    ["'*' for GET", put(GET, ':path', '*')],
    ['an empty :authority', put(GET, ':authority', '')],
    ['an :authority with userinfo', put(GET, ':authority', 'me@example.com')],
    ['a :scheme that is none', put(GET, ':scheme', '1')],
    ['an empty host', [...GET, ['host', '']]],
    ['a host that differs', [...GET, ['host', 'example.org']]],
    ['two hosts', [...put(GET, ':authority', undefined), ['host', 'a'], ['host', 'a']]],
    ['a pseudo-header field twice', [...GET, [':path', '/']]],
    ['a pseudo-header field after a regular one', [...GET.slice(0, 3), ['a', 'b'], [':path', '/']]],
    ['a pseudo-header field that does not exist', [...GET, [':protocol', 'websocket']]],
    ['a pseudo-header field of responses', [...GET, [':status', '200']]],
    ['CONNECT with :path', [...put(GET, ':method', 'CONNECT')]],
    ['CONNECT without :authority', [[':method', 'CONNECT']]],
    [
      'CONNECT without port',
      [
        [':method', 'CONNECT'],
        [':authority', 'example.com'],
      ],
    ],
    ['an upper-case name', [...GET, ['Accept', 'a']]],
    ['an empty name', [...GET, ['', 'a']]],
    ['a name with a blank', [...GET, ['a b', 'c']]],
    ['a value with a line feed', [...GET, ['a', 'b\nc']]],
    ['a value with a carriage return', [...GET, ['a', 'b\rc']]],
    ['a value with a null', [...GET, ['a', 'b\0c']]],
    ['a value with a blank in front', [...GET, ['a', ' b']]],
    ['connection', [...GET, ['connection', 'close']]],
    ['keep-alive', [...GET, ['keep-alive', 'timeout=5']]],
    ['proxy-connection', [...GET, ['proxy-connection', 'close']]],
    ['transfer-encoding', [...GET, ['transfer-encoding', 'chunked']]],
    ['upgrade', [...GET, ['upgrade', 'h2c']]],
    ['te with more than trailers', [...GET, ['te', 'gzip']]],
    ['a content-length that is no number', [...GET, ['content-length', '1a']]],
    ['content-length twice', [...GET, ['content-length', '0'], ['content-length', '0']]],
  ];
  for (const [what, fields] of requests) {
    test(`a request with ${what}`, () => {
      expect(onRequest('server', headers(fields), { finish: false })).toEqual({
        connection: undefined,
        reset: H3.MESSAGE_ERROR,
        stopped: H3.MESSAGE_ERROR,
        failed: undefined,
        told: [],
      });
    });
  }

  const good: [string, Fields][] = [
    ['te: trailers', [...GET, ['te', 'trailers']]],
    ['host in place of :authority', [...put(GET, ':authority', undefined), ['host', 'example.com']]],
    ['an equal host', [...GET, ['host', 'example.com']]],
    ['OPTIONS *', put(put(GET, ':method', 'OPTIONS'), ':path', '*')],
    ['a scheme without authority', put(put(GET, ':authority', undefined), ':scheme', 'urn')],
    ['an unknown method', put(GET, ':method', 'BREW')],
    ['a query', put(GET, ':path', '/a?b=c&d=%20"')],
  ];
  for (const [what, fields] of good) {
    test(`but a request with ${what} is well-formed`, () => expect(onRequest('server', headers(fields)).told).toEqual(['request']));
  }

  const responses: [string, Fields][] = [
    ['no :status', [['a', 'b']]],
    ['two :status', [...OK, ...OK]],
    ['a :status that is none', [[':status', '20']]],
    ['status 101, which HTTP/3 does not have (§4.5)', [[':status', '101']]],
    ['a pseudo-header field of requests', [...OK, [':path', '/']]],
    ['an upper-case name', [...OK, ['Server', 'x']]],
    ['connection', [...OK, ['connection', 'close']]],
    ['te', [...OK, ['te', 'trailers']]],
    ['a content-length that is no number', [...OK, ['content-length', '-1']]],
  ];
  for (const [what, fields] of responses) {
    test(`a response with ${what}`, () => {
      expect(onRequest('client', headers(fields), { finish: false })).toMatchObject({
        connection: undefined,
        reset: H3.MESSAGE_ERROR,
        stopped: H3.MESSAGE_ERROR,
        failed: H3.MESSAGE_ERROR,
        told: ['failed'],
      });
    });
  }

  test('trailers with a pseudo-header field', () => {
    const octets = concat(headers(POST), data('00'), headers([[':path', '/']]));
    expect(onRequest('server', octets)).toMatchObject({ connection: undefined, reset: H3.MESSAGE_ERROR, failed: H3.MESSAGE_ERROR });
  });

  test('a second final response', () => {
    expect(onRequest('client', concat(headers(OK), headers(OK)))).toMatchObject({ connection: undefined, failed: H3.MESSAGE_ERROR });
  });

  test('content shorter or longer than content-length', () => {
    const of = (length: string): Uint8Array => headers([...POST, ['content-length', length]]);
    for (const octets of [concat(of('3'), data('0102')), concat(of('1'), data('01'), data('02')), concat(of('0'), data('01'))]) {
      expect(onRequest('server', octets)).toMatchObject({ connection: undefined, reset: H3.MESSAGE_ERROR });
    }
    expect(onRequest('server', of('1')).reset).toBe(H3.MESSAGE_ERROR);
    expect(onRequest('server', concat(of('2'), data('01'), data(''), data('02')))).toMatchObject({
      connection: undefined,
      reset: undefined,
    });
    // too long is known by the header of the frame, before its octets are there
    expect(onRequest('server', concat(of('1'), hex('000501')), { finish: false }).reset).toBe(H3.MESSAGE_ERROR);
  });

  test('content where there is none: HEAD, 204, 304', () => {
    const head: Fields = [[':method', 'HEAD'], ...GET.slice(1)];
    const withLength = headers([...OK, ['content-length', '1']]);
    expect(onRequest('client', concat(withLength, data('01')), { request: head }).failed).toBe(H3.MESSAGE_ERROR);
    expect(onRequest('client', withLength, { request: head }).failed).toBeUndefined();
    expect(onRequest('client', concat(headers([[':status', '204']]), data('01'))).failed).toBe(H3.MESSAGE_ERROR);
    expect(
      onRequest(
        'client',
        concat(
          headers([
            [':status', '304'],
            ['content-length', '7'],
          ]),
        ),
      ).failed,
    ).toBeUndefined();
  });
});
