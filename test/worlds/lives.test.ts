import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { listed } from '@quiclab/impair';
import {
  accountRun,
  type HttpHandler,
  type ModelName,
  PARITY_PROFILE,
  type RunRecord,
  runSimulated,
  type Serve,
  type SimulatedRun,
} from '@quiclab/lab';
import { criticalChain } from '@quiclab/ledger';
import { MILLISECOND } from '@quiclab/sansio';
import { definePage, type ObjectDraft } from '@quiclab/workload';
import { describe, expect, test } from 'vitest';

// What exchanges wait for under each model, where it can be worked out by hand: no rate limit, so all that takes time is the path's
// delay. EXPERIMENTS §1, §4.

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

/** The states of each exchange, one after the other, with how many round trips each took. */
const lives = (record: RunRecord): string[] =>
  accountRun(record).map(({ life }) => life.intervals.map(({ from, to, state }) => `${state} ${(to - from) / RTT}`).join(', '));

const several = (n: number, more: Partial<ObjectDraft> = {}): ObjectDraft[] =>
  Array.from({ length: n }, (_, i) => ({ path: `/${i}`, size: 1_000, ...more }));

describe('a request to nobody in particular, and its answer', () => {
  test.each([
    ['h1-persistent', 'connecting 2, transit 1'], // TCP, TLS
    ['h2', 'connecting 2, transit 1'],
    ['h3', 'connecting 1, transit 1'],
    ['h3-single', 'connecting 1, transit 1'],
    ['h3-0rtt', 'transit 1'],
  ] as const)('%s: %s', (model, life) => {
    expect(lives(run(model, several(1)))).toEqual([life]);
  });

  test.each(['h1-persistent', 'h2', 'h3'] as const)('%s: a name look-up is waiting for a connection, too', (model) => {
    expect(lives(run(model, several(1), { nameLookup: 3 * RTT }))[0]).toMatch(/^queued 3, connecting [12], transit 1$/);
  });

  test.each(['h1-persistent', 'h2', 'h3'] as const)('%s: what the server takes', (model) => {
    expect(lives(run(model, several(1, { serverTime: 2 * RTT })))[0]).toMatch(/^connecting [12], transit 0.5, server 2, transit 0.5$/);
  });
});

describe('one after the other', () => {
  test('h1-short: everybody waits until it is his turn, and then for a handshake of his own', () => {
    expect(lives(run('h1-short', several(3)))).toEqual([
      'connecting 2, transit 1',
      'queued 3, connecting 2, transit 1',
      'queued 6, connecting 2, transit 1',
    ]);
  });

  test('h1-persistent: for the connection to be free', () => {
    expect(lives(run('h1-persistent', several(3)))).toEqual(['connecting 2, transit 1', 'queued 3, transit 1', 'queued 4, transit 1']);
  });

  test('h1-pipelined: for its turn, while the server has its answer', () => {
    const slowFirst = several(3).map((object, i) => (i === 0 ? { ...object, serverTime: 4 * RTT } : object));
    const record = run('h1-pipelined', slowFirst);
    expect(lives(record)).toEqual([
      'connecting 2, transit 0.5, server 4, transit 0.5',
      'connecting 2, transit 0.5, order 4, transit 0.5',
      'connecting 2, transit 0.5, order 4, transit 0.5',
    ]);
    expect(lives(run('h2', slowFirst))[1]).toBe('connecting 2, transit 1'); // nobody waits for the slow one
  });

  test('a page waits along its chain: what each object waited for, and nothing between', () => {
    const record = run('h3', [
      { path: '/', size: 1_000 },
      { path: '/a', size: 1_000, after: ['/'], serverTime: RTT },
      { path: '/b', size: 1_000, after: ['/'] },
      { path: '/c', size: 1_000, after: ['/a', '/b'] },
    ]);
    const chain = criticalChain(accountRun(record).map(({ life }) => life))!;
    expect(chain.links.map(({ exchange, gap }) => [record.objects[exchange]!.id, gap])).toEqual([
      ['/', 0],
      ['/a', 0],
      ['/c', 0],
    ]);
    expect(chain).toMatchObject({ pageLoad: 5 * RTT, gaps: 0, sums: { connecting: RTT, transit: 3 * RTT, server: RTT } });
  });
});

test('a connection that breaks off: unanswered requests start again, behind the handshake of another one', () => {
  const record = run('h1-pipelined', several(3), { serve: (serving) => endsAfter(1, serving) });
  expect(record.objects.map(({ attempts }) => attempts)).toEqual([1, 2, 2]);
  expect(lives(record)).toEqual([
    'connecting 2, transit 1',
    'connecting 2, transit 0.5, server 1.5, connecting 2, transit 1',
    'connecting 2, transit 0.5, server 1.5, connecting 2, queued 1, transit 1',
  ]);
});

/** The first connection breaks off when so many answers have come, a round trip later. */
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

describe('one packet of two objects that take turns is lost (parity profile)', () => {
  const objects = several(2, { size: 6_000 });
  const load = (model: ModelName, lost?: number): RunRecord =>
    run(model, objects, {
      profile: PARITY_PROFILE,
      links: { up: { delay: DELAY }, down: { delay: DELAY, ...(lost !== undefined && { loss: listed(lost) }) } },
    });

  test.each([
    ['h3', 1],
    ['h3-single', 2],
    ['h2', 2],
  ] as const)('%s: so many lives are other than they were: %i', (model, expected) => {
    const base = load(model);
    const before = lives(base);
    for (const back of [3, 4, 5, 6, 7]) {
      const record = load(model, base.down.entered - back);
      const after = lives(record);
      expect(after.some((life) => life.includes('undetected'))).toBe(true);
      expect(after.filter((life, i) => life !== before[i])).toHaveLength(expected);
      if (model === 'h3') expect(accountRun(record).every(({ blocked }) => blocked.other === 0)).toBe(true);
    }
  });
});
