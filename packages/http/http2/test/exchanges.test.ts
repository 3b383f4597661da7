import { concat, sameBytes, utf8 } from '@quiclab/bytes';
import { type MappedKind, UsageError } from '@quiclab/http-semantics';
import { H2, type Http2Observer, LIMITS, STREAM_TRANSITIONS, type StreamInput, type StreamState } from '@quiclab/http2';
import { integerBelow, SECOND, seededRandom } from '@quiclab/sansio';
import { follow, sequential, strictUrgency } from '@quiclab/streams';
import { describe, expect, test } from 'vitest';
import {
  data,
  echoAll,
  type Fields,
  frame,
  GET,
  http2Against,
  http2Pair,
  OK,
  type Options,
  POST,
  pattern,
  reset,
  uint32,
  windowUpdate,
} from './world.ts';

const [RST_STREAM, GOAWAY, WINDOW_UPDATE] = [3, 7, 8];

describe('an exchange (RFC 9113 §8.1)', () => {
  test('carries fields and content both ways, and is forgotten when both are through', () => {
    const { client, server, run } = http2Pair();
    const id = client.http.request(0, [...POST, ['x-name', 'value']], false)!;
    expect(client.http.writeBody(0, id, utf8('question'))).toBe(8);
    client.http.finish(0, id);
    run();
    expect(server.events('request')).toEqual([
      { type: 'request', id: 1, fields: [...POST, ['x-name', 'value']], end: false, early: false },
    ]);
    expect(server.readAll(id)).toEqual({ data: utf8('question'), fin: true });
    server.http.respond(0, id, [...OK, ['content-length', '6']], false);
    server.http.writeBody(0, id, utf8('answer'));
    server.http.finish(0, id);
    run();
    expect(client.events('response')).toEqual([
      { type: 'response', id, status: 200, fields: [...OK, ['content-length', '6']], informational: false, end: false },
    ]);
    expect(client.readAll(id)).toEqual({ data: utf8('answer'), fin: true });
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
    expect([client.http.closed, server.http.closed]).toEqual([false, false]);
  });

  test('without content says so with its head', () => {
    const { client, server, run } = http2Pair();
    const id = client.http.request(0, GET, true)!;
    run();
    expect(server.events('request')[0]!.end).toBe(true);
    server.http.respond(0, id, [[':status', '204']], true);
    run();
    expect(client.events('response')[0]).toMatchObject({ status: 204, end: true });
    expect(client.events('body-readable')).toEqual([]);
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
  });

  test('may have informational responses before the final one (RFC 9110 §15.2)', () => {
    const { client, server, run } = http2Pair();
    const id = client.http.request(0, GET, true)!;
    run();
    server.http.respond(0, id, [[':status', '103']], false);
    server.http.respond(0, id, [[':status', '103']], false);
    server.http.respond(0, id, OK, true);
    run();
    expect(client.events('response').map(({ status, informational, end }) => [status, informational, end])).toEqual([
      [103, true, false],
      [103, true, false],
      [200, false, true],
    ]);
  });

  test('has trailers after its content, or without any', () => {
    const { client, server, run } = http2Pair();
    const id = client.http.request(0, POST, false)!;
    client.http.finish(0, id, [['x-check', '1']]);
    run();
    expect(server.readAll(id)).toEqual({ data: new Uint8Array(0), fin: true });
    expect(server.events('trailers')).toEqual([{ type: 'trailers', id, fields: [['x-check', '1']] }]);
    server.http.respond(0, id, OK, false);
    server.http.writeBody(0, id, utf8('body'));
    server.http.finish(0, id, [['x-check', '2']]);
    run();
    expect(client.readAll(id)).toEqual({ data: utf8('body'), fin: true });
    expect(client.events('trailers')).toEqual([{ type: 'trailers', id, fields: [['x-check', '2']] }]);
  });

  test('HEAD, 204 and 304 have no content, whatever the server writes (RFC 9110 §6.4.1)', () => {
    const { client, server, run } = http2Pair();
    server.onEvent = (event) => {
      if (event.type !== 'request') return;
      const status = event.fields[0]![1] === 'HEAD' ? '200' : '304';
      server.http.respond(
        0,
        event.id,
        [
          [':status', status],
          ['content-length', '5'],
        ],
        false,
      );
      expect(server.http.writeBody(0, event.id, utf8('hello'))).toBe(5);
      server.http.finish(0, event.id);
    };
    const ids = [client.http.request(0, [[':method', 'HEAD'], ...GET.slice(1)], true)!, client.http.request(0, GET, true)!];
    run();
    expect(client.events('response').map(({ id, status, end }) => [id, status, end])).toEqual([
      [ids[0], 200, true],
      [ids[1], 304, true],
    ]);
    expect(client.events('failed')).toEqual([]);
  });

  test('the response may be complete before the request is: RST_STREAM with NO_ERROR, and the response stays', () => {
    const { client, server, run } = http2Pair({}, { streamWindow: 1_000 });
    const id = client.http.request(0, POST, false)!;
    client.http.writeBody(0, id, pattern(50_000));
    run();
    server.http.respond(0, id, OK, false);
    server.http.writeBody(0, id, utf8('enough'));
    server.http.finish(0, id);
    server.http.stopReading(0, id);
    run();
    expect(client.events('stopped')).toEqual([{ type: 'stopped', id, code: H2.NO_ERROR }]);
    expect(client.events('reset')).toEqual([]);
    expect(client.readAll(id)).toEqual({ data: utf8('enough'), fin: true });
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
  });

  test('an exchange that was given up tells the other end, which may know that nothing was done (§8.7)', () => {
    const { client, server, run } = http2Pair();
    const ids = [0, 1].map(() => client.http.request(0, POST, false)!);
    run();
    client.http.cancel(0, ids[0]!);
    server.http.cancel(0, ids[1]!, H2.REFUSED_STREAM);
    run();
    expect(server.events('reset')).toEqual([{ type: 'reset', id: ids[0], code: H2.CANCEL, unprocessed: false }]);
    expect(server.events('stopped')).toEqual([{ type: 'stopped', id: ids[0], code: H2.CANCEL }]);
    expect(client.events('reset')).toEqual([{ type: 'reset', id: ids[1], code: H2.REFUSED_STREAM, unprocessed: true }]);
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
  });

  test('a request that is complete, and whose response is not wanted any more, is stopped', () => {
    const { client, server, run } = http2Pair();
    const id = client.http.request(0, GET, true)!;
    run();
    server.http.respond(0, id, OK, false);
    server.http.writeBody(0, id, pattern(100_000));
    client.onEvent = ({ type }) => type === 'body-readable' && client.http.stopReading(0, id);
    run();
    expect(server.events('stopped')).toEqual([{ type: 'stopped', id, code: H2.CANCEL }]);
    expect(server.events('reset')).toEqual([]);
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
  });

  test('CONNECT makes a tunnel, whose octets are no content (§8.5)', () => {
    const { client, server, run } = http2Pair();
    const fields: Fields = [
      [':method', 'CONNECT'],
      [':authority', 'example.com:443'],
    ];
    const id = client.http.request(0, fields, false)!;
    run();
    server.http.respond(0, id, OK, false);
    server.http.writeBody(0, id, utf8('there'));
    client.http.writeBody(0, id, utf8('back'));
    run();
    expect([client.readAll(id), server.readAll(id)]).toEqual([
      { data: utf8('there'), fin: false },
      { data: utf8('back'), fin: false },
    ]);
    for (const end of [client, server]) expect(() => end.http.finish(0, id, [['t', '1']])).toThrow(/in a tunnel/);
    client.http.finish(0, id);
    server.http.finish(0, id);
    run();
    expect([client.readAll(id).fin, server.readAll(id).fin]).toEqual([true, true]);
  });

  test('CONNECT with :protocol, where the server takes it (RFC 8441 §3, §4)', () => {
    const websocket: Fields = [
      [':method', 'CONNECT'],
      [':protocol', 'websocket'],
      [':scheme', 'https'],
      [':path', '/chat'],
      [':authority', 'example.com'],
    ];
    const { client, server, run } = http2Pair({}, {}, { server: { enableConnectProtocol: true } });
    expect(() => client.http.request(0, websocket, false)).toThrow(UsageError); // the server did not say so yet
    run();
    expect(client.events('settings')[0]!.settings).toContainEqual([8, 1]);
    const id = client.http.request(0, websocket, false)!;
    run();
    expect(server.events('request')).toMatchObject([{ id, fields: websocket, end: false }]);
    server.http.respond(0, id, OK, false);
    server.http.writeBody(0, id, utf8('frame'));
    run();
    expect(client.readAll(id).data).toEqual(utf8('frame'));
    const other = http2Pair();
    other.run();
    expect(() => other.client.http.request(0, websocket, false)).toThrow(/':protocol', which has no meaning here/);
  });

  test('calls for exchanges that are over, or never were, mean nothing', () => {
    const { client, run } = http2Pair();
    const id = client.http.request(0, GET, true)!;
    client.http.cancel(0, id);
    run();
    for (const gone of [id, 99]) {
      expect(client.http.writeBody(0, gone, utf8('x'))).toBe(0);
      expect(client.http.readBody(0, gone)).toBeUndefined();
      client.http.finish(0, gone);
      client.http.stopReading(0, gone);
      client.http.cancel(0, gone);
      client.http.prioritize(0, gone, { urgency: 1, incremental: false });
    }
    run();
    expect(client.http.closed).toBe(false);
  });

  test('what we send is held to the rules that we hold the peer to', () => {
    const { client, server, run } = http2Pair({}, {}, { server: { maxFieldSectionSize: 300 } });
    expect(() => client.http.request(0, GET.slice(1), true)).toThrow(UsageError);
    expect(() => client.http.request(0, [...GET, ['connection', 'close']], true)).toThrow(/connection-specific/);
    expect(() => client.http.request(0, [...GET, ['content-length', '5']], true)).toThrow(/0 octets of content/);
    expect(() => server.http.request(0, GET, true)).toThrow(/makes no requests/);
    const id = client.http.request(0, [...POST, ['content-length', '5']], false)!;
    run();
    expect(() => client.http.request(0, [...GET, ['x-long', 'y'.repeat(100)]], true)).toThrow(/the server takes 300/);
    expect(() => client.http.finish(0, id)).toThrow(/content-length is 5/);
    expect(() => server.http.writeBody(0, id, utf8('x'))).toThrow(/before its header section/);
    expect(() => server.http.finish(0, id)).toThrow(/before its header section/);
    expect(() => server.http.respond(0, id, [[':status', '103']], true)).toThrow(/cannot be the last/);
    server.http.respond(0, id, OK, false);
    expect(() => server.http.respond(0, id, OK, false)).toThrow(/has its response/);
    expect(() => server.http.finish(0, id, [[':status', '200']])).toThrow(/trailer section is malformed/);
    expect(client.http.closed).toBe(false);
  });
});

describe('many at once', () => {
  test('in any split of the stream, with any sizes of windows and frames, contents stay apart', () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = seededRandom(seed);
      const bodies = Array.from({ length: 12 }, (_, i) => pattern(integerBelow(random, 40_000), random.at(i)));
      const options: Options = {
        maxQueued: 1 + integerBelow(random, 20_000),
        frameSize: 10 + integerBelow(random, 20_000),
        streamWindow: 1 + integerBelow(random, 30_000),
        maxStreamWindow: 100_000,
        connectionWindow: 65_535 + integerBelow(random, 60_000),
        maxConnectionWindow: 200_000,
      };
      const transport = { random: random.fork('splits'), sendBuffer: 1 + integerBelow(random, 9_000), receiveWindow: 5_000 };
      echoAll(http2Pair(transport, options), bodies);
    }
  });

  test('500 requests wait for room, and are told when there is some (§5.1.2)', () => {
    const { client, server, run } = http2Pair({}, {}, { server: { maxConcurrentStreams: 7 } });
    run();
    let made = 0;
    let most = 0;
    const make = (): void => {
      while (made < 500 && client.http.request(0, GET, true) !== undefined) made++;
      most = Math.max(most, client.http.openExchanges);
    };
    client.onEvent = ({ type }) => type === 'requests-available' && make();
    server.onEvent = (event) => event.type === 'request' && server.http.respond(0, event.id, OK, true);
    make();
    expect(made).toBe(7);
    run();
    expect([made, most, client.events('response').length, server.events('request').length]).toEqual([500, 7, 500, 500]);
  });

  test('no request is made while much waits for the transport, and when there is room again that is told', () => {
    const { client, server, run } = http2Pair();
    run();
    client.transport.stuck = true;
    const long: Fields = [...GET, ['x-long', '~'.repeat(20_000)]];
    let made = 0;
    while (client.http.request(0, [...long, ['x-n', String(made)]], true) !== undefined) made++;
    expect(made).toBeGreaterThan(2);
    for (let i = 0; i < made; i++) client.http.cancel(0, 2 * i + 1); // what was laid out is not taken back
    client.turn();
    expect(client.events('requests-available')).toEqual([]);
    client.transport.stuck = false;
    run();
    expect(client.events('requests-available')).toHaveLength(1);
    expect(client.http.request(0, GET, true)).toBeDefined();
    run();
    expect(server.events('request').at(-1)).toMatchObject({ fields: GET });
  });

  test('before the server has said how many, a client opens a hundred (§6.5.2)', () => {
    const { client } = http2Pair();
    for (let i = 0; i < 100; i++) expect(client.http.request(0, GET, true)).toBe(2 * i + 1);
    expect(client.http.request(0, GET, true)).toBeUndefined();
  });

  test('content is laid out when the transport takes it: in turn, a frame each', () => {
    const frames: [number, number][] = [];
    const observer = {
      frameMapped: (...[, exchange, , , length, , kind]: [string, number, number, number, number, number, MappedKind]) => {
        if (kind === 'data') frames.push([exchange, length]);
      },
    };
    const { client, server, run } = http2Pair({ sendBuffer: 3_000, receiveWindow: 3_000 }, { frameSize: 2_500 }, { client: { observer } });
    const ids = [0, 1, 2].map(() => client.http.request(0, POST, false)!);
    for (const id of ids) client.http.writeBody(0, id, pattern(10_000));
    server.onEvent = (event) => event.type === 'body-readable' && server.readAll(event.id);
    run();
    expect(frames.slice(0, 6).map(([id]) => id)).toEqual([1, 3, 5, 1, 3, 5]);
    expect(frames[0]![1]).toBe(2_500);
    expect(Math.max(...frames.map(([, length]) => length))).toBe(2_500);
  });

  test('a scheduler decides whose frame is next (RFC 9218 §10)', () => {
    for (const [scheduler, order] of [
      [sequential, [1, 3, 5]],
      [strictUrgency, [5, 1, 3]],
    ] as const) {
      const ended: number[] = [];
      const { client, server, run } = http2Pair({ sendBuffer: 3_000 }, {}, { server: { scheduler: scheduler(), frameSize: 1_400 } });
      const urgencies = ['u=3', 'u=5', 'u=1'];
      for (const urgency of urgencies) client.http.request(0, [...GET, ['priority', urgency]], true);
      server.onEvent = (event) => {
        if (event.type !== 'request') return;
        server.http.respond(0, event.id, OK, false);
        server.http.writeBody(0, event.id, pattern(20_000));
        server.http.finish(0, event.id);
      };
      client.onEvent = (event) => {
        if (event.type === 'body-readable' && client.readAll(event.id).fin) ended.push(event.id);
      };
      run();
      expect(ended).toEqual(order);
    }
  });
});

describe('priorities (RFC 9218)', () => {
  const update = (stream: number, value: string): Uint8Array => frame(0x10, 0, 0, concat(uint32(stream), utf8(value)));
  /** The order in which responses to three requests end, if the client says this between them and their content. */
  function order(...said: Uint8Array[]): number[] {
    const ended: number[] = [];
    const { end, raw, run } = http2Against('server', { scheduler: strictUrgency(), transport: { sendBuffer: 2_000 } });
    for (const stream of [1, 3, 5]) raw.say(raw.headers(stream, GET, true));
    run();
    raw.say(...said);
    run();
    for (const { id } of end.events('request')) {
      end.http.respond(0, id, OK, false);
      end.http.writeBody(0, id, pattern(15_000));
      end.http.finish(0, id);
    }
    run();
    for (const { flags, stream } of raw.hear()) if ((flags & 1) !== 0) ended.push(stream);
    return ended;
  }

  test('PRIORITY_UPDATE orders responses, the last one counts (§7.1)', () => {
    expect(order()).toEqual([1, 3, 5]);
    expect(order(update(5, 'u=0'), update(1, 'u=7'))).toEqual([5, 3, 1]);
    expect(order(update(5, 'u=0'), update(5, 'u=5'))).toEqual([1, 3, 5]);
  });

  test('one that comes before its request is kept, and overrides the field; that of a stream that is passed over is not', () => {
    const { end, raw, run } = http2Against('server', { scheduler: strictUrgency() });
    raw.say(update(3, 'u=1'), update(5, 'u=0'), update(7, 'u=2'));
    raw.say(raw.headers(1, GET, true), raw.headers(5, [...GET, ['priority', 'u=7']], true));
    run();
    expect(end.events('request').map(({ id }) => id)).toEqual([1, 5]);
    for (const id of [1, 5]) end.http.respond(0, id, OK, true);
    run();
    expect(raw.hear().filter(({ type }) => type === 1)).toMatchObject([{ stream: 5 }, { stream: 1 }]);
  });

  test('a client says them to servers that heed them, or that have not said yet (§2.1.1)', () => {
    const heeds = (settings: string): boolean => {
      const { end, raw, run } = http2Against('client', { settings });
      const id = end.http.request(0, GET, true)!;
      end.http.prioritize(0, id, { urgency: 1, incremental: true });
      run();
      const said = raw.hear().filter(({ type }) => type === 0x10);
      if (said.length > 0) expect(said).toMatchObject([{ stream: 0, payload: concat(uint32(1), utf8('u=1, i')) }]);
      return said.length > 0;
    };
    expect([heeds('000900000001'), heeds('000900000000'), heeds('')]).toEqual([true, false, false]);
    const early = http2Pair();
    const id = early.client.http.request(0, GET, true)!;
    early.client.http.prioritize(0, id, { urgency: 0, incremental: false });
    early.run();
    expect(early.server.http.closed).toBe(false);
  });
});

describe('flow control (RFC 9113 §6.9)', () => {
  test('a window stops content, not fields; credit lets it go on', () => {
    const { end, raw, run } = http2Against('client', { settings: '000400000064' }); // 100 octets for each stream
    const id = end.http.request(0, POST, false)!;
    end.http.writeBody(0, id, pattern(250));
    end.http.finish(0, id, [['x-end', '1']]);
    run();
    expect(raw.hear().map(({ type, payload }) => [type, type === 0 ? payload.length : 0])).toEqual([
      [1, 0],
      [0, 100],
    ]);
    expect(end.http.request(0, GET, true)).toBe(3);
    run();
    expect(raw.hear().map(({ type, stream }) => [type, stream])).toEqual([[1, 3]]);
    raw.say(windowUpdate(id, 50));
    run();
    expect(raw.hear().map(({ payload }) => payload.length)).toEqual([50]);
    raw.say(windowUpdate(id, 1_000));
    run();
    expect(raw.hear().map(({ type, flags }) => [type, flags])).toEqual([
      [0, 0],
      [1, 5],
    ]);
  });

  test('the window of the connection stops all content, and lets it go on where it stopped', () => {
    const { end, raw, run } = http2Against('client', { settings: '000400100000', maxQueued: 1 << 20 });
    const ids = [0, 1].map(() => end.http.request(0, POST, false)!);
    for (const id of ids) {
      end.http.writeBody(0, id, pattern(50_000));
      end.http.finish(0, id);
    }
    run();
    const sum = (): number => raw.hear().reduce((octets, { type, payload }) => octets + (type === 0 ? payload.length : 0), 0);
    expect(sum()).toBe(65_535);
    raw.say(windowUpdate(0, 1));
    run();
    expect(sum()).toBe(1);
    raw.say(windowUpdate(0, 100_000));
    run();
    expect(sum()).toBe(100_000 - 65_536);
  });

  test('SETTINGS change the windows of streams that are there, also below zero (§6.9.2)', () => {
    const { end, raw, run } = http2Against('client');
    const id = end.http.request(0, POST, false)!;
    end.http.writeBody(0, id, pattern(10_000));
    run();
    raw.hear();
    raw.say(frame(4, 0, 0, '000400000000')); // 10,000 below zero
    end.http.writeBody(0, id, pattern(1_000));
    run();
    const content = (): number[] =>
      raw
        .hear()
        .filter(({ type }) => type === 0)
        .map(({ payload }) => payload.length);
    expect(content()).toEqual([1_000]); // laid out before the change was heard
    end.http.writeBody(0, id, pattern(1_000));
    raw.say(windowUpdate(id, 11_000));
    run();
    expect(content()).toEqual([]);
    raw.say(windowUpdate(id, 1));
    run();
    expect(content()).toEqual([1]);
    raw.say(frame(4, 0, 0, '000400002710'));
    run();
    expect(content()).toEqual([999]);
  });

  test('an observer is told when credit is used up, and when there is some again (§5.2.1)', () => {
    const told: string[] = [];
    const observer: Http2Observer = {
      frameMapped: () => {},
      creditChanged: (exchange, usedUp) => told.push(`${exchange} ${usedUp ? 'used up' : 'some'}`),
    };
    const { end, raw, run } = http2Against('client', { settings: '00040000c350', maxQueued: 1 << 20, observer }); // 50,000 each
    const ids = [0, 1].map(() => end.http.request(0, POST, false)!);
    const heard = (): string[] => {
      run();
      raw.hear();
      return told.splice(0);
    };
    end.http.writeBody(0, ids[0]!, pattern(60_000));
    expect(heard()).toEqual(['1 used up']);
    end.http.writeBody(0, ids[1]!, pattern(20_000)); // 15,535 are left for all
    expect(heard()).toEqual(['-1 used up']);
    raw.say(windowUpdate(ids[0]!, 20_000));
    expect(heard()).toEqual(['1 some']);
    raw.say(windowUpdate(0, 100_000));
    expect(heard()).toEqual(['-1 some']);
    raw.say(frame(4, 0, 0, '000400000000')); // SETTINGS take back what streams began with
    expect(heard()).toEqual(['1 used up', '3 used up']);
  });

  test('the end of a message needs no credit (§6.9.1)', () => {
    const { end, raw, run } = http2Against('client', { settings: '000400000000' });
    const id = end.http.request(0, POST, false)!;
    run();
    end.http.finish(0, id);
    run();
    expect(raw.hear().at(-1)).toMatchObject({ type: 0, flags: 1, payload: { length: 0 } });
  });

  test('credit is given for what was read, when half of it is used up, and a window grows with a fast reader', () => {
    const { end, raw, run } = http2Against('server', { streamWindow: 70_000, maxStreamWindow: 200_000 });
    raw.say(raw.headers(1, POST));
    const more = (octets: number): void => {
      for (let left = octets; left > 0; left -= 10_000) raw.say(data(1, pattern(Math.min(left, 10_000))));
      run();
    };
    const credit = (): number =>
      raw
        .hear()
        .filter(({ type, stream }) => type === WINDOW_UPDATE && stream === 1)
        .reduce((sum, { payload }) => sum + ((payload[1]! << 16) | (payload[2]! << 8) | payload[3]!), 0);
    more(40_000);
    expect(credit()).toBe(0); // nobody reads
    end.now += SECOND; // slowly: the window stays
    end.readAll(1);
    run();
    expect(credit()).toBe(40_000);
    more(60_000);
    end.readAll(1); // at once: it doubles
    run();
    expect(credit()).toBeGreaterThan(60_000);
    end.now += SECOND;
    more(100_000);
    end.readAll(1);
    run();
    expect(credit()).toBeLessThanOrEqual(110_000); // what was read since the last time, and no more
  });

  test('windows of 2^31 - 1 never bind, and hardly anybody speaks of them', () => {
    const most = 0x7fff_ffff;
    const windows: Options = { streamWindow: most, maxStreamWindow: most, connectionWindow: most, maxConnectionWindow: most };
    const updates: number[] = [];
    const { client, server, run } = http2Pair({}, windows, {
      client: {
        maxQueued: 1 << 24,
        observer: { frameMapped: (...[, exchange, , , length]) => updates.push(exchange === -1 && length === 13 ? 1 : 0) },
      },
    });
    run();
    const id = client.http.request(0, POST, false)!;
    expect(client.http.writeBody(0, id, new Uint8Array(10_000_000))).toBe(10_000_000);
    client.http.finish(0, id);
    run();
    expect(server.readAll(id)).toMatchObject({ data: { length: 10_000_000 }, fin: true });
    expect(updates.reduce((sum, update) => sum + update, 0)).toBe(2); // each end's first
    expect(client.http.closed).toBe(false);
  });

  test('a stream that nobody reads holds itself up, and no other', () => {
    const { client, server, run } = http2Pair({}, { streamWindow: 70_000, maxStreamWindow: 70_000 });
    const [slow, fast] = [client.http.request(0, GET, true)!, client.http.request(0, GET, true)!];
    const left = new Map([slow, fast].map((id) => [id, 500_000]));
    const write = (id: number): void => {
      const length = left.get(id)!;
      const taken = server.http.writeBody(0, id, new Uint8Array(length));
      left.set(id, length - taken);
      if (taken === length) server.http.finish(0, id);
    };
    server.onEvent = (event) => {
      if (event.type === 'request') server.http.respond(0, event.id, OK, false);
      if (event.type === 'request' || event.type === 'body-writable') write(event.id);
    };
    let read = 0;
    client.onEvent = (event) => {
      if (event.type === 'body-readable' && event.id === fast) read += client.readAll(fast).data.length;
    };
    run();
    expect(read).toBe(500_000);
    expect(left.get(slow)).toBeGreaterThanOrEqual(500_000 - 70_000 - LIMITS.queued.value);
    let late = client.readAll(slow).data.length;
    client.onEvent = (event) => {
      if (event.type === 'body-readable') late += client.readAll(slow).data.length;
    };
    run();
    expect(late).toBe(500_000);
  });

  test('a small window holds from the acknowledgment on; until then a peer may use the usual one (§6.9.3)', () => {
    const { end, raw, run } = http2Against('server', { streamWindow: 1_000, preface: false });
    raw.say(new Uint8Array([...utf8('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')]), frame(4, 0, 0), raw.headers(1, POST));
    for (let i = 0; i < 6; i++) raw.say(data(1, pattern(10_000)));
    run();
    expect(end.events('failed')).toEqual([]);
    raw.say(frame(4, 1, 0), raw.headers(3, POST), data(3, pattern(1_000)), data(1, pattern(1)), data(3, pattern(1)));
    run();
    expect(end.events('failed').map(({ id, code }) => [id, code])).toEqual([
      [1, H2.FLOW_CONTROL_ERROR],
      [3, H2.FLOW_CONTROL_ERROR],
    ]);
  });

  test('what nobody wants is credited to the connection (§6.9)', () => {
    const { end, raw, run } = http2Against('server', { connectionWindow: 65_535, maxConnectionWindow: 65_535 });
    for (let i = 0; i < 10; i++) {
      raw.say(raw.headers(2 * i + 1, POST), data(2 * i + 1, pattern(15_000)));
      run();
      if (i % 2 === 0) end.http.cancel(0, 2 * i + 1);
      else end.http.stopReading(0, 2 * i + 1);
      raw.say(data(2 * i + 1, pattern(15_000))); // on its way already
      run();
    }
    expect(end.http.closed).toBe(false);
    const credit = raw.hear().filter(({ type, stream }) => type === WINDOW_UPDATE && stream === 0);
    expect(credit.length).toBeGreaterThan(3);
  });
});

describe('the end of a connection (RFC 9113 §5.4.1, §6.8)', () => {
  test('a server says goodbye twice, a round trip apart: requests on their way are still taken', () => {
    const { client, server, run } = http2Pair();
    server.onEvent = (event) => event.type === 'request' && server.http.respond(0, event.id, OK, true);
    client.http.request(0, GET, true);
    run();
    server.http.goaway(0);
    const late = client.http.request(0, GET, true)!; // has not heard of it
    run();
    expect(client.events('goaway').map(({ id }) => id)).toEqual([2 ** 31, late + 1]);
    expect(client.events('response')).toHaveLength(2);
    expect(client.http.request(0, GET, true)).toBeUndefined();
    expect([client.http.acceptsRequests, server.http.acceptsRequests, client.http.closed]).toEqual([false, false, false]);
  });

  test('requests beyond the last stream of a GOAWAY were not processed, and may be sent again', () => {
    const { end, raw, run } = http2Against('client');
    const ids = [0, 1, 2].map(() => end.http.request(0, POST, false)!);
    run();
    raw.say(frame(GOAWAY, 0, 0, uint32(ids[0]!, 0)));
    run();
    expect(end.events('failed').map(({ id, unprocessed }) => [id, unprocessed])).toEqual([
      [ids[1], true],
      [ids[2], true],
    ]);
    raw.say(raw.headers(ids[0]!, OK, true));
    run();
    expect(end.events('response')).toHaveLength(1);
  });

  test('after its last GOAWAY a server decodes what comes on new streams, and does nothing else', () => {
    const { end, raw, run } = http2Against('server');
    raw.say(raw.headers(1, [...POST, ['x-a', 'first']]));
    run();
    end.http.goaway(0);
    run();
    const ping = raw.hear().find(({ type }) => type === 6)!;
    raw.say(frame(6, 1, 0, ping.payload));
    run();
    expect(raw.hear()).toMatchObject([{ type: GOAWAY, payload: uint32(1, 0) }]);
    raw.say(raw.headers(3, [...POST, ['x-b', 'second']]), data(3, '00'), raw.headers(1, [['x-b', 'second']], true));
    run();
    expect(end.events('request')).toHaveLength(1);
    expect(end.events('trailers')).toMatchObject([{ fields: [['x-b', 'second']] }]);
  });

  test('close says so with GOAWAY, ends our direction, and reads the other to its end', () => {
    const { client, server, run } = http2Pair();
    const id = client.http.request(0, POST, false)!;
    run();
    server.http.close(0, H2.INTERNAL_ERROR, 'no reason');
    run();
    expect(server.events('closed')).toEqual([{ type: 'closed', code: H2.INTERNAL_ERROR, reason: 'no reason' }]);
    expect(client.events('goaway')).toEqual([{ type: 'goaway', id: id + 1 }]);
    expect(client.events('failed')).toMatchObject([{ id, unprocessed: false }]);
    expect(client.events('closed')).toHaveLength(1);
    expect([client.transport.finished, server.transport.finished]).toEqual([true, true]);
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
  });

  test('what was complete when the transport ended may still be read; what was not has failed; what never left was not processed', () => {
    const { end, raw, run } = http2Against('client', { transport: { sendBuffer: 1_000, receiveWindow: 2_000 } });
    const ids = [0, 1].map(() => end.http.request(0, GET, true)!);
    run();
    raw.say(raw.headers(ids[0]!, OK), data(ids[0]!, '0102', true), raw.headers(ids[1]!, OK), data(ids[1]!, '03'));
    raw.transport.finish();
    const third = end.http.request(0, [...GET, ['x-long', 'y'.repeat(9_000)]], true)!;
    run();
    expect(end.events('failed').map(({ id, unprocessed }) => [id, unprocessed])).toEqual([
      [ids[1], false],
      [third, true],
    ]);
    expect(end.readAll(ids[0]!)).toEqual({ data: Uint8Array.of(1, 2), fin: true });
    expect([end.http.closed, end.http.openExchanges]).toEqual([true, 0]);
  });

  test('a transport that is cut ends everything', () => {
    const { client, server, run } = http2Pair();
    client.http.request(0, GET, true);
    run();
    client.transport.cut();
    server.transport.cut();
    run();
    expect(client.events('failed')).toMatchObject([{ reason: 'the connection ended: cut' }]);
    expect(server.events('failed')).toHaveLength(1);
    expect([client.http.closed, server.http.closed]).toEqual([true, true]);
  });

  test('a peer that does not close is cut off, some time after our last frame', () => {
    const { end, run } = http2Against('server', { closeTimeout: 5 * SECOND });
    end.http.close(1_000);
    run();
    expect(end.http.nextTimeout()).toBe(5_001_000);
    end.http.onTimeout(5_000_999);
    expect(end.transport.aborted).toBeUndefined();
    end.http.onTimeout(5_001_000);
    expect([end.transport.aborted, end.http.nextTimeout()]).toEqual(['the peer does not close', Number.POSITIVE_INFINITY]);
  });

  test.each([
    [0, 3],
    [H2.PROTOCOL_ERROR, 1],
  ])('while it takes what was sent before it has longer, but not after a fault (code %i)', (code, patience) => {
    const { end, run } = http2Against('server', { closeTimeout: 5 * SECOND });
    end.transport.unacknowledged = 3_000;
    end.http.close(0, code);
    run();
    let waits = 0;
    for (const left of [2_000, 1, 1]) {
      if (end.transport.aborted !== undefined) break;
      waits++;
      expect(end.http.nextTimeout()).toBe(waits * 5 * SECOND);
      end.transport.unacknowledged = left;
      end.http.onTimeout(end.http.nextTimeout());
    }
    expect([waits, end.transport.aborted]).toEqual([patience, 'the peer does not close']);
  });
});

describe('whose octets (FrameObserver)', () => {
  interface Mapped {
    readonly exchange: number;
    readonly offset: number;
    readonly length: number;
    readonly headerLength: number;
    readonly kind: MappedKind;
  }
  type Maps = Record<'sent' | 'received', Mapped[]>;
  const maps = (): Maps => ({ sent: [], received: [] });
  const observer = (into: Maps) => ({
    frameMapped(
      direction: 'sent' | 'received',
      exchange: number,
      stream: number,
      offset: number,
      length: number,
      headerLength: number,
      kind: MappedKind,
    ) {
      expect(stream).toBe(0);
      into[direction].push({ exchange, offset, length, headerLength, kind });
    },
  });

  test('every octet is mapped once, and both ends say the same of it', () => {
    for (let seed = 0; seed < 10; seed++) {
      const random = seededRandom(`map ${seed}`);
      const [ofClient, ofServer] = [maps(), maps()];
      const pair = http2Pair(
        { random: random.fork('splits'), sendBuffer: 2_000, receiveWindow: 3_000 },
        { frameSize: 1_400, streamWindow: 5_000 },
        { client: { observer: observer(ofClient) }, server: { observer: observer(ofServer) } },
      );
      const bodies = Array.from({ length: 6 }, (_, i) => pattern(integerBelow(random, 10_000), random.at(i)));
      echoAll(pair, bodies);
      const { client, server, run } = pair;
      const long = [...GET, ['x-long', '~'.repeat(40_000)]] as Fields; // needs CONTINUATION
      const id = client.http.request(0, long, true)!;
      const [late, given] = [client.http.request(0, POST, false)!, client.http.request(0, POST, false)!];
      server.onEvent = (event) => {
        if (event.type !== 'request' || event.id !== id) return;
        server.http.respond(0, id, [[':status', '103']], false);
        server.http.respond(0, id, OK, false);
        server.http.finish(0, id, [['t', '1']]);
      };
      run();
      client.http.finish(0, late);
      client.http.cancel(0, given);
      server.http.goaway(0);
      run();
      client.http.close(0);
      run();
      for (const [sender, sent, received] of [
        [client, ofClient.sent, ofServer.received],
        [server, ofServer.sent, ofClient.received],
      ] as const) {
        const length = sender.transport.said().length;
        let at = 0;
        for (const mapped of sent) {
          expect(mapped.offset).toBe(at);
          at += mapped.length;
        }
        expect(at).toBe(length);
        expect(received).toEqual(sender === client ? sent : sent.slice(0, -1)); // who has closed does not look at the last GOAWAY
      }
      const kinds = new Set([...ofClient.sent, ...ofServer.sent].map(({ kind }) => kind));
      expect(kinds).toEqual(new Set(['headers', 'data', 'trailers', 'end', 'reset', 'other']));
      const of = (exchange: number): Set<MappedKind> =>
        new Set(ofClient.sent.filter((mapped) => mapped.exchange === exchange).map(({ kind }) => kind));
      expect(of(-1)).toEqual(new Set(['other']));
      expect(of(given)).toEqual(new Set(['headers', 'reset']));
    }
  });

  test('frames are laid out as late as they can be: an urgent response that comes late is not behind what waits', () => {
    const laid: Mapped[] = [];
    const mapping = maps();
    const { client, server, run } = http2Pair(
      { sendBuffer: 2_000, receiveWindow: 2_000 },
      {},
      { server: { frameSize: 1_400, scheduler: strictUrgency(), observer: observer(mapping) } },
    );
    const bulk = client.http.request(0, [...GET, ['priority', 'u=7']], true)!;
    server.onEvent = (event) => {
      if (event.type !== 'request') return;
      server.http.respond(0, event.id, OK, false);
      server.http.writeBody(0, event.id, pattern(event.id === bulk ? 60_000 : 1_000));
      server.http.finish(0, event.id);
    };
    let urgent = 0;
    client.onEvent = (event) => {
      if (event.type === 'response' && event.id === bulk) urgent = client.http.request(0, [...GET, ['priority', 'u=0']], true)!;
      if (event.type === 'body-readable') client.readAll(event.id);
    };
    run();
    laid.push(...mapping.sent);
    const before = laid.slice(
      0,
      laid.findIndex(({ exchange }) => exchange === urgent),
    );
    const octets = before.filter(({ exchange }) => exchange === bulk).reduce((sum, { length }) => sum + length, 0);
    expect(octets).toBeLessThan(12_000); // of 60,000: what the transport held, and a batch
  });
});

test('content arrives as it was sent, however small the pieces in which it is written', () => {
  const { client, server, run } = http2Pair({ sendBuffer: 500, receiveWindow: 700 });
  const id = client.http.request(0, POST, false)!;
  const body = pattern(20_000);
  const pieces: Uint8Array[] = [];
  server.onEvent = (event) => event.type === 'body-readable' && pieces.push(server.readAll(id).data);
  for (let at = 0; at < body.length; at += 7) {
    expect(client.http.writeBody(0, id, body.subarray(at, at + 7))).toBe(Math.min(7, body.length - at));
    if (at % 1_001 === 0) run();
  }
  client.http.finish(0, id);
  run();
  expect(sameBytes(concat(...pieces), body)).toBe(true);
});

test('streams go through the states of RFC 9113 Figure 2, and nowhere else', () => {
  const path = (...inputs: StreamInput[]): StreamState =>
    inputs.reduce((state: StreamState, input) => follow(STREAM_TRANSITIONS, state, input), 'idle');
  expect(path('headers')).toBe('open');
  expect(path('headers', 'end-sent')).toBe('half-closed-local');
  expect(path('headers', 'end-received')).toBe('half-closed-remote');
  expect(path('headers', 'end-sent', 'end-received')).toBe('closed');
  expect(path('headers', 'end-received', 'end-sent')).toBe('closed');
  for (const before of [[], ['end-sent'], ['end-received']] as const) expect(path('headers', ...before, 'reset')).toBe('closed');
  for (const input of ['headers', 'end-sent', 'end-received', 'reset'] as const) {
    expect(path('headers', 'reset', input)).toBe('closed');
    if (input !== 'headers') expect(path(input)).toBe('idle');
  }
});

test('RST_STREAM is answered by nothing (§5.4.2)', () => {
  const { end, raw, run } = http2Against('server');
  raw.say(raw.headers(1, POST), reset(1, H2.CANCEL), reset(1, H2.CANCEL));
  run();
  expect(raw.hear().filter(({ type }) => type === RST_STREAM)).toEqual([]);
  expect(end.http.closed).toBe(false);
});
