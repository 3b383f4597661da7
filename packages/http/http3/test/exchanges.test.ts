import { toHex, utf8 } from '@quiclab/bytes';
import { type Fields, type MappedKind, UsageError } from '@quiclab/http-semantics';
import { H3 } from '@quiclab/http3';
import { integerBelow, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { type End, echoAll, frame, framesIn, GET, headers, http3Against, http3Pair, OK, POST, pattern } from './world.ts';

describe('an exchange (RFC 9114 §4.1)', () => {
  test('carries fields and content both ways, and is forgotten when both are through', () => {
    const { client, server, run } = http3Pair();
    const id = client.http.request(0, [...POST, ['x-name', 'value']], false)!;
    expect(client.http.writeBody(0, id, utf8('question'))).toBe(8);
    client.http.finish(0, id);
    run();
    expect(server.events('request')).toEqual([
      { type: 'request', id: 0, fields: [...POST, ['x-name', 'value']], end: false, early: false },
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
    run();
    expect(client.events('sent')).toEqual([{ type: 'sent', id }]);
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
    expect([client.transport.closed, server.transport.closed]).toEqual([undefined, undefined]);
  });

  test('without content says so with its head', () => {
    const { client, server, run } = http3Pair();
    const id = client.http.request(0, GET, true)!;
    run();
    expect(server.events('request')[0]!.end).toBe(true);
    server.http.respond(0, id, [[':status', '204']], true);
    run();
    expect(client.events('response')[0]).toMatchObject({ status: 204, end: true });
    expect(client.events('body-readable')).toEqual([]);
    expect(client.http.openExchanges).toBe(0);
  });

  test('may have informational responses before the final one (RFC 9110 §15.2)', () => {
    const { client, server, run } = http3Pair();
    const id = client.http.request(0, GET, true)!;
    run();
    server.http.respond(
      0,
      id,
      [
        [':status', '103'],
        ['link', '</a.css>'],
      ],
      false,
    );
    server.http.respond(0, id, [[':status', '103']], false);
    server.http.respond(0, id, OK, true);
    run();
    expect(client.events('response').map(({ status, informational }) => [status, informational])).toEqual([
      [103, true],
      [103, true],
      [200, false],
    ]);
  });

  test('has trailers after its content, or without any (RFC 9114 §4.1)', () => {
    const { client, server, run } = http3Pair();
    const id = client.http.request(0, POST, false)!;
    client.http.finish(0, id, [['x-check', '1']]);
    run();
    expect(server.readAll(id)).toEqual({ data: new Uint8Array(0), fin: true });
    run();
    expect(server.events('trailers')).toEqual([{ type: 'trailers', id, fields: [['x-check', '1']] }]);
    server.http.respond(0, id, OK, false);
    server.http.writeBody(0, id, utf8('body'));
    server.http.finish(0, id, [['x-check', '2']]);
    run();
    expect(client.readAll(id)).toEqual({ data: utf8('body'), fin: true });
    run();
    expect(client.events('trailers')).toEqual([{ type: 'trailers', id, fields: [['x-check', '2']] }]);
  });

  test('HEAD, 204 and 304 have no content, whatever the server writes (RFC 9110 §6.4.1)', () => {
    const { client, server, run } = http3Pair();
    server.onEvent = (event) => {
      if (event.type !== 'request') return;
      const head = event.fields[0]![1] === 'HEAD';
      server.http.respond(
        0,
        event.id,
        [
          [':status', head ? '200' : '304'],
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

  test('the response may be complete before the request is (RFC 9114 §4.1)', () => {
    const { client, server, run } = http3Pair({ receiveWindow: 1000 });
    const id = client.http.request(0, POST, false)!;
    client.http.writeBody(0, id, pattern(5000));
    run();
    server.http.respond(0, id, OK, true);
    server.http.stopReading(0, id);
    run();
    expect(server.transport.stops).toEqual([{ id, code: H3.NO_ERROR }]);
    expect(client.events('stopped')).toEqual([{ type: 'stopped', id, code: H3.NO_ERROR }]);
    expect(client.events('response')[0]).toMatchObject({ status: 200, end: true });
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
  });

  test('a tunnel has octets and no lengths (RFC 9114 §4.4)', () => {
    const { client, server, run } = http3Pair();
    const id = client.http.request(
      0,
      [
        [':method', 'CONNECT'],
        [':authority', 'example.com:443'],
      ],
      false,
    )!;
    run();
    server.http.respond(0, id, OK, false);
    server.http.writeBody(0, id, utf8('down'));
    client.http.writeBody(0, id, utf8('up'));
    run();
    expect(server.readAll(id)).toEqual({ data: utf8('up'), fin: false });
    expect(client.readAll(id)).toEqual({ data: utf8('down'), fin: false });
  });

  test('CONNECT with :protocol, where the server takes it (RFC 9220 §3)', () => {
    const websocket: Fields = [
      [':method', 'CONNECT'],
      [':protocol', 'websocket'],
      [':scheme', 'https'],
      [':path', '/chat'],
      [':authority', 'example.com'],
      ['content-length', '3'], // of a tunnel, it says nothing
    ];
    const { client, server, run } = http3Pair({ enableConnectProtocol: true });
    expect(() => client.http.request(0, websocket, false)).toThrow(UsageError); // the server did not say so yet
    run();
    expect(client.events('settings')[0]!.settings).toContainEqual([8, 1]);
    const id = client.http.request(0, websocket, false)!;
    client.http.writeBody(0, id, utf8('frames'));
    run();
    expect(server.events('request')).toMatchObject([{ id, fields: websocket, end: false }]);
    server.http.respond(0, id, OK, false);
    server.http.writeBody(0, id, utf8('frame'));
    run();
    expect([client.readAll(id).data, server.readAll(id).data]).toEqual([utf8('frame'), utf8('frames')]);
    expect(() => server.http.finish(0, id, [['t', '1']])).toThrow(/in a tunnel/);
    client.http.finish(0, id);
    server.http.finish(0, id);
    run();
    expect([client.readAll(id).fin, server.readAll(id).fin]).toEqual([true, true]);
    const other = http3Pair();
    other.run();
    expect(() => other.client.http.request(0, websocket, false)).toThrow(/':protocol', which has no meaning here/);
  });

  test('a server that did not ask for CONNECT with :protocol refuses it as malformed (RFC 9220 §3)', () => {
    const { end, raw, run } = http3Against('server');
    const id = raw.openStream('bidi')!;
    raw.write(0, id, headers([[':method', 'CONNECT'], [':protocol', 'websocket'], ...GET.slice(1)]));
    run();
    expect([end.events('request'), end.http.closed]).toEqual([[], false]);
    expect(end.transport.resets).toEqual([{ id, code: H3.MESSAGE_ERROR }]);
  });

  test('many at once, in any split of the stream, keep their contents apart', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = seededRandom(seed);
      const bodies = Array.from({ length: 12 }, (_, i) => pattern(integerBelow(random, 40_000), random.at(i)));
      echoAll(http3Pair({ random: random.fork('splits'), sendBuffer: 3000, receiveWindow: 5000 }), bodies);
    }
  });
});

describe('back-pressure', () => {
  test('content that nobody reads stays in the transport', () => {
    const { client, server, run } = http3Pair({ receiveWindow: 2000, sendBuffer: 2000 });
    const id = client.http.request(0, POST, false)!;
    let taken = client.http.writeBody(0, id, pattern(100_000));
    run();
    taken += client.http.writeBody(0, id, pattern(100_000));
    run();
    expect(taken).toBeLessThan(40_000);
    expect(client.http.writeBody(0, id, pattern(1))).toBe(0);
    expect(server.events('body-readable')).toHaveLength(1); // told once, however much comes
    expect(server.transport.unread).toBeLessThanOrEqual(2000);
  });

  test('what is written is taken at most one frame beyond what the transport takes, and content passes through uncopied', () => {
    const { client, server, run } = http3Pair({ sendBuffer: 100 });
    const id = client.http.request(0, POST, false)!;
    const taken = client.http.writeBody(0, id, pattern(100_000));
    expect(taken).toBe(16_384);
    run();
    expect(client.events('body-writable')).toEqual([{ type: 'body-writable', id }]);
    const first = server.http.readBody(0, id)!;
    expect(first.data.buffer.byteLength).toBeGreaterThanOrEqual(first.data.length);
    expect(server.http.readBody(0, id)!.data).not.toBe(first.data);
  });

  test('a request without a stream is told when there may be one', () => {
    const { client, run } = http3Pair({ streams: 3 });
    for (let i = 0; i < 3; i++) expect(client.http.request(0, GET, true)).toBe(4 * i);
    expect(client.http.request(0, GET, true)).toBeUndefined();
    client.transport.allow('bidi', 1);
    run();
    expect(client.events('requests-available')).toHaveLength(1);
    expect(client.http.request(0, GET, true)).toBe(12);
  });
});

describe('giving up (RFC 9114 §4.1.1)', () => {
  test('a cancelled request is reset and stopped with H3_REQUEST_CANCELLED, and the server learns it', () => {
    const { client, server, run } = http3Pair();
    const id = client.http.request(0, POST, false)!;
    run();
    client.http.cancel(0, id);
    run();
    expect(client.transport.resets).toEqual([{ id, code: H3.REQUEST_CANCELLED }]);
    expect(client.transport.stops).toEqual([{ id, code: H3.REQUEST_CANCELLED }]);
    expect(server.told.filter(({ type }) => type === 'reset' || type === 'stopped')).toEqual([
      { type: 'stopped', id, code: H3.REQUEST_CANCELLED },
      { type: 'reset', id, code: H3.REQUEST_CANCELLED, unprocessed: false },
    ]);
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
    server.http.respond(0, id, OK, true); // too late: ignored
    expect(server.http.readBody(0, id)).toBeUndefined();
  });

  test('a request that is reset before it is known was not processed: H3_REQUEST_REJECTED', () => {
    const { end, raw, run } = http3Against('server');
    const id = raw.openStream('bidi')!;
    raw.write(0, id, Uint8Array.of(1));
    run();
    raw.reset(id, H3.REQUEST_CANCELLED);
    run();
    expect(end.transport.resets).toEqual([{ id, code: H3.REQUEST_REJECTED }]);
    expect(end.events('request')).toEqual([]);
    expect(end.http.openExchanges).toBe(0);
  });

  test('a response that the server resets is told, and the request given up', () => {
    const { client, server, run } = http3Pair();
    const id = client.http.request(0, POST, false)!;
    run();
    server.http.cancel(0, id, H3.INTERNAL_ERROR);
    run();
    expect(client.events('reset')).toEqual([{ type: 'reset', id, code: H3.INTERNAL_ERROR, unprocessed: false }]);
    expect(client.http.openExchanges).toBe(0);
  });
});

describe('GOAWAY (RFC 9114 §5.2)', () => {
  test('a server finishes what it has, rejects what comes later, and the client may send that again', () => {
    const { client, server, run } = http3Pair();
    const first = client.http.request(0, GET, true)!;
    run();
    server.http.goaway(0);
    const second = client.http.request(0, GET, true)!; // crosses the GOAWAY
    run();
    expect(client.events('goaway')).toEqual([{ type: 'goaway', id: 4 }]);
    expect(client.events('reset')).toEqual([{ type: 'reset', id: second, code: H3.REQUEST_REJECTED, unprocessed: true }]);
    expect(server.events('request').map(({ id }) => id)).toEqual([first]);
    expect(client.http.acceptsRequests).toBe(false);
    expect(client.http.request(0, GET, true)).toBeUndefined();
    server.http.respond(0, first, OK, true);
    run();
    expect(client.events('response').map(({ id }) => id)).toEqual([first]);
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
    client.http.close(0);
    expect(client.transport.closed).toEqual({ code: H3.NO_ERROR, reason: '' });
  });

  test('requests above the ID in a GOAWAY have failed, and may be sent again', () => {
    const { end, raw, control, run } = http3Against('client');
    for (let i = 0; i < 3; i++) end.http.request(0, GET, true);
    raw.write(0, control, frame(0x07, '08'));
    run();
    expect(end.events('failed').map(({ id, code }) => [id, code])).toEqual([[8, H3.REQUEST_REJECTED]]);
    raw.write(0, control, frame(0x07, '04')); // it may fall
    run();
    expect(end.events('failed').map(({ id }) => id)).toEqual([8, 4]);
    expect(end.http.openExchanges).toBe(1);
  });

  test('a client says that it takes no push', () => {
    const { client, server, run } = http3Pair();
    client.http.goaway(0);
    run();
    expect(server.events('goaway')).toEqual([{ type: 'goaway', id: 0 }]);
    expect(client.http.request(0, GET, true)).toBeUndefined();
  });
});

describe('our own streams (RFC 9114 §6.2, §7.2.4)', () => {
  test('the control stream begins with SETTINGS, which say our limit and something reserved', () => {
    const { end, raw } = http3Against('server', { maxFieldSectionSize: 1000 });
    const control = raw.drain(3).data;
    expect(control[0]).toBe(0);
    const [settings, grease] = framesIn(control.subarray(1));
    expect(settings!.type).toBe(4);
    expect(toHex(settings!.payload).startsWith('0643e8')).toBe(true);
    expect((grease!.type - 0x21) % 0x1f).toBe(0);
    expect([raw.drain(7).data, raw.drain(11).data]).toEqual([Uint8Array.of(2), Uint8Array.of(3)]);
    expect(end.events('settings')).toEqual([{ type: 'settings', settings: [] }]);
  });

  test('they open as the peer allows it, the control stream first', () => {
    const { client, server, run } = http3Pair({ streams: 1 });
    run();
    expect(server.events('settings')).toHaveLength(1);
    client.transport.allow('uni', 1);
    client.transport.allow('uni', 5);
    run();
    expect(client.transport.openStream('uni')).toBe(4 * 3 + 2); // three are taken
    expect(server.transport.closed).toBeUndefined();
  });
});

describe('priorities (RFC 9218)', () => {
  test('a priority field decides how the response is scheduled (§5)', () => {
    const { client, server, run } = http3Pair();
    client.http.request(0, [...GET, ['priority', 'u=1, i']], true);
    client.http.request(0, GET, true);
    client.http.request(0, [...GET, ['priority', 'u=1,']], true); // no Dictionary: as if it were not there
    run();
    expect(server.transport.priorities).toEqual([{ id: 0, priority: { urgency: 1, incremental: true } }]);
  });

  test('PRIORITY_UPDATE changes it, and counts before the field if it comes before the request (§7)', () => {
    const { client, server, run } = http3Pair();
    const id = client.http.request(0, GET, true)!;
    run();
    client.http.prioritize(0, id, { urgency: 6, incremental: false });
    run();
    const early = http3Against('server');
    early.raw.write(0, early.control, Uint8Array.of(0x80, 0x0f, 0x07, 0x00, 4, 0, ...utf8('u=7')));
    early.run();
    const request = early.raw.openStream('bidi')!;
    early.raw.write(0, request, requestWithPriority());
    early.run();
    expect(server.transport.priorities).toEqual([{ id, priority: { urgency: 6, incremental: false } }]);
    expect(early.end.transport.priorities).toEqual([{ id: 0, priority: { urgency: 7, incremental: false } }]);
  });

  test("… also of a response that is over for us: its last octets may still wait in the transport's buffer", () => {
    const { client, server, run } = http3Pair({ sendBuffer: 100_000 });
    server.onEvent = (event) => {
      if (event.type === 'request') server.http.respond(0, event.id, OK, true);
    };
    const id = client.http.request(0, GET, false)!;
    client.http.finish(0, id);
    client.http.prioritize(0, id, { urgency: 0, incremental: false });
    run();
    expect(server.http.openExchanges).toBe(0);
    expect(server.transport.priorities.at(-1)).toEqual({ id, priority: { urgency: 0, incremental: false } });
  });

  test('what a response says of its priority counts, and what it does not say stays as the client had it (§8)', () => {
    const { client, server, run } = http3Pair();
    const fields = ['u=1', 'i=?0', 'u=9', 'u=', 'x=5'];
    for (const _ of fields) client.http.request(0, [...GET, ['priority', 'u=5, i']], true);
    run();
    server.transport.priorities.length = 0;
    for (const [i, field] of fields.entries()) server.http.respond(0, 4 * i, [...OK, ['priority', field]], true);
    expect(server.transport.priorities).toEqual([
      { id: 0, priority: { urgency: 1, incremental: true } },
      { id: 4, priority: { urgency: 5, incremental: false } },
      { id: 8, priority: { urgency: 5, incremental: true } }, // out of range: passed over
      { id: 16, priority: { urgency: 5, incremental: true } }, // 12 has no Dictionary: as if it were not there
    ]);
  });

  test('the last word counts: an update after the response overrides what that said (§7)', () => {
    const { client, server, run } = http3Pair();
    const id = client.http.request(0, GET, true)!;
    run();
    server.http.respond(0, id, [...OK, ['priority', 'u=1']], false);
    client.http.prioritize(0, id, { urgency: 6, incremental: true });
    run();
    expect(server.transport.priorities.map(({ priority }) => priority)).toEqual([
      { urgency: 1, incremental: false },
      { urgency: 6, incremental: true },
    ]);
  });

  test('our own streams go before everything but the most urgent, with which they share', () => {
    const { client, server, run } = http3Pair();
    run();
    const priority = { urgency: 0, incremental: true };
    expect(client.transport.ownPriorities).toEqual([2, 6, 10].map((id) => ({ id, priority })));
    expect(server.transport.ownPriorities).toEqual([3, 7, 11].map((id) => ({ id, priority })));
  });

  test('a client orders what it has to say itself in the same way (§9)', () => {
    const { client } = http3Pair();
    const id = client.http.request(0, [...POST, ['priority', 'u=2']], false)!;
    client.http.prioritize(0, id, { urgency: 4, incremental: true });
    expect(client.transport.priorities).toEqual([
      { id, priority: { urgency: 2, incremental: false } },
      { id, priority: { urgency: 4, incremental: true } },
    ]);
  });

  function requestWithPriority(): Uint8Array {
    const { client, server, run } = http3Pair();
    client.http.request(0, [...GET, ['priority', 'u=0']], true);
    server.onEvent = () => {};
    client.transport.deliver();
    const octets = server.transport.drain(0).data;
    run();
    return octets;
  }
});

describe('what we are asked to send (UsageError; the connection lives)', () => {
  test('must be well-formed', () => {
    const { client, server, run } = http3Pair();
    expect(() => client.http.request(0, [[':method', 'GET']], true)).toThrow(UsageError);
    expect(() => client.http.request(0, [...GET, ['Upper', '']], true)).toThrow(/field name 'Upper'/);
    expect(() => server.http.request(0, GET, true)).toThrow(UsageError);
    const id = client.http.request(0, [...POST, ['content-length', '3']], false)!;
    client.http.writeBody(0, id, utf8('four'));
    expect(() => client.http.finish(0, id)).toThrow(/4 octets of content, content-length is 3/);
    client.http.cancel(0, id);
    expect(client.http.request(0, GET, true)).toBe(4);
    run();
    answerWrongly(server, 4);
    expect([client.http.closed, server.http.closed]).toEqual([false, false]);
  });

  function answerWrongly(server: End, id: number): void {
    expect(() => server.http.writeBody(0, id, utf8('x'))).toThrow(/before its header section/);
    expect(() => server.http.finish(0, id)).toThrow(UsageError);
    expect(() => server.http.respond(0, id, [], true)).toThrow(/no :status/);
    expect(() => server.http.respond(0, id, [[':status', '103']], true)).toThrow(/cannot be the last/);
    server.http.respond(0, id, OK, false);
    expect(() => server.http.respond(0, id, OK, true)).toThrow(/has its response/);
    expect(() => server.http.finish(0, id, [[':status', '200']])).toThrow(/trailer section/);
  }

  test("must fit the peer's limit (RFC 9114 §4.2.2)", () => {
    const { client, run } = http3Pair({ maxFieldSectionSize: 300 });
    run();
    expect(() => client.http.request(0, [...GET, ['x-long', 'a'.repeat(300)]], true)).toThrow(/the peer takes 300/);
  });

  test("a client's limit does not make an answer throw: it comes, and the client may do with it what it likes (RFC 9114 §4.2.2)", () => {
    const { client, server, run } = http3Pair({ maxFieldSectionSize: 200 });
    const id = client.http.request(0, GET, true)!;
    run();
    server.http.respond(0, id, [...OK, ['x-long', 'a'.repeat(300)]], true);
    run();
    expect(client.events('failed').map((event) => event.id)).toEqual([id]);
    expect(server.http.closed).toBe(false);
  });
});

test('every frame is mapped to its exchange at both ends, without gaps', () => {
  const maps: { sent: string[]; received: string[] } = { sent: [], received: [] };
  const observer = {
    frameMapped(
      direction: 'sent' | 'received',
      exchange: number,
      stream: number,
      offset: number,
      length: number,
      header: number,
      kind: MappedKind,
    ): void {
      if (exchange >= 0) maps[direction].push([exchange, stream, offset, length, header, kind].join(' '));
    },
  };
  const { client, server, run } = http3Pair({
    clientObserver: observer,
    serverObserver: { frameMapped: (...args) => args[0] === 'received' && observer.frameMapped(...args) },
  });
  const id = client.http.request(0, POST, false)!;
  client.http.writeBody(0, id, pattern(20_000));
  client.http.finish(0, id, [['x', 'y']]);
  run();
  expect(server.readAll(id).data).toHaveLength(20_000);
  expect(maps.received).toEqual(maps.sent);
  let end = 0;
  for (const line of maps.sent) {
    const [, , offset, length] = line.split(' ').map(Number);
    expect(offset).toBe(end);
    end = offset! + length!;
  }
  expect(maps.sent.map((line) => line.split(' ')[5])).toEqual(['headers', 'data', 'data', 'trailers']);
});
