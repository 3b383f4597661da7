import { latin1 } from '@quiclab/bytes';
import { fieldValue, fieldValues } from '@quiclab/http-semantics';
import { describe, expect, test } from 'vitest';
import { answering, ask, asking, echo, type OriginApp, upload, VERSIONS, World } from './world.ts';

const PAIRS = VERSIONS.flatMap((front) => VERSIONS.map((back) => ({ front, back })));

describe.each(PAIRS)('HTTP/$front in front, HTTP/$back behind', ({ front, back }) => {
  test('a request and its response are carried on', () => {
    const world = new World({ back, app: answering('hello', ['content-type', 'text/plain']) });
    const client = world.client(front);
    const id = ask(world, client, asking('GET', '/greeting?to=you', ['accept', 'text/*']));
    expect([client.status(id), client.body(id), client.complete(id)]).toEqual([200, 'hello', true]);
    expect(fieldValue(client.response(id)!.fields, 'content-type')).toBe('text/plain');
    const { fields } = world.origins[0]!.events('request')[0]!;
    expect([':method', ':authority', ':path', 'accept'].map((name) => fieldValue(fields, name))).toEqual([
      'GET',
      'site.example',
      '/greeting?to=you',
      'text/*',
    ]);
    expect(world.passages).toMatchObject([
      { front, back, status: 200, outcome: 'complete', octetsUp: 0, octetsDown: 5, attempts: 1, path: '/greeting?to=you' },
    ]);
    expect(world.gateway.requests).toBe(0);
  });

  test('each hop is named in Via, with the version that the message came in (RFC 9110 §7.6.3)', () => {
    const world = new World({ back });
    const client = world.client(front);
    const { fields } = client.response(ask(world, client, asking('GET', '/', ['via', '1.0 fred'])))!;
    expect(fieldValue(fields, 'x-via')).toBe(`1.0 fred, ${front} gw`);
    expect(fieldValue(fields, 'via')).toBe(`${back} gw`);
  });

  test('content goes both ways as it comes, with trailers at its end', () => {
    const app: OriginApp = (origin, event, now) => {
      if (event.type === 'request') origin.http.respond(now, event.id, [[':status', '200']], false);
      if (event.type !== 'body-readable') return;
      origin.http.writeBody(now, event.id, origin.read(event.id));
      if (origin.complete(event.id)) origin.http.finish(now, event.id, [['sum-of-response', '12']]);
    };
    const world = new World({ back, app });
    const client = world.client(front);
    const id = client.http.request(world.now, asking('POST', '/upload', ['te', 'trailers']), false)!;
    client.http.writeBody(world.now, id, latin1('first '));
    world.run();
    expect([client.body(id), client.complete(id)]).toEqual(['first ', false]);
    client.http.writeBody(world.now, id, latin1('second'));
    client.http.finish(world.now, id, [['sum', '12']]);
    world.run();
    expect([client.body(id), client.complete(id)]).toEqual(['first second', true]);
    expect(world.origins[0]!.events('trailers').map(({ fields }) => fields)).toEqual([[['sum', '12']]]);
    expect(client.events('trailers').map(({ fields }) => fields)).toEqual([[['sum-of-response', '12']]]);
    expect(fieldValue(world.origins[0]!.events('request')[0]!.fields, 'te')).toBe('trailers'); // RFC 9110 §10.1.4
  });

  test('informational responses are passed on, 100 where it is waited for among them (RFC 9110 §15.2, §10.1.1)', () => {
    const app: OriginApp = (origin, event, now) => {
      if (event.type === 'request') {
        if (fieldValue(event.fields, 'expect') === '100-continue') origin.http.respond(now, event.id, [[':status', '100']], false);
        const hint = [
          [':status', '103'],
          ['link', '</style.css>; rel=preload'],
        ] as const;
        origin.http.respond(now, event.id, hint, false);
      } else if (event.type === 'body-readable') {
        origin.read(event.id);
        if (origin.complete(event.id)) origin.http.respond(now, event.id, [[':status', '204']], true);
      }
    };
    const world = new World({ back, app });
    const client = world.client(front);
    const id = client.http.request(world.now, asking('PUT', '/', ['expect', '100-continue'], ['content-length', '4']), false)!;
    world.run();
    expect(client.events('response').map(({ status, informational }) => [status, informational])).toEqual([
      [100, true],
      [103, true],
    ]);
    expect(fieldValue(client.events('response')[1]!.fields, 'link')).toBe('</style.css>; rel=preload');
    client.http.writeBody(world.now, id, latin1('data'));
    client.http.finish(world.now, id);
    world.run();
    expect([client.status(id), world.origins[0]!.body(world.origins[0]!.first)]).toEqual([204, 'data']);
  });

  test('a response to HEAD says how long it would be, and has nothing', () => {
    const app: OriginApp = (origin, event, now) => {
      const fields = [
        [':status', '200'],
        ['content-length', '1000'],
      ] as const;
      if (event.type === 'request') origin.http.respond(now, event.id, fields, true);
    };
    const world = new World({ back, app });
    const client = world.client(front);
    const id = ask(world, client, asking('HEAD'));
    expect([client.status(id), client.body(id), client.complete(id)]).toEqual([200, '', true]);
    expect(fieldValue(client.response(id)!.fields, 'content-length')).toBe('1000');
  });

  test('many requests on several connections, content in small pieces: each is answered with its own', () => {
    const world = new World({ back });
    const clients = Array.from({ length: 5 }, () => world.client(front, { sendBuffer: 700, receiveBuffer: 900 }));
    const sent: { client: (typeof clients)[0]; id: number; text: string }[] = [];
    for (let round = 0; round < 6; round++) {
      for (const [i, client] of clients.entries()) {
        const text = `${round}/${i} `.repeat(60 + 40 * i);
        const fields = asking('POST', `/${round}/${i}`, ['content-length', String(text.length)]);
        sent.push({ client, id: upload(world, client, fields, text), text });
      }
      world.run();
    }
    for (const { client, id, text } of sent) expect([client.status(id), client.body(id)]).toEqual([200, text]);
    expect(world.passages.map(({ outcome }) => outcome)).toEqual(sent.map(() => 'complete'));
    expect(world.gateway.connections.back).toBeLessThanOrEqual(5);
  });
});

test('cookies that HTTP/3 cut into pieces are one for HTTP/1.1 (RFC 9114 §4.2.1), and stay apart otherwise', () => {
  for (const [back, expected] of [
    ['1.1', ['a=1; b=2; c=3']],
    ['3', ['a=1', 'b=2', 'c=3']],
  ] as const) {
    const world = new World({ back, app: echo });
    ask(world, world.client('3'), asking('GET', '/', ['cookie', 'a=1'], ['x', 'y'], ['cookie', 'b=2'], ['cookie', 'c=3']));
    expect(fieldValues(world.origins[0]!.events('request')[0]!.fields, 'cookie')).toEqual(expected);
  }
});
