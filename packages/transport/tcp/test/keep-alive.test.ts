import { MILLISECOND, SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { Pair, type PairOptions, pattern } from './pair.ts';

const ASKS = { keepAlive: true, keepAliveTime: 45 * SECOND, keepAliveInterval: 10 * SECOND, keepAliveProbes: 3 };

/** A client that asks, and a server that says nothing any more. */
const quiet = (options: PairOptions = {}): Pair => {
  const pair = new Pair({ serverConfig: {}, ...options, config: { ...ASKS, ...options.config } }).handshake();
  return pair.run(pair.now + SECOND);
};
const probes = (pair: Pair) => pair.client.logs[0]!.sent.filter(({ purpose }) => purpose === 'keep-alive');

describe('keep-alive (RFC 9293 §3.8.4)', () => {
  test('it is off unless the application turns it on, and then waits for two hours unless told otherwise', () => {
    const off = new Pair().handshake().run(24 * 3_600 * SECOND);
    expect(off.passed.length).toBe(3);
    const on = new Pair({ config: { keepAlive: true }, serverConfig: {} }).handshake().run(3 * 3_600 * SECOND);
    // from the SYN-ACK on, the last that was heard
    expect(probes(on).map(({ at }) => at)).toEqual([7_200 * SECOND + 100 * MILLISECOND]);
  });

  test('a probe has no data and the number before the next: the peer answers, and is asked again as long after that', () => {
    const pair = quiet();
    pair.client.connection!.write(pair.now, pattern(0, 10));
    pair.turn(pair.client);
    const heardAt = pair.now + 140 * MILLISECOND; // the acknowledgement was held back for 40 ms
    pair.run(heardAt + 100 * SECOND);
    const roundTrip = 100 * MILLISECOND;
    expect(probes(pair).map(({ at, offset, length }) => [at, offset, length])).toEqual([
      [heardAt + 45 * SECOND, 9, 0],
      [heardAt + 90 * SECOND + roundTrip, 9, 0],
    ]);
    expect(pair.said(pair.server).slice(-2)).toEqual([
      `${heardAt + 45 * SECOND + roundTrip / 2} ack 10`,
      `${heardAt + 90 * SECOND + roundTrip + roundTrip / 2} ack 10`,
    ]);
    expect(pair.server.read.length).toBe(10);
  });

  test('nobody is asked who has something to answer, or has just been heard', () => {
    let cut = false;
    const pair = quiet({ config: { retries: 100 }, fate: () => (cut ? 'drop' : undefined) });
    cut = true;
    pair.client.connection!.write(pair.now, pattern(0, 10));
    pair.turn(pair.client);
    pair.run(pair.now + 600 * SECOND);
    expect(probes(pair)).toEqual([]);
    const talks = quiet();
    for (let i = 0; i < 20; i++) {
      talks.server.connection!.write(talks.now, pattern(0, 10));
      talks.turn(talks.server);
      talks.run(talks.now + 40 * SECOND);
    }
    expect(probes(talks)).toEqual([]);
  });

  test('no single probe decides: the peer is given up when several in a row have no answer', () => {
    let cut = false;
    const pair = quiet({ fate: () => (cut ? 'drop' : undefined) });
    cut = true;
    const heardAt = 100 * MILLISECOND;
    pair.run();
    expect(probes(pair).map(({ at }) => at)).toEqual([45, 55, 65].map((after) => heardAt + after * SECOND));
    expect(pair.client.events.slice(-2)).toEqual([
      `${heardAt + 75 * SECOND} closed the peer does not answer any more`,
      `${heardAt + 75 * SECOND} drained`,
    ]);
  });

  test.each([1, 2])('%i of three lost: the answer to the next is enough', (lost) => {
    const pair: Pair = quiet({
      fate: ({ from, at }) => (from === 'client' && at > SECOND && probes(pair).length <= lost ? 'drop' : undefined),
    });
    pair.run(300 * SECOND);
    expect(probes(pair).length).toBeGreaterThan(lost);
    expect(pair.client.connection!.state).toBe('established');
    expect(pair.client.events.length).toBe(1);
  });

  test('a peer that is gone, whose reset was lost: its next reset is the answer', () => {
    const pair = quiet({ fate: ({ segment }) => (segment.flags === 0x14 ? 'drop' : undefined) });
    pair.server.connection!.abort(pair.now, 'gone');
    pair.turn(pair.server);
    pair.run();
    const heardAt = 100 * MILLISECOND;
    expect(pair.client.events.slice(-2)).toEqual([
      `${heardAt + 45 * SECOND + 100 * MILLISECOND} closed the peer has reset the connection`,
      `${heardAt + 45 * SECOND + 100 * MILLISECOND} drained`,
    ]);
  });

  test('half closed, it asks on; in TIME-WAIT it does not', () => {
    const pair = quiet();
    pair.client.connection!.finish(pair.now);
    pair.turn(pair.client);
    pair.run(pair.now + 100 * SECOND);
    expect(pair.client.connection!.state).toBe('fin-wait-2');
    expect(probes(pair).map(({ offset }) => offset)).toEqual([0, 0]);
    pair.server.connection!.finish(pair.now);
    pair.turn(pair.server);
    pair.run(pair.now + 59 * SECOND);
    expect(pair.client.connection!.state).toBe('time-wait');
    expect(probes(pair).length).toBe(2);
  });

  test('patience that rests on one probe is refused', () => {
    expect(() => new Pair({ config: { keepAlive: true, keepAliveProbes: 1 } })).toThrow(/keepAliveProbes is 1/);
  });
});
