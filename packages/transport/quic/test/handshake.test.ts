import { fraction, seededRandom } from '@quiclab/sansio';
import { expect, test } from 'vitest';
import { type Direction, Pair, type PairOptions, text } from './pair.ts';

const confirmed = (pair: Pair): boolean =>
  pair.clientEvents.some((event) => event.type === 'handshake-confirmed') &&
  pair.serverEvents.some((event) => event.type === 'handshake-confirmed');

/** A handshake, and a request with its answer, that come about whatever is dropped. */
function exchange(options: PairOptions): Pair {
  const pair = new Pair({
    ...options,
    use(pair, event) {
      if (event.type !== 'handshake-complete') return;
      const id = pair.connection.openStream('bidi')!;
      pair.connection.write(pair.now, id, text('question'));
      pair.connection.finish(id);
    },
    serve(pair, event) {
      if (event.type !== 'stream-readable') return;
      if (!pair.readAll(pair.accepted!, event.id).fin) return;
      pair.accepted!.write(pair.now, event.id, text('answer'));
      pair.accepted!.finish(event.id);
    },
  });
  pair.run(29_000_000);
  return pair;
}

const answered = (pair: Pair): boolean => {
  const answer = pair.readAll(pair.connection, 0);
  return answer.data === 'answer' && answer.fin;
};

test('a handshake completes, and a request is answered (RFC 9001 §4.1)', () => {
  const pair = exchange({});
  expect(confirmed(pair)).toBe(true);
  expect(answered(pair)).toBe(true);
  expect(pair.clientEvents.map((event) => event.type)).toEqual([
    'handshake-complete',
    'stream-finished', // the ACK of the request comes before HANDSHAKE_DONE in the same packet
    'handshake-confirmed',
    'token',
    'stream-readable',
  ]);
  expect(pair.serverEvents.map((event) => event.type)).toEqual([
    'handshake-complete',
    'handshake-confirmed',
    'stream-opened',
    'stream-readable',
    'stream-finished',
  ]);
  for (const connection of [pair.connection, pair.accepted!]) {
    expect(connection.stats().bytesInFlight).toBe(0);
    expect(connection.stats().openStreams).toBe(0);
  }
  expect(pair.clientObserver.drops).toEqual([]);
  expect(pair.serverObserver.drops).toEqual([]);
});

const DIRECTIONS: readonly Direction[] = ['up', 'down'];
const positions = (most: number): readonly (readonly [Direction, number])[] =>
  DIRECTIONS.flatMap((direction) => Array.from({ length: most }, (_, i) => [direction, i + 1] as const));

test('the loss of any one datagram delays a handshake, no more (RFC 9002 §6.2)', () => {
  for (const [direction, n] of positions(12)) {
    const pair = exchange({ drop: (d, i) => d === direction && i === n });
    expect([direction, n, confirmed(pair), answered(pair)]).toEqual([direction, n, true, true]);
    expect([direction, n, pair.connection.stats().bytesInFlight, pair.accepted!.stats().bytesInFlight]).toEqual([direction, n, 0, 0]);
  }
});

test('the loss of any two of the first six datagrams each way delays a handshake, no more', () => {
  const all = positions(6);
  for (let a = 0; a < all.length; a++)
    for (let b = a + 1; b < all.length; b++) {
      const lost = [all[a]!, all[b]!];
      const pair = exchange({ drop: (d, i) => lost.some(([direction, n]) => d === direction && i === n) });
      expect([lost, confirmed(pair), answered(pair)]).toEqual([lost, true, true]);
    }
});

test('with 40% of all datagrams lost a handshake completes, or both ends give up in time', () => {
  let completed = 0;
  for (let seed = 0; seed < 200; seed++) {
    const random = seededRandom(`loss/${seed}`);
    const draws = { up: random.fork('up'), down: random.fork('down') };
    const pair = new Pair({ seed, drop: (direction, n) => fraction(draws[direction].at(n)) < 0.4 });
    pair.run(29_999_999, () => !confirmed(pair));
    if (confirmed(pair)) {
      completed++;
      continue;
    }
    pair.run(300_000_000); // an end that is complete waits on for the other's confirmation, with ever rarer probes
    for (const connection of [pair.connection, ...(pair.accepted === undefined ? [] : [pair.accepted])]) {
      expect([seed, connection.state]).toEqual([seed, 'drained']);
      expect(['handshake-timeout', 'idle-timeout', 'stateless-reset']).toContain(connection.cause!.kind);
    }
    expect([...pair.client.connections, ...pair.server.connections]).toEqual([]);
  }
  expect(completed).toBeGreaterThan(190);
});

test('nobody answers: the client gives up at its handshake timeout, and every timer ends', () => {
  const pair = new Pair({ drop: () => true, clientConfig: { handshakeTimeout: 10_000_000 } });
  pair.run(9_999_999);
  expect(pair.connection.state).toBe('open');
  pair.run(10_000_000);
  expect(pair.clientEvents).toEqual([{ type: 'closed', cause: { kind: 'handshake-timeout' } }]);
  expect(pair.endpointEvents.map((event) => event.type)).toEqual(['active', 'drained']);
  expect(pair.nextInstant()).toBe(Number.POSITIVE_INFINITY);
});

test('a ClientHello fills two Initials, whose order does not matter (RFC 9000 §7.5, §17.2.2)', () => {
  for (const late of [0, 5_000]) {
    const pair = exchange({
      padding: 1_500,
      impair: (direction, n, bytes) => [{ late: direction === 'up' && n === 1 ? late : 0, bytes }],
    });
    expect(pair.clientObserver.sent.filter((packet) => packet.at === 0).map((packet) => packet.level)).toEqual(['initial', 'initial']);
    expect(pair.serverObserver.received.slice(0, 2).map((packet) => packet.packetNumber)).toEqual(late === 0 ? [0, 1] : [1, 0]);
    expect([late, confirmed(pair), answered(pair)]).toEqual([late, true, true]);
    expect(pair.endpointEvents.filter((event) => event.type === 'accepted')).toHaveLength(1);
  }
});
