import { concat, utf8 } from '@quiclab/bytes';
import { type Beyond, H2, LIMITS, type Limit } from '@quiclab/http2';
import { NEVER, SECOND } from '@quiclab/sansio';
import { strictUrgency } from '@quiclab/streams';
import { describe, expect, test } from 'vitest';
import {
  data,
  type End,
  type Fields,
  frame,
  GET,
  http2Against,
  http2Pair,
  OK,
  type Options,
  POST,
  pattern,
  type Raw,
  reset,
  run,
  type Side,
  times,
  uint32,
  windowUpdate,
} from './world.ts';

const [HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION, PRIORITY_UPDATE] = [1, 2, 3, 4, 6, 7, 9, 0x10];
const EIGHT = '0102030405060708';

/** A field section of so many octets, as SETTINGS_MAX_HEADER_LIST_SIZE counts, if it begins with these. */
function sized(first: Fields, size: number): Fields {
  const used = first.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
  return [...first, ['x-long', '~'.repeat(size - used - 32 - 'x-long'.length)]];
}

/** The frames of a header section, none larger than 16,384 octets. */
function split(raw: Raw, stream: number, fields: Fields, end: boolean): Uint8Array {
  const block = raw.block(fields);
  const frames: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < block.length; at += 16_384) {
    const flags = (at === 0 && end ? 1 : 0) | (at + 16_384 >= block.length ? 4 : 0);
    frames.push(frame(at === 0 ? HEADERS : CONTINUATION, flags, stream, block.subarray(at, at + 16_384)));
  }
  return concat(...frames);
}

/** The connection has closed with the code that the table names. */
const expectClosed = (end: End, { beyond }: Limit): void =>
  expect(end.events('closed').map(({ code }) => code)).toEqual([H2[beyond as keyof typeof H2]]);
/** The stream was reset with the code that the table names, and the connection lives. */
function expectReset(world: { readonly end: End; readonly raw: Raw }, id: number, { beyond }: Limit): void {
  const code = H2[beyond.replace('exchange: ', '') as keyof typeof H2];
  const resets = world.raw.hear().filter(({ type, stream }) => type === RST_STREAM && stream === id);
  expect(resets.map(({ payload }) => payload)).toEqual([uint32(code)]);
  expect(world.end.http.closed).toBe(false);
}

type World = ReturnType<typeof http2Against>;

/** The same once to the limit, where all is well, and once beyond it. */
function upToAndBeyond(limit: Limit, side: Side, say: (world: World, count: number) => void, options: Options = {}): void {
  const within = http2Against(side, options);
  say(within, limit.value);
  within.run();
  expect(within.end.events('closed')).toEqual([]);
  const beyond = http2Against(side, options);
  say(beyond, limit.value + 1);
  beyond.run();
  expectClosed(beyond.end, limit);
}

/** As above, with what the preface has used up of the allowance, and with a second in which there is more of it. */
function allowance(limit: Limit, used: number, octets: (n: number) => Uint8Array, prepare: (world: World) => void = () => {}): void {
  for (const more of [0, 1]) {
    const world = http2Against('server');
    const { end, raw } = world;
    prepare(world);
    for (let n = 0; n < limit.value - used + more; n++) {
      raw.say(octets(n));
      world.run();
    }
    if (more > 0) expectClosed(end, limit);
    else {
      end.now = SECOND;
      for (let n = 0; n < limit.perSecond!; n++) raw.say(octets(limit.value + n));
      world.run();
      expect(end.events('closed')).toEqual([]);
      raw.say(octets(limit.value + limit.perSecond!));
      world.run();
      expectClosed(end, limit);
    }
  }
}

const beyond = {
  requestFields() {
    for (const more of [0, 1]) {
      const { end, raw, run } = http2Against('server');
      raw.say(split(raw, 1, sized(POST, LIMITS.requestFields.value + more), false));
      run();
      expect(end.events('request')).toHaveLength(1 - more);
      const heard = raw.hear().map(({ type, fields, payload }) => (type === HEADERS ? fields : [type, payload]));
      expect(heard).toEqual(more === 0 ? [] : [[[':status', '431']], [RST_STREAM, uint32(H2.NO_ERROR)]]);
      expect(end.http.openExchanges).toBe(1 - more);
      raw.say(raw.headers(3, GET, true)); // HPACK has had its due
      run();
      expect(end.events('request').at(-1)).toMatchObject({ id: 3, fields: GET });
    }
  },
  responseFields() {
    for (const more of [0, 1]) {
      const world = http2Against('client');
      const { end, raw, run } = world;
      const id = end.http.request(0, POST, false)!;
      run();
      raw.say(split(raw, id, sized(OK, LIMITS.responseFields.value + more), false));
      run();
      expect(end.events('response')).toHaveLength(1 - more);
      if (more > 0) expectReset(world, id, LIMITS.responseFields);
    }
  },
  fieldBlock() {
    const { value } = LIMITS.fieldBlock;
    const say = ({ raw }: World, octets: number): void => {
      raw.say(frame(HEADERS, 0, 1));
      for (let left = octets; left > 0; left -= 16_384) raw.say(frame(CONTINUATION, 0, 1, new Uint8Array(Math.min(left, 16_384))));
    };
    upToAndBeyond(LIMITS.fieldBlock, 'server', say);
    const larger = http2Against('server', { maxFieldSectionSize: value });
    say(larger, 2 * value);
    larger.run();
    expect(larger.end.http.closed).toBe(false);
  },
  continuations() {
    upToAndBeyond(LIMITS.continuations, 'server', ({ raw }, count) => {
      raw.say(frame(HEADERS, 0, 1), times(count, frame(CONTINUATION, 0, 1)));
    });
  },
  headersTime() {
    const { end, raw, run } = http2Against('server');
    const { value } = LIMITS.headersTime;
    end.now = 5;
    raw.say(raw.headers(1, GET, true));
    run();
    expect(end.http.nextTimeout()).toBe(NEVER);
    raw.say(frame(HEADERS, 0, 3, '82'));
    run();
    expect(end.http.nextTimeout()).toBe(value + 5);
    end.now = value;
    raw.say(frame(CONTINUATION, 0, 3, '84'));
    run();
    end.http.onTimeout(value + 4);
    expect(end.http.closed).toBe(false);
    end.http.onTimeout(value + 5);
    run();
    expectClosed(end, LIMITS.headersTime);
  },
  informational() {
    const world = http2Against('client');
    const { end, raw, run } = world;
    const id = end.http.request(0, POST, false)!;
    run();
    const { value } = LIMITS.informational;
    for (let i = 0; i < value; i++) raw.say(raw.headers(id, [[':status', '103']]));
    run();
    expect(end.events('response')).toHaveLength(value);
    raw.say(raw.headers(id, [[':status', '103']]));
    run();
    expectReset(world, id, LIMITS.informational);
  },
  streamWindow() {
    const world = http2Against('server');
    const { raw, run } = world;
    const { value } = LIMITS.streamWindow;
    raw.say(raw.headers(1, POST), times(value / 16_384, data(1, pattern(16_384))));
    run();
    expect(raw.hear()).toEqual([]);
    raw.say(data(1, '00'));
    run();
    expectReset(world, 1, LIMITS.streamWindow);
  },
  connectionWindow() {
    const { value } = LIMITS.connectionWindow;
    const { end, raw, run } = http2Against('server');
    const streams = value / LIMITS.streamWindow.value;
    for (let i = 0; i < streams; i++) raw.say(raw.headers(2 * i + 1, POST), times(16, data(2 * i + 1, pattern(16_384))));
    run();
    expect([raw.hear(), end.http.openExchanges]).toEqual([[], streams]);
    raw.say(raw.headers(99, POST), data(99, '00'));
    run();
    expectClosed(end, LIMITS.connectionWindow);
  },
  queued() {
    const { end, raw, run } = http2Against('server', { settings: '000400000000' });
    const { value } = LIMITS.queued;
    raw.say(raw.headers(1, GET, true));
    run();
    end.http.respond(0, 1, OK, false);
    expect(end.http.writeBody(0, 1, new Uint8Array(10 * value))).toBe(value);
    expect(end.http.writeBody(0, 1, new Uint8Array(10))).toBe(0);
    run();
    expect(end.events('body-writable')).toEqual([]);
    raw.say(windowUpdate(1, value / 2));
    run();
    expect(end.events('body-writable')).toHaveLength(1);
  },
  exchanges() {
    const world = http2Against('server');
    const { end, raw, run } = world;
    const { value } = LIMITS.exchanges;
    for (let i = 0; i <= value; i++) raw.say(raw.headers(2 * i + 1, GET, true));
    run();
    expect(end.events('request')).toHaveLength(value);
    expectReset(world, 2 * value + 1, LIMITS.exchanges);
  },
  unread() {
    const world = http2Against('server');
    const { end, raw, run } = world;
    const most = LIMITS.exchanges.value + LIMITS.unread.value;
    end.onEvent = (event) => event.type === 'request' && end.http.respond(0, event.id, OK, true); // and the content is left where it is
    for (let i = 0; i <= most; i++) {
      raw.say(raw.headers(2 * i + 1, POST), data(2 * i + 1, '0102', true));
      run();
    }
    expect([end.events('request').length, end.http.openExchanges]).toEqual([most, most]);
    expectReset(world, 2 * most + 1, LIMITS.unread);
    end.readAll(1);
    raw.say(raw.headers(2 * most + 3, GET, true));
    run();
    expect(end.events('request')).toHaveLength(most + 1);
  },
  resets() {
    // rapid reset: a request and its end, again and again (CVE-2023-44487)
    const request = (n: number): Uint8Array => frame(HEADERS, 4, 2 * n + 1, '828684410161'); // GET http://a/
    allowance(LIMITS.resets, 0, (n) => concat(request(n), reset(2 * n + 1, H2.CANCEL)));
    // and the peer makes us do it (CVE-2025-8671)
    allowance(LIMITS.resets, 0, (n) => concat(request(n), windowUpdate(2 * n + 1, 0)));
    // or has none to reset
    const closed = ({ end, raw, run }: World): void => {
      end.onEvent = (event) => event.type === 'request' && end.http.respond(0, event.id, OK, true);
      for (let n = 0; n < 300; n++) {
        raw.say(raw.headers(2 * n + 1, GET, true));
        run();
      }
    };
    allowance(LIMITS.resets, 0, (n) => data(2 * n + 1, '00'), closed);
  },
  resetStreams() {
    const { value } = LIMITS.resetStreams;
    const { end, raw, run } = http2Against('server', { maxConcurrentStreams: 1_000 });
    for (let i = 0; i <= value; i++) raw.say(raw.headers(2 * i + 1, POST));
    run();
    for (let i = 0; i <= value; i++) end.http.cancel(0, 2 * i + 1);
    run();
    raw.hear();
    raw.say(data(3, '00'), data(2 * value + 1, '00'));
    run();
    expect(raw.hear()).toEqual([]); // passed over
    raw.say(data(1, '00')); // the oldest, forgotten: like any that is closed
    run();
    expect(raw.hear()).toMatchObject([{ type: RST_STREAM, stream: 1, payload: uint32(H2.STREAM_CLOSED) }]);
  },
  openedRanges() {
    const { value } = LIMITS.openedRanges;
    const world = (skipped: number): End => {
      const { end, raw, run } = http2Against('server', { maxConcurrentStreams: 1_000 });
      for (let i = 0; i <= value; i++) raw.say(raw.headers(4 * i + 3, GET, true)); // every other one
      run();
      raw.say(raw.headers(skipped, GET, true));
      run();
      return end;
    };
    expect(world(4 * value + 1).events('closed')).toMatchObject([{ code: H2.PROTOCOL_ERROR }]);
    expect(world(5).events('closed')).toMatchObject([{ code: H2.STREAM_CLOSED }]); // as if it had been open once
  },
  pushes() {
    const { end, raw, run } = http2Against('client');
    end.http.request(0, GET, true);
    run();
    raw.say(frame(5, 4, 1, '0000000282'));
    run();
    expectClosed(end, LIMITS.pushes);
  },
  settingsTime() {
    const { end, run } = http2Against('server', { preface: false });
    expect(end.http.nextTimeout()).toBe(LIMITS.settingsTime.value);
    end.http.onTimeout(LIMITS.settingsTime.value);
    run();
    expectClosed(end, LIMITS.settingsTime);
  },
  closeTime() {
    const { end, run } = http2Against('server');
    end.http.close(7);
    run();
    expect(end.http.nextTimeout()).toBe(LIMITS.closeTime.value + 7);
    end.http.onTimeout(LIMITS.closeTime.value + 7);
    expect(end.transport.aborted).toBeDefined();
  },
  faultTime() {
    const { end, raw, run } = http2Against('server');
    end.now = 7;
    end.transport.stuck = true; // not even the last frame is taken
    raw.say(frame(PING, 0, 1, EIGHT));
    run();
    expect([end.http.closed, end.http.nextTimeout()]).toEqual([true, LIMITS.faultTime.value + 7]);
    end.http.onTimeout(LIMITS.faultTime.value + 7);
    expect([end.transport.aborted === undefined, end.http.nextTimeout()]).toEqual([false, NEVER]);
  },
  tableSize() {
    for (const [size, more] of [
      [undefined, 0],
      [undefined, 1],
      [100, 0],
      [100, 1],
    ] as const) {
      const { end, raw, run } = http2Against('server', size === undefined ? {} : { headerTableSize: size });
      raw.encoder.setMaxTableSize(0);
      raw.say(raw.headers(1, GET, true)); // says that its table is 0
      const octets = (size ?? LIMITS.tableSize.value) + more;
      raw.say(
        frame(
          HEADERS,
          5,
          3,
          concat(Uint8Array.of(0x3f, ((octets - 31) & 0x7f) | 0x80, (octets - 31) >>> 7), Uint8Array.of(0x82, 0x86, 0x84)),
        ),
      );
      run();
      if (more > 0) expectClosed(end, LIMITS.tableSize);
      else expect(end.http.closed).toBe(false);
    }
  },
  frameSize() {
    upToAndBeyond(LIMITS.frameSize, 'server', ({ raw }, count) => raw.say(frame(0x42, 0, 0, new Uint8Array(count))));
    upToAndBeyond(
      { ...LIMITS.frameSize, value: 100_000 },
      'server',
      ({ raw }, count) => raw.say(frame(0x42, 0, 0, new Uint8Array(count))),
      {
        maxFrameSize: 100_000,
      },
    );
  },
  settings() {
    upToAndBeyond(LIMITS.settings, 'client', ({ raw }, count) => raw.say(frame(SETTINGS, 0, 0, new Uint8Array(6 * count).fill(0x11))));
  },
  settingsFrames() {
    allowance(LIMITS.settingsFrames, 2, () => frame(SETTINGS, 0, 0));
    allowance(LIMITS.settingsFrames, 2, () => frame(SETTINGS, 1, 0));
  },
  pings() {
    allowance(LIMITS.pings, 0, () => frame(PING, 0, 0, EIGHT));
    allowance(LIMITS.pings, 0, () => frame(PING, 1, 0, EIGHT));
  },
  windowUpdates() {
    const { value } = LIMITS.windowUpdates;
    upToAndBeyond(LIMITS.windowUpdates, 'server', ({ raw }, count) => raw.say(times(count, windowUpdate(0, 1))));
    const { end, raw, run } = http2Against('server', { settings: '000400000000' });
    raw.say(raw.headers(1, GET, true));
    run();
    end.http.respond(0, 1, OK, false);
    end.http.writeBody(0, 1, pattern(100));
    for (let i = 0; i < 100; i++) {
      raw.say(windowUpdate(1, 1)); // an octet each: a frame each
      run();
    }
    raw.say(times(value + 900, windowUpdate(0, 1)));
    run();
    expect(end.http.closed).toBe(false);
    raw.say(times(100, windowUpdate(0, 1)));
    run();
    expectClosed(end, LIMITS.windowUpdates);
  },
  priorities() {
    allowance(LIMITS.priorities, 0, (n) => frame(PRIORITY, 0, 2 * n + 1, '0000000010'));
    allowance(LIMITS.priorities, 0, () => frame(PRIORITY_UPDATE, 0, 0, concat(uint32(1), utf8('u=1'))));
  },
  ignoredFrames() {
    const { value } = LIMITS.ignoredFrames;
    upToAndBeyond(LIMITS.ignoredFrames, 'client', ({ raw }, count) => raw.say(times(count, frame(0x42, 0, 0))));
    upToAndBeyond(LIMITS.ignoredFrames, 'server', ({ raw }, count) => raw.say(raw.headers(1, POST), times(count, data(1, ''))));
    upToAndBeyond(LIMITS.ignoredFrames, 'server', ({ raw }, count) => raw.say(raw.headers(1, POST), times(count, frame(0, 8, 1, '0100'))));
    // fields of a stream that we have reset
    upToAndBeyond(LIMITS.ignoredFrames, 'server', ({ end, raw, run }, count) => {
      raw.say(raw.headers(1, POST));
      run();
      end.http.cancel(0, 1);
      raw.say(times(count, frame(HEADERS, 4, 1, '82')));
    });
    const { end, raw, run } = http2Against('server');
    raw.say(raw.headers(1, POST));
    for (let i = 0; i < 10; i++) raw.say(times(value, data(1, '')), data(1, '00')); // not in a row
    run();
    expect(end.http.closed).toBe(false);
  },
  goaways() {
    upToAndBeyond(LIMITS.goaways, 'client', ({ raw }, count) => raw.say(times(count, frame(GOAWAY, 0, 0, uint32(0, 0)))));
  },
  answers() {
    // nobody takes what we say; each of these asks for an answer
    const { value } = LIMITS.answers;
    for (const more of [0, 1]) {
      const { end, raw } = http2Against('server');
      end.transport.stuck = true;
      for (let n = 0; n < value + more; n++) {
        end.now += SECOND / 10; // slower than any allowance
        raw.say(frame(PING, 0, 0, EIGHT));
        raw.transport.deliver();
        end.turn();
      }
      end.transport.stuck = false;
      run(end, raw.transport);
      if (more > 0) expectClosed(end, LIMITS.answers);
      else expect(end.http.closed).toBe(false);
    }
  },
  earlyPriorities() {
    const { value } = LIMITS.earlyPriorities;
    const { end, raw, run } = http2Against('server', { maxConcurrentStreams: 1_000, scheduler: strictUrgency() });
    for (let i = 0; i <= value; i++) raw.say(frame(PRIORITY_UPDATE, 0, 0, concat(uint32(2 * i + 1), utf8('u=7'))));
    run();
    for (let i = 0; i <= value; i++) raw.say(raw.headers(2 * i + 1, GET, true));
    run();
    raw.hear();
    for (const { id } of [...end.events('request')].reverse()) end.http.respond(0, id, OK, true);
    run();
    expect(raw.hear()[0]!.stream).toBe(1); // of the first it was forgotten that it can wait
  },
  priorityUpdates() {
    const { client, server, run } = http2Pair();
    const { value } = LIMITS.priorityUpdates;
    const id = client.http.request(0, POST, false)!;
    run();
    client.transport.stuck = true;
    for (let i = 0; i < 10 * value; i++) client.http.prioritize(0, id, { urgency: i % 8, incremental: false });
    client.turn();
    client.transport.stuck = false;
    const before = client.transport.said().length;
    run();
    const frames = (client.transport.said().length - before) / (9 + 4 + 3); // those of the default priority are shorter
    expect(frames).toBeLessThanOrEqual(value);
    expect(frames).toBeGreaterThan(value / 2);
    expect(server.http.closed).toBe(false);
  },
} satisfies Record<keyof typeof LIMITS, () => void>;

const table = Object.entries<Limit>(LIMITS);

describe('beyond the limit (RFC 9113 §10.5, §10.5.1)', () => {
  test.each(table)('%s', (name) => beyond[name as keyof typeof LIMITS]());

  test('a bomb of HPACK is refused like a list of its size, whatever it costs the sender (CVE-2016-6581)', () => {
    const { end, raw, run } = http2Against('server');
    const block = concat(raw.block([...POST, ['x-bomb', 'y'.repeat(3_000)]]), new Uint8Array(16_000).fill(0xbe)); // 48 MB
    raw.say(frame(HEADERS, 0, 1, block.subarray(0, 16_384)), frame(CONTINUATION, 4, 1, block.subarray(16_384)));
    run();
    expect(end.events('request')).toEqual([]);
    expect(raw.hear()[0]!.fields).toEqual([[':status', '431']]);
  });

  test('content in frames of one octet costs little more than its octets', () => {
    const { end, raw, run } = http2Against('server');
    raw.say(raw.headers(1, POST));
    for (let i = 0; i < 100; i++) raw.say(times(1_000, data(1, '61')));
    run();
    let pieces = 0;
    let octets = 0;
    for (let piece = end.http.readBody(0, 1); piece !== undefined; piece = end.http.readBody(0, 1)) {
      pieces++;
      octets += piece.data.length;
    }
    expect(octets).toBe(100_000);
    expect(pieces).toBeLessThan(50);
  });

  test('a piece that is read late does not keep what came with it', () => {
    const { end, raw, run } = http2Against('server');
    raw.say(raw.headers(1, POST));
    run();
    raw.transport.peer.push(concat(data(1, '01'), frame(0x42, 0, 0, new Uint8Array(16_000)))); // in one piece
    end.turn();
    run();
    expect(end.http.readBody(0, 1)!.data.buffer.byteLength).toBeLessThan(100);
  });
});

test('every limit says what becomes of what is beyond it, and why', () => {
  const outcomes: readonly Beyond[] = ['refused', 'oldest goes', 'dropped', 'waits', 'aborted'];
  expect(Object.keys(beyond)).toEqual(Object.keys(LIMITS));
  for (const [name, limit] of table) {
    expect([name, limit.value >= 0, limit.reason.length > 0]).toEqual([name, true, true]);
    expect(outcomes.includes(limit.beyond) || limit.beyond.replace('exchange: ', '') in H2).toBe(true);
  }
});

test('LIMITS.md is made from the table: pnpm vitest run … -u writes it anew', async () => {
  const rows = table.map(
    ([name, { value, unit, option, perSecond, beyond, reason }]) =>
      `| ${name}${option === undefined ? '' : `<br>\`${option}\``} | ${value.toLocaleString('en-US')}${perSecond === undefined ? '' : `, ${perSecond} more each second`} | ${unit} | ${beyond} | ${reason} |`,
  );
  const lines = [
    '# What a peer can make HTTP/2 keep or do, and where that ends',
    '',
    'Made from `src/limits.ts` by `test/limits.test.ts`, which has a test that goes beyond each. Those with an option are its defaults.',
    'A code alone closes the connection.',
    '',
    '| limit | value | of what | beyond it | why |',
    '| --- | ---: | --- | --- | --- |',
    ...rows,
    '',
  ];
  await expect(lines.join('\n')).toMatchFileSnapshot('../LIMITS.md');
});
