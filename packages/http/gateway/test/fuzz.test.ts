import { latin1 } from '@quiclab/bytes';
import type { Fields } from '@quiclab/http-semantics';
import { integerBelow, SECOND, seededRandom } from '@quiclab/sansio';
import { expect, test } from 'vitest';
import { asking, upload, VERSIONS, World } from './world.ts';

const RESPONSES = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n5\r\nhello\r\n0\r\nt: 1\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nframes',
  'HTTP/1.0 200 OK\r\n\r\nold',
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
  'HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
];
const WORDS = ['\r\n', '\r', '\n', ' ', ':', '0', '\0', '\xff', '101', '99999999999', 'Connection: close\r\n', 'Upgrade: websocket\r\n'];
WORDS.push('Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'HTTP/1.1 200 OK\r\n');
const CONNECT: Fields = [[':method', 'CONNECT'], [':protocol', 'websocket'], ...asking('GET').slice(1)];
const SEEDS = process.env.QUICLAB_SWEEP === '1' ? 20_000 : 300;

/** One origin of HTTP/1.1 whose responses were damaged, asked by two clients in one of many ways. Returns how the requests fared. */
function fares(seed: number): string[] {
  const random = seededRandom(seed);
  const below = (limit: number): number => integerBelow(random, limit);
  let text = RESPONSES[below(RESPONSES.length)]!;
  for (let damages = below(4); damages > 0; damages--) {
    const at = below(text.length + 1);
    const kind = below(3);
    if (kind === 0) text = text.slice(0, at) + WORDS[below(WORDS.length)] + text.slice(at);
    else if (kind === 1) text = text.slice(0, at) + text.slice(at + 1 + below(4));
    else text += RESPONSES[below(RESPONSES.length)];
  }
  const octets = latin1(text);
  const [ending, piece] = [below(4), below(2) === 0 ? 1 : octets.length];
  const world = new World({ maxConnections: 2 });
  world.app = (origin, event) => {
    if (event.type !== 'request') return;
    for (let at = 0; at < octets.length; at += piece) origin.wired.say(octets.subarray(at, at + piece));
    if (ending === 0) origin.wired.end();
    if (ending === 1) origin.wired.cut();
  };
  const front = VERSIONS[below(3)]!;
  const client = world.client(front, { enableConnectProtocol: true });
  world.run(); // SETTINGS
  const how = below(4);
  if (how === 0 && front !== '1.1') client.http.request(world.now, CONNECT, false);
  else if (how === 0) client.http.request(world.now, asking('GET', '/', ['upgrade', 'websocket']), true);
  else if (how === 1) upload(world, client, asking('POST'), 'x'.repeat(below(3) * 20_000 + 1), [['t', '1']]);
  else client.http.request(world.now, asking(['GET', 'HEAD', 'PUT'][below(3)]!), true);
  world.client('3').http.request(world.now, asking('GET'), true);
  world.wait(5_000 * SECOND); // longer than any timeout
  expect([world.gateway.requests, world.gateway.connections.back, world.passages.length]).toEqual([0, 0, 2]);
  return world.passages.map(({ status, outcome }) => `${status} ${outcome}`);
}

test('whatever an origin says, each request comes to one end, nothing is left, and nothing is thrown', { timeout: 600_000 }, () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < SEEDS; seed++) {
    try {
      for (const fare of fares(seed)) seen.add(fare);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  for (const fare of ['200 complete', '200 broken', '101 broken', '204 complete', '304 complete', '413 complete', '502 answered'])
    expect([fare, seen.has(fare)]).toEqual([fare, true]);
});
