import { latin1 } from '@quiclab/bytes';
import { describe, expect, test } from 'vitest';
import { asking, GET, get, http1Pair, OK, RawClient, RawServer } from './world.ts';

describe('an exchange (RFC 9112 §2.1)', () => {
  test('is a request line and Host on the way there, and pseudo-header fields at both ends (§3.2.1, §3.3)', () => {
    const { client, server, run } = http1Pair();
    const id = client.http.request(0, [...get('/a?b=c'), ['accept', '*/*']], true)!;
    run();
    const fields = [...get('/a?b=c'), ['accept', '*/*']];
    expect(server.events('request')).toEqual([{ type: 'request', id: 0, fields, end: true, early: false }]);
    server.http.respond(0, 0, [...OK, ['content-length', '5']], false);
    expect(server.http.writeBody(0, 0, latin1('hello'))).toBe(5);
    server.http.finish(0, 0);
    run();
    expect(client.events('response')).toMatchObject([
      { id, status: 200, fields: [...OK, ['content-length', '5']], informational: false, end: false },
    ]);
    expect(client.readAll(id)).toEqual({ text: 'hello', fin: true });
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
    expect([client.http.acceptsRequests, server.http.acceptsRequests]).toEqual([true, true]);
  });

  test('of unknown length is chunked both ways, with trailers (§7.1)', () => {
    const { client, server, run } = http1Pair();
    server.onEvent = (event) => {
      if (event.type === 'request') server.http.respond(0, event.id, OK, false);
      if (event.type !== 'body-readable') return;
      for (let piece = server.http.readBody(0, event.id); piece !== undefined; piece = server.http.readBody(0, event.id)) {
        server.http.writeBody(0, event.id, piece.data);
        if (piece.fin) server.http.finish(0, event.id, [['x-down', 'd']]);
      }
    };
    const id = client.http.request(0, asking('POST'), false)!;
    client.http.writeBody(0, id, latin1('ab'));
    run();
    client.http.writeBody(0, id, latin1('cde'));
    client.http.finish(0, id, [['x-up', 'u']]);
    run();
    expect(client.readAll(id)).toEqual({ text: 'abcde', fin: true });
    client.turn();
    expect(server.events('trailers')).toEqual([{ type: 'trailers', id, fields: [['x-up', 'u']] }]);
    expect(client.events('trailers')).toEqual([{ type: 'trailers', id, fields: [['x-down', 'd']] }]);
    expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
  });

  test('what it looks like in octets', () => {
    const raw = new RawServer();
    raw.request([...GET, ['x', 'y']]);
    expect(raw.take()).toBe('GET / HTTP/1.1\r\nhost: example.com\r\nx: y\r\n\r\n');
    raw.say('HTTP/1.1 204 \r\n\r\n');
    const id = raw.client.http.request(0, asking('POST'), false)!;
    raw.client.http.writeBody(0, id, latin1('0123456789'));
    raw.client.http.finish(0, id);
    raw.run();
    expect(raw.take()).toBe('POST / HTTP/1.1\r\nhost: example.com\r\ntransfer-encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n');
  });
});

describe('persistence (RFC 9112 §9.3)', () => {
  test('one request at a time, and word of when there is room', () => {
    const raw = new RawServer();
    expect(raw.request()).toBe(0);
    expect(raw.request()).toBeUndefined();
    raw.say('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    expect(raw.client.told.map(({ type }) => type)).toEqual(['response', 'requests-available']);
    expect(raw.request()).toBe(1);
  });

  test('a pipelining client sends idempotent requests without waiting; others wait, and nothing goes behind them (§9.3.2)', () => {
    const raw = new RawServer({ client: { pipelining: 3 } });
    const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
    expect([raw.request(), raw.request(asking('PUT')), raw.request(), raw.request()]).toEqual([0, 1, 2, undefined]);
    raw.say(ok);
    expect(raw.request(asking('POST'))).toBeUndefined();
    raw.say(ok);
    expect(raw.client.events('requests-available')).toHaveLength(1);
    expect(raw.request(asking('POST'))).toBeUndefined();
    raw.say(ok);
    expect(raw.client.events('requests-available')).toHaveLength(2);
    expect([raw.request(asking('POST')), raw.request()]).toEqual([3, undefined]);
  });

  test('responses leave in the order of the requests, in whatever order they are given (§9.3.2)', () => {
    const raw = new RawClient();
    raw.say('GET /a HTTP/1.1\r\nhost: x\r\n\r\nGET /b HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(raw.server.events('request').map(({ id }) => id)).toEqual([0, 1]);
    raw.server.http.respond(0, 1, OK, false);
    expect(raw.server.http.writeBody(0, 1, latin1('second'))).toBe(6);
    raw.server.http.finish(0, 1);
    expect(raw.run().heard).toBe('');
    raw.server.http.respond(0, 0, [[':status', '404']], true);
    expect(raw.run().heard).toBe(
      'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nsecond\r\n0\r\n\r\n',
    );
    expect(raw.server.http.openExchanges).toBe(0);
  });
});
