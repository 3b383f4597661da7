import { latin1 } from '@quiclab/bytes';
import { H1_ALPN } from '@quiclab/http1';
import { describe, expect, test } from 'vitest';
import { asking, GET, http1Pair, OK, RawClient, RawServer } from './world.ts';

/** What RFC 9112 asks for beside what the shapes of the corpus, the limits and the tests of both ends show. */
describe('section by section (RFC 9112)', () => {
  const request = (lines = ''): string => `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;

  test('a message says our version, whatever the other end speaks (§2.3)', () => {
    const client = new RawClient();
    client.say('GET / HTTP/1.0\r\n\r\n');
    client.server.http.respond(0, 0, OK, true);
    expect(client.run().heard.startsWith('HTTP/1.1 200 OK\r\n')).toBe(true);
    const server = new RawServer();
    server.request();
    server.say('HTTP/1.1 204 \r\n\r\n');
    server.request();
    expect(server.heard.match(/ HTTP\/1\.1\r\n/g)).toHaveLength(2);
  });

  test('Host is what :authority said, and is not said twice (§3.2)', () => {
    const server = new RawServer();
    server.request([...GET, ['host', 'example.com']]);
    expect(server.take()).toBe('GET / HTTP/1.1\r\nhost: example.com\r\n\r\n');
    server.say('HTTP/1.1 204 \r\n\r\n');
    server.request([GET[0]!, GET[1]!, GET[3]!, ['host', 'b']]);
    expect(server.take()).toBe('GET / HTTP/1.1\r\nhost: b\r\n\r\n');
  });

  test('the scheme is that of the connection (§3.3)', () => {
    for (const scheme of ['http', 'https'] as const) {
      const client = new RawClient({ server: { scheme } });
      client.say(request());
      expect(client.server.events('request')[0]!.fields).toContainEqual([':scheme', scheme]);
    }
  });

  test('no message has Transfer-Encoding beside Content-Length, nor where there is no content (§6.1, §6.2)', () => {
    for (const [method, fields] of [
      ['GET', [...OK, ['content-length', '0']]],
      ['GET', [[':status', '204']]],
      ['GET', [[':status', '304']]],
      ['HEAD', OK],
    ] as const) {
      const client = new RawClient();
      client.say(request().replace('GET', method));
      client.server.http.respond(0, 0, fields, false);
      client.server.http.finish(0, 0);
      expect(client.run().heard).not.toContain('transfer-encoding');
      expect(client.heard).toMatch(/\r\n\r\n$/);
    }
  });

  test('TE is named by Connection, since it is for this connection (§7.4)', () => {
    const server = new RawServer();
    server.request([...GET, ['te', 'trailers']]);
    expect(server.take()).toBe('GET / HTTP/1.1\r\nhost: example.com\r\nte: trailers\r\nconnection: te\r\n\r\n');
  });

  test('each response is of the first request that has none (§9.2)', () => {
    const server = new RawServer({ client: { pipelining: 3 } });
    for (const method of ['HEAD', 'GET', 'GET']) server.request(asking(method));
    server.say(
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 204 \r\n\r\n',
    );
    expect(server.client.events('response').map(({ id, status }) => [id, status])).toEqual([
      [0, 200],
      [1, 103],
      [1, 200],
      [2, 204],
    ]);
  });

  test('what a connection that was lost leaves unanswered may be sent again on another, in its order (§9.3.1)', () => {
    const first = new RawServer({ client: { pipelining: 3 } });
    const methods = ['GET', 'PUT', 'DELETE'];
    for (const method of methods) first.request(asking(method));
    first.say('HTTP/1.1 204 \r\n\r\n');
    first.client.transport.die('ECONNRESET');
    first.run();
    const again = first.client.events('failed').map(({ id }) => methods[id]!);
    const second = new RawServer({ client: { pipelining: 3, cautious: true } });
    expect(again.map((method) => second.request(asking(method)))).toEqual([0, undefined]);
    second.say('HTTP/1.1 204 \r\n\r\n');
    expect(second.request(asking(again[1]!))).toBe(1);
    expect(second.heard.match(/^\w+(?= \/)/gm)).toEqual(['PUT', 'DELETE']);
  });

  test('a response whose end is that of the connection is whole only if the connection ended well (§9.8)', () => {
    for (const clean of [true, false]) {
      const server = new RawServer();
      server.request();
      server.say('HTTP/1.1 200 OK\r\n\r\nabc');
      server.client.readAll(0);
      if (clean) server.end();
      else server.client.transport.die('no close_notify');
      server.run();
      expect(server.client.readAll(0).fin).toBe(clean);
      expect(server.client.events('failed')).toHaveLength(clean ? 0 : 1);
    }
  });

  test('nothing that an application says can begin another message (§11.1)', () => {
    const { client, server, run } = http1Pair();
    for (const value of ['a\r\nb: c', 'a\nb', 'a\rb', 'a\0b', '\u010d\u010a']) {
      expect(() => client.http.request(0, [...GET, ['x', value]], true)).toThrow();
      expect(() => client.http.request(0, [...GET.slice(0, 3), [':path', `/${value}`]], true)).toThrow();
      expect(() => client.http.request(0, [[':method', value], ...GET.slice(1)], true)).toThrow();
      expect(() => client.http.request(0, [GET[0]!, GET[1]!, [':authority', value], GET[3]!], true)).toThrow();
    }
    client.http.request(0, GET, true);
    run();
    for (const value of ['a\r\nb: c', 'a\nb']) expect(() => server.http.respond(0, 0, [...OK, ['x', value]], true)).toThrow();
    server.http.respond(0, 0, OK, false);
    for (const value of ['a\r\nb: c', 'a\nb']) expect(() => server.http.finish(0, 0, [['x', value]])).toThrow();
    server.http.writeBody(0, 0, latin1('0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'));
    server.http.finish(0, 0);
    run();
    expect(client.readAll(0).text).toBe('0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n');
    expect(client.events('response')).toHaveLength(1);
  });

  test('the protocol is negotiated as http/1.1 (§12.4)', () => {
    expect(H1_ALPN).toBe('http/1.1');
  });
});
