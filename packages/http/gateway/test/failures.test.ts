import { latin1 } from '@quiclab/bytes';
import { LIMITS } from '@quiclab/gateway';
import { fieldValue } from '@quiclab/http-semantics';
import { SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { answering, ask, asking, type End, echo, type OriginApp, silent, upload, VERSIONS, World } from './world.ts';

const REFUSED = { error: 'connection_refused', what: 'the origin refused the connection (ECONNREFUSED)' };

/** What the gateway said in the origin's place. */
const said = (client: End, id: number): { status: number; body: string; error: string | undefined } => ({
  status: client.status(id),
  body: client.body(id),
  error: /error=(\w+)/.exec(fieldValue(client.response(id)?.fields ?? [], 'proxy-status') ?? '')?.[1],
});

describe.each(VERSIONS)('HTTP/%s in front', (front) => {
  test('no connection to the origin: 502, which says why, in words and in Proxy-Status (RFC 9209)', () => {
    const world = new World();
    world.dialing = REFUSED;
    const client = world.client(front);
    const id = ask(world, client);
    expect(said(client, id)).toEqual({
      status: 502,
      body: '502 Bad Gateway\nthe origin refused the connection (ECONNREFUSED)\n',
      error: 'connection_refused',
    });
    expect(client.complete(id)).toBe(true);
    expect(world.passages).toMatchObject([{ outcome: 'answered', status: 502, attempts: 0, back: '' }]);
    expect([world.gateway.requests, world.gateway.connections.back]).toEqual([0, 0]);
    world.dialing = 'works';
    expect(client.status(ask(world, client))).toBe(200);
  });

  test('a connection that takes too long: 504', () => {
    const world = new World({ waitTimeout: 15 * SECOND });
    world.dialing = 'waits';
    const client = world.client(front);
    const id = ask(world, client);
    world.wait(15 * SECOND - 1);
    expect(client.status(id)).toBe(0);
    world.wait(1);
    expect(said(client, id)).toMatchObject({ status: 504, error: 'connection_timeout' });
    world.opens(world.waiting[0]!); // too late for this one
    expect(client.status(ask(world, client))).toBe(200);
    expect(world.dialed).toBe(1);
  });

  test('an origin that says nothing: 504, and it is told that nobody waits', () => {
    const world = new World({ headTimeout: 60 * SECOND, app: silent });
    const client = world.client(front);
    const id = ask(world, client);
    world.wait(60 * SECOND);
    expect(said(client, id)).toMatchObject({ status: 504, error: 'http_response_timeout' });
    expect(world.origins[0]!.wired.over()).toBeDefined(); // over HTTP/1.1, only the end of the connection says so
    expect(world.gateway.requests).toBe(0);
  });

  test('a client that begins a request and does not go on: 408', () => {
    const world = new World({ headTimeout: 60 * SECOND });
    world.app = silent;
    const client = world.client(front);
    const id = client.http.request(world.now, asking('POST', '/', ['content-length', '100000']), false)!;
    const piece = new Uint8Array(LIMITS.pace.value);
    client.http.writeBody(world.now, id, piece);
    world.wait(59 * SECOND);
    client.http.writeBody(world.now, id, piece);
    world.wait(59 * SECOND);
    expect(client.status(id)).toBe(0); // each piece gives it more time
    world.wait(2 * SECOND);
    expect(said(client, id)).toMatchObject({ status: 408, error: 'http_request_error' });
  });

  test('an origin that stands still in the middle of a response: the response is broken off, and not ended', () => {
    const world = new World({ bodyTimeout: 300 * SECOND });
    world.app = (origin, event, now) => {
      if (event.type !== 'request') return;
      origin.http.respond(now, event.id, [[':status', '200']], false);
      origin.http.writeBody(now, event.id, latin1('so far'));
    };
    const client = world.client(front);
    const id = ask(world, client);
    expect([client.status(id), client.body(id)]).toEqual([200, 'so far']);
    world.wait(300 * SECOND);
    expect(client.complete(id)).toBe(false);
    expect(client.events('reset').length + client.events('failed').length).toBe(1);
    expect(world.passages).toMatchObject([{ outcome: 'broken', reason: 'the origin sent nothing for 300 s' }]);
  });

  test('an origin that dies in the middle of a response: the same', () => {
    const world = new World();
    world.app = (origin, event, now) => {
      if (event.type !== 'request') return;
      origin.http.respond(now, event.id, [[':status', '200']], false);
      origin.http.writeBody(now, event.id, latin1('so far'));
    };
    const client = world.client(front);
    const id = ask(world, client);
    world.origins[0]!.wired.cut();
    world.run();
    expect([client.body(id), client.complete(id)]).toEqual(['so far', false]);
    expect(client.events('reset').length + client.events('failed').length).toBe(1);
    expect([world.passages[0]!.outcome, world.gateway.requests, world.gateway.connections.back]).toEqual(['broken', 0, 0]);
  });
});

describe('asking again (RFC 9110 §9.2.2)', () => {
  /** A world whose kept connection dies as soon as it is asked a second time. */
  function dying(): { world: World; client: End } {
    const world = new World();
    const client = world.client('3');
    ask(world, client);
    world.app = (origin, event, now) => {
      if (origin !== world.origins[0]) echo(origin, event, now);
      else if (event.type === 'request') origin.wired.cut();
    };
    return { world, client };
  }

  test('a kept connection that is dead: what may be repeated is asked once more, on a new one', () => {
    const { world, client } = dying();
    const id = ask(world, client, asking('DELETE', '/x'));
    expect(client.status(id)).toBe(200);
    expect([world.dialed, world.passages[1]!.attempts]).toEqual([2, 2]);
    expect(world.attempts).toEqual([expect.stringMatching(/, again$/)]);
  });

  test('what may not is answered 502: nobody knows what the origin did with it', () => {
    const { world, client } = dying();
    const id = ask(world, client, asking('POST', '/x'));
    expect(said(client, id)).toMatchObject({ status: 502, error: 'connection_terminated' });
    expect(world.dialed).toBe(1);
  });

  test('a new connection that dies is no reason to repeat anything', () => {
    const world = new World();
    world.app = (origin, event) => {
      if (event.type === 'request') origin.wired.cut();
    };
    const client = world.client('3');
    expect(said(client, ask(world, client))).toMatchObject({ status: 502, error: 'connection_terminated' });
    expect(world.dialed).toBe(1);
  });

  test('not after an octet of a response has come, and be it an informational one, or nonsense', () => {
    const hints: OriginApp = (origin, event, now) => {
      if (event.type !== 'request') return;
      origin.http.respond(now, event.id, [[':status', '103']], false);
      queue.push(() => origin.wired.cut());
    };
    const nonsense: OriginApp = (origin, event) => {
      if (event.type === 'request') origin.wired.say(latin1('HTTP/1.1 two hundred\r\n\r\n'));
    };
    const queue: (() => void)[] = [];
    for (const app of [hints, nonsense]) {
      const world = new World();
      const client = world.client('3');
      ask(world, client);
      world.app = app;
      const id = ask(world, client);
      for (const action of queue.splice(0)) action();
      world.run();
      expect([client.status(id), world.dialed]).toEqual([502, 1]);
    }
  });

  test('content that is small is said again, too; a request with more of it is answered 502', () => {
    for (const [octets, status] of [
      [16_384, 200],
      [16_385, 502],
    ] as const) {
      const { world, client } = dying();
      // the whole of it goes before the connection dies
      world.app = (origin, event, now) => {
        if (origin !== world.origins[0]) echo(origin, event, now);
        else if (event.type === 'body-readable') {
          origin.read(event.id);
          if (origin.complete(event.id)) origin.wired.cut();
        }
      };
      const content = 'z'.repeat(octets);
      const id = upload(world, client, asking('PUT', '/', ['content-length', String(octets)]), content, []);
      world.run();
      expect(client.status(id)).toBe(status);
      if (status === 200) expect(client.body(id)).toBe(content);
      expect(world.gateway.requests).toBe(0);
    }
  });

  test('what the origin did not look at is asked again whatever its method (RFC 9114 §5.2)', () => {
    const world = new World({ back: '3' });
    const client = world.client('1.1');
    ask(world, client);
    world.app = (origin, event, now) => {
      if (origin === world.origins[0]) origin.http.goaway(now);
      else echo(origin, event, now);
    };
    // the GOAWAY and the request cross: it names what it does not look at
    world.origins[0]!.http.goaway(world.now);
    const id = upload(world, client, asking('POST', '/', ['content-length', '4']), 'data');
    world.run();
    expect([client.status(id), client.body(id)]).toEqual([200, 'data']);
    expect(world.passages[1]!.attempts).toBe(2);
  });

  test('an origin that turns every connection away is not asked for ever', () => {
    const world = new World({ back: '3', app: silent });
    const client = world.client('3');
    // each connection says GOAWAY before it has looked at anything, when the request is on its way already
    world.app = () => {};
    const opens = world.opens.bind(world);
    world.opens = (back) => {
      opens(back);
      world.origins.at(-1)!.http.goaway(world.now);
    };
    const id = ask(world, client);
    expect(said(client, id).status).toBe(502);
    expect(world.passages[0]!.attempts).toBe(3);
  });
});

describe('what the origin says has to be HTTP', () => {
  const bad = [
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n',
    'nonsense\r\n\r\n',
  ];
  test.each(bad)('%j: 502', (octets) => {
    const world = new World();
    world.app = (origin, event) => {
      if (event.type === 'request') origin.wired.say(latin1(octets));
    };
    const client = world.client('3');
    const id = ask(world, client);
    expect(client.status(id)).toBe(502);
    expect(world.gateway.connections.back).toBe(0);
  });
});

test('a folded line of a response is one line for the client (RFC 9112 §5.2)', () => {
  const world = new World();
  world.app = (origin, event) => {
    if (event.type === 'request') origin.wired.say(latin1('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: a\r\n folded\r\n\r\n'));
  };
  const client = world.client('3');
  expect(fieldValue(client.response(ask(world, client))!.fields, 'x')).toBe('a folded');
});

test('a failed connection fails the request that it was made for, and no other', () => {
  const world = new World({ maxConnections: 3 });
  world.dialing = 'waits';
  const client = world.client('3');
  const ids = [ask(world, client), ask(world, client), ask(world, client)];
  expect(world.dialed).toBe(3);
  world.waiting[0]!.failed(world.now, REFUSED);
  world.run();
  expect(ids.map((id) => client.status(id))).toEqual([502, 0, 0]);
  for (const back of world.waiting.slice(1)) world.opens(back);
  world.run();
  expect(ids.map((id) => client.status(id))).toEqual([502, 200, 200]);
});

test('a connection for many that fails, fails all that wait for it', () => {
  const world = new World({ back: '3' });
  world.dialing = 'waits';
  const client = world.client('3');
  const ids = [ask(world, client), ask(world, client), ask(world, client)];
  expect(world.dialed).toBe(1);
  world.waiting[0]!.failed(world.now, { error: 'connection_timeout', what: 'it took too long' });
  world.run();
  expect(ids.map((id) => client.status(id))).toEqual([504, 504, 504]);
});

test('a response that says less than its Content-Length is broken off', () => {
  const world = new World();
  world.app = (origin, event) => {
    if (event.type === 'request') origin.wired.say(latin1('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'));
  };
  for (const version of VERSIONS) {
    const client = world.client(version);
    const id = ask(world, client);
    world.origins.at(-1)!.wired.end();
    world.run();
    expect([client.status(id), client.complete(id)]).toEqual([200, false]);
  }
});

test('a response that is complete stands, although the origin takes no more of the request', () => {
  for (const front of VERSIONS) {
    const world = new World();
    world.app = (origin, event) => {
      if (event.type === 'request') origin.wired.say(latin1('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno!'));
    };
    const client = world.client(front);
    const id = client.http.request(world.now, asking('POST', '/', ['content-length', '1000000']), false)!;
    client.http.writeBody(world.now, id, latin1('x'.repeat(1000)));
    world.run();
    expect([client.status(id), client.body(id), client.complete(id)]).toEqual([413, 'no!', true]);
    expect(world.gateway.requests).toBe(0);
    expect(world.passages).toMatchObject([{ outcome: 'complete', status: 413 }]);
  }
});

test('fields that the origin does not take are answered with 502, and cost nobody else', () => {
  const world = new World({ back: '3', backLeg: { maxFieldSectionSize: 2_000 } });
  const client = world.client('3');
  ask(world, client); // from here on the origin's limit is known
  const id = ask(world, client, asking('GET', '/', ['x', 'y'.repeat(3_000)]));
  expect(said(client, id)).toMatchObject({ status: 502, error: 'http_request_error' });
  expect(client.status(ask(world, client))).toBe(200);
});

test('an answer with more fields than the client takes is the loss of that client alone', () => {
  const world = new World({ frontLeg: { maxFieldSectionSize: 2_000 }, app: answering('x', ['x', 'y'.repeat(3_000)]) });
  const client = world.client('3');
  const id = ask(world, client);
  expect(client.told.some((event) => event.type === 'failed' && event.id === id)).toBe(true);
  world.app = answering('fine');
  expect(client.body(ask(world, client))).toBe('fine');
});
