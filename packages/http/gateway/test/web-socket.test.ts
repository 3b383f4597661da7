import { latin1 } from '@quiclab/bytes';
import { type Fields, fieldValue } from '@quiclab/http-semantics';
import { SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { type OriginApp, World } from './world.ts';

const HANDSHAKE = [
  'GET /chat HTTP/1.1',
  'Host: site.example',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  '',
  '',
].join('\r\n');

const SWITCHING: Fields = [
  [':status', '101'],
  ['upgrade', 'websocket'],
  ['sec-websocket-accept', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='],
];

/** Takes the WebSocket, and says everything back. */
const socket: OriginApp = (origin, event, now) => {
  if (event.type === 'request') origin.http.respond(now, event.id, SWITCHING, false);
  if (event.type !== 'body-readable') return;
  for (let piece = origin.http.readBody(now, event.id); piece !== undefined; piece = origin.http.readBody(now, event.id)) {
    origin.http.writeBody(now, event.id, piece.data);
    if (piece.fin) origin.http.finish(now, event.id);
  }
};

/** A client that is no more than a stream of octets. */
function rawClient(world: World): { say(text: string): string; end(): void; heard(): string } {
  const client = world.client('1.1');
  let heard = '';
  // what comes is no HTTP for our client, which asked for nothing: it is taken before it gets there
  client.wired.tap((octets) => {
    heard += Buffer.from(octets).toString('latin1');
  });
  return {
    say: (text) => {
      client.wired.say(latin1(text));
      world.run();
      return heard;
    },
    end: () => {
      client.wired.end();
      world.run();
    },
    heard: () => heard,
  };
}

describe('a WebSocket over HTTP/1.1 on both hops (RFC 6455 §4, RFC 9110 §7.8)', () => {
  test('is passed through, both ways, to its end', () => {
    const world = new World({ app: socket });
    const client = rawClient(world);
    const answer = client.say(HANDSHAKE);
    expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    expect(answer).toMatch(/\r\nupgrade: websocket\r\n/i);
    expect(answer).toMatch(/\r\nconnection: upgrade\r\n/i);
    expect(answer).toMatch(/\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i);
    const { fields } = world.origins[0]!.events('request')[0]!;
    expect([fieldValue(fields, 'upgrade'), fieldValue(fields, 'sec-websocket-key')]).toEqual(['websocket', 'dGhlIHNhbXBsZSBub25jZQ==']);
    expect(client.say('frame 1 ').endsWith('frame 1 ')).toBe(true);
    expect(client.say('frame 2').endsWith('frame 1 frame 2')).toBe(true);
    expect(world.gateway.requests).toBe(1);
    client.end();
    expect([world.gateway.requests, world.gateway.connections]).toEqual([0, { front: 0, back: 0 }]);
    expect(world.passages).toMatchObject([{ status: 101, outcome: 'complete', octetsUp: 15, octetsDown: 15 }]);
  });

  test('one that the origin does not take is answered as the origin answers, and HTTP goes on', () => {
    const world = new World();
    world.app = (origin, event, now) => {
      if (event.type !== 'request') return;
      const fields = [
        [':status', '403'],
        ['content-length', '0'],
      ] as const;
      origin.http.respond(now, event.id, fields, true);
    };
    const client = rawClient(world);
    expect(client.say(HANDSHAKE)).toMatch(/^HTTP\/1\.1 403 /);
    expect(client.say('GET / HTTP/1.1\r\nHost: site.example\r\n\r\n').match(/HTTP\/1\.1 403 /g)).toHaveLength(2);
    expect(world.dialed).toBe(1);
  });

  test('one that is quiet for too long is given up', () => {
    const world = new World({ app: socket, tunnelTimeout: 3_600 * SECOND, bodyTimeout: 300 * SECOND });
    const client = rawClient(world);
    client.say(HANDSHAKE);
    world.wait(3_000 * SECOND);
    client.say('ping');
    world.wait(3_599 * SECOND);
    expect(world.gateway.requests).toBe(1);
    world.wait(SECOND);
    expect(world.passages).toMatchObject([{ status: 101, outcome: 'broken' }]);
    expect(world.origins[0]!.wired.over()).toBeDefined();
  });

  test('an origin that is gone takes the client with it', () => {
    const world = new World({ app: socket });
    const client = rawClient(world);
    client.say(HANDSHAKE);
    world.origins[0]!.wired.cut();
    world.run();
    expect([world.gateway.requests, world.gateway.connections.front]).toEqual([0, 0]);
  });

  test('other protocols are not switched to, and neither is any when the origin speaks another version', () => {
    for (const [back, text] of [
      ['1.1', HANDSHAKE.replace('Upgrade: websocket', 'Upgrade: h2c')],
      ['3', HANDSHAKE],
    ] as const) {
      const world = new World({ back });
      expect(rawClient(world).say(text)).toMatch(/^HTTP\/1\.1 200 /);
      expect(fieldValue(world.origins[0]!.events('request')[0]!.fields, 'upgrade')).toBeUndefined();
    }
  });
});
