import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { listed } from '@quiclab/impair';
import { FileServer, type HttpHandler, type ModelName, type RunRecord, runSimulated, type Serve, type SimulatedRun } from '@quiclab/lab';
import { MILLISECOND, type Micros, SECOND } from '@quiclab/sansio';
import { definePage, type ObjectDraft } from '@quiclab/workload';
import { describe, expect, test } from 'vitest';

// What must be visible in a run of each model. EXPERIMENTS §1. No rate limit: all that takes time is the path's delay.

const DELAY = 25 * MILLISECOND;
const RTT = 2 * DELAY;

function run(model: ModelName, objects: readonly ObjectDraft[], more: Partial<SimulatedRun> = {}): RunRecord {
  const page = definePage({ name: 'page', objects });
  const sizes = new Map(page.objects.map(({ path, size }) => [path, size]));
  return runSimulated({
    model,
    seed: 1,
    page,
    source: (path) => new Uint8Array(sizes.get(path)!),
    links: { up: { delay: DELAY }, down: { delay: DELAY } },
    ends: { crypto: nullProtection(nodeProvider) },
    ...more,
  });
}

/** As many small objects, all asked for at once. */
const several = (n: number): ObjectDraft[] => Array.from({ length: n }, (_, i) => ({ path: `/${i}`, size: 1_000 }));
/** Round trips from the start until each object was there, in the order of the page. */
const roundTrips = ({ objects, startedAt }: RunRecord): number[] => objects.map(({ completedAt }) => (completedAt - startedAt) / RTT);

describe('h1-short', () => {
  test('TCP and TLS are paid for by each object: three round trips, one object after the other', () => {
    const record = run('h1-short', several(3));
    expect(roundTrips(record)).toEqual([3, 6, 9]);
    expect(record.connections.map(({ exchanges }) => exchanges)).toEqual([1, 1, 1]);
  });

  test('each connection begins with a cold window: an object of three slow-start rounds takes them every time', () => {
    const [first, second] = run('h1-short', [
      { path: '/1', size: 60_000 },
      { path: '/2', size: 60_000 },
    ]).objects;
    const rounds = ({ completedAt, headersAt }: { readonly completedAt: Micros; readonly headersAt: Micros }): number =>
      Math.round((completedAt - headersAt) / RTT);
    expect(rounds(first!)).toBe(2);
    expect(rounds(second!)).toBe(2);
  });

  test('a server that has given up, and whose reset is lost, is asked after 45 s: the object comes over another connection (RFC 9293 §3.8.4)', () => {
    // the request is acknowledged; the answer, its three copies and the reset are lost
    const down = { delay: DELAY, loss: listed(5, 6, 7, 8, 9) };
    const record = run('h1-short', [{ path: '/', size: 1_000, serverTime: 2 * RTT }], {
      links: { up: { delay: DELAY }, down },
      tcp: { config: { retries: 2 } },
    });
    const heardAt = 2 * RTT + DELAY + 40 * MILLISECOND + DELAY;
    expect(record.objects.map(({ attempts }) => attempts)).toEqual([2]);
    expect(record.connections.map(({ closedAt }) => closedAt)[0]).toBe(heardAt + 45 * SECOND + RTT);
    expect(record.finishedAt).toBe(heardAt + 45 * SECOND + RTT + 3 * RTT + 2 * RTT);
  });

  test('an answer that takes the path longer than the server waits for the end comes at the first attempt (RFC 9112 §9.6)', () => {
    const link = { delay: DELAY, rate: 200_000, queue: { packets: 64 } };
    const record = run('h1-short', [{ path: '/', size: 1_500_000 }], { links: { up: link, down: link } }); // TCP takes it whole
    expect(record.objects.map(({ attempts }) => attempts)).toEqual([1]);
    expect(record.finishedAt - record.startedAt).toBeGreaterThan(60 * SECOND);
  });
});

describe('h1-persistent', () => {
  test('one handshake, then a round trip for each object', () => {
    const record = run('h1-persistent', several(4));
    expect(roundTrips(record)).toEqual([3, 4, 5, 6]);
    expect(record.connections.length).toBe(1);
  });

  test('its window stays warm: what would be two rounds of slow start comes in one', () => {
    const record = run('h1-persistent', [
      { path: '/1', size: 60_000 },
      { path: '/2', size: 35_000 },
    ]);
    const [first, second] = record.objects;
    expect((second!.completedAt - first!.completedAt) / RTT).toBe(1);
  });

  test('an idle connection is dropped after five seconds, and the next exchange pays for another (RFC 9112 §9.5)', () => {
    const slow = (serverTime: Micros): RunRecord =>
      run('h1-persistent', [
        { path: '/1', size: 1_000, host: 'a.test' },
        { path: '/2', size: 1_000, host: 'b.test', after: ['/1'], serverTime },
        { path: '/3', size: 1_000, host: 'a.test', after: ['/2'] },
      ]);
    const time = ({ requestedAt, completedAt }: RunRecord['objects'][number]): number => (completedAt - requestedAt) / RTT;
    const kept = slow(4 * SECOND);
    expect(kept.connections.map(({ host }) => host)).toEqual(['a.test', 'b.test']);
    expect(time(kept.objects[2]!)).toBe(1);
    const dropped = slow(6 * SECOND);
    expect(dropped.connections.map(({ host }) => host)).toEqual(['a.test', 'b.test', 'a.test']);
    expect(time(dropped.objects[2]!)).toBe(3);
    const idle = dropped.connections[0]!.closedAt - dropped.objects[0]!.completedAt;
    expect(idle).toBeGreaterThanOrEqual(5 * SECOND);
    expect(idle).toBeLessThanOrEqual(5 * SECOND + RTT); // the server counts from when it knows that the response has come
  });
});

describe('h1-pipelined', () => {
  test('all requests share one round trip', () => {
    expect(roundTrips(run('h1-pipelined', several(4)))).toEqual([3, 3, 3, 3]);
  });

  test('responses come in the order of requests, however long the first takes (RFC 9112 §9.3.2)', () => {
    const slowFirst: ObjectDraft[] = several(4).map((object, i) => (i === 0 ? { ...object, serverTime: 10 * RTT } : object));
    expect(roundTrips(run('h1-pipelined', slowFirst))).toEqual([13, 13, 13, 13]);
    expect(roundTrips(run('h1-parallel', slowFirst))).toEqual([13, 3, 3, 3]);
    expect(roundTrips(run('h3', slowFirst))).toEqual([12, 2, 2, 2]);
  });

  test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])('%s is idempotent, and shares the pipe', (method) => {
    const objects = several(3).map((object, i) => (i === 1 ? { ...object, method } : object));
    expect(roundTrips(run('h1-pipelined', objects))).toEqual([3, 3, 3]);
  });

  test.each(['POST', 'PATCH'])('%s waits for the pipe to drain, and what follows waits for it', (method) => {
    const objects = several(4).map((object, i) => (i === 2 ? { ...object, method } : object));
    expect(roundTrips(run('h1-pipelined', objects))).toEqual([3, 3, 4, 5]);
  });

  test('on connection loss the unanswered ones are sent again, one by one until the new connection has answered', () => {
    const record = run('h1-pipelined', several(5), { serve: (serving) => endsAfter(2, serving) });
    expect(record.objects.map(({ attempts, status }) => [attempts, status])).toEqual([
      [1, 200],
      [1, 200],
      [2, 200],
      [2, 200],
      [2, 200],
    ]);
    expect(roundTrips(record)).toEqual([3, 3, 7, 8, 8]); // a round trip later it breaks, then a handshake
    expect(record.connections.map(({ exchanges }) => exchanges)).toEqual([5, 3]);
  });

  test('and a POST among them is not, since it may have been processed (RFC 9110 §9.2.2)', () => {
    const objects: ObjectDraft[] = [{ path: '/0', size: 1_000, method: 'POST' }];
    expect(() => run('h1-pipelined', objects, { serve: (serving) => endsAfter(0, serving) })).toThrow(/'\/0' failed: the connection ended/);
  });
});

/** The first connection breaks off when so many answers have come, or instead of giving one. */
function endsAfter(answers: number, serving: Serve): Serve {
  let accepted = 0;
  return (timers, connection): HttpHandler => {
    const files = serving(timers, connection);
    if (accepted++ > 0) return files;
    let left = answers;
    return {
      onHttp: (now, http, event) => {
        if (event.type !== 'request' || left-- > 0) files.onHttp(now, http, event);
        else timers.at(now + RTT, (then) => http.close(then));
      },
    };
  };
}

describe('h1-parallel and h1-sharded', () => {
  test('six at a time, on connections that are kept', () => {
    const record = run('h1-parallel', several(15));
    expect(roundTrips(record)).toEqual([3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 5, 5, 5]);
    expect(record.connections.length).toBe(6);
  });

  test('six to each of two names, each of which is looked up', () => {
    const record = run('h1-sharded', several(15), { nameLookup: RTT });
    expect(roundTrips(record)).toEqual([...Array(12).fill(4), 5, 5, 5]);
    expect(new Set(record.connections.map(({ host }) => host))).toEqual(new Set(['localhost', 'shard1.localhost']));
    expect(record.connections.length).toBe(12);
  });

  test('sharding brings more initial windows, and more handshakes', () => {
    const large = several(12).map((object) => ({ ...object, size: 14_000 }));
    const [parallel, sharded] = (['h1-parallel', 'h1-sharded'] as const).map((model) => run(model, large));
    expect(Math.max(...roundTrips(parallel!))).toBe(4);
    expect(Math.max(...roundTrips(sharded!))).toBe(3);
    expect(sharded!.up.entered).toBeGreaterThan(parallel!.up.entered);
  });
});

describe('h2', () => {
  test('one connection, three round trips for all, and no response waits for an earlier one', () => {
    const record = run('h2', several(10));
    expect(roundTrips(record)).toEqual(Array(10).fill(3));
    expect(record.connections.length).toBe(1);
    const slowFirst = several(4).map((object, i) => (i === 0 ? { ...object, serverTime: 10 * RTT } : object));
    expect(roundTrips(run('h2', slowFirst))).toEqual([13, 3, 3, 3]);
  });

  test('large responses share the connection: none is complete long before the others', () => {
    const large = several(6).map((object) => ({ ...object, size: 40_000 }));
    const spread = (times: readonly number[]): number => Math.max(...times) - Math.min(...times);
    expect(spread(roundTrips(run('h2', large)))).toBeLessThanOrEqual(1);
    expect(spread(roundTrips(run('h1-pipelined', large)))).toBeGreaterThanOrEqual(2);
  });
});

describe('h3 and its kin', () => {
  test.each(['h3', 'h3-single'] as const)('%s: two round trips for all', (model) => {
    const record = run(model, several(4));
    expect(roundTrips(record)).toEqual([2, 2, 2, 2]);
    expect(record.connections.length).toBe(1);
  });

  test('h3-0rtt: one', () => {
    expect(roundTrips(run('h3-0rtt', several(4)))).toEqual([1, 1, 1, 1]);
  });
});

test('a lost segment stops one of six connections, a lost packet one of six streams', () => {
  const objects = several(6).map((object) => ({ ...object, size: 12_000 }));
  for (const model of ['h1-parallel', 'h3'] as const) {
    const link = { delay: DELAY, rate: 10_000_000, queue: { packets: 200 } };
    const base = run(model, objects, { links: { up: link, down: link } });
    const late = base.down.entered - 25; // one of the page's: what follows are acknowledgements, and the end
    const lost = run(model, objects, { links: { up: link, down: { ...link, loss: listed(late) } } });
    const later = lost.objects.filter(({ completedAt }, i) => completedAt - base.objects[i]!.completedAt > RTT / 2);
    expect(later.length, model).toBe(1);
  }
});

test('FileServer is what serves unless told otherwise', () => {
  const served: string[] = [];
  const record = run('h1-parallel', several(2), {
    serve: () => (timers) => new FileServer((path) => new Uint8Array(served.push(path)), timers),
  });
  expect(served.sort()).toEqual(['/0', '/1']);
  expect(record.objects.map(({ bytes }) => bytes).sort()).toEqual([1, 2]);
});
