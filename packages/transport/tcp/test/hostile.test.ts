import { fraction, integerBelow, SECOND, seededRandom } from '@quiclab/sansio';
import { Flag } from '@quiclab/tcp';
import { describe, expect, test } from 'vitest';
import { type Forged, Forger } from './forger.ts';
import { isPattern, Pair, pattern } from './pair.ts';

/** A handshake without timestamps, so that whoever guesses numbers needs no more; then so much from the server. */
function victim(octets = 0) {
  const pair = new Pair({ config: { timestamps: false } }).handshake();
  if (octets > 0) pair.sendAll(pair.server, octets, false);
  return { pair, forger: new Forger(pair), connection: pair.server.connection!, drops: pair.server.endpoint.drops };
}

describe('who cannot see what passes does little harm (RFC 5961)', () => {
  test('a reset counts only if it hits the next octet; within the window it is answered by a challenge (§3.2)', () => {
    const { forger, connection, drops } = victim();
    expect(forger.send({ flags: Flag.RST, at: 1 })).toEqual(['150000 ack 0']);
    expect(forger.send({ flags: Flag.RST, at: 60_000 })).toEqual(['150000 ack 0']);
    expect(forger.send({ flags: Flag.RST, at: 70_000 })).toEqual([]);
    expect(forger.send({ flags: Flag.RST, at: -1 })).toEqual([]);
    expect(connection.state).toBe('established');
    expect(drops).toMatchObject({ reset: 2, window: 2 });
    forger.send({ flags: Flag.RST, at: 0 });
    expect(connection.state).toBe('closed');
  });

  test('a SYN in the midst of a connection is answered by a challenge, wherever it lies (§4.2)', () => {
    const { forger, connection } = victim();
    for (const at of [0, 10, -1, 1_000_000]) expect(forger.send({ flags: Flag.SYN, at })).toEqual(['150000 ack 0']);
    expect(connection.state).toBe('established');
  });

  test('an acknowledgement of what was never sent, or is long past, brings no data in (§5.2)', () => {
    const { forger, connection, pair, drops } = victim(1_000_000);
    pair.run(pair.now + SECOND);
    const data = pattern(0, 10);
    for (const acknowledges of [connection.stats().sent + 1, connection.stats().acknowledged - 3_000_000_000])
      forger.send({ acknowledges, data });
    expect(drops.acknowledgment).toBe(2);
    expect(pair.server.read.length).toBe(0);
    forger.send({ data });
    expect(pair.server.read.length).toBe(10);
  });

  test('challenges are ten in five seconds, however many ask for them (§7)', () => {
    const { forger, pair } = victim();
    let answers = 0;
    for (let i = 1; i <= 1_000; i++) answers += forger.send({ flags: Flag.RST, at: i }).length;
    expect(answers).toBe(10);
    pair.run(pair.now + 5 * SECOND);
    expect(forger.send({ flags: Flag.RST, at: 5 }).length).toBe(1);
  });

  test('in SYN-SENT only what answers the SYN is heard (RFC 9293 §3.10.7.3)', () => {
    const pair = new Pair({ fate: ({ from }) => (from === 'client' ? 'drop' : undefined) });
    const other = new Pair({ seed: 2 }).handshake();
    const connection = pair.connect();
    for (const { bytes } of other.passed.filter(({ from }) => from === 'server')) pair.inject(pair.client, bytes.slice());
    expect(connection.state).toBe('syn-sent');
    expect(pair.said(pair.client).filter((line) => line.includes('rst')).length).toBe(0);
    expect(pair.client.endpoint.drops['no-connection']).toBe(1);
    expect(pair.passed.at(-1)!.segment.flags).toBe(Flag.RST);
  });
});

describe('data that lies', () => {
  test('what lies outside the window is not kept, and is answered', () => {
    const { forger, pair, drops } = victim();
    for (const at of [65_535, 1_000_000, -10]) expect(forger.send({ at, data: pattern(0, 10) }).length).toBe(1);
    expect(drops.window).toBe(3);
    expect(forger.send({ at: 65_530, data: pattern(0, 10) }).length).toBe(1); // five octets of it fit
    expect(pair.server.read.length).toBe(0);
  });

  test('octets that have come stay as they came', () => {
    const { forger, pair } = victim();
    pair.reads = false;
    forger.send({ at: 10, data: new Uint8Array(10).fill(1) });
    forger.send({ at: 5, data: new Uint8Array(20).fill(2) });
    forger.send({ at: 0, data: new Uint8Array(30).fill(3) });
    pair.readAll(pair.server);
    const of = (value: number, count: number): number[] => new Array<number>(count).fill(value);
    expect(pair.server.read).toEqual([...of(3, 5), ...of(2, 5), ...of(1, 10), ...of(2, 5), ...of(3, 5)]);
  });

  test('nothing comes after a FIN', () => {
    const { forger, pair, connection } = victim();
    forger.send({ at: 10, flags: Flag.ACK | Flag.FIN });
    forger.send({ at: 10, data: pattern(10, 5) });
    forger.send({ at: 0, data: pattern(0, 10) });
    expect(connection.state).toBe('close-wait');
    forger.send({ at: 11, data: pattern(11, 5) });
    expect(pair.server.read).toEqual([...pattern(0, 10)]);
    expect(pair.server.fin).toBe(true);
  });

  test('islands of one octet: no more are remembered than the buffer is good for, and the rest comes again', () => {
    const { forger, pair, drops } = victim();
    for (let at = 2; at < 60_000; at += 2) pair.server.endpoint.receive(pair.now, datagram(forger.octets({ at, data: pattern(at, 1) })));
    expect(drops.pieces).toBeGreaterThan(20_000);
    pair.turn(pair.server);
    for (let at = 0; at < 60_000; at += 1_000) forger.send({ at, data: pattern(at, 1_000) });
    expect(isPattern(pair.server.read, 60_000)).toBe(true);
  });

  test('a segment older than what was heard since is not taken, a second of silence later or not (RFC 7323 §5)', () => {
    const pair = new Pair().handshake();
    pair.sendAll(pair.client, 3_000, false);
    pair.run(pair.now + SECOND);
    const [first] = pair.passed.filter(({ segment }) => segment.payloadLength > 0);
    pair.sendAll(pair.client, 100, false);
    pair.run(pair.now + SECOND);
    const old = first!.bytes.slice();
    pair.inject(pair.server, old);
    expect(pair.server.endpoint.drops).toEqual({ timestamp: 1 });
    expect(pair.server.read.length).toBe(3_100);
  });

  test('nor one without a timestamp, where both ends have offered them: without a word, and the connection goes on (RFC 7323 §3.2)', () => {
    const pair = new Pair().handshake();
    const forger = new Forger(pair);
    expect(forger.send({ data: pattern(0, 10) })).toEqual([]);
    expect(forger.send({ flags: Flag.ACK | Flag.FIN })).toEqual([]);
    expect(pair.server.endpoint.drops).toEqual({ timestamp: 2 });
    expect([pair.server.connection!.state, pair.server.read.length]).toEqual(['established', 0]);
    forger.send({ flags: Flag.RST }); // which need not have one
    expect(pair.server.connection!.state).toBe('closed');
  });
});

describe('acknowledgements that lie', () => {
  test('blocks of what was never sent, of nothing, the wrong way round, or all at once change nothing', () => {
    const { forger, pair, connection } = victim(100_000);
    const { sent, bytesInFlight } = connection.stats();
    const nonsense: Forged['blocks'][] = [
      [[sent, sent + 1]],
      [[sent - 10, sent + 10]],
      [[5_000, 5_000]],
      [[6_000, 5_000]],
      [[-5_000, -4_000]],
      [[2 ** 31, 2 ** 31 + 1_000]],
    ];
    for (const blocks of nonsense) forger.send({ blocks: blocks! });
    expect(connection.stats().bytesInFlight).toBe(bytesInFlight);
    pair.run(pair.now + 10 * SECOND);
    expect(isPattern(pair.client.read, 100_000)).toBe(true);
  });

  test('a peer that takes back what it said had arrived gets it again (RFC 2018 §8)', () => {
    const { forger, pair, connection } = victim(14_600);
    forger.send({ blocks: [[1_460, 14_600]] });
    expect(connection.stats().bytesInFlight).toBe(1_460); // the first, sent again
    forger.send({ acknowledges: 1_460, blocks: [] });
    const resent = () => pair.server.logs[0]!.sent.filter(({ transmission, offset }) => transmission > 1 && offset >= 1_460).length;
    expect(resent()).toBe(0);
    for (let i = 0; i < 40 && resent() === 0; i++) {
      pair.now = Math.max(pair.now, pair.server.endpoint.nextTimeout()); // nobody but the forger answers
      pair.turn(pair.server);
    }
    expect(resent()).toBeGreaterThan(0);
  });

  test('acknowledged octet by octet, the window grows by octets, and not by segments (RFC 3465)', () => {
    const { forger, connection } = victim(100_000);
    const before = connection.stats().congestionWindow;
    for (let acknowledges = 1; acknowledges <= 1_460; acknowledges++) forger.send({ acknowledges });
    expect(connection.stats().congestionWindow - before).toBeLessThanOrEqual(1_460);
  });

  test('DSACKs for what was sent once do nothing', () => {
    const { forger, connection } = victim(100_000);
    forger.send({ acknowledges: 2_920 });
    for (let i = 0; i < 1_000; i++) forger.send({ blocks: [[0, 1_460]], acknowledges: 2_920 });
    expect(connection.stats().spuriousLosses).toBe(0);
  });
});

const datagram = (bytes: Uint8Array) => ({
  bytes,
  length: bytes.length,
  local: { host: '192.0.2.2', port: 443 },
  remote: { host: '192.0.2.1', port: 50_000 },
  ecn: 0 as const,
});

describe('garbage', () => {
  test('random octets are dropped', () => {
    const { pair, drops } = victim();
    const random = seededRandom(1);
    for (let i = 0; i < 5_000; i++) {
      const bytes = new Uint8Array(integerBelow(random, 100));
      random.fill(bytes);
      pair.server.endpoint.receive(pair.now, datagram(bytes));
    }
    expect((drops.header ?? 0) + (drops.checksum ?? 0)).toBe(5_000);
  });

  test.each(Array.from({ length: 40 }, (_, i) => i + 1))(
    'seed %i: any fields with a good checksum, in the midst of a transfer, break nothing but that connection',
    (seed) => {
      const { pair, forger } = victim(200_000);
      const random = seededRandom(seed);
      const near = (value: number): number =>
        fraction(random) < 0.5 ? value : Math.max(-2_000, value + integerBelow(random, 200_000) - 100_000);
      for (let i = 0; i < 300; i++) {
        const { received, sent } = pair.server.connection!.stats();
        const position = (): number => integerBelow(random, sent + 2_000);
        pair.inject(
          pair.server,
          forger.octets({
            flags: integerBelow(random, 8) === 0 ? integerBelow(random, 256) : Flag.ACK,
            at: near(received),
            acknowledges: near(integerBelow(random, sent + 1)),
            data: pattern(0, integerBelow(random, 3) * 700),
            window: integerBelow(random, 65_536),
            blocks: Array.from({ length: integerBelow(random, 4) }, () => [position(), position()] as const),
          }),
        );
        if (fraction(random) < 0.2) pair.run(pair.now + 5_000);
      }
      pair.run(pair.now + 5_000 * SECOND);
      const { bytesInFlight } = pair.server.connection!.stats();
      expect(bytesInFlight).toBeGreaterThanOrEqual(0);
      pair.server.connection!.abort(pair.now, 'enough');
      pair.turns();
      pair.run();
      expect([...pair.server.endpoint.connections]).toEqual([]);
      pair.server.connection = undefined;
      pair.connectAgain();
      pair.run(pair.now + 10 * SECOND);
      expect(pair.server.connection).toBeDefined();
    },
  );
});
