import { latin1 } from '@quiclab/bytes';
import { UsageError } from '@quiclab/http-semantics';
import { NEVER, SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { asking, GET, get, RawServer } from './world.ts';

const ok = (content = ''): string => `HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n${content}`;
const closing = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
const POST = asking('POST');
const sized = (length: number) => asking('PUT', ['content-length', String(length)]);
const UPGRADE = [...GET, ['upgrade', 'websocket'] as const];
const CONNECT = [
  [':method', 'CONNECT'],
  [':authority', 'b:443'],
] as const;

describe('a request line (RFC 9112 §3)', () => {
  const line = (server: RawServer): string => server.take().split('\r\n')[0]!;

  test('is in origin-form, with Host before all other fields (§3.2.1, RFC 9110 §7.2)', () => {
    const server = new RawServer();
    server.request([...get('/a?b'), ['x', 'y']]);
    expect(server.take()).toBe('GET /a?b HTTP/1.1\r\nhost: example.com\r\nx: y\r\n\r\n');
  });

  test('is in absolute-form to a proxy (§3.2.2), there also of OPTIONS for the whole server (§3.2.4)', () => {
    const server = new RawServer({ client: { absoluteForm: true } });
    server.request(get('/a'));
    expect(server.take()).toBe('GET http://example.com/a HTTP/1.1\r\nhost: example.com\r\n\r\n');
    server.say(ok());
    server.request([[':method', 'OPTIONS'], ...get('*').slice(1)]);
    expect(line(server)).toBe('OPTIONS http://example.com HTTP/1.1');
  });

  test('is in authority-form for CONNECT (§3.2.3), and in asterisk-form for OPTIONS of the whole server (§3.2.4)', () => {
    const server = new RawServer();
    server.request(CONNECT, false);
    expect(server.take()).toBe('CONNECT b:443 HTTP/1.1\r\nhost: b:443\r\n\r\n');
    const other = new RawServer();
    other.request([[':method', 'OPTIONS'], ...get('*').slice(1)]);
    expect(line(other)).toBe('OPTIONS * HTTP/1.1');
  });

  test('what is no request is told to the one who asked, and the connection lives', () => {
    const server = new RawServer();
    const wrong = [
      [],
      GET.slice(1),
      [...GET, ['connection', 'close']],
      [...GET, ['transfer-encoding', 'chunked']],
      [...GET, ['X', 'y']],
      [...GET, ['x', 'a\r\nb: c']],
      [...GET, ['x', 'a\0']],
      get('/a b'),
      get('/\u0100'),
      get('no-slash'),
      [[':method', 'G T'], ...GET.slice(1)],
      [...UPGRADE, ['content-length', '3']],
      [...CONNECT, ['content-length', '3']],
    ] as const;
    for (const fields of wrong) expect(() => server.client.http.request(0, fields, false), JSON.stringify(fields)).toThrow(UsageError);
    expect(() => server.client.http.request(0, sized(3), true)).toThrow(UsageError);
    expect(() => server.client.http.respond(0, 0, [[':status', '200']], true)).toThrow(UsageError);
    expect([server.run().heard, server.request()]).toEqual(['', 0]);
  });
});

describe('the content of a request (RFC 9112 §6)', () => {
  test('goes as it is where its length was said, and no further than that (§6.2)', () => {
    const server = new RawServer();
    const { http } = server.client;
    const id = server.request(sized(5), false)!;
    expect(http.writeBody(0, id, latin1('abc'))).toBe(3);
    expect(() => http.finish(0, id)).toThrow(UsageError);
    expect(() => http.writeBody(0, id, latin1('def'))).toThrow(UsageError);
    expect(http.writeBody(0, id, latin1('de'))).toBe(2);
    http.finish(0, id);
    expect(server.run().heard.split('\r\n\r\n')[1]).toBe('abcde');
    expect(http.writeBody(0, id, latin1('f'))).toBe(0);
  });

  test('that is not there is said where the method gives it a meaning (RFC 9110 §8.6)', () => {
    const server = new RawServer();
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'GET']) {
      server.request(asking(method));
      expect(server.take().includes('content-length: 0'), method).toBe(['POST', 'PUT', 'PATCH'].includes(method));
      server.say(ok());
    }
  });

  test('waits for the transport, and the application is told when there is room', () => {
    const server = new RawServer({ sendBuffer: 100 });
    const { http } = server.client;
    const id = http.request(0, sized(300), false)!;
    const data = new Uint8Array(300).fill(0x61);
    let sent = http.writeBody(0, id, data);
    expect(sent).toBeLessThan(100);
    server.client.onEvent = ({ type }) => {
      if (type !== 'body-writable') return;
      sent += http.writeBody(0, id, data.subarray(sent));
      if (sent === 300) http.finish(0, id);
    };
    server.run();
    expect(server.heard.split('\r\n\r\n')[1]).toBe('a'.repeat(300));
    server.say(ok());
    expect(http.openExchanges).toBe(0);
  });

  test('is whole before another request follows', () => {
    const server = new RawServer({ client: { pipelining: 3 } });
    expect([server.request(sized(2), false), server.request()]).toEqual([0, undefined]);
    server.client.http.writeBody(0, 0, latin1('ab'));
    server.client.http.finish(0, 0);
    server.run();
    expect(server.client.events('requests-available')).toHaveLength(1);
    expect(server.request()).toBe(1);
  });

  test('comes when the server says so, if the application waits for that (RFC 9110 §10.1.1)', () => {
    const server = new RawServer();
    const { http } = server.client;
    const id = server.request(asking('POST', ['expect', '100-continue'], ['content-length', '2']), false)!;
    server.say('HTTP/1.1 100 Continue\r\n\r\n');
    expect(server.client.events('response')).toMatchObject([{ id, status: 100, informational: true, end: false }]);
    http.writeBody(0, id, latin1('ab'));
    http.finish(0, id);
    server.say(ok('c'));
    expect([server.client.readAll(id), http.acceptsRequests]).toEqual([{ text: 'c', fin: true }, true]);
  });
});

describe('an early response (RFC 9112 §9.5)', () => {
  test('does not stop the request, and the connection serves on when both are whole', () => {
    const server = new RawServer();
    const { http } = server.client;
    const id = server.request(POST, false)!;
    server.say(ok());
    expect([server.request(), http.openExchanges]).toEqual([undefined, 1]);
    server.take();
    http.writeBody(0, id, latin1('abc'));
    http.finish(0, id);
    expect(server.run().take()).toBe('3\r\nabc\r\n0\r\n\r\n');
    expect(server.client.events('requests-available')).toHaveLength(1);
    expect([http.openExchanges, server.request()]).toEqual([0, 1]);
  });

  test('with `close` ends the request where it is, and the connection behind the response', () => {
    const server = new RawServer();
    const { http } = server.client;
    const id = server.request(POST, false)!;
    server.say('HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno');
    expect(server.client.told.map(({ type }) => type)).toEqual(['response', 'stopped', 'goaway', 'body-readable']);
    expect(http.writeBody(0, id, latin1('more'))).toBe(0);
    expect(server.client.readAll(id)).toEqual({ text: 'no', fin: true });
    server.run();
    expect([server.ended, http.openExchanges, http.acceptsRequests]).toEqual([true, 0, false]);
    expect(server.client.events('failed')).toEqual([]);
  });

  test('and then the end of the connection, while the request is still being sent', () => {
    const server = new RawServer();
    server.request(POST, false);
    server.say(ok()).end();
    expect(server.client.told.map(({ type }) => type)).toEqual(['response', 'stopped', 'goaway']);
    expect([server.client.http.openExchanges, server.ended]).toEqual([0, true]);
  });
});

describe('how a connection ends (RFC 9112 §9.6)', () => {
  test('after one exchange, if it is for one only: the request says `close` (§9.3)', () => {
    const server = new RawServer({ client: { persistent: false } });
    const id = server.request()!;
    expect(server.heard).toContain('\r\nconnection: close\r\n');
    expect([server.request(), server.client.http.acceptsRequests]).toEqual([undefined, false]);
    server.say(ok('a'));
    expect(server.ended).toBe(false);
    expect(server.client.readAll(id)).toEqual({ text: 'a', fin: true });
    expect(server.run().ended).toBe(true);
    server.end();
    expect([server.client.http.closed, server.client.transport.aborted]).toEqual([true, undefined]);
    expect(server.client.events('closed')).toEqual([]);
  });

  test('when the server says `close`: what was pipelined behind is not answered', () => {
    const server = new RawServer({ client: { pipelining: 3 } });
    for (const path of ['/a', '/b', '/c']) server.request(get(path));
    server.say(closing);
    expect(server.client.told).toMatchObject([
      { type: 'response', id: 0 },
      { type: 'goaway', id: 1 },
      { type: 'failed', id: 1, code: 0, unprocessed: false },
      { type: 'failed', id: 2, code: 0, unprocessed: false },
    ]);
    expect([server.ended, server.request()]).toEqual([true, undefined]);
  });

  test.each([
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['HTTP/1.0 with keep-alive, which is not honoured', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n'],
    ['close in a list, in capitals', 'HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nContent-Length: 0\r\n\r\n'],
  ])('behind a response of %s (§9.3)', (_, octets) => {
    const server = new RawServer();
    server.request();
    server.say(octets);
    expect([server.ended, server.client.http.acceptsRequests]).toEqual([true, false]);
  });

  test('what comes behind the last response is dropped (§6.3)', () => {
    const server = new RawServer();
    server.request();
    server.say(`${closing}${ok('smuggled')}`);
    expect(server.client.events('response')).toHaveLength(1);
    expect([server.ended, server.client.events('closed'), server.client.transport.aborted]).toEqual([true, [], undefined]);
  });

  test('when the server ends it between two exchanges', () => {
    const server = new RawServer();
    server.request();
    server.say(ok()).end();
    expect(server.client.told.at(-1)).toEqual({ type: 'goaway', id: 1 });
    expect([server.ended, server.client.http.closed]).toEqual([true, true]);
  });

  test('when the server ends it in place of an answer', () => {
    const server = new RawServer({ client: { pipelining: 2 } });
    server.request();
    server.request();
    server.end();
    expect(server.client.told).toMatchObject([
      { type: 'goaway', id: 0 },
      { type: 'failed', id: 0, unprocessed: false },
      { type: 'failed', id: 1, unprocessed: false },
    ]);
  });

  test('when it is lost: of what has not left, nothing was processed (RFC 9110 §9.2.2)', () => {
    const server = new RawServer({ sendBuffer: 76, client: { pipelining: 3 } });
    const { http, transport } = server.client;
    for (const path of ['/a', '/b', '/c']) http.request(0, get(path), true);
    transport.die('ECONNRESET');
    server.client.turn();
    expect(server.client.told).toMatchObject([
      { type: 'goaway', id: 0 },
      { type: 'failed', id: 0, unprocessed: false, reason: 'the connection ended: ECONNRESET' },
      { type: 'failed', id: 1, unprocessed: false },
      { type: 'failed', id: 2, unprocessed: true }, // 38 octets each: nothing of the third has left
    ]);
    expect([http.closed, http.openExchanges]).toEqual([true, 0]);
  });

  test('when it is lost within content that only its end delimits, which is then not whole (§8)', () => {
    const server = new RawServer();
    const id = server.request()!;
    server.say('HTTP/1.1 200 OK\r\n\r\nabc');
    expect(server.client.readAll(id)).toEqual({ text: 'abc', fin: false });
    server.client.transport.die('ECONNRESET');
    server.run();
    expect(server.client.events('failed')).toMatchObject([{ id, unprocessed: false }]);
  });

  test('a response that had come whole is told before the loss', () => {
    const server = new RawServer();
    const { client } = server;
    client.http.request(0, GET, true);
    server.raw.write(0, latin1(ok()));
    server.raw.deliver();
    client.transport.events.push({ type: 'closed', clean: false, reason: 'ECONNRESET' });
    client.turn();
    expect(client.told.map(({ type }) => type)).toEqual(['response', 'goaway']);
  });

  test('when we are asked to: in stages if nothing is under way, else at once', () => {
    const idle = new RawServer();
    idle.client.http.close(0, 7, 'done');
    expect(idle.run().ended).toBe(true);
    expect(idle.client.told).toEqual([{ type: 'closed', code: 7, reason: 'done' }]);
    const busy = new RawServer();
    busy.request();
    busy.client.http.close(0);
    expect([busy.client.transport.aborted, busy.client.http.closed, busy.client.http.openExchanges]).toEqual(['', true, 0]);
    busy.run();
    expect(busy.client.told).toEqual([{ type: 'closed', code: 0, reason: '' }]);
  });

  test('when no more requests are made, and all have their answers', () => {
    const server = new RawServer();
    const id = server.request()!;
    server.client.http.goaway(0);
    expect([server.request(), server.run().ended]).toEqual([undefined, false]);
    server.say(ok('a'));
    server.client.readAll(id);
    expect(server.run().ended).toBe(true);
    const idle = new RawServer();
    idle.client.http.goaway(0);
    expect(idle.run().ended).toBe(true);
  });

  test('when nobody has used it for long enough, if that was asked for (§9.5)', () => {
    const server = new RawServer({ client: { idleTimeout: 5 * SECOND } });
    const { http } = server.client;
    expect(http.nextTimeout()).toBe(5 * SECOND);
    server.request();
    expect(http.nextTimeout()).toBe(NEVER);
    server.say(ok());
    expect(http.nextTimeout()).toBe(5 * SECOND);
    http.onTimeout(5 * SECOND);
    expect([server.run().ended, http.nextTimeout()]).toEqual([true, 35 * SECOND]);
    http.onTimeout(35 * SECOND); // the server does not close
    expect([server.client.transport.aborted, http.nextTimeout()]).toEqual(['the peer does not close', NEVER]);
    expect(new RawServer().client.http.nextTimeout()).toBe(NEVER);
  });

  test('requests that are repeated go one at a time until the first answer (§9.3.2)', () => {
    const server = new RawServer({ client: { pipelining: 3, cautious: true } });
    expect([server.request(), server.request()]).toEqual([0, undefined]);
    server.say('HTTP/1.1 103 Early Hints\r\n\r\n');
    expect(server.request()).toBeUndefined();
    server.say(ok());
    expect([server.request(), server.request(), server.request(), server.request()]).toEqual([1, 2, 3, undefined]);
  });
});

test('content is read in the order of the responses', () => {
  const server = new RawServer({ client: { pipelining: 2 } });
  server.request();
  server.request();
  server.say(ok('first') + ok('second'));
  expect(server.client.http.readBody(0, 1)).toBeUndefined();
  expect(server.client.events('response')).toHaveLength(1);
  expect(server.client.readAll(0)).toEqual({ text: 'first', fin: true });
  expect(server.client.readAll(1)).toEqual({ text: 'second', fin: true });
});

describe('a response that nobody wants', () => {
  test('is read away, and the connection serves on', () => {
    const server = new RawServer({ client: { pipelining: 2 } });
    server.request();
    server.request();
    server.say('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    server.client.http.stopReading(0, 0);
    expect(server.client.http.readBody(0, 0)).toBeUndefined();
    server.say(`3\r\nabc\r\n0\r\nx: y\r\n\r\n${ok('next')}`);
    expect(server.client.readAll(1)).toEqual({ text: 'next', fin: true });
    expect(server.client.events('trailers')).toEqual([]);
  });

  test('cannot be called back: alone it costs the connection, among others it is read away', () => {
    const alone = new RawServer();
    alone.request();
    alone.client.http.cancel(0, 0);
    alone.run();
    expect(alone.client.told).toEqual([{ type: 'closed', code: 0, reason: 'exchange 0 was cancelled' }]);
    expect(alone.client.transport.aborted).toBe('exchange 0 was cancelled');
    const among = new RawServer({ client: { pipelining: 2 } });
    among.request();
    among.request();
    among.client.http.cancel(0, 0);
    among.say(ok('unwanted') + ok('wanted'));
    expect(among.client.events('response')).toMatchObject([{ id: 1 }]);
    expect(among.client.readAll(1)).toEqual({ text: 'wanted', fin: true });
  });

  test('a request that is cancelled while it is sent takes the connection with it', () => {
    const server = new RawServer();
    const id = server.request(POST, false)!;
    server.client.http.cancel(0, id, 3);
    expect(server.client.transport.aborted).toBeDefined();
    server.run();
    expect(server.client.told).toMatchObject([{ type: 'closed', code: 3 }]);
  });
});

describe('another protocol on the same connection (RFC 9110 §7.8)', () => {
  const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';

  test('101 turns the exchange into octets both ways', () => {
    const server = new RawServer();
    const { http } = server.client;
    const id = server.request(UPGRADE)!;
    expect(server.take()).toBe('GET / HTTP/1.1\r\nhost: example.com\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n');
    expect(http.writeBody(0, id, latin1('early'))).toBe(0);
    server.say(`${switching}hello`);
    expect(server.client.told.slice(0, 1)).toMatchObject([{ type: 'response', id, status: 101, informational: false, end: false }]);
    expect(server.client.events('body-writable')).toHaveLength(1);
    expect(server.client.readAll(id)).toEqual({ text: 'hello', fin: false });
    expect(http.writeBody(0, id, latin1('hi\r\n'))).toBe(4);
    expect(server.run().take()).toBe('hi\r\n');
    http.finish(0, id);
    expect(server.run().ended).toBe(true);
    server.say(' and bye').end();
    expect(server.client.readAll(id)).toEqual({ text: ' and bye', fin: true });
    server.run();
    expect([http.openExchanges, http.closed, http.acceptsRequests]).toEqual([0, true, false]);
    expect(server.client.events('failed')).toEqual([]);
  });

  test('the server ends its direction first', () => {
    const server = new RawServer();
    const { http } = server.client;
    const id = server.request(UPGRADE)!;
    server.say(`${switching}bye`).end();
    expect(server.client.readAll(id)).toEqual({ text: 'bye', fin: true });
    expect(http.writeBody(0, id, latin1('still here'))).toBe(10);
    http.finish(0, id);
    server.run();
    expect(server.heard.endsWith('still here')).toBe(true);
    expect([server.ended, http.openExchanges, http.closed]).toEqual([true, 0, true]);
  });

  test('who wants no more of it does not read it away: there is nothing behind it', () => {
    const server = new RawServer();
    const { http } = server.client;
    const id = server.request(UPGRADE)!;
    server.say(switching);
    http.stopReading(0, id);
    server.say(new Uint8Array(1_000_000));
    http.writeBody(0, id, latin1('still here'));
    expect([http.readBody(0, id), server.run().heard.endsWith('still here'), server.client.transport.aborted]).toEqual([
      undefined,
      true,
      undefined,
    ]);
    http.finish(0, id);
    expect([http.openExchanges, server.client.transport.aborted]).toEqual([0, 'too much came after the end']);
  });

  test('nothing is sent beside a request that may be the last of HTTP', () => {
    const server = new RawServer({ client: { pipelining: 4 } });
    expect([server.request(UPGRADE), server.request()]).toEqual([0, undefined]);
    server.say(ok());
    expect([server.request(), server.request(UPGRADE)]).toEqual([1, undefined]);
  });

  test('a server that stays with HTTP answers as ever, and the connection serves on', () => {
    const server = new RawServer();
    const id = server.request(UPGRADE)!;
    server.say(ok('no'));
    expect(server.client.readAll(id)).toEqual({ text: 'no', fin: true });
    expect([server.client.http.openExchanges, server.request()]).toEqual([0, 1]);
  });

  test('101 has to say to what', () => {
    const server = new RawServer();
    server.request(UPGRADE);
    server.say('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    expect(server.client.events('failed')).toHaveLength(1);
  });

  test('a tunnel begins behind 2xx, whatever lengths it says (RFC 9112 §6.3, RFC 9110 §9.3.6)', () => {
    const server = new RawServer();
    const { http } = server.client;
    const id = server.request(CONNECT, false)!;
    expect(http.writeBody(0, id, latin1('x'))).toBe(0);
    server.say('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabcdef');
    expect(server.client.readAll(id)).toEqual({ text: 'abcdef', fin: false });
    server.take();
    http.writeBody(0, id, latin1('ghi'));
    http.finish(0, id);
    expect([server.run().take(), server.ended]).toEqual(['ghi', true]);
  });

  test('a tunnel that is refused leaves a connection that serves on', () => {
    const server = new RawServer();
    const id = server.request(CONNECT, false)!;
    server.say('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno');
    expect(server.client.readAll(id)).toEqual({ text: 'no', fin: true });
    expect([server.client.http.writeBody(0, id, latin1('x')), server.request()]).toEqual([0, 1]);
  });
});
