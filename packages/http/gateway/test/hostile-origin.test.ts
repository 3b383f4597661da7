import { fromLatin1, latin1 } from '@quiclab/bytes';
import { fieldValue } from '@quiclab/http-semantics';
import { describe, expect, test } from 'vitest';
import { ask, asking, type End, type OriginApp, VERSIONS, World, type WorldOptions } from './world.ts';

/** Says this, octet by octet what it is, to whoever asks. */
const saying =
  (text: string): OriginApp =>
  (origin, event) => {
    if (event.type === 'request') origin.wired.say(latin1(text));
  };

const POISON = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison';

describe.each(VERSIONS)('HTTP/%s in front', (front) => {
  test.each([
    ['a response to HEAD that has content', 'HEAD', `HTTP/1.1 200 OK\r\nContent-Length: ${POISON.length}\r\n\r\n${POISON}`],
    ['204 that has content', 'GET', `HTTP/1.1 204 No Content\r\nContent-Length: ${POISON.length}\r\n\r\n${POISON}`],
    ['304 that has content', 'GET', `HTTP/1.1 304 Not Modified\r\nContent-Length: ${POISON.length}\r\n\r\n${POISON}`],
    ['a response longer than it says', 'GET', `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok${POISON}`],
    ['two responses', 'GET', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${POISON}`],
  ])('%s: what is too much is nobody else’s response (RFC 9112 §6.3, §9.2)', (_what, method, said) => {
    const world = new World({ maxConnections: 1 });
    let first = true;
    world.app = (origin, event, now) => {
      if (event.type === 'request' && first) {
        first = false;
        origin.wired.say(latin1(said));
      } else if (event.type === 'request') {
        origin.http.respond(now, event.id, [[':status', '200']], false);
        origin.http.writeBody(now, event.id, latin1('mine'));
        origin.http.finish(now, event.id);
      }
    };
    const clients = [world.client(front), world.client(front)];
    const ids = clients.map((client, i) => client.http.request(world.now, asking(i === 0 ? method : 'GET'), true)!);
    world.run();
    expect(clients[1]!.body(ids[1]!)).toBe('mine');
    expect([world.dialed, clients[0]!.body(ids[0]!).includes('poison')]).toEqual([2, false]);
  });

  test('octets on a connection that nobody uses end it, and are nobody’s response', () => {
    const world = new World({ app: saying('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') });
    const client = world.client(front);
    ask(world, client);
    world.origins[0]!.wired.say(latin1(POISON));
    world.run();
    expect(client.body(ask(world, client))).toBe('ok');
    expect(world.dialed).toBe(2);
  });

  test.each(['204 No Content', '304 Not Modified', '200 OK'])('%s says no length that nobody may rely on (RFC 9110 §8.6)', (line) => {
    const world = new World({
      app: saying(`HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\n\r\nHTTP/1.1 ${line}\r\nContent-Length: 7\r\n\r\n`),
    });
    const client = world.client(front);
    const id = ask(world, client, asking('HEAD'));
    const [hints, final] = client.events('response');
    expect([client.complete(id), fieldValue(hints!.fields, 'content-length')]).toEqual([true, undefined]);
    expect(fieldValue(final!.fields, 'content-length')).toBe(line.startsWith('204') ? undefined : '7');
  });

  test.each([
    ['101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n'],
    ['chunked in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
    ['a second coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['NUL in a field', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n'],
    ['a bare CR in a field', 'HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n'],
    ['HTTP/2', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['informational responses without end', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1_000)],
  ])('%s: 502, and the connection is not asked again', (_what, said) => {
    const world = new World({ app: saying(said) });
    const client = world.client(front);
    const id = ask(world, client);
    expect([client.status(id), world.gateway.connections.back, world.gateway.requests]).toEqual([502, 0, 0]);
  });

  test('content that ends in the middle of a chunk is never a whole message', () => {
    for (const said of ['2\r\nok\r\n', '2\r\nok\r\n0\r\n', '5\r\nok', '2\r\nok\r\nzz\r\n']) {
      const world = new World({ app: saying(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${said}`) });
      const client = world.client(front);
      const id = ask(world, client);
      world.origins[0]!.wired.end();
      world.run();
      expect([said, client.complete(id), world.passages.map(({ outcome }) => outcome)]).toEqual([said, false, ['broken']]);
    }
  });
});

/** A client of HTTP/1.0, which knows the end of content by that of the connection. */
function oldClient(options: WorldOptions): { world: World; client: End; heard(): string } {
  const world = new World(options);
  const client = world.client('1.1');
  let heard = '';
  client.wired.tap((octets) => {
    heard += fromLatin1(octets);
  });
  client.wired.say(latin1('GET / HTTP/1.0\r\nHost: a\r\n\r\n'));
  world.run();
  return { world, client, heard: () => heard };
}

describe('a client of HTTP/1.0', () => {
  test('gets chunked content as it is, to the end of the connection (RFC 9112 §6.1)', () => {
    const { client, heard } = oldClient({
      app: saying('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nt: 1\r\n\r\n'),
    });
    expect(heard()).toBe('HTTP/1.1 200 OK\r\nvia: 1.1 gw\r\nconnection: close\r\n\r\nok');
    expect(client.wired.aborted()).toBe(false);
  });

  test('is not told by a clean end of the connection that broken content is whole', () => {
    const { world, client, heard } = oldClient({ app: saying('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n') });
    world.origins[0]!.wired.end();
    world.run();
    expect([heard().endsWith('ok'), client.wired.aborted()]).toEqual([true, true]);
  });

  test('gets no informational response (RFC 9110 §15.2)', () => {
    const { heard } = oldClient({ app: saying('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') });
    expect(heard()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});
