import { latin1 } from '@quiclab/bytes';
import { type Fields, fieldValue } from '@quiclab/http-semantics';
import { SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { ask, type OriginApp, silent, World } from './world.ts';

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

const CONNECT: Fields = [
  [':method', 'CONNECT'],
  [':protocol', 'websocket'],
  [':scheme', 'https'],
  [':authority', 'site.example'],
  [':path', '/chat'],
  ['sec-websocket-version', '13'],
  ['sec-websocket-protocol', 'chat'],
];
const takes = { enableConnectProtocol: true };

/** Takes the WebSocket by CONNECT, and says everything back. */
const tunnel: OriginApp = (origin, event, now) => {
  if (event.type === 'request') origin.http.respond(now, event.id, [[':status', '200']], false);
  else socket(origin, event, now);
};

/** A client that has asked for a WebSocket, and may say more. */
function connecting(world: World, version: '2' | '3', fields: Fields = CONNECT) {
  const client = world.client(version, takes);
  world.run(); // SETTINGS
  const id = client.http.request(world.now, fields, false)!;
  world.run();
  return {
    client,
    id,
    say: (text: string): string => {
      client.http.writeBody(world.now, id, latin1(text));
      world.run();
      return client.body(id);
    },
  };
}

describe.each(['2', '3'] as const)('a WebSocket that a client over HTTP/%s asks for by CONNECT (RFC 8441 §5, RFC 9220)', (front) => {
  test('is asked for by Upgrade over HTTP/1.1, with a key of our own, and both ends may end it', () => {
    const world = new World({ app: socket });
    const fields: Fields = [...CONNECT, ['sec-websocket-key', "the client's"], ['content-length', '7'], ['expect', '100-continue']];
    const { client, id, say } = connecting(world, front, fields);
    const asked = world.origins[0]!.events('request')[0]!.fields;
    expect(asked).toEqual([
      [':method', 'GET'],
      [':scheme', 'http'],
      [':authority', 'site.example'],
      [':path', '/chat'],
      ['sec-websocket-version', '13'],
      ['sec-websocket-protocol', 'chat'],
      ['upgrade', 'websocket'],
      ['sec-websocket-key', world.webSocketKey.key],
      ['via', `${front} gw`],
    ]);
    expect(client.response(id)!.fields).toEqual([
      [':status', '200'],
      ['via', '1.1 gw'],
    ]);
    expect(say('frame 1 ')).toBe('frame 1 ');
    expect(say('frame 2')).toBe('frame 1 frame 2');
    expect(world.gateway.requests).toBe(1);
    client.http.finish(world.now, id);
    world.run();
    expect([world.gateway.requests, client.complete(id), client.events('reset')]).toEqual([0, true, []]);
    expect(world.passages).toMatchObject([{ method: 'CONNECT', status: 200, outcome: 'complete', octetsUp: 15, octetsDown: 15 }]);
  });

  test('what the client says before it has it stays with the client', () => {
    const world = new World({ app: silent });
    const { client, id, say } = connecting(world, front);
    say('early');
    const [origin] = world.origins;
    expect([origin!.events('request').length, origin!.events('body-readable')]).toEqual([1, []]);
    world.app = socket;
    origin!.http.respond(world.now, origin!.first, SWITCHING, false);
    world.run();
    expect(client.body(id)).toBe('early');
  });

  test('is answered as the origin answers, where that does not take it, and the connection goes on', () => {
    const world = new World();
    world.app = (origin, event, now) => {
      if (event.type !== 'request') return;
      origin.http.respond(now, event.id, [[':status', '403']], false);
      origin.http.writeBody(now, event.id, latin1('no'));
      origin.http.finish(now, event.id);
    };
    const { client, id, say } = connecting(world, front);
    say('more');
    expect([client.status(id), client.body(id), client.complete(id)]).toEqual([403, 'no', true]);
    expect([world.gateway.requests, world.gateway.connections.back]).toEqual([0, 1]);
    expect(client.status(ask(world, client))).toBe(403);
    expect(world.dialed).toBe(1);
  });

  test.each([
    ['2xx, which would be a tunnel to the client and none to the origin', [[':status', '200']]],
    ['101 to something else', [SWITCHING[0], ['upgrade', 'h2c'], SWITCHING[2]]],
    ['101 with an answer to another key (RFC 6455 §4.1)', [...SWITCHING.slice(0, 2), ['sec-websocket-accept', 'AAAA']]],
    ['101 without an answer to the key', SWITCHING.slice(0, 2)],
  ] as [string, Fields][])('%s: 502', (_what, fields) => {
    const world = new World();
    world.app = (origin, event, now) => {
      if (event.type === 'request') origin.http.respond(now, event.id, fields, fields[0]![1] === '200');
    };
    const { client, id } = connecting(world, front);
    expect([client.status(id), world.gateway.requests]).toEqual([502, 0]);
    if (fields[0]![1] === '101') expect(world.gateway.connections.back).toBe(0); // nobody knows what is spoken there now
  });

  test.each(['2', '3'] as const)('goes on by CONNECT to an origin over HTTP/%s that offers it', (back) => {
    const world = new World({ back, backLeg: takes, app: tunnel });
    const { client, id, say } = connecting(world, front);
    const asked = world.origins[0]!.events('request')[0]!.fields;
    expect([fieldValue(asked, ':method'), fieldValue(asked, ':protocol'), fieldValue(asked, 'sec-websocket-key')]).toEqual([
      'CONNECT',
      'websocket',
      undefined,
    ]);
    expect([client.status(id), say('frame'), world.dialed]).toEqual([200, 'frame', 1]);
    client.http.finish(world.now, id);
    world.run();
    expect([world.gateway.requests, client.complete(id)]).toEqual([0, true]);
  });

  test.each(['2', '3'] as const)('is 501 where the origin over HTTP/%s does not', (back) => {
    const world = new World({ back, app: tunnel });
    const { client, id } = connecting(world, front);
    expect([client.status(id), world.origins[0]!.events('request')]).toEqual([501, []]);
  });

  test.each([
    ['another protocol', CONNECT.map(([name, value]) => [name, name === ':protocol' ? 'connect-udp' : value] as const)],
    [
      'no protocol',
      [
        [':method', 'CONNECT'],
        [':authority', 'site.example:443'],
      ],
    ],
  ] as [string, Fields][])('%s: 501, and the origin hears nothing of it (RFC 9220 §3)', (_what, fields) => {
    const world = new World();
    const { client, id } = connecting(world, front, fields);
    expect([client.status(id), world.dialed, world.gateway.requests]).toEqual([501, 0, 0]);
  });

  test('a client that ends its side at once is heard as that', () => {
    const world = new World({ app: socket });
    const client = world.client(front, takes);
    world.run();
    const id = client.http.request(world.now, CONNECT, true)!;
    world.run();
    expect([client.status(id), client.complete(id), world.gateway.requests]).toEqual([200, true, 0]);
  });

  test('a client that gives it up takes the origin with it, and the other way round', () => {
    const world = new World({ app: socket });
    const given = connecting(world, front);
    given.client.http.cancel(world.now, given.id);
    world.run();
    expect(world.origins[0]!.wired.over()).toBeDefined();
    const lost = connecting(world, front);
    world.origins[1]!.wired.cut();
    world.run();
    expect(lost.client.events('reset').map(({ id }) => id)).toEqual([lost.id]);
    expect([world.gateway.requests, world.gateway.connections.back]).toEqual([0, 0]);
  });
});

test('101 that switches to something else than was asked for is a 502 (RFC 9110 §7.8)', () => {
  const world = new World();
  world.app = (origin, event, now) => {
    if (event.type === 'request') origin.http.respond(now, event.id, [SWITCHING[0]!, ['upgrade', 'h2c']], false);
  };
  expect(rawClient(world).say(HANDSHAKE)).toMatch(/^HTTP\/1\.1 502 /);
  expect(world.gateway.connections.back).toBe(0);
});
