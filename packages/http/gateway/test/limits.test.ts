import { type Beyond, LIMITS, type Limit, windowsFor } from '@quiclab/gateway';
import { SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { answering, ask, asking, echo, type OriginApp, silent, upload, World } from './world.ts';

const value = (name: keyof typeof LIMITS): number => LIMITS[name].value;

/** One step to the limit and one beyond it. */
const beyond = {
  requests() {
    const world = new World({ back: '3', app: silent });
    const client = world.client('3');
    const ids = Array.from({ length: value('requests') + 1 }, () => client.http.request(0, asking('GET'), true)!);
    world.run();
    expect(ids.map((id) => client.status(id)).filter((status) => status !== 0)).toEqual([503]);
    expect(client.status(ids.at(-1)!)).toBe(503);
  },
  heldPieces() {
    const world = new World({ back: '3', backLeg: { sendBuffer: 100, receiveBuffer: 100 }, app: silent });
    world.app = (origin) => {
      origin.reads = false;
    };
    const client = world.client('3', { sendBuffer: 1_000, receiveBuffer: 1_000 });
    upload(world, client, asking('POST'), 'x'.repeat(50_000));
    world.run();
    // one piece of a thousand octets, and the DATA frame that is being laid out
    expect(world.passages).toEqual([]);
    world.gateway.close(world.now);
    world.run();
    expect(world.passages[0]!.octetsUp).toBeLessThanOrEqual(20_000);
  },
  buffered() {
    // what goes beyond it on the wire is in shared-credit.test.ts
    const { stream, connection } = windowsFor(value('sharing'));
    expect([stream * value('requests'), connection]).toEqual([value('buffered'), stream * value('sharing')]);
    expect(windowsFor(1, value('requests'), 1).stream).toBe(16_384);
    expect(windowsFor(1, 1).stream).toBe(1_048_576);
  },
  sharing() {
    for (const back of ['2', '3'] as const) {
      const world = new World({ back, app: silent });
      const client = world.client('3');
      const dialedFor = (requests: number): number => {
        for (let i = 0; i < requests; i++) client.http.request(0, asking('GET'), true);
        return world.run().dialed;
      };
      expect([dialedFor(value('sharing')), dialedFor(1)]).toEqual([1, 2]);
    }
  },
  replay() {
    for (const more of [0, 1]) {
      const world = new World();
      const client = world.client('3');
      ask(world, client);
      world.app = (origin, event, now) => {
        if (origin !== world.origins[0]) echo(origin, event, now);
        else if (event.type === 'body-readable') {
          origin.read(event.id);
          if (origin.complete(event.id)) origin.wired.cut();
        }
      };
      const id = upload(world, client, asking('PUT'), 'z'.repeat(value('replay') + more));
      world.run();
      expect(client.status(id)).toBe(more === 0 ? 200 : 502);
    }
  },
  attempts() {
    const world = new World({ back: '3' });
    world.app = silent;
    const opens = world.opens.bind(world);
    world.opens = (back) => {
      opens(back);
      world.origins.at(-1)!.http.goaway(world.now);
    };
    const client = world.client('3');
    expect(client.status(ask(world, client))).toBe(502);
    expect(world.passages[0]!.attempts).toBe(value('attempts'));
  },
  connections() {
    const world = new World({ app: silent });
    const client = world.client('3');
    for (let i = 0; i <= value('connections'); i++) client.http.request(0, asking('GET'), true);
    world.run();
    expect([world.dialed, world.gateway.requests]).toEqual([value('connections'), value('connections') + 1]);
  },
  waitTime() {
    const world = new World();
    world.dialing = 'waits';
    expect(statusAfter(world, value('waitTime'))).toEqual([0, 504]);
  },
  uploadTime() {
    const world = new World({ app: silent });
    const client = world.client('3');
    const id = client.http.request(0, asking('POST'), false)!;
    world.wait(value('uploadTime') - 1);
    expect(client.status(id)).toBe(0);
    world.wait(1);
    expect(client.status(id)).toBe(408);
  },
  pace() {
    /** After so many octets each 50 seconds, five times: the status of a request whose client is that slow. */
    const sending = (octets: number): number => {
      const world = new World({ app: silent });
      const client = world.client('3');
      const id = client.http.request(0, asking('POST'), false)!;
      for (let i = 0; i < 5; i++) {
        client.http.writeBody(0, id, new Uint8Array(octets));
        world.wait(50 * SECOND);
      }
      return client.status(id);
    };
    expect([sending(value('pace')), sending(1_000)]).toEqual([0, 408]);
    /** The same of a response whose client takes so little of it. */
    const taking = (octets: number): number => {
      let left = 400_000;
      const long: OriginApp = (origin, event, now) => {
        if (event.type === 'request') origin.http.respond(now, event.id, [[':status', '200']], false);
        if (event.type === 'request' || event.type === 'body-writable') left -= origin.http.writeBody(now, event.id, new Uint8Array(left));
      };
      const world = new World({ app: long, backLeg: { sendBuffer: 10_000, receiveBuffer: 10_000 } });
      const client = world.client('3', { receiveBuffer: octets, sendBuffer: 1_000 });
      client.reads = false;
      const id = ask(world, client);
      for (let i = 0; i < 5; i++) {
        world.wait(250 * SECOND);
        client.read(id);
        world.run();
      }
      return world.passages.length;
    };
    expect([taking(value('pace') + 1_000), taking(1_000)]).toEqual([0, 1]); // a frame has a header
  },
  headTime() {
    expect(statusAfter(new World({ app: silent }), value('headTime'))).toEqual([0, 504]);
  },
  bodyTime() {
    const begins: OriginApp = (origin, event, now) => {
      if (event.type === 'request') origin.http.respond(now, event.id, [[':status', '200']], false);
    };
    const world = new World({ app: begins });
    ask(world, world.client('3'));
    expect(brokenAfter(world, value('bodyTime'))).toEqual([0, 1]);
  },
  tunnelTime() {
    const switches: OriginApp = (origin, event, now) => {
      const fields = [
        [':status', '101'],
        ['upgrade', 'websocket'],
      ] as const;
      if (event.type === 'request') origin.http.respond(now, event.id, fields, false);
    };
    const world = new World({ app: switches });
    ask(world, world.client('1.1'), asking('GET', '/', ['upgrade', 'websocket']));
    expect(brokenAfter(world, value('tunnelTime'))).toEqual([0, 1]);
  },
  deliveryTime() {
    const world = new World({ app: answering('x'.repeat(1_000)) });
    const taken: number[] = [];
    world.onReset = (id) => taken.push(id);
    const client = world.client('3', { receiveBuffer: 300 });
    client.reads = false;
    ask(world, client);
    expect(brokenAfter(world, value('deliveryTime'))).toEqual([0, 1]);
    expect(taken).toEqual([0]);
  },
  idleTime() {
    const world = new World();
    ask(world, world.client('3'));
    world.wait(value('idleTime') - 1);
    expect(world.gateway.connections.back).toBe(1);
    world.wait(1);
    expect(world.gateway.connections.back).toBe(0);
  },
} satisfies Record<keyof typeof LIMITS, () => void>;

/** The status of a request just before this time, and then. */
function statusAfter(world: World, time: number): number[] {
  const client = world.client('3');
  const id = ask(world, client);
  world.wait(time - 1);
  const before = client.status(id);
  world.wait(1);
  return [before, client.status(id)];
}

/** How many exchanges were broken off just before this time, and then. */
function brokenAfter(world: World, time: number): number[] {
  const broken = (): number => world.passages.filter(({ outcome }) => outcome === 'broken').length;
  world.wait(time - 1);
  const before = broken();
  world.wait(SECOND);
  return [before, broken()];
}

const table = Object.entries<Limit>(LIMITS);

describe('beyond the limit', () => {
  test.each(table)('%s', (name) => beyond[name as keyof typeof LIMITS]());
});

test('every limit says what becomes of what is beyond it, and why', () => {
  const outcomes: readonly Beyond[] = ['408', '502', '503', '504', 'broken off', 'waits', 'dropped', 'finished'];
  expect(Object.keys(beyond)).toEqual(Object.keys(LIMITS));
  for (const [name, limit] of table)
    expect([name, limit.value > 0, limit.reason.length > 0, outcomes.includes(limit.beyond)]).toEqual([name, true, true, true]);
});

test('LIMITS.md is made from the table: pnpm vitest run … -u writes it anew', async () => {
  const rows = table.map(
    ([name, { value: most, unit, option, beyond: outcome, reason }]) =>
      `| ${name}${option === undefined ? '' : `<br>\`${option}\``} | ${most.toLocaleString('en-US')} | ${unit} | ${outcome} | ${reason} |`,
  );
  const lines = [
    '# What clients and the origin can make a gateway keep or do, and where that ends',
    '',
    'Made from `src/limits.ts` by `test/limits.test.ts`, which has a test that goes beyond each. Those with an option are its defaults.',
    'What the connections of each hop limit is in the tables of `@quiclab/http1`, `@quiclab/http2`, `@quiclab/http3` and `@quiclab/quic`.',
    '',
    '| limit | value | of what | beyond it | why |',
    '| --- | ---: | --- | --- | --- |',
    ...rows,
    '',
  ];
  await expect(lines.join('\n')).toMatchFileSnapshot('../LIMITS.md');
});
