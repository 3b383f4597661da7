import { MILLISECOND, SECOND } from '@quiclab/sansio';
import type { TcpConfig } from '@quiclab/tcp';
import { describe, expect, test } from 'vitest';
import { Pair, type PairOptions, pattern } from './pair.ts';

const FULL = 1_448;

/** So many full segments from the client at 150 ms; what the server then acknowledges, and when. */
function acks(segments: number, config: Partial<TcpConfig> = {}, fate?: PairOptions['fate']) {
  const pair = new Pair({ config, ...(fate && { fate }) }).handshake();
  pair.sendAll(pair.client, segments * FULL, false);
  pair.run(pair.now + 5 * SECOND);
  return {
    pair,
    said: pair.server.logs[0]!.sent.filter(({ purpose }) => purpose === 'ack').map(
      ({ at, acknowledged }) => `${at / MILLISECOND} ms: ${acknowledged / FULL}`,
    ),
  };
}

describe('when an acknowledgement leaves (RFC 9293 §3.8.6.3, RFC 5681 §4.2)', () => {
  test('for every second full segment at once, for the last after 40 ms', () => {
    expect(acks(5).said).toEqual(['200 ms: 2', '200 ms: 4', '240 ms: 5']);
  });

  test('as configured: every fourth, or each, or after 25 ms', () => {
    expect(acks(5, { ackEvery: 4, ackDelay: 25_000 }).said).toEqual(['200 ms: 4', '225 ms: 5']);
    expect(acks(3, { ackEvery: 1 }).said).toEqual(['200 ms: 1', '200 ms: 2', '200 ms: 3']);
  });

  test('at the beginning for each, if so configured', () => {
    expect(acks(5, { quickAcks: 3 }).said).toEqual(['200 ms: 1', '200 ms: 2', '200 ms: 3', '200 ms: 5']);
  });

  test('at once beyond a hole, each with its block, and when the hole is filled (RFC 5681 §4.2, RFC 2018 §4)', () => {
    const { pair, said } = acks(5, {}, ({ from, index }) => (from === 'client' && index === 4 ? 20 * MILLISECOND : undefined)); // the second
    expect(said.slice(0, 4)).toEqual(['200 ms: 1', '200 ms: 1', '200 ms: 1', '220 ms: 5']);
    const blocks = pair.passed
      .filter(({ from, segment }) => from === 'server' && segment.sackCount > 0)
      .map(({ segment }) => (segment.sackEnds[0]! - segment.sackStarts[0]!) / FULL);
    expect(blocks.slice(0, 3)).toEqual([1, 2, 3]);
  });

  test('what comes twice is acknowledged at once, with a block that says so (RFC 2883)', () => {
    const { pair } = acks(2);
    const [again] = pair.passed.filter(({ from, segment }) => from === 'client' && segment.payloadLength > 0);
    pair.inject(pair.server, again!.bytes.slice());
    const { segment } = pair.passed.at(-1)!;
    expect([
      segment.sackCount,
      (segment.sackStarts[0]! - again!.segment.sequence) | 0,
      (segment.sackEnds[0]! - again!.segment.sequence) | 0,
    ]).toEqual([1, 0, FULL]);
    expect(pair.server.read.length).toBe(2 * FULL);
  });

  test('the latest three blocks are told, the last first, beside timestamps; four without', () => {
    for (const [timestamps, most] of [
      [true, 3],
      [false, 4],
    ] as const) {
      const pair = new Pair({
        config: { timestamps, initialWindow: 20 },
        fate: ({ from, index }) => (from === 'client' && index > 2 && index % 2 === 1 ? 'drop' : undefined),
      }).handshake();
      pair.sendAll(pair.client, 10 * FULL, false);
      pair.run(pair.now + 60 * MILLISECOND);
      const { segment } = pair.passed.filter(({ from }) => from === 'server').at(-1)!;
      expect(segment.sackCount).toBe(most);
      const starts = segment.sackStarts.slice(0, most);
      expect(starts).toEqual([...starts].sort((a, b) => (b - a) | 0));
    }
  });

  test('an answer that follows at once takes it along: no segment of its own', () => {
    const pair = new Pair().handshake();
    pair.onServerEvent = (event, connection) => {
      if (event === 'readable') connection.write(pair.now, pattern(0, 300));
    };
    pair.client.connection!.write(pair.now, pattern(0, 200));
    pair.turn(pair.client);
    pair.run(pair.now + 20 * MILLISECOND + 50 * MILLISECOND);
    expect(pair.said(pair.server).slice(1)).toEqual(['200000 0+300 ack 200']);
  });
});
