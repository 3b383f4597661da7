import { latin1 } from '@quiclab/bytes';
import { type Fields, UsageError } from '@quiclab/http-semantics';
import { NEVER, SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { OK, RawClient } from './world.ts';

const request = (path = '/', lines = '', method = 'GET'): string => `${method} ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
const head = (text: string): string[] => text.split('\r\n\r\n')[0]!.split('\r\n');
const withLength = (length: number): Fields => [...OK, ['content-length', String(length)]];

describe('a response (RFC 9112 §4, §6)', () => {
  /** The octets of a response to this request, as the application gives it. */
  function answer(asked: string, fields: Fields, content?: string, trailers?: Fields): { client: RawClient; heard: string } {
    const client = new RawClient();
    client.say(asked);
    const { http } = client.server;
    http.respond(0, 0, fields, content === undefined);
    if (content !== undefined) {
      expect(http.writeBody(0, 0, latin1(content))).toBe(content.length);
      http.finish(0, 0, trailers);
    }
    return { client, heard: client.run().heard };
  }

  test('has its length, or is chunked, and then may have trailers (§6.1, §6.2, §7.1.2)', () => {
    expect(answer(request(), withLength(2), 'ab').heard).toBe('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab');
    expect(answer(request(), OK, 'ab', [['x', 'y']]).heard).toBe(
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx: y\r\n\r\n',
    );
    expect(answer(request(), withLength(2), 'ab', [['x', 'y']]).heard).toBe('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab');
    expect(answer(request(), OK).heard).toBe('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  });

  test('to HEAD, and 204 and 304, have no content, whatever the application writes (§6.3)', () => {
    const { client, heard } = answer(request('/', '', 'HEAD'), withLength(2), 'ab');
    expect(heard).toBe('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n');
    expect(client.server.http.openExchanges).toBe(0);
    expect(answer(request('/', '', 'HEAD'), OK, 'ab').heard).toBe('HTTP/1.1 200 OK\r\n\r\n');
    expect(answer(request('/', '', 'HEAD'), withLength(2)).heard).toBe('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n');
    expect(
      answer(request(), [
        [':status', '304'],
        ['content-length', '9'],
      ]).heard,
    ).toBe('HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n');
    expect(
      answer(
        request(),
        [
          [':status', '204'],
          ['content-length', '9'],
        ],
        'ab',
      ).heard,
    ).toBe('HTTP/1.1 204 No Content\r\n\r\n'); // RFC 9110 §8.6
  });

  test('has a space behind the status, also where there is no phrase (§4)', () => {
    expect(answer(request(), [[':status', '299']]).heard.startsWith('HTTP/1.1 299 \r\n')).toBe(true);
  });

  test('to HTTP/1.0 is never chunked, and never informational (§6.1, RFC 9110 §15.2)', () => {
    const { client, heard } = answer('GET / HTTP/1.0\r\n\r\n', OK, 'ab', [['x', 'y']]);
    expect([heard, client.ended]).toEqual(['HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nab', true]);
    const other = new RawClient();
    other.say('GET / HTTP/1.0\r\n\r\n');
    other.server.http.respond(0, 0, [[':status', '103']], false);
    expect(other.run().heard).toBe('');
  });

  test('may come behind informational ones (RFC 9110 §15.2)', () => {
    const client = new RawClient();
    client.say(request());
    const { http } = client.server;
    http.respond(
      0,
      0,
      [
        [':status', '103'],
        ['link', '</a>'],
        ['content-length', '3'],
      ],
      false,
    );
    expect(client.run().take()).toBe('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n');
    http.respond(0, 0, OK, true);
    expect(client.run().statuses).toEqual([200]);
  });

  test('what is no response is told to the one who gave it', () => {
    const client = new RawClient();
    client.say(request());
    const { http } = client.server;
    const wrong: Fields[] = [
      [],
      [[':status', '20']],
      [[':status', '101']],
      [...OK, ['connection', 'close']],
      [...OK, ['transfer-encoding', 'chunked']],
      [...OK, ['x', 'a\r\nb: c']], // RFC 9112 §11.1
      [...OK, ['x', 'a\0']],
      [...OK, ['X', 'a']],
      [...OK, ['content-length', '1'], ['content-length', '1']],
    ];
    for (const fields of wrong) expect(() => http.respond(0, 0, fields, false), JSON.stringify(fields)).toThrow(UsageError);
    expect(() => http.respond(0, 0, [[':status', '103']], true)).toThrow(UsageError);
    expect(() => http.respond(0, 0, withLength(3), true)).toThrow(UsageError);
    expect(() => http.writeBody(0, 0, latin1('a'))).toThrow(UsageError);
    expect(() => http.finish(0, 0)).toThrow(UsageError);
    expect(() => http.request(0, [], true)).toThrow(UsageError);
    http.respond(0, 0, withLength(1), false);
    expect(() => http.respond(0, 0, OK, true)).toThrow(UsageError);
    expect(() => http.writeBody(0, 0, latin1('ab'))).toThrow(UsageError);
    expect(() => http.finish(0, 0)).toThrow(UsageError);
    http.writeBody(0, 0, latin1('a'));
    expect(() => http.finish(0, 0, [[':status', '200']])).toThrow(UsageError);
    http.finish(0, 0);
    expect(client.run().heard).toBe('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na');
    http.respond(0, 0, OK, true); // of what is over, nothing
    http.finish(0, 7);
  });

  test('waits for the transport, and the application is told when there is room', () => {
    for (const fields of [withLength(1_000), OK]) {
      const client = new RawClient({ sendBuffer: 100 });
      const { server } = client;
      const data = new Uint8Array(1_000).fill(0x7a);
      let sent = 0;
      const write = (): void => {
        sent += server.http.writeBody(0, 0, data.subarray(sent));
        if (sent === data.length) server.http.finish(0, 0);
      };
      server.onEvent = ({ type }) => {
        if (type === 'request') server.http.respond(0, 0, fields, false);
        if (type === 'request' || type === 'body-writable') write();
      };
      client.say(request());
      expect([sent, client.heard.replace(/[^z]/g, '').length]).toEqual([1_000, 1_000]);
      expect(server.http.openExchanges).toBe(0);
    }
  });
});

test('there is word of room only when there is room', () => {
  const client = new RawClient({ sendBuffer: 60 });
  client.server.onEvent = ({ type }) => {
    if (type === 'request') client.server.http.respond(0, 0, withLength(100), false);
  };
  client.raw.write(0, latin1(request()));
  client.raw.deliver();
  client.server.turn();
  expect(client.server.http.writeBody(0, 0, new Uint8Array(100))).toBeLessThan(60);
  client.raw.write(0, latin1('x'));
  client.raw.deliver();
  client.server.turn();
  expect(client.server.events('body-writable')).toEqual([]);
  client.run();
  expect(client.server.events('body-writable')).toHaveLength(1);
});

describe('the order of responses (RFC 9112 §9.3.2)', () => {
  test('is that of the requests, whoever is ready first', () => {
    const client = new RawClient();
    client.say(['/0', '/1', '/2'].map((path) => request(path)).join(''));
    const { http } = client.server;
    http.respond(0, 2, [[':status', '202']], true);
    http.respond(0, 1, [[':status', '103']], false);
    http.respond(0, 1, withLength(6), false);
    http.writeBody(0, 1, latin1('abc'));
    expect(client.run().heard).toBe('');
    http.respond(0, 0, [[':status', '200']], true);
    expect(client.run().statuses).toEqual([200, 103, 200]);
    expect(client.take().endsWith('abc')).toBe(true);
    http.writeBody(0, 1, latin1('def'));
    http.finish(0, 1);
    expect(client.run().heard.startsWith('defHTTP/1.1 202 ')).toBe(true);
    expect(http.openExchanges).toBe(0);
  });

  test('holds for the answer to what is no request, too, behind which nothing is read', () => {
    const client = new RawClient();
    client.say(`${request('/0')}${request('/1')}nonsense\r\n${request('/2')}`);
    const { http } = client.server;
    expect(client.server.events('request').map(({ id }) => id)).toEqual([0, 1]);
    http.respond(0, 1, OK, true);
    http.respond(0, 0, OK, true);
    client.run();
    expect([client.statuses, client.ended]).toEqual([[200, 200, 400], true]);
    expect(client.server.events('failed')).toEqual([]);
  });
});

describe('how a connection ends (RFC 9112 §9.6)', () => {
  test('behind the response to a request that says `close`; nothing behind that is read', () => {
    const client = new RawClient();
    client.say(request('/', 'Connection: close\r\n') + request('/1'));
    expect([client.server.events('request').length, client.server.http.acceptsRequests]).toEqual([1, false]);
    client.server.http.respond(0, 0, OK, true);
    expect(head(client.run().heard)).toContain('connection: close');
    expect([client.ended, client.server.http.closed]).toEqual([true, false]);
    client.end();
    expect([client.server.http.closed, client.server.transport.aborted]).toEqual([true, undefined]);
    expect(client.server.events('closed')).toEqual([]);
  });

  test('after one exchange, if it is for one only (§9.3)', () => {
    const client = new RawClient({ server: { persistent: false } });
    client.say(request() + request());
    expect(client.server.events('request')).toHaveLength(1);
    client.server.http.respond(0, 0, OK, true);
    expect(client.run().heard).toContain('connection: close');
    expect(client.ended).toBe(true);
  });

  test('when no more requests are taken: the last that was read gets its answer, and that says `close`', () => {
    const client = new RawClient();
    client.say(request('/0') + request('/1'));
    const { http } = client.server;
    http.goaway(0);
    client.say(request('/2'));
    expect(client.server.events('request').map(({ id }) => id)).toEqual([0, 1]);
    http.respond(0, 0, OK, true);
    expect([client.run().take().includes('close'), client.ended]).toEqual([false, false]);
    http.respond(0, 1, OK, true);
    expect([client.run().take().includes('connection: close'), client.ended]).toEqual([true, true]);
    const idle = new RawClient();
    idle.server.http.goaway(0);
    expect([idle.run().ended, idle.heard]).toEqual([true, '']);
  });

  test('a client that says it is done still gets its answers', () => {
    const client = new RawClient();
    client.say(request('/0') + request('/1')).end();
    client.server.http.respond(0, 0, OK, true);
    expect([client.run().statuses, client.ended]).toEqual([[200], false]);
    client.server.http.respond(0, 1, OK, true);
    client.run();
    expect([client.statuses, client.ended, client.server.http.closed]).toEqual([[200, 200], true, true]);
  });

  test('when it is lost, whatever had no answer has failed', () => {
    const client = new RawClient();
    client.say(request('/0') + request('/1'));
    client.server.http.respond(0, 1, OK, true);
    client.server.transport.die('ECONNRESET');
    client.run();
    expect(client.server.events('failed')).toEqual(
      [0, 1].map((id) => ({ type: 'failed', id, code: 0, reason: 'the connection ended: ECONNRESET', unprocessed: false })),
    );
    expect([client.server.http.openExchanges, client.server.http.closed]).toEqual([0, true]);
  });

  test('in stages: what still comes behind the last response is read, so that no reset overtakes it', () => {
    const client = new RawClient();
    client.say(request('/', 'Connection: close\r\n'));
    client.server.http.respond(0, 0, OK, true);
    client.run();
    client.say('x'.repeat(1_000));
    expect([client.server.transport.aborted, client.server.http.closed]).toEqual([undefined, false]);
    client.end();
    expect(client.server.http.closed).toBe(true);
  });

  test('when we are asked to: in stages if nothing is under way, else at once', () => {
    const idle = new RawClient();
    idle.server.http.close(0, 7, 'done');
    expect([idle.run().ended, idle.server.told]).toEqual([true, [{ type: 'closed', code: 7, reason: 'done' }]]);
    const busy = new RawClient();
    busy.say(request());
    busy.server.http.close(0);
    busy.run();
    expect([busy.server.transport.aborted, busy.server.events('closed')]).toEqual(['', [{ type: 'closed', code: 0, reason: '' }]]);
  });
});

describe('time (RFC 9112 §9.5)', () => {
  test('a head that does not come is answered with 408 (RFC 9110 §15.5.9)', () => {
    const client = new RawClient({ server: { headersTimeout: 10 * SECOND, idleTimeout: 20 * SECOND, lingerTimeout: SECOND } });
    const { http } = client.server;
    expect(http.nextTimeout()).toBe(20 * SECOND);
    client.say('GET / HT');
    expect(http.nextTimeout()).toBe(10 * SECOND);
    client.say('TP/1.1\r\nHost: a\r\n');
    http.onTimeout(10 * SECOND);
    expect([client.run().statuses, client.ended, http.nextTimeout()]).toEqual([[408], true, 11 * SECOND]);
    http.onTimeout(11 * SECOND);
    expect([client.server.transport.aborted, http.nextTimeout(), http.closed]).toEqual(['the peer does not close', NEVER, true]);
  });

  test('so is content that stops coming while somebody waits for it', () => {
    const client = new RawClient({ server: { contentTimeout: 10 * SECOND } });
    const { http } = client.server;
    client.say(request('/', 'Content-Length: 3\r\n', 'POST'));
    expect(http.nextTimeout()).toBe(10 * SECOND);
    client.say('a');
    expect(http.nextTimeout()).toBe(NEVER); // it is the application's turn
    expect(client.server.readAll(0)).toEqual({ text: 'a', fin: false });
    expect(http.nextTimeout()).toBe(10 * SECOND);
    http.onTimeout(10 * SECOND);
    expect(client.run().statuses).toEqual([408]);
    expect(client.server.events('failed')).toMatchObject([{ id: 0, reason: 'a request took too long' }]);
  });

  test('a connection that nobody uses is closed', () => {
    const client = new RawClient({ server: { idleTimeout: 5 * SECOND } });
    const { http } = client.server;
    client.say(request());
    expect(http.nextTimeout()).toBe(NEVER);
    http.respond(0, 0, OK, true);
    expect(http.nextTimeout()).toBe(5 * SECOND);
    http.onTimeout(5 * SECOND);
    expect([client.run().ended, client.server.transport.aborted]).toEqual([true, undefined]);
  });

  test('the peer’s end is waited for from when our last has left', () => {
    const client = new RawClient({ sendBuffer: 50, server: { lingerTimeout: SECOND } });
    client.say(request('/', 'Connection: close\r\n'));
    const { http, transport } = client.server;
    http.respond(0, 0, OK, true);
    expect(http.nextTimeout()).toBe(NEVER);
    client.run();
    expect([client.statuses, http.nextTimeout(), transport.finished]).toEqual([[200], SECOND, true]);
  });

  test('and as long again while the peer takes what we said before: its path is slow, it is not silent (RFC 9112 §9.6)', () => {
    const client = new RawClient({ server: { lingerTimeout: SECOND } });
    client.say(request('/', 'Connection: close\r\n'));
    const { http, transport } = client.server;
    transport.unacknowledged = 3_000;
    http.respond(0, 0, OK, true);
    client.run();
    for (const left of [2_000, 1, 1]) {
      expect([transport.aborted, http.closed]).toEqual([undefined, false]);
      transport.unacknowledged = left;
      http.onTimeout(http.nextTimeout());
    }
    expect([transport.aborted, http.nextTimeout()]).toEqual(['the peer does not close', NEVER]);
  });

  test('but no longer once it has all of it', () => {
    const client = new RawClient({ server: { lingerTimeout: SECOND } });
    client.say(request('/', 'Connection: close\r\n'));
    const { http, transport } = client.server;
    transport.unacknowledged = 3_000;
    http.respond(0, 0, OK, true);
    client.run();
    transport.unacknowledged = 0;
    http.onTimeout(SECOND);
    expect(transport.aborted).toBe('the peer does not close');
  });
});

describe('Expect: 100-continue (RFC 9110 §10.1.1)', () => {
  const expecting = request('/', 'Expect: 100-Continue\r\nContent-Length: 3\r\n', 'POST');

  test('is answered when the application has polled its events, and has not answered itself', () => {
    const client = new RawClient();
    client.say(expecting);
    expect(client.take()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    client.say('abc');
    expect(client.server.readAll(0)).toEqual({ text: 'abc', fin: true });
    client.server.http.respond(0, 0, OK, true);
    expect(client.run().take()).toBe('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  });

  test('is not answered where the content is there, once it was read', () => {
    const client = new RawClient({ server: { expectContinue: 'application' } });
    client.server.onEvent = ({ type }) => {
      if (type === 'body-readable') client.server.readAll(0);
    };
    client.say(`${expecting}abc`);
    client.server.http.respond(0, 0, OK, true);
    expect(client.run().take()).toBe('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    expect(client.server.http.acceptsRequests).toBe(true);
  });

  test('is not answered if nobody wants the content', () => {
    const client = new RawClient();
    client.server.onEvent = ({ type }) => {
      if (type === 'request') client.server.http.stopReading(0, 0);
    };
    client.say(expecting);
    expect(client.take()).toBe('');
    client.server.http.respond(0, 0, [[':status', '403']], true);
    expect([client.run().statuses, client.ended]).toEqual([[403], true]);
  });

  test('who has sent some of the content sends the rest, whatever the answer', () => {
    const client = new RawClient({ server: { expectContinue: 'application' } });
    client.say(`${expecting}a`);
    client.server.readAll(0);
    client.server.http.respond(0, 0, OK, true);
    expect(client.run().take()).toBe('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    client.say('bc');
    client.server.readAll(0);
    client.say(request('/next'));
    expect(client.server.events('request')).toHaveLength(2);
  });

  test('an answer that is complete without the content needs no 100 before it', () => {
    const client = new RawClient();
    client.server.onEvent = ({ type }) => {
      if (type === 'request') client.server.http.respond(0, 0, OK, true);
    };
    client.say(expecting);
    expect([client.statuses, client.ended]).toEqual([[200], true]);
  });

  test('waits for the responses before it', () => {
    const client = new RawClient();
    client.say(request() + expecting);
    expect(client.take()).toBe('');
    client.server.http.respond(0, 0, OK, true);
    expect(client.run().statuses).toEqual([200, 100]);
  });

  test('a final answer in its place ends the connection: the client may send the content, or not', () => {
    const client = new RawClient();
    client.server.onEvent = ({ type }) => {
      if (type === 'request') client.server.http.respond(0, 0, [[':status', '413']], true);
    };
    client.say(expecting);
    expect([head(client.heard), client.ended]).toEqual([
      ['HTTP/1.1 413 Content Too Large', 'content-length: 0', 'connection: close'],
      true,
    ]);
    client.say(`abc${request('/smuggled')}`);
    expect(client.server.events('request')).toHaveLength(1);
  });

  test('who answers well before the content has come, and goes on, means to read it', () => {
    const client = new RawClient();
    client.server.onEvent = ({ type }) => {
      if (type === 'request') client.server.http.respond(0, 0, OK, false);
    };
    client.say(expecting);
    expect(client.statuses).toEqual([100, 200]);
  });

  test('is the application’s to answer, if it wants', () => {
    const client = new RawClient({ server: { expectContinue: 'application' } });
    client.say(expecting);
    expect([client.take(), client.server.http.nextTimeout()]).toEqual(['', NEVER]);
    client.server.http.respond(0, 0, [[':status', '100']], false);
    expect(client.run().take()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
  });
});

describe('content that nobody reads (RFC 9112 §9.3)', () => {
  test('is read away when the application says so, and the next request follows', () => {
    const client = new RawClient();
    client.say(`${request('/', 'Content-Length: 3\r\n', 'POST')}abc${request('/next')}`);
    client.server.http.respond(0, 0, OK, true);
    client.run();
    expect(client.server.events('request')).toHaveLength(1);
    client.server.http.stopReading(0, 0);
    client.run();
    expect(client.server.events('request')).toHaveLength(2);
  });

  test('may be read when the response is out already', () => {
    const client = new RawClient();
    client.say(`${request('/', 'Transfer-Encoding: chunked\r\n', 'POST')}3\r\nabc\r\n`);
    client.server.http.respond(0, 0, OK, true);
    expect(client.run().statuses).toEqual([200]);
    client.say('0\r\n\r\n');
    expect(client.server.readAll(0)).toEqual({ text: 'abc', fin: true });
    expect([client.server.http.openExchanges, client.server.http.acceptsRequests]).toEqual([0, true]);
  });

  test('holds the client back', () => {
    const client = new RawClient({ receiveBuffer: 500, sendBuffer: 200 });
    client.raw.write(0, latin1(request('/', 'Content-Length: 100000\r\n', 'POST')));
    let written = 0;
    for (let taken = 1; taken > 0; written += taken) {
      taken = client.raw.write(0, new Uint8Array(100_000 - written));
      client.run();
    }
    expect(written).toBeLessThan(2_000);
  });
});

describe('a request that is broken off (RFC 9112 §8)', () => {
  const begun = `${request('/', 'Transfer-Encoding: chunked\r\n', 'POST')}3\r\nabc\r\n`;

  test('is answered with 400, and the application is told', () => {
    const client = new RawClient();
    client.say(begun);
    client.server.readAll(0);
    client.say('nonsense\r\n');
    client.server.readAll(0);
    client.run();
    expect(client.server.events('failed')).toEqual([
      { type: 'failed', id: 0, code: 0, reason: 'a chunk without a size', unprocessed: false },
    ]);
    expect([client.statuses, client.ended]).toEqual([[400], true]);
    client.server.http.respond(0, 0, OK, true);
    expect(client.run().statuses).toEqual([400]);
  });

  test('keeps the answer that it has got', () => {
    const client = new RawClient();
    client.say(begun);
    client.server.http.respond(0, 0, OK, true);
    client.run();
    client.server.readAll(0);
    client.say('nonsense\r\n');
    client.server.readAll(0);
    expect([client.run().statuses, client.ended]).toEqual([[200], true]);
  });

  test('takes an answer that has begun with it, and the connection', () => {
    const client = new RawClient();
    client.say(begun);
    client.server.http.respond(0, 0, OK, false);
    client.run();
    client.server.readAll(0);
    client.say('nonsense\r\n');
    client.server.readAll(0);
    expect(client.server.transport.aborted).toBe('a response could not be completed');
    expect(client.server.http.openExchanges).toBe(1);
  });

  test('an answer that has begun and waits is broken off in its turn: those before it arrive', () => {
    const client = new RawClient();
    client.say(request() + begun);
    const { http } = client.server;
    http.respond(0, 1, OK, false);
    client.server.readAll(1);
    client.say('nonsense\r\n');
    client.server.readAll(1);
    expect(client.server.transport.aborted).toBeUndefined();
    client.server.onEvent = () => {};
    http.respond(0, 0, OK, true);
    expect(client.server.transport.aborted).toBe('a response could not be completed');
  });

  test('by the application: without an answer, if none has begun', () => {
    const client = new RawClient();
    client.say(request('/0') + request('/1'));
    const { http } = client.server;
    http.cancel(0, 1);
    http.respond(0, 0, OK, true);
    client.run();
    expect([client.statuses, client.ended, client.server.transport.aborted]).toEqual([[200], true, undefined]);
  });

  test('by the application, within the response', () => {
    const client = new RawClient();
    client.say(request());
    client.server.http.respond(0, 0, OK, false);
    client.server.http.cancel(0, 0);
    expect(client.server.transport.aborted).toBe('a response could not be completed');
    const done = new RawClient();
    done.say(request() + request());
    done.server.http.respond(0, 1, OK, true);
    done.server.http.cancel(0, 1); // it is complete already
    done.server.http.respond(0, 0, OK, true);
    expect(done.run().statuses).toEqual([200, 200]);
  });
});

describe('another protocol on the same connection (RFC 9110 §7.8)', () => {
  const upgrade = request('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n');
  const switching: Fields = [
    [':status', '101'],
    ['upgrade', 'websocket'],
  ];

  test('101 turns the exchange into octets both ways', () => {
    const client = new RawClient();
    client.say(`${upgrade}hello`);
    const { server } = client;
    expect(server.events('request')).toMatchObject([{ end: true }]);
    expect(server.events('request')[0]!.fields).toContainEqual(['upgrade', 'websocket']);
    server.http.respond(0, 0, switching, false);
    server.http.writeBody(0, 0, latin1('GET'));
    expect(client.run().take()).toBe('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nGET');
    expect(server.readAll(0)).toEqual({ text: 'hello', fin: false });
    server.http.finish(0, 0);
    expect(client.run().ended).toBe(true);
    client.say(request()).end();
    expect(server.readAll(0)).toEqual({ text: request(), fin: true });
    client.run();
    expect([server.http.openExchanges, server.http.closed, server.events('failed')]).toEqual([0, true, []]);
  });

  test('who wants no more of it does not read it away: there is nothing behind it', () => {
    const client = new RawClient();
    client.say(upgrade);
    const { http, transport } = client.server;
    http.respond(0, 0, switching, false);
    http.stopReading(0, 0);
    client.say(new Uint8Array(1_000_000));
    http.writeBody(0, 0, latin1('still here'));
    expect([http.readBody(0, 0), client.run().heard.endsWith('still here'), transport.aborted]).toEqual([undefined, true, undefined]);
    http.finish(0, 0);
    expect([http.openExchanges, transport.aborted]).toEqual([0, 'too much came after the end']);
  });

  test('an application that stays with HTTP goes on with the next request, which had to wait', () => {
    const client = new RawClient();
    client.say(upgrade + request('/next'));
    expect(client.server.events('request')).toHaveLength(1);
    client.server.http.respond(0, 0, OK, true);
    client.run();
    expect(client.server.events('request')).toHaveLength(2);
  });

  test.each([
    ['with content', request('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n')],
    ['that Connection does not name', request('/', 'Upgrade: websocket\r\n')],
    ['of HTTP/1.0', 'GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
  ])('a request for one %s asks for nothing', (_, octets) => {
    const client = new RawClient();
    client.say(octets);
    expect(client.server.events('request')[0]!.fields.map(([name]) => name)).not.toContain('upgrade');
    expect(() => client.server.http.respond(0, 0, switching, false)).toThrow(UsageError);
  });

  test('may be named by a response (426) with its connection option', () => {
    const client = new RawClient();
    client.say(request());
    client.server.http.respond(
      0,
      0,
      [
        [':status', '426'],
        ['upgrade', 'HTTP/3.0'],
      ],
      true,
    );
    expect(head(client.run().heard)).toContain('connection: upgrade');
  });

  test('CONNECT is a tunnel where it is granted, without lengths (RFC 9110 §9.3.6)', () => {
    const client = new RawClient();
    client.say('CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\nabc');
    const { server } = client;
    expect(server.events('request')).toMatchObject([
      {
        fields: [
          [':method', 'CONNECT'],
          [':authority', 'b:443'],
        ],
        end: false,
      },
    ]);
    server.http.respond(0, 0, withLength(3), false);
    server.http.writeBody(0, 0, latin1('hello'));
    expect(client.run().take()).toBe('HTTP/1.1 200 OK\r\n\r\nhello');
    expect(server.readAll(0)).toEqual({ text: 'abc', fin: false });
    client.end();
    expect(server.readAll(0)).toEqual({ text: '', fin: true });
    server.http.finish(0, 0);
    client.run();
    expect([client.ended, server.http.closed]).toEqual([true, true]);
  });

  test('CONNECT that is refused leaves a connection that serves on', () => {
    const client = new RawClient();
    client.say(`CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n${request()}`);
    client.server.http.respond(0, 0, [[':status', '405']], true);
    client.run();
    expect(client.server.events('request')).toHaveLength(2);
  });

  test('has its turn like any response', () => {
    const client = new RawClient();
    client.say(request() + upgrade);
    client.server.http.respond(0, 1, switching, false);
    client.server.http.writeBody(0, 1, latin1('raw'));
    expect(client.run().heard).toBe('');
    client.server.http.respond(0, 0, OK, true);
    expect(client.run().statuses).toEqual([200, 101]);
    expect(client.heard.endsWith('raw')).toBe(true);
  });
});
