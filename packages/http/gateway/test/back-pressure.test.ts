import { latin1 } from '@quiclab/bytes';
import { SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { ask, asking, type End, type OriginApp, silent, VERSIONS, World } from './world.ts';

const PAIRS = VERSIONS.flatMap((front) => VERSIONS.map((back) => ({ front, back })));
const LEGS = { frontLeg: { sendBuffer: 4_000, receiveBuffer: 8_000 }, backLeg: { sendBuffer: 4_000, receiveBuffer: 8_000 } };
const WHOLE = 1_000_000;

/** Answers with as much as is taken, and counts it. */
class Source {
  sent = 0;
  readonly app: OriginApp = (origin, event, now) => {
    if (event.type === 'request') origin.http.respond(now, event.id, [[':status', '200']], false);
    if (event.type === 'request' || event.type === 'body-writable') this.#send(origin, event.id);
  };

  #send(origin: End, id: number): void {
    const piece = new Uint8Array(50_000).fill(0x61);
    while (this.sent < WHOLE) {
      const taken = origin.http.writeBody(0, id, piece.subarray(0, WHOLE - this.sent));
      this.sent += taken;
      if (taken < piece.length && this.sent < WHOLE) return;
    }
    origin.http.finish(0, id);
  }
}

describe.each(PAIRS)('HTTP/$front in front, HTTP/$back behind', ({ front, back }) => {
  test('a client that does not read stops the origin: what is on the way is bounded', () => {
    const source = new Source();
    const world = new World({ back, app: source.app, ...LEGS });
    const client = world.client(front);
    client.reads = false;
    const id = ask(world, client);
    expect(client.status(id)).toBe(200);
    expect(source.sent).toBeLessThan(150_000); // buffers of two hops, and what the machines hold: a DATA frame or a chunk at each end
    client.reads = true;
    client.read(id);
    world.run();
    expect([client.body(id).length, client.complete(id), source.sent]).toEqual([WHOLE, true, WHOLE]);
  });

  test('an origin that does not read stops the client', () => {
    const world = new World({ back, app: silent, ...LEGS });
    const client = world.client(front);
    const id = client.http.request(0, asking('POST', '/', ['content-length', String(WHOLE)]), false)!;
    const content = new Uint8Array(WHOLE).fill(0x62);
    let sent = 0;
    const goOn = (): void => {
      sent += client.http.writeBody(0, id, content.subarray(sent));
      if (sent === WHOLE) client.http.finish(0, id);
    };
    client.onEvent = (event) => {
      if (event.type === 'body-writable') goOn();
    };
    world.app = (origin) => {
      origin.reads = false;
    };
    goOn();
    world.run();
    expect(sent).toBeLessThan(150_000);
    const [origin] = world.origins;
    origin!.reads = true;
    world.app = (at, event, now) => {
      if (event.type !== 'body-readable') return;
      at.read(event.id);
      if (at.complete(event.id)) at.http.respond(now, event.id, [[':status', '204']], true);
    };
    origin!.read(origin!.first);
    world.run();
    expect([sent, origin!.body(origin!.first).length, client.status(id)]).toEqual([WHOLE, WHOLE, 204]);
  });

  test('a client that gives up is heard by the origin, and the request is forgotten', () => {
    const source = new Source();
    const world = new World({ back, app: source.app, ...LEGS });
    const client = world.client(front);
    client.reads = false;
    const id = ask(world, client);
    client.http.cancel(world.now, id);
    world.run();
    const [origin] = world.origins;
    expect(origin!.events('stopped').length + origin!.events('failed').length).toBeGreaterThan(0);
    expect(world.gateway.requests).toBe(0);
    expect(world.passages[0]!.outcome).toBe('broken');
    expect(source.sent).toBeLessThan(150_000);
  });

  test('so is one whose connection is gone', () => {
    const source = new Source();
    const world = new World({ back, app: source.app, ...LEGS });
    const client = world.client(front);
    client.reads = false;
    ask(world, client);
    client.wired.cut();
    world.run();
    const [origin] = world.origins;
    expect(origin!.events('stopped').length + origin!.events('failed').length).toBeGreaterThan(0);
    expect([world.gateway.requests, world.gateway.connections.front]).toEqual([0, 0]);
  });

  test('a client that takes nothing for too long loses its response', () => {
    const source = new Source();
    const world = new World({ back, app: source.app, ...LEGS, bodyTimeout: 300 * SECOND });
    const client = world.client(front);
    client.reads = false;
    ask(world, client);
    world.wait(299 * SECOND);
    expect(world.gateway.requests).toBe(1);
    world.wait(2 * SECOND);
    expect(world.gateway.requests).toBe(0);
    expect(world.passages).toMatchObject([{ outcome: 'broken', reason: 'the client took nothing for 300 s' }]);
  });
});

test('an origin that wants no more of a request stops the client, and its answer stands', () => {
  for (const front of VERSIONS) {
    const world = new World({ back: '3' });
    world.app = (origin, event, now) => {
      if (event.type !== 'request') return;
      origin.http.stopReading(now, event.id);
      origin.http.respond(now, event.id, [[':status', '200']], true);
    };
    const client = world.client(front);
    const id = client.http.request(0, asking('POST'), false)!;
    client.http.writeBody(0, id, latin1('x'.repeat(100_000)));
    world.run();
    expect([client.status(id), client.complete(id), world.gateway.requests]).toEqual([200, true, 0]);
    if (front === '3') expect(client.events('stopped').map((event) => event.id)).toEqual([id]);
  }
});

test('a slow client delays nobody else, and its connection to the origin is free as soon as the response has come', () => {
  const world = new World({ app: silent, maxConnections: 1, frontLeg: { sendBuffer: 1_000, receiveBuffer: 1_000 } });
  world.app = (origin, event, now) => {
    if (event.type !== 'request') return;
    origin.http.respond(
      now,
      event.id,
      [
        [':status', '200'],
        ['content-length', '3000'],
      ],
      false,
    );
    origin.http.writeBody(now, event.id, new Uint8Array(3_000));
    origin.http.finish(now, event.id);
  };
  const slow = world.client('1.1');
  slow.reads = false;
  ask(world, slow);
  const quick = world.client('1.1');
  const id = ask(world, quick);
  expect([quick.complete(id), world.gateway.requests, world.dialed]).toEqual([true, 1, 1]);
});
