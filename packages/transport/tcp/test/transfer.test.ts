import { fraction, SECOND, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { isPattern, Pair } from './pair.ts';

describe('without loss', () => {
  test('octets both ways, and an orderly end (RFC 9293 §3.6)', () => {
    const pair = new Pair().handshake();
    pair.sendAll(pair.client, 300_000);
    pair.sendAll(pair.server, 500_000);
    pair.run();
    expect(isPattern(pair.server.read, 300_000)).toBe(true);
    expect(isPattern(pair.client.read, 500_000)).toBe(true);
    expect([pair.client.fin, pair.server.fin]).toEqual([true, true]);
    expect(pair.client.events.map((event) => event.replace(/^\d+ /, ''))).toEqual(['connected', 'closed clean', 'drained']);
    expect(pair.server.events.map((event) => event.replace(/^\d+ /, ''))).toEqual(['accepted', 'closed clean', 'drained']);
    expect(pair.passed.filter(({ segment }) => segment.payloadLength > 0).length).toBe(
      Math.ceil(300_000 / 1_448) + Math.ceil(500_000 / 1_448),
    );
  });
});

describe('with loss, reordering, and flipped bits', () => {
  test.each(Array.from({ length: 60 }, (_, seed) => seed))('seed %i: everything arrives in order and once', (seed) => {
    const random = seededRandom(seed).fork('fates');
    const loss = [0, 0.01, 0.05, 0.1][seed % 4]!;
    const pair = new Pair({
      seed,
      config: { timestamps: seed % 3 !== 0, sack: seed % 7 !== 0 },
      fate({ bytes }) {
        if (fraction(random) < loss) return 'drop';
        if (fraction(random) < loss / 5) bytes[Math.floor(fraction(random) * bytes.length)]! ^= 4;
        return seed % 5 === 1 && fraction(random) < 0.1 ? Math.floor(fraction(random) * 60_000) : undefined;
      },
    });
    pair.connect();
    pair.run(200 * SECOND, () => pair.server.connection === undefined);
    pair.sendAll(pair.client, 100_000);
    pair.sendAll(pair.server, 200_000);
    pair.run(2_000 * SECOND);
    expect(isPattern(pair.server.read, 100_000)).toBe(true);
    expect(isPattern(pair.client.read, 200_000)).toBe(true);
    for (const side of [pair.client, pair.server]) expect(side.events.filter((event) => event.endsWith('closed clean')).length).toBe(1);
  });
});
