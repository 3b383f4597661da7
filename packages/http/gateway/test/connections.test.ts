import { fieldValue } from '@quiclab/http-semantics';
import { SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { ask, asking, echo, silent, VERSIONS, World } from './world.ts';

describe('connections to the origin', () => {
  test('one after the other, requests share one; together, over HTTP/1.1, each has its own', () => {
    const world = new World();
    const client = world.client('3');
    for (let i = 0; i < 3; i++) ask(world, client);
    expect(world.dialed).toBe(1);
    const ids = [1, 2, 3].map(() => client.http.request(0, asking('GET'), true)!);
    world.run();
    expect(ids.map((id) => client.status(id))).toEqual([200, 200, 200]);
    expect(world.dialed).toBe(3);
  });

  test('over HTTP/3 they share one in any case', () => {
    const world = new World({ back: '3' });
    const client = world.client('3');
    const ids = [1, 2, 3].map(() => client.http.request(0, asking('GET'), true)!);
    world.run();
    expect([ids.map((id) => client.status(id)), world.dialed]).toEqual([[200, 200, 200], 1]);
  });

  test('no more than allowed: others wait, and go in the order in which they came', () => {
    const world = new World({ maxConnections: 2, app: silent });
    const client = world.client('3');
    const ids = [1, 2, 3, 4].map((n) => client.http.request(0, asking('GET', `/${n}`), true)!);
    world.run();
    expect([world.dialed, world.origins.map((origin) => origin.events('request').length)]).toEqual([2, [1, 1]]);
    world.app = echo;
    const [first, second] = world.origins;
    first!.http.respond(0, 0, [[':status', '200']], true);
    world.run();
    const paths = first!.events('request').map(({ fields }) => fieldValue(fields, ':path'));
    expect([paths, ids.map((id) => client.status(id))]).toEqual([
      ['/1', '/3', '/4'],
      [200, 0, 200, 200],
    ]);
    second!.http.respond(0, 0, [[':status', '200']], true);
    world.run();
    expect(client.status(ids[1]!)).toBe(200);
  });

  test('one that has no stream left is not the end: requests wait for it, or go elsewhere', () => {
    const world = new World({ back: '3', backLeg: { streams: 4 } }); // three of each kind go to control streams
    const client = world.client('3');
    const ids = Array.from({ length: 6 }, () => client.http.request(0, asking('GET'), true)!);
    world.run();
    expect(ids.map((id) => client.status(id))).toEqual([200, 200, 200, 200, 200, 200]);
    expect(world.dialed).toBe(2);
  });

  test('what nobody uses is closed after a while', () => {
    const world = new World({ idleTimeout: 4 * SECOND });
    const client = world.client('3');
    ask(world, client);
    world.wait(3 * SECOND);
    ask(world, client);
    world.wait(3 * SECOND);
    expect([world.gateway.connections.back, world.dialed]).toEqual([1, 1]);
    world.wait(SECOND);
    expect(world.gateway.connections.back).toBe(0);
    expect(client.status(ask(world, client))).toBe(200);
  });

  test('without reuse, each request has one of its own', () => {
    for (const back of VERSIONS) {
      const world = new World({ back, reuse: false, exchangesPerConnection: 1 });
      const client = world.client('3');
      for (let i = 0; i < 3; i++) expect(client.status(ask(world, client))).toBe(200);
      expect([world.dialed, world.gateway.connections.back]).toEqual([3, 0]);
    }
  });

  test("an origin that says 'close' is not asked on that connection again", () => {
    const world = new World({ backLeg: { server: { persistent: false } } });
    const client = world.client('3');
    for (let i = 0; i < 3; i++) expect(client.status(ask(world, client))).toBe(200);
    expect([world.dialed, world.gateway.connections.back, world.attempts]).toEqual([3, 0, []]);
  });

  test('an idle one that the origin closes is forgotten', () => {
    for (const back of VERSIONS) {
      const world = new World({ back });
      const client = world.client('3');
      ask(world, client);
      world.origins[0]!.wired.cut();
      world.run();
      expect(world.gateway.connections.back).toBe(0);
      expect([client.status(ask(world, client)), world.attempts]).toEqual([200, []]);
    }
  });

  test('GOAWAY: what is under way there goes on, what is new goes elsewhere (RFC 9114 §5.2)', () => {
    const world = new World({ back: '3', app: silent });
    const client = world.client('3');
    const first = ask(world, client);
    world.origins[0]!.http.goaway(world.now);
    world.run();
    world.app = echo;
    const second = ask(world, client);
    expect([client.status(first), client.status(second), world.dialed]).toEqual([0, 200, 2]);
    world.origins[0]!.http.respond(world.now, 0, [[':status', '200']], true);
    world.run();
    expect(client.status(first)).toBe(200);
    expect(world.gateway.connections.back).toBe(1);
  });
});

describe('requests at once', () => {
  test('beyond the limit: 503, and when to come again', () => {
    const world = new World({ maxRequests: 2, app: silent });
    const client = world.client('3');
    const ids = [1, 2, 3].map(() => client.http.request(0, asking('GET'), true)!);
    world.run();
    expect(ids.map((id) => client.status(id))).toEqual([0, 0, 503]);
    expect(fieldValue(client.response(ids[2]!)!.fields, 'retry-after')).toBe('1');
    world.origins[0]!.http.respond(0, 0, [[':status', '204']], true);
    world.run();
    world.app = echo;
    expect(client.status(ask(world, client))).toBe(200);
  });

  test('pipelined ones are asked together, and answered in their order', () => {
    const world = new World({ app: silent });
    const client = world.client('1.1', { client: { pipelining: 3 } });
    const ids = ['/1', '/2', '/3'].map((path) => client.http.request(0, asking('GET', path), true)!);
    world.run();
    const paths = world.origins.map((origin) => fieldValue(origin.events('request')[0]!.fields, ':path'));
    expect(paths.sort()).toEqual(['/1', '/2', '/3']);
    for (const origin of world.origins.reverse()) echo(origin, origin.events('request')[0]!, world.now);
    world.run();
    expect(ids.map((id) => fieldValue(client.response(id)!.fields, 'x-pseudo-path'))).toEqual(['/1', '/2', '/3']);
  });
});

describe.each(VERSIONS)('the end, with HTTP/%s in front', (front) => {
  test('draining: what is under way is finished, nothing new is taken, and whoever waits is told', () => {
    const world = new World({ app: silent });
    const client = world.client(front);
    const id = ask(world, client);
    let idle = false;
    world.gateway.drain(world.now);
    world.gateway.whenIdle(() => {
      idle = true;
    });
    world.run();
    expect(idle).toBe(false);
    world.origins[0]!.http.respond(world.now, 0, [[':status', '200']], true);
    world.run();
    expect([client.status(id), idle]).toEqual([200, true]);
    expect(client.http.acceptsRequests).toBe(false);
  });

  test('closing: everything ends', () => {
    const world = new World({ app: silent });
    const client = world.client(front);
    ask(world, client);
    world.gateway.close(world.now);
    world.run();
    expect([world.gateway.requests, world.gateway.connections]).toEqual([0, { front: 0, back: 0 }]);
    expect(client.wired.over()).toBeDefined();
    expect(world.origins[0]!.wired.over()).toBeDefined();
  });
});
