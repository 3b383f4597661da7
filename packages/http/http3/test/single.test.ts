import { concat, utf8 } from '@quiclab/bytes';
import { type FrameObserver, UsageError } from '@quiclab/http-semantics';
import { H3 } from '@quiclab/http3';
import { SingleConnection, type SingleOptions } from '@quiclab/http3/single';
import { integerBelow, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { type FakeOptions, type FakeStreams, fakePair } from './fake-streams.ts';
import { End, echoAll, type Fields, GET, OK, type Pair, POST, pattern, run, section, varint } from './world.ts';

type Limits = Omit<SingleOptions, 'side' | 'transport' | 'observer'>;

function singlePair(
  options: FakeOptions = {},
  limits: Limits = {},
  observers: { client?: FrameObserver; server?: FrameObserver } = {},
): Pair {
  const transports = fakePair(options);
  const make = (side: 'client' | 'server'): End => {
    const observer = observers[side];
    const http = new SingleConnection({ side, transport: transports[side], ...limits, ...(observer === undefined ? {} : { observer }) });
    http.start(0);
    return new End(http, transports[side]);
  };
  const [client, server] = [make('client'), make('server')];
  return { client, server, run: () => run(client, server) };
}

/** One end, and across from it the bare stream. */
function against(
  side: 'client' | 'server',
  limits: Limits = {},
): { end: End; raw: FakeStreams; say(...frames: Uint8Array[]): void; run(): void } {
  const transports = fakePair();
  const raw = transports[side === 'client' ? 'server' : 'client'];
  const end = new End(new SingleConnection({ side, transport: transports[side], ...limits }), transports[side]);
  end.http.start(0);
  if (side === 'server') raw.openStream('bidi');
  else raw.onData(0, new Uint8Array(0), false); // as if the client had said something
  const all = (): void => run(end, raw);
  return {
    end,
    raw,
    say: (...frames) => {
      raw.write(0, 0, concat(...frames));
      all();
    },
    run: all,
  };
}

function frame(kind: number, exchange: number, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
  return concat(varint(kind), varint(exchange), varint(payload.length), payload);
}
const headers = (exchange: number, fields: Fields): Uint8Array => frame(0, exchange, section(fields));
const data = (exchange: number, text: string): Uint8Array => frame(1, exchange, utf8(text));
const end = (exchange: number): Uint8Array => frame(2, exchange);
const reset = (exchange: number, code: number): Uint8Array => frame(3, exchange, varint(code));

/** What of each frame is on the stream, in order. */
function layout(): {
  observer: FrameObserver;
  frames: { exchange: number; offset: number; length: number; header: number; kind: string }[];
} {
  const frames: { exchange: number; offset: number; length: number; header: number; kind: string }[] = [];
  return {
    frames,
    observer: {
      frameMapped: (_direction, exchange, _stream, offset, length, header, kind) => frames.push({ exchange, offset, length, header, kind }),
    },
  };
}

describe('all exchanges on one stream', () => {
  test('an exchange carries fields, content and trailers both ways', () => {
    const { client, server, run } = singlePair();
    const id = client.http.request(0, [...POST, ['x', 'y']], false)!;
    client.http.writeBody(0, id, utf8('question'));
    client.http.finish(0, id, [['t', '1']]);
    run();
    expect(server.events('request')).toEqual([{ type: 'request', id, fields: [...POST, ['x', 'y']], end: false, early: false }]);
    expect(server.readAll(id)).toEqual({ data: utf8('question'), fin: true });
    expect(server.events('trailers')).toEqual([{ type: 'trailers', id, fields: [['t', '1']] }]);
    server.http.respond(0, id, [[':status', '103']], false);
    server.http.respond(0, id, OK, false);
    server.http.writeBody(0, id, utf8('answer'));
    server.http.finish(0, id);
    run();
    expect(client.events('response').map(({ status, end }) => [status, end])).toEqual([
      [103, false],
      [200, false],
    ]);
    expect(client.readAll(id)).toEqual({ data: utf8('answer'), fin: true });
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
    expect(client.transport.openStream('bidi')).toBe(4); // one was enough
  });

  test('an exchange without content says so with its head', () => {
    const { client, server, run } = singlePair();
    server.onEvent = (event) => {
      if (event.type === 'request') server.http.respond(0, event.id, [[':status', '204']], true);
    };
    client.http.request(0, GET, true);
    run();
    expect(server.events('request')[0]!.end).toBe(true);
    expect(client.events('response')[0]).toMatchObject({ status: 204, end: true });
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
  });

  test('many at once, in any split of the stream, keep their contents apart', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = seededRandom(seed);
      const bodies = Array.from({ length: 12 }, (_, i) => pattern(integerBelow(random, 40_000), random.at(i)));
      echoAll(singlePair({ random: random.fork('splits'), sendBuffer: 3000, receiveWindow: 5000 }, { maxQueued: 8192 }), bodies);
    }
  });

  test('content is interleaved a frame at a time, each of one packet, however much each exchange was given at once', () => {
    const { observer, frames } = layout();
    const { client, server, run } = singlePair({ sendBuffer: 2200 }, { frameSize: 1100 }, { server: observer });
    const sizes = [6000, 3000, 9000];
    server.onEvent = (event) => {
      if (event.type !== 'request') return;
      server.http.respond(0, event.id, OK, false);
      server.http.writeBody(0, event.id, pattern(sizes[event.id / 4]!));
      server.http.finish(0, event.id);
    };
    for (const _ of sizes) client.http.request(0, GET, true);
    run();
    const sent = frames.slice(6).filter(({ kind }) => kind === 'data');
    expect(sent.map(({ exchange }) => exchange).join(' ')).toBe('0 4 8 0 4 8 0 4 8 0 8 0 8 0 8 8 8 8');
    expect(Math.max(...sent.map(({ length }) => length))).toBe(1100);
  });

  test('no more is laid out ahead than the transport takes, and one frame', () => {
    const { observer, frames } = layout();
    const { client, server, run } = singlePair(
      { sendBuffer: 1000, receiveWindow: 1000 },
      { frameSize: 500, maxBuffered: 1000 },
      { client: observer },
    );
    const id = client.http.request(0, POST, false)!;
    expect(client.http.writeBody(0, id, pattern(100_000))).toBe(65_536);
    run();
    const laidOut = frames.reduce((sum, { length }) => sum + length, 0);
    expect(laidOut - client.transport.unsent - server.transport.unread).toBeLessThanOrEqual(4000);
    expect(client.http.writeBody(0, id, pattern(100_000))).toBeLessThan(4000); // as much as has left
  });

  test('an exchange that nobody reads stops all of them, until it is read, given up or unwanted', () => {
    for (const way of ['read', 'cancel', 'stop'] as const) {
      const { client, server, run } = singlePair({ receiveWindow: 4000, sendBuffer: 4000 }, { maxBuffered: 10_000 });
      const slow = client.http.request(0, POST, false)!;
      client.http.writeBody(0, slow, pattern(40_000));
      run();
      const quick = client.http.request(0, GET, true)!;
      run();
      expect(server.events('request').map(({ id }) => id)).toEqual([slow]); // the quick one is behind it
      if (way === 'read') while (server.http.readBody(0, slow) !== undefined) run();
      else if (way === 'cancel') server.http.cancel(0, slow);
      else server.http.stopReading(0, slow);
      run();
      expect(server.events('request').map(({ id }) => id)).toEqual([slow, quick]);
    }
  });

  test('every octet of the stream is mapped to its exchange, the same at both ends', () => {
    const [sent, received] = [layout(), layout()];
    const only = (direction: 'sent' | 'received', to: FrameObserver): FrameObserver => ({
      frameMapped: (...args) => args[0] === direction && to.frameMapped(...args),
    });
    const { client, server, run } = singlePair(
      {},
      {},
      { client: only('sent', sent.observer), server: only('received', received.observer) },
    );
    for (let i = 0; i < 3; i++) {
      const id = client.http.request(0, POST, false)!;
      client.http.writeBody(0, id, pattern(3000));
      if (i < 2) client.http.finish(0, id);
    }
    run();
    client.http.cancel(0, 8);
    client.http.goaway(0);
    run();
    expect(received.frames).toEqual(sent.frames);
    let offset = 0;
    for (const piece of sent.frames) {
      expect(piece.offset).toBe(offset);
      expect(piece.header).toBeLessThan(8);
      offset += piece.length;
    }
    expect(new Set(sent.frames.map(({ kind }) => kind))).toEqual(new Set(['headers', 'data', 'end', 'reset', 'other']));
    expect(server.events('reset')).toEqual([{ type: 'reset', id: 8, code: H3.REQUEST_CANCELLED, unprocessed: false }]);
  });

  test('there are at most so many at once, and one that was refused is told of room', () => {
    const { client, server, run } = singlePair({}, { maxExchanges: 2 });
    const ids = [client.http.request(0, GET, true), client.http.request(0, GET, true)];
    expect(client.http.request(0, GET, true)).toBeUndefined();
    run();
    server.http.respond(0, ids[0]!, OK, true);
    run();
    expect(client.events('requests-available')).toHaveLength(1);
    expect(client.http.request(0, GET, true)).toBe(8);
  });

  test('GOAWAY rejects what comes later', () => {
    const { client, server, run } = singlePair();
    client.http.request(0, GET, true);
    run();
    server.http.goaway(0);
    client.http.request(0, GET, true);
    run();
    expect(client.events('goaway')).toEqual([{ type: 'goaway', id: 4 }]);
    expect([...client.events('failed'), ...client.events('reset')].map(({ id, code }) => [id, code])).toContainEqual([
      4,
      H3.REQUEST_REJECTED,
    ]);
    expect(client.http.request(0, GET, true)).toBeUndefined();
    expect(server.events('request')).toHaveLength(1);
  });

  test('what we are asked to send must be well-formed', () => {
    const { client, server, run } = singlePair();
    expect(() => client.http.request(0, [[':method', 'GET']], true)).toThrow(UsageError);
    const id = client.http.request(0, [...POST, ['content-length', '1']], false)!;
    expect(() => client.http.finish(0, id)).toThrow(UsageError);
    run();
    expect(() => server.http.writeBody(0, id, utf8('x'))).toThrow(UsageError);
  });
});

describe('what the peer may not do', () => {
  const cases: [string, 'client' | 'server', Uint8Array[], number][] = [
    ['a kind that does not exist', 'server', [frame(5, 0)], H3.FRAME_UNEXPECTED],
    ['END with a payload', 'server', [headers(0, GET), frame(2, 0, utf8('x'))], H3.FRAME_ERROR],
    ['RESET without a code', 'server', [headers(0, GET), frame(3, 0)], H3.FRAME_ERROR],
    ['RESET with more than a code', 'server', [headers(0, GET), frame(3, 0, Uint8Array.of(1, 2))], H3.FRAME_ERROR],
    ['an exchange whose number no client uses', 'server', [headers(2, GET)], H3.ID_ERROR],
    ['content of an exchange that has not begun', 'server', [data(0, 'x')], H3.ID_ERROR],
    ['a response to nothing', 'client', [headers(0, OK)], H3.ID_ERROR],
    ['content after the end', 'server', [headers(0, POST), data(0, 'x'), end(0), data(0, 'y')], H3.FRAME_UNEXPECTED],
    ['content after trailers', 'server', [headers(0, POST), data(0, 'x'), headers(0, [['t', '1']]), data(0, 'y')], H3.FRAME_UNEXPECTED],
    ['a huge field section', 'server', [concat(Uint8Array.of(0, 0), varint(100_000))], H3.EXCESSIVE_LOAD],
    ['a field section that is none', 'server', [frame(0, 0, Uint8Array.of(0xff))], H3.QPACK_DECOMPRESSION_FAILED],
  ];
  for (const [what, side, frames, code] of cases) {
    test(`${what} closes the connection with 0x${code.toString(16)}`, () => {
      const { end, say } = against(side);
      say(...frames);
      expect(end.transport.closed?.code).toBe(code);
      expect(end.events('closed')).toHaveLength(1);
    });
  }

  test('closing, resetting or stopping the stream closes the connection', () => {
    const ways: ((raw: FakeStreams) => void)[] = [(raw) => raw.finish(0), (raw) => raw.reset(0, 1), (raw) => raw.stopSending(0, 1)];
    for (const way of ways) {
      const { end, raw, say, run } = against('server');
      say(headers(0, GET));
      way(raw);
      run();
      expect(end.transport.closed?.code).toBe(H3.CLOSED_CRITICAL_STREAM);
    }
  });

  test('a second stream closes the connection', () => {
    const { end, raw, run } = against('server');
    raw.write(0, 0, headers(0, GET));
    raw.write(0, raw.openStream('bidi')!, Uint8Array.of(0));
    run();
    expect(end.transport.closed?.code).toBe(H3.STREAM_CREATION_ERROR);
  });

  test('malformed messages end their exchange only', () => {
    const bad: Uint8Array[][] = [
      [headers(0, [[':method', 'GET']])],
      [headers(0, [...POST, ['content-length', '1']]), data(0, 'xy')],
      [headers(0, [...POST, ['content-length', '3']]), data(0, 'xy'), end(0)],
    ];
    for (const frames of bad) {
      const { end, raw, say } = against('server');
      say(...frames, headers(4, GET));
      expect(end.transport.closed).toBeUndefined();
      expect(raw.drain(0).data).toEqual(reset(0, H3.MESSAGE_ERROR));
      expect(end.http.openExchanges).toBe(1);
      say(data(0, 'late'), end.http.closed ? data(4, '') : reset(4, 1)); // frames of an exchange that is over are passed over
      expect(end.http.openExchanges).toBe(0);
    }
  });

  test('more exchanges than allowed are rejected, and too many answers that nobody takes are EXCESSIVE_LOAD', () => {
    const { end, raw, say } = against('server', { maxExchanges: 1 });
    say(headers(0, GET), headers(4, GET));
    expect(raw.drain(0).data).toEqual(reset(4, H3.REQUEST_REJECTED));
    expect(end.events('request')).toHaveLength(1);
    const transports = fakePair({ sendBuffer: 10 });
    const server = new End(new SingleConnection({ side: 'server', transport: transports.server, maxExchanges: 0 }), transports.server);
    transports.client.openStream('bidi');
    const flood = concat(...Array.from({ length: 1500 }, (_, i) => headers(4 * i, GET)));
    transports.server.onData(0, flood, false);
    run(server);
    expect(transports.server.closed?.code).toBe(H3.EXCESSIVE_LOAD);
  });

  test('10,000 altered streams, truncated and split anywhere, at both sides: a valid parse, waiting, or an error of the list', () => {
    const random = seededRandom(10_000);
    const request = concat(
      headers(0, POST),
      data(0, 'some content'),
      headers(4, GET),
      end(4),
      data(0, 'more'),
      headers(0, [['t', '1']]),
      end(0),
      reset(8, 1),
    );
    const response = concat(
      headers(0, [[':status', '103']]),
      headers(0, OK),
      data(0, 'some content'),
      headers(4, OK),
      end(4),
      end(0),
      frame(4, 8),
    );
    const allowed = new Set<number>([H3.FRAME_UNEXPECTED, H3.FRAME_ERROR, H3.ID_ERROR, H3.EXCESSIVE_LOAD, H3.QPACK_DECOMPRESSION_FAILED]);
    const outcomes = new Map<number, number>();
    for (let i = 0; i < 10_000; i++) {
      const side = i % 2 === 0 ? 'server' : 'client';
      const octets = (side === 'server' ? request : response).slice();
      for (let n = integerBelow(random, 3); n > 0; n--) octets[integerBelow(random, octets.length)] = integerBelow(random, 256);
      const { end, raw, say } = against(side);
      if (side === 'client') {
        end.http.request(0, GET, true);
        end.http.request(0, GET, true);
        end.turn();
      }
      end.onEvent = (event) => {
        if (event.type === 'body-readable') end.readAll(event.id);
      };
      const cut = integerBelow(random, octets.length + 1);
      say(octets.subarray(0, cut));
      say(octets.subarray(cut, octets.length - (integerBelow(random, 2) === 0 ? integerBelow(random, octets.length - cut + 1) : 0)));
      const code = end.transport.closed?.code ?? 0;
      if (code !== 0) expect(allowed).toContain(code);
      outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
      expect(raw.closed).toBeUndefined();
    }
    expect(outcomes.size).toBeGreaterThan(4);
    expect(outcomes.get(0)).toBeGreaterThan(2000);
  });
});
