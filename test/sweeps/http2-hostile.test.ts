import { describe, expect, test } from 'vitest';
import { alteredPeer, chanceCalls, chancePeer, shuffledPeer } from '../../packages/http/http2/test/hostile.ts';

const FIRST = 10_000;

function failures(count: number, run: (seed: number) => unknown): string[] {
  const failed: string[] = [];
  for (let seed = FIRST; seed < FIRST + count && failed.length < 10; seed++) {
    try {
      run(seed);
    } catch (error) {
      failed.push(`seed ${seed}: ${error}`);
    }
  }
  return failed;
}

/** The same as in packages/http/http2/test/hostile.test.ts, with other seeds. One that fails belongs there. */
describe.each(['server', 'client'] as const)('peers of an HTTP/2 %s', (side) => {
  test('50,000 that alter octets', () => expect(failures(50_000, (seed) => alteredPeer(side, seed))).toEqual([]));
  test('30,000 that shuffle frames', () => expect(failures(30_000, (seed) => shuffledPeer(side, seed))).toEqual([]));
  test('30,000 that say frames of chance', () => expect(failures(30_000, (seed) => chancePeer(side, seed))).toEqual([]));
});

test('5,000 pairs of HTTP/2 connections whose applications call by chance', () => expect(failures(5_000, chanceCalls)).toEqual([]));
