import { H2 } from '@quiclab/http2';
import { integerBelow, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { alteredPeer, chanceCalls, chancePeer, outcome, SAYS, say, shuffledPeer, summary } from './hostile.ts';
import { frame, GET, http2Against, http2Pair, type Side } from './world.ts';

/** How so many peers ended, by outcome. `test/sweeps` has more of them. */
function outcomes(peer: (side: Side, seed: number) => number, side: Side, count: number): Map<number, number> {
  const seen = new Map<number, number>();
  for (let seed = 0; seed < count; seed++) {
    const code = peer(side, seed);
    seen.set(code, (seen.get(code) ?? 0) + 1);
  }
  return seen;
}

describe('a hostile peer', () => {
  for (const side of ['server', 'client'] as const) {
    const whole = SAYS[side]();

    test(`what is said to a ${side}, split at every octet, is the same`, () => {
      const expected = summary(say(side, whole, []));
      expect((expected as unknown[]).length).toBeGreaterThan(6);
      for (let cut = 1; cut < whole.length; cut++) expect(summary(say(side, whole, [cut]))).toEqual(expected);
      expect(
        summary(
          say(
            side,
            whole,
            Array.from({ length: whole.length - 1 }, (_, i) => i + 1),
          ),
        ),
      ).toEqual(expected);
    });

    test(`what is said to a ${side}, truncated at every octet, is waited for; an end there fails what is not whole`, () => {
      for (let length = 0; length < whole.length; length++) {
        const waiting = say(side, whole.subarray(0, length), []);
        expect(waiting.http.closed).toBe(false);
        const ended = say(side, whole.subarray(0, length), [], { fin: true });
        expect(ended.events('closed')).toMatchObject([{ code: H2.NO_ERROR }]);
        expect(ended.http.openExchanges).toBe(0);
      }
    });

    test(`2,500 alterations of what is said to a ${side} end in a valid parse, in waiting, or in an error of the RFC's`, () => {
      const seen = outcomes(alteredPeer, side, 2_500);
      for (const code of [H2.PROTOCOL_ERROR, H2.FRAME_SIZE_ERROR, H2.COMPRESSION_ERROR]) expect(seen.get(code)).toBeGreaterThan(8);
      expect(seen.get(-1)).toBeGreaterThan(30);
      expect(seen.size).toBeGreaterThan(6);
    });

    test(`1,500 shuffles of its frames, with some left out and some twice, end so as well`, () => {
      expect(outcomes(shuffledPeer, side, 1_500).size).toBeGreaterThan(3);
    });

    test(`1,500 times frames of chance at a ${side} end so as well`, () => {
      expect(outcomes(chancePeer, side, 1_500).size).toBeGreaterThan(3);
    });
  }

  test('octets of chance instead of a preface cost nothing', () => {
    const random = seededRandom('no preface');
    for (let i = 0; i < 300; i++) {
      const octets = new Uint8Array(1 + integerBelow(random, 100));
      random.fill(octets);
      octets[0]! |= 0x80;
      expect(outcome(say('server', octets, []))).toBe(H2.PROTOCOL_ERROR);
    }
  });

  test('a frame that is announced to be large costs nothing until its octets come, and is passed over if nobody knows it', () => {
    const { end, raw, run } = http2Against('server', { maxFrameSize: 16_777_215 });
    const octets = frame(0x42, 0, 0, new Uint8Array(10_000_000));
    for (let at = 0; at < octets.length; at += 100_000) {
      raw.say(octets.subarray(at, at + 100_000));
      run();
    }
    expect(end.http.closed).toBe(false);
    raw.say(raw.headers(1, GET, true));
    run();
    expect(end.events('request')).toHaveLength(1);
  });
});

test('two of ours, with 150 applications that call by chance, keep to the protocol', () => {
  for (let seed = 0; seed < 150; seed++) chanceCalls(seed);
});

test('a day of requests leaves nothing behind', () => {
  const { client, server, run } = http2Pair();
  server.onEvent = (event) => event.type === 'request' && server.http.respond(0, event.id, [[':status', '200']], true);
  for (let i = 0; i < 5_000; i++) {
    client.http.request(0, GET, true);
    if (i % 50 === 0) run();
  }
  run();
  expect(client.events('response')).toHaveLength(5_000);
  expect([client.http.openExchanges, server.http.openExchanges, client.http.closed]).toEqual([0, 0, false]);
});
