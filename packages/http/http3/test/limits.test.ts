import { concat, fromHex, utf8 } from '@quiclab/bytes';
import { DEFAULT_PRIORITY } from '@quiclab/http-semantics';
import { type Beyond, H3, Http3Connection, LIMITS, type Limit } from '@quiclab/http3';
import { HQ_ERROR, HqConnection } from '@quiclab/http3/hq';
import { SingleConnection } from '@quiclab/http3/single';
import { NEVER, SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { fakePair } from './fake-streams.ts';
import { data, End, type Fields, frame, framesIn, GET, headers, http3Against, http3Pair, OK, POST, run, varint } from './world.ts';

const times = (count: number, octets: Uint8Array): Uint8Array => concat(...Array.from({ length: count }, () => octets));
/** A field section of so many octets, as SETTINGS_MAX_FIELD_SECTION_SIZE counts, if it begins with these. */
function sized(first: Fields, size: number): Fields {
  const used = first.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
  return [...first, ['x-long', '~'.repeat(size - used - 32 - 'x-long'.length)]];
}

/** The connection has closed with the code that the table names. */
const expectClosed = (end: End, { beyond }: Limit): void => expect(end.transport.closed?.code).toBe(H3[beyond as keyof typeof H3]);
/** The exchange has ended with the code that the table names, in both directions, and the connection lives. */
function expectEnded(end: End, id: number, { beyond }: Limit): void {
  const code = { ...H3, HQ_ERROR }[beyond.replace('exchange: ', '') as keyof typeof H3];
  expect(end.transport.resets).toContainEqual({ id, code });
  expect(end.transport.stops).toContainEqual({ id, code });
  expect(end.transport.closed).toBeUndefined();
}

/** The same once to the limit, where all is well, and once beyond it. */
function upToAndBeyond(
  limit: Limit,
  side: 'client' | 'server',
  say: (world: ReturnType<typeof http3Against>, count: number) => void,
): void {
  const within = http3Against(side);
  say(within, limit.value);
  within.run();
  expect(within.end.transport.closed).toBeUndefined();
  const beyond = http3Against(side);
  say(beyond, limit.value + 1);
  beyond.run();
  expectClosed(beyond.end, limit);
}

/** Frames of `./single`: type, exchange, length. */
const single = (kind: number, exchange: number, payload: Uint8Array): Uint8Array =>
  concat(varint(kind), varint(exchange), varint(payload.length), payload);

const beyond = {
  requestFields() {
    for (const more of [0, 1]) {
      const { end, raw, run } = http3Against('server');
      const id = raw.openStream('bidi')!;
      raw.write(0, id, headers(sized(GET, LIMITS.requestFields.value + more)));
      run();
      expect(end.events('request')).toHaveLength(1 - more);
      expect(framesIn(raw.drain(id).data).map(({ fields }) => fields)).toEqual(more === 0 ? [] : [[[':status', '431']]]);
      expect(end.transport.stops).toEqual(more === 0 ? [] : [{ id, code: H3.NO_ERROR }]);
    }
  },
  responseFields() {
    for (const more of [0, 1]) {
      const { end, raw, run } = http3Against('client');
      const id = end.http.request(0, POST, false)!;
      run();
      raw.write(0, id, headers(sized(OK, LIMITS.responseFields.value + more)));
      run();
      expect(end.events('response')).toHaveLength(1 - more);
      if (more > 0) expectEnded(end, id, { ...LIMITS.responseFields });
    }
  },
  headersTime() {
    const { end, raw, run } = http3Against('server');
    const http = end.http as Http3Connection;
    const { value } = LIMITS.headersTime;
    const request = headers(GET);
    const [slow, fast] = [raw.openStream('bidi')!, raw.openStream('bidi')!];
    expect(http.nextTimeout()).toBe(NEVER);
    raw.write(0, fast, request);
    for (let second = 0; second < value / SECOND; second++) {
      raw.write(0, slow, request.subarray(second, second + 1)); // an octet a second
      if (second === request.length - 2) break;
      run();
    }
    http.onTimeout(http.nextTimeout() - 1);
    expect([http.nextTimeout(), http.openExchanges]).toEqual([value, 2]);
    http.onTimeout(value);
    expectEnded(end, slow, LIMITS.headersTime);
    expect([http.nextTimeout(), http.openExchanges, end.events('request').map(({ id }) => id)]).toEqual([NEVER, 1, [fast]]);
    raw.write(0, slow, request);
    run();
    expect(end.events('request')).toHaveLength(1); // what comes after is not looked at

    // a 431 that the client does not take does not outlast it either
    const transports = fakePair({ sendBuffer: 1 });
    const stingy = new Http3Connection({ side: 'server', transport: transports.server, maxFieldSectionSize: 10, headersTimeout: SECOND });
    transports.client.openStream('bidi');
    transports.server.onData(0, headers(GET), false);
    for (let event = transports.server.events.shift(); event !== undefined; event = transports.server.events.shift())
      stingy.onTransport(5, event);
    expect([stingy.openExchanges, stingy.nextTimeout()]).toEqual([1, SECOND + 5]);
    stingy.onTimeout(SECOND + 5);
    expect([stingy.openExchanges, stingy.nextTimeout()]).toEqual([0, NEVER]);
  },
  informational() {
    const { end, raw, run } = http3Against('client');
    const id = end.http.request(0, POST, false)!;
    run();
    const early = headers([[':status', '103']]);
    raw.write(0, id, times(LIMITS.informational.value, early));
    run();
    expect([end.events('response').length, end.http.openExchanges]).toEqual([LIMITS.informational.value, 1]);
    raw.write(0, id, early);
    run();
    expectEnded(end, id, LIMITS.informational);
    expect(end.events('failed')).toMatchObject([{ id, code: H3.EXCESSIVE_LOAD }]);
  },
  trailers() {
    upToAndBeyond(LIMITS.trailers, 'server', ({ end, raw }, count) => {
      end.onEvent = ({ type }) => type === 'body-readable' && end.readAll(0);
      raw.write(0, raw.openStream('bidi')!, concat(headers(POST), data(utf8('content')), times(count, headers([['x-check', '1']]))));
    });
  },
  ignoredFrames() {
    const onRequest = [frame(0x21), data('')];
    for (const nothing of onRequest)
      upToAndBeyond(LIMITS.ignoredFrames, 'server', ({ end, raw }, count) => {
        end.onEvent = ({ type }) => type === 'body-readable' && end.readAll(0);
        raw.write(0, raw.openStream('bidi')!, concat(headers(POST), data(utf8('content')), times(count, nothing)));
      });
    const onControl = [frame(0x21), frame(0x0d, '03')];
    for (const nothing of onControl)
      upToAndBeyond(LIMITS.ignoredFrames, 'server', ({ raw, control }, count) => raw.write(0, control, times(count, nothing)));
  },
  readAhead() {
    const { end, raw, run } = http3Against('server');
    const id = raw.openStream('bidi')!;
    const piece = data(new Uint8Array(1_000));
    raw.write(0, id, concat(headers(POST), piece));
    run();
    for (let i = 1; i < 5; i++) {
      raw.write(0, id, piece);
      run();
    }
    expect(end.transport.unread).toBe((5 - LIMITS.readAhead.value) * piece.length);
    expect(end.readAll(id).data.length).toBe(5_000);
  },
  dataFrame() {
    const { client, server, run } = http3Pair({ sendBuffer: 100 });
    const id = client.http.request(0, GET, true)!;
    run();
    server.http.respond(0, id, OK, false);
    const { value } = LIMITS.dataFrame;
    expect(server.http.writeBody(0, id, new Uint8Array(10 * value))).toBe(value);
    expect(server.http.writeBody(0, id, new Uint8Array(10 * value))).toBe(0);
    client.onEvent = ({ type }) => type === 'body-readable' && client.readAll(id);
    run();
    expect(server.events('body-writable')).toHaveLength(1);
  },
  untypedStreams() {
    upToAndBeyond(LIMITS.untypedStreams, 'server', ({ raw }, count) => {
      for (let i = 0; i < count; i++) raw.write(0, raw.openStream('uni')!, fromHex('40')); // the first half of a type
    });
    const { end, raw, run } = http3Against('server');
    for (let i = 0; i < 10 * LIMITS.untypedStreams.value; i++) {
      raw.write(0, raw.openStream('uni')!, fromHex('21')); // those of unknown type are stopped, and forgotten
      run();
    }
    expect([end.transport.closed, end.transport.stops.length]).toEqual([undefined, 10 * LIMITS.untypedStreams.value]);
  },
  controlPayload() {
    upToAndBeyond(LIMITS.controlPayload, 'server', ({ raw, control }, count) => {
      raw.write(0, control, frame(0xf0700, concat(varint(0), utf8('u=1'.padEnd(count - 1)))));
    });
  },
  settings() {
    for (const more of [0, 1]) {
      const { end, raw, run } = http3Against('client', { controlStream: false });
      const settings = Array.from({ length: LIMITS.settings.value + more }, (_, i) => concat(varint(0x21 + 0x1f * i), varint(i)));
      raw.write(0, 3, concat(fromHex('00'), frame(0x04, concat(...settings))));
      run();
      if (more === 0) expect(end.events('settings')).toMatchObject([{ settings: { length: LIMITS.settings.value } }]);
      else expectClosed(end, LIMITS.settings);
    }
  },
  goaways() {
    upToAndBeyond(LIMITS.goaways, 'client', ({ raw, control }, count) => raw.write(0, control, times(count, frame(0x07, '00'))));
  },
  earlyPriorities() {
    const { end, raw, control, run } = http3Against('server');
    const { value } = LIMITS.earlyPriorities;
    for (let i = 0; i <= value; i++) raw.write(0, control, frame(0xf0700, concat(varint(4 * i), utf8('u=7'))));
    run();
    for (let i = 0; i <= value; i++) raw.write(0, raw.openStream('bidi')!, headers(GET));
    run();
    expect(end.events('request')).toHaveLength(value + 1);
    expect(end.transport.priorities.map(({ id }) => id)).toEqual(Array.from({ length: value }, (_, i) => 4 * (i + 1))); // not of 0
  },
  priorityUpdates() {
    const { client, server, run } = http3Pair({ sendBuffer: 12 });
    const priorities: number[] = [];
    const id = client.http.request(0, POST, false)!;
    const { value } = LIMITS.priorityUpdates;
    const before = client.transport.unsent;
    for (let i = 0; i < 10 * value; i++) client.http.prioritize(0, id, { ...DEFAULT_PRIORITY, urgency: i < value / 2 ? 1 : 2 });
    expect(client.transport.unsent).toBe(before); // the transport took nothing
    run();
    for (const { priority } of server.transport.priorities) priorities.push(priority.urgency);
    expect(priorities.length).toBeGreaterThan(value / 2);
    expect(priorities.length).toBeLessThanOrEqual(value);
  },
  pushes() {
    const { end, raw, run } = http3Against('client');
    end.http.request(0, GET, true);
    run();
    raw.write(0, 0, frame(0x05, '00'));
    run();
    expectClosed(end, LIMITS.pushes);
    const other = http3Against('client');
    other.raw.write(0, other.raw.openStream('uni')!, fromHex('01'));
    other.run();
    expectClosed(other.end, LIMITS.pushes);
  },
  tableCapacity() {
    const { end, raw, run } = http3Against('server');
    const stream = raw.openStream('uni')!;
    raw.write(0, stream, fromHex('0220')); // a capacity of 0
    run();
    expect(end.transport.closed).toBeUndefined();
    raw.write(0, stream, fromHex('21')); // of 1
    run();
    expectClosed(end, LIMITS.tableCapacity);
  },
  blockedSections() {
    const { end, raw, run } = http3Against('server');
    raw.write(0, raw.openStream('bidi')!, frame(0x01, '020080')); // Required Insert Count 1
    run();
    expectClosed(end, LIMITS.blockedSections);
  },
  unacknowledgedSections() {
    const { end, raw, run } = http3Against('client', { tableCapacity: 200, settings: [[0x01, 200]] });
    const fields: Fields = [...GET, ['x-again', 'the same']];
    const { value } = LIMITS.unacknowledgedSections;
    const section = (): Uint8Array => {
      const id = end.http.request(0, fields, true)!;
      run();
      return raw.drain(id).data;
    };
    const literal = section().length; // inserts, and may not refer to what may not be there yet
    raw.write(0, raw.openStream('uni')!, fromHex('0302')); // they are
    run();
    const short = section().length;
    expect(short).toBeLessThan(literal);
    for (let i = 1; i < value; i++) expect(section().length).toBe(short);
    expect(section().length).toBe(literal);
  },
  decoderAnswers() {
    const { end, raw, run } = http3Against('server', { tableCapacity: 200, sendBuffer: 16, receiveWindow: 16 });
    raw.write(0, raw.openStream('uni')!, fromHex('023fa901c00161')); // a table of 200, with ':authority: a'
    run();
    const { value } = LIMITS.decoderAnswers;
    let asked = 0;
    for (; asked < 2 * value && end.transport.closed === undefined; asked++) {
      raw.write(0, raw.openStream('bidi')!, frame(0x01, '020080')); // each is acknowledged, which nobody reads
      run();
    }
    expectClosed(end, LIMITS.decoderAnswers);
    expect(asked).toBeGreaterThan(value);
    expect(asked).toBeLessThan(value + 50);
  },
  singleExchanges() {
    const transports = fakePair();
    const end = new End(new SingleConnection({ side: 'server', transport: transports.server }), transports.server);
    transports.client.openStream('bidi');
    const { value } = LIMITS.singleExchanges;
    for (let i = 0; i <= value; i++) transports.client.write(0, 0, concatHeaders(i));
    run(end, transports.client);
    expect(end.events('request')).toHaveLength(value);
    expect(transports.client.drain(0).data).toEqual(single(RESET, 4 * value, varint(H3.REQUEST_REJECTED)));
  },
  singleBuffered() {
    const transports = fakePair();
    const end = new End(new SingleConnection({ side: 'server', transport: transports.server }), transports.server);
    transports.client.openStream('bidi');
    transports.client.write(0, 0, concatHeaders(0, POST));
    const piece = single(0x01, 0, new Uint8Array(16_384));
    const { value } = LIMITS.singleBuffered;
    for (let i = 0; i < (2 * value) / 16_384; i++) {
      transports.client.write(0, 0, piece);
      run(end, transports.client);
    }
    expect(end.transport.unread).toBeGreaterThan(value / 2);
    expect(end.transport.unread).toBeLessThanOrEqual(value + piece.length);
    let read = 0;
    end.onEvent = ({ type }) => {
      if (type === 'body-readable') read += end.readAll(0).data.length;
    };
    read += end.readAll(0).data.length;
    run(end, transports.client);
    expect(read).toBe(2 * value);
  },
  singleAnswers() {
    const transports = fakePair({ sendBuffer: 0 });
    const server = new SingleConnection({ side: 'server', transport: transports.server, maxExchanges: 0 });
    const end = new End(server, transports.server);
    transports.client.openStream('bidi');
    for (const more of [0, 2]) {
      const count = LIMITS.singleAnswers.value;
      for (let i = 0; i < (more === 0 ? count : more); i++) transports.server.onData(0, concatHeaders(more === 0 ? i : count + i), false);
      run(end);
      if (more === 0) expect(end.transport.closed).toBeUndefined();
    }
    expectClosed(end, LIMITS.singleAnswers);
  },
  hqRequestLine() {
    for (const more of [0, 1]) {
      const transports = fakePair();
      const end = new End(new HqConnection({ side: 'server', transport: transports.server }), transports.server);
      const id = transports.client.openStream('bidi')!;
      transports.client.write(0, id, utf8(`GET /${'x'.repeat(LIMITS.hqRequestLine.value + more - 'GET /\n'.length)}\n`));
      run(end, transports.client);
      expect(end.events('request')).toHaveLength(1 - more);
      if (more > 0) expectEnded(end, id, LIMITS.hqRequestLine);
    }
  },
} satisfies Record<keyof typeof LIMITS, () => void>;

const RESET = 0x03;
/** A header section in the framing of `./single`, for its nth exchange. */
function concatHeaders(n: number, fields: Fields = GET): Uint8Array {
  return single(0x00, 4 * n, framesIn(headers(fields))[0]!.payload);
}

const table = Object.entries<Limit>(LIMITS);

describe('beyond the limit (RFC 9114 §10.5)', () => {
  test.each(table)('%s', (name) => beyond[name as keyof typeof LIMITS]());
});

test('PRIORITY_UPDATE of a stream beyond the limit is H3_ID_ERROR, of one up to it is kept (RFC 9218 §7.2)', () => {
  for (const [id, closed] of [
    [36, undefined],
    [40, { code: H3.ID_ERROR }],
  ] as const) {
    const { end, raw, control, run } = http3Against('server', { streams: 10 });
    raw.write(0, control, frame(0xf0700, concat(varint(id), utf8('u=1'))));
    run();
    if (closed === undefined) expect(end.transport.closed).toBeUndefined();
    else expect(end.transport.closed).toMatchObject(closed);
  }
});

test('every limit says what becomes of what is beyond it, and why', () => {
  const outcomes: readonly Beyond[] = ['refused', 'oldest goes', 'dropped', 'waits'];
  expect(Object.keys(beyond)).toEqual(Object.keys(LIMITS));
  for (const [name, limit] of table) {
    expect([name, limit.value >= 0, limit.reason.length > 0]).toEqual([name, true, true]);
    expect(outcomes.includes(limit.beyond) || limit.beyond.replace('exchange: ', '') in { ...H3, HQ_ERROR }).toBe(true);
  }
});

test('LIMITS.md is made from the table: pnpm vitest run … -u writes it anew', async () => {
  const rows = table.map(
    ([name, { value, unit, option, beyond, reason }]) =>
      `| ${name}${option === undefined ? '' : `<br>\`${option}\``} | ${value.toLocaleString('en-US')} | ${unit} | ${beyond} | ${reason} |`,
  );
  const lines = [
    '# What a peer can make HTTP/3 keep or do, and where that ends',
    '',
    'Made from `src/limits.ts` by `test/limits.test.ts`, which has a test that goes beyond each. Those with an option are its defaults.',
    'A code alone closes the connection. Streams, their number and their octets are limited in `@quiclab/quic`.',
    '',
    '| limit | value | of what | beyond it | why |',
    '| --- | ---: | --- | --- | --- |',
    ...rows,
    '',
  ];
  await expect(lines.join('\n')).toMatchFileSnapshot('../LIMITS.md');
});
