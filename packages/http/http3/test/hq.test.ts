import { concat, fromLatin1, latin1, utf8 } from '@quiclab/bytes';
import { UsageError } from '@quiclab/http-semantics';
import { HQ_ERROR, HqConnection } from '@quiclab/http3/hq';
import { integerBelow, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { type FakeOptions, type FakeStreams, fakePair } from './fake-streams.ts';
import { End, GET, pattern, run } from './world.ts';

function hqPair(options: FakeOptions = {}): { client: End; server: End; run(): void } {
  const { client, server } = fakePair(options);
  const ends = {
    client: new End(new HqConnection({ side: 'client', transport: client }), client),
    server: new End(new HqConnection({ side: 'server', transport: server }), server),
  };
  return { ...ends, run: () => run(ends.client, ends.server) };
}

function server(maxRequestLine?: number): { end: End; raw: FakeStreams; run(): void } {
  const transports = fakePair();
  const limit = maxRequestLine === undefined ? {} : { maxRequestLine };
  const end = new End(new HqConnection({ side: 'server', transport: transports.server, ...limit }), transports.server);
  return { end, raw: transports.client, run: () => run(end, transports.client) };
}

describe('HTTP/0.9 over QUIC', () => {
  test('a request is GET, a path and a line end, the answer octets and the end of the stream', () => {
    const { client, server, run } = hqPair();
    const id = client.http.request(0, [...GET.slice(0, 3), [':path', '/file?x']], true)!;
    run();
    expect(server.events('request')[0]!.fields).toEqual([
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', '/file?x'],
    ]);
    server.http.respond(0, id, [[':status', '200']], false);
    expect(server.http.writeBody(0, id, utf8('content'))).toBe(7);
    server.http.finish(0, id);
    run();
    expect(client.events('response')).toEqual([
      { type: 'response', id, status: 200, fields: [[':status', '200']], informational: false, end: false },
    ]);
    expect(client.readAll(id)).toEqual({ data: utf8('content'), fin: true });
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
  });

  test('an empty file ends with its head, a missing one is a reset', () => {
    const { client, server, run } = hqPair();
    server.onEvent = (event) => {
      if (event.type === 'request') server.http.respond(0, event.id, [[':status', event.id === 0 ? '200' : '404']], true);
    };
    client.http.request(0, GET, true);
    client.http.request(0, GET, true);
    run();
    expect(client.events('response').map(({ id, end }) => [id, end])).toEqual([[0, true]]);
    expect(client.events('reset')).toEqual([{ type: 'reset', id: 4, code: HQ_ERROR, unprocessed: false }]);
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
  });

  test('many files in any split, with buffers that fill', () => {
    const random = seededRandom(9);
    const bodies = Array.from({ length: 10 }, (_, i) => pattern(integerBelow(random, 20_000), random.at(i)));
    const { client, server, run } = hqPair({ random: random.fork('splits'), sendBuffer: 1500, receiveWindow: 2500 });
    const sent = bodies.map(() => 0);
    const write = (id: number): void => {
      const i = id / 4;
      sent[i]! += server.http.writeBody(0, id, bodies[i]!.subarray(sent[i]));
      if (sent[i] === bodies[i]!.length) server.http.finish(0, id);
    };
    server.onEvent = (event) => {
      if (event.type === 'request') server.http.respond(0, event.id, [[':status', '200']], false);
      if (event.type === 'request' || event.type === 'body-writable') write(event.id);
    };
    const received = bodies.map((): Uint8Array[] => []);
    client.onEvent = (event) => {
      if (event.type !== 'body-readable') return;
      for (let piece = client.http.readBody(0, event.id); piece !== undefined; piece = client.http.readBody(0, event.id))
        received[event.id / 4]!.push(piece.data);
    };
    for (const _ of bodies) client.http.request(0, GET, true);
    run();
    expect(received.map((pieces) => concat(...pieces))).toEqual(bodies);
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
  });

  test('request lines are taken with and without CR, line end or the end of the stream', () => {
    for (const line of ['GET /a\r\n', 'GET /a\n', 'GET /a', 'GET  /a \r\n']) {
      const { end, raw, run } = server();
      const id = raw.openStream('bidi')!;
      raw.write(0, id, latin1(line));
      if (line !== 'GET /a\n') raw.finish(id);
      run();
      expect(end.events('request').map(({ fields }) => fields[2]![1])).toEqual(['/a']);
    }
  });

  test('other lines, longer ones, and what comes after the line are reset', () => {
    for (const line of [
      'POST /a\r\n',
      'GET a\r\n',
      '\r\n',
      '',
      'GET /a b\r\n',
      `GET /${'a'.repeat(100)}`,
      'GET /a\r\nmore',
      'GET /\u0000\r\n',
    ]) {
      const { end, raw, run } = server(64);
      const id = raw.openStream('bidi')!;
      raw.write(0, id, latin1(line));
      raw.finish(id);
      run();
      expect([line, end.transport.resets]).toEqual([line, [{ id, code: HQ_ERROR }]]);
      expect(end.http.openExchanges).toBe(0);
    }
  });

  test('a line that never ends is not kept', () => {
    const { end, raw, run } = server(64);
    const id = raw.openStream('bidi')!;
    raw.write(0, id, latin1(`GET /${'a'.repeat(60)}`));
    run();
    expect(end.transport.stops).toEqual([{ id, code: HQ_ERROR }]);
  });

  test('what HTTP/0.9 cannot say is refused', () => {
    const { client, server } = hqPair();
    expect(() => client.http.request(0, [[':method', 'POST'], ...GET.slice(1)], true)).toThrow(UsageError);
    expect(() => client.http.request(0, GET, false)).toThrow(UsageError);
    expect(() => server.http.request(0, GET, true)).toThrow(UsageError);
  });

  test('streams it has no use for close the connection', () => {
    const { end, raw, run } = server();
    raw.write(0, raw.openStream('uni')!, latin1('x'));
    run();
    expect(end.transport.closed?.code).toBe(HQ_ERROR);
  });

  test('2,000 altered request lines end in a request, a reset, or waiting', () => {
    const random = seededRandom(2000);
    for (let i = 0; i < 2000; i++) {
      const { end, raw, run } = server(128);
      const octets = latin1('GET /some/file.bin\r\n');
      for (let n = integerBelow(random, 3); n >= 0; n--) octets[integerBelow(random, octets.length)] = integerBelow(random, 256);
      const id = raw.openStream('bidi')!;
      raw.write(0, id, octets.subarray(0, octets.length - integerBelow(random, 4)));
      if (integerBelow(random, 2) === 0) raw.finish(id);
      run();
      expect(end.events('request').length + end.transport.resets.length + end.http.openExchanges).toBeGreaterThan(0);
      for (const { fields } of end.events('request')) expect(fromLatin1(octets)).toContain(fields[2]![1]);
    }
  });
});
