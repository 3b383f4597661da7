import { type ExchangeAccount, type Influence, influence, Ledger, type Owner } from '@quiclab/ledger';
import { integerBelow, NEVER, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { slowAccount } from './slow-ledger.ts';

const account = (ledger: Ledger, exchange: number): ExchangeAccount => ledger.exchanges().find((each) => each.exchange === exchange)!;

/** One carrier shared by exchanges; each character is ten octets: '0' and '1' of exchanges, '-' of the connection. */
function shared(layout: string): Ledger {
  const ledger = new Ledger();
  for (const [i, owner] of [...layout].entries()) ledger.onOwner(0, 10 * i, 10, owner === '-' ? 'connection' : Number(owner));
  return ledger;
}

describe('blame (EXPERIMENTS §4)', () => {
  test('an exchange is blocked while octets of it have arrived and are not deliverable', () => {
    const ledger = shared('010');
    ledger.onArrived(100, 0, 10, 10);
    ledger.onArrived(130, 0, 0, 10);
    ledger.onArrived(150, 0, 20, 10);
    expect(account(ledger, 1)).toMatchObject({
      intervals: [{ from: 100, to: 130, blame: 0 }],
      blocked: { own: 0, other: 30 },
      blockedByteTime: 300,
      lateBytes: 10,
      bytes: 10,
      firstArrived: 100,
      lastDeliverable: 130,
    });
    expect(account(ledger, 0)).toMatchObject({ intervals: [], blocked: { own: 0, other: 0 }, blockedByteTime: 0, bytes: 20 });
  });

  test('own where the first octet not deliverable is itself missing, even if lower holes exist', () => {
    const ledger = shared('0112'); // of exchange 1 only the second half arrives: exchange 0 is missing too, but is not to blame
    ledger.onArrived(100, 0, 20, 10);
    ledger.onArrived(110, 0, 10, 10); // now the lower hole alone holds it back
    ledger.onArrived(125, 0, 0, 10);
    expect(account(ledger, 1).intervals).toEqual([
      { from: 100, to: 110, blame: 'own' },
      { from: 110, to: 125, blame: 0 },
    ]);
    expect(account(ledger, 1).blocked).toEqual({ own: 10, other: 15 });
  });

  test('the lowest missing octet is charged, and blame moves as holes fill', () => {
    const ledger = shared('0-123');
    ledger.onArrived(100, 0, 40, 10);
    ledger.onArrived(107, 0, 0, 10);
    ledger.onArrived(110, 0, 10, 10);
    ledger.onArrived(121, 0, 20, 10);
    ledger.onArrived(130, 0, 30, 10);
    expect(account(ledger, 3).intervals).toEqual([
      { from: 100, to: 107, blame: 0 },
      { from: 107, to: 110, blame: 'connection' },
      { from: 110, to: 121, blame: 1 },
      { from: 121, to: 130, blame: 2 },
    ]);
    expect(account(ledger, 3).blocked).toEqual({ own: 0, other: 30 });
  });

  test('filling a hole that is not the lowest moves no blame', () => {
    const ledger = shared('0123');
    ledger.onArrived(100, 0, 30, 10);
    ledger.onArrived(105, 0, 10, 10);
    ledger.onArrived(106, 0, 20, 10);
    ledger.onArrived(120, 0, 0, 10);
    expect(account(ledger, 3).intervals).toEqual([{ from: 100, to: 120, blame: 0 }]);
  });

  test('on streams of their own exchanges wait for themselves only', () => {
    const ledger = new Ledger();
    ledger.ownCarrier(0, 0);
    ledger.ownCarrier(4, 1);
    ledger.onArrived(10, 0, 100, 50);
    ledger.onArrived(12, 4, 0, 50);
    ledger.onArrived(40, 0, 0, 100);
    expect(ledger.exchanges().map(({ exchange, carrier, blocked }) => ({ exchange, carrier, blocked }))).toEqual([
      { exchange: 0, carrier: 0, blocked: { own: 30, other: 0 } },
      { exchange: 1, carrier: 4, blocked: { own: 0, other: 0 } },
    ]);
  });

  test('arrivals of one instant are one state', () => {
    const ledger = shared('01');
    ledger.onArrived(50, 0, 10, 10);
    ledger.onArrived(50, 0, 0, 10);
    expect(account(ledger, 1)).toMatchObject({ intervals: [], blockedByteTime: 0, lateBytes: 0, lastDeliverable: 50 });
  });

  test('what is blocked at the end of the run is so until then', () => {
    const ledger = shared('01');
    ledger.onArrived(50, 0, 10, 10);
    ledger.close(80);
    expect(account(ledger, 1)).toMatchObject({
      intervals: [{ from: 50, to: 80, blame: 0 }],
      blockedByteTime: 300,
      lateBytes: 10,
      lastDeliverable: NEVER,
    });
    expect(account(ledger, 0)).toMatchObject({ bytes: 0, firstArrived: NEVER, lastDeliverable: NEVER });
  });

  test('the first copy counts, also where a later one covers more', () => {
    const ledger = shared('0001');
    ledger.onArrived(10, 0, 10, 10);
    ledger.onArrived(20, 0, 5, 20); // 5 to 10 and 20 to 25 are new
    ledger.onArrived(30, 0, 0, 5);
    expect(account(ledger, 0)).toMatchObject({ bytes: 25, blockedByteTime: 10 * 20 + 10 * 10, lateBytes: 20 });
  });

  test('owners may be named after their octets came, and no octet has two', () => {
    const ledger = new Ledger();
    ledger.onArrived(5, 0, 10, 10);
    ledger.onArrived(9, 0, 0, 10);
    ledger.onOwner(0, 10, 10, 1);
    ledger.onOwner(0, 10, 10, 1);
    expect(account(ledger, 1).intervals).toEqual([{ from: 5, to: 9, blame: 'connection' }]);
    expect(() => ledger.onOwner(0, 5, 10, 2)).toThrow('octets 10 to 15 belong to 1, not to 2');
    expect(() => ledger.ownCarrier(0, 3)).toThrow('carrier 0 is known already');
    expect(() => ledger.onArrived(8, 0, 0, 1)).toThrow('time runs backwards, from 9 to 8');
  });
});

test('a dropped datagram counts once for each exchange that it carried', () => {
  const ledger = shared('0011-2');
  ledger.onDropped(7, [{ carrier: 0, offset: 5, length: 20 }]);
  ledger.onDropped(9, [
    { carrier: 0, offset: 0, length: 5 },
    { carrier: 0, offset: 5, length: 5 },
    { carrier: 1, offset: 0, length: 5 },
  ]);
  ledger.onDropped(11, [{ carrier: 0, offset: 20, length: 0 }]); // the end of a stream alone
  expect(ledger.exchanges().map(({ lostPackets, lostAt }) => [lostPackets, lostAt])).toEqual([
    [2, [7, 9]],
    [2, [7, 11]],
    [0, []],
  ]);
});

describe('the replay agrees with the definition read octet by octet', () => {
  const LENGTH = 64;
  test.each(Array.from({ length: 200 }, (_, seed) => seed))('random schedule, seed %i', (seed) => {
    const random = seededRandom(seed);
    const owners: Owner[] = [];
    const ledger = new Ledger();
    while (owners.length < LENGTH) {
      const draw = integerBelow(random, 4);
      const length = Math.min(1 + integerBelow(random, 9), LENGTH - owners.length);
      const owner: Owner = draw === 3 ? 'connection' : draw;
      if (draw !== 3 || seed % 2 === 0) ledger.onOwner(0, owners.length, length, owner);
      for (let i = 0; i < length; i++) owners.push(owner);
    }
    const arrivals: { at: number; offset: number; length: number }[] = [];
    let at = 0;
    for (let i = 0; i < 30; i++) {
      at += integerBelow(random, 4);
      const offset = integerBelow(random, LENGTH);
      arrivals.push({ at, offset, length: Math.min(integerBelow(random, 12), LENGTH - offset) });
    }
    if (seed % 3 > 0) arrivals.push({ at: (at += 5), offset: 0, length: LENGTH });
    for (const { at, offset, length } of arrivals) ledger.onArrived(at, 0, offset, length);
    const end = at + 3;
    ledger.close(end);

    let blocked = 0;
    for (const { exchange, intervals, blocked: totals, blockedByteTime, lateBytes, bytes } of ledger.exchanges()) {
      const expected = slowAccount(owners, arrivals, end, exchange);
      expect({ intervals, own: totals.own, other: totals.other, byteTime: blockedByteTime, late: lateBytes, bytes }).toEqual(expected);
      blocked += totals.own + totals.other;
    }
    expect(blocked).toBeGreaterThan(0); // or nothing was compared
  });
});

describe('one packet lost among L, of N exchanges taking turns', () => {
  const PACKET = 1_000;
  type Model = 'h3' | 'h3-single';
  /** Packet k belongs to exchange k mod N; packet 0 arrives at `repairedAt`, the others at `arrivesAt(k)`. */
  function run(model: Model, exchanges: number, packets: number, arrivesAt: (k: number) => number, repairedAt: number): Ledger {
    const ledger = new Ledger();
    const place = (k: number): [carrier: number, offset: number] =>
      model === 'h3' ? [k % exchanges, Math.floor(k / exchanges) * PACKET] : [0, k * PACKET];
    if (model === 'h3') for (let i = 0; i < exchanges; i++) ledger.ownCarrier(i, i);
    else for (let k = 0; k < packets; k++) ledger.onOwner(...place(k), PACKET, k % exchanges);
    const arrivals = Array.from({ length: packets }, (_, k) => ({ k, at: k === 0 ? repairedAt : arrivesAt(k) }));
    for (const { k, at } of arrivals.sort((a, b) => a.at - b.at)) ledger.onArrived(at, ...place(k), PACKET);
    return ledger;
  }
  const byteTime = (ledger: Ledger): number => ledger.exchanges().reduce((sum, each) => sum + each.blockedByteTime, 0);

  test.each([
    [4, 100],
    [2, 10],
    [5, 5],
    [10, 200],
  ])('on a saturated link blocked byte-time of h3 to h3-single is (L−N)/(N(L−1)): N = %i, L = %i', (n, l) => {
    const h3 = byteTime(run('h3', n, l, (k) => 400 * k, 400 * l));
    const single = byteTime(run('h3-single', n, l, (k) => 400 * k, 400 * l));
    expect(h3 * n * (l - 1)).toBe(single * (l - n)); // exactly: no fraction is formed
  });

  test.each([
    [4, 100],
    [3, 100],
    [7, 50],
  ])('with L packets behind the hole that arrive together it is ⌊L/N⌋/L: N = %i, L = %i', (n, l) => {
    const h3 = byteTime(run('h3', n, l + 1, () => 1_000, 51_000));
    const single = byteTime(run('h3-single', n, l + 1, () => 1_000, 51_000));
    expect(h3 * l).toBe(single * Math.floor(l / n));
  });

  test('under h3 no other exchange waits; under h3-single all do until the repair (Influence)', () => {
    const evenly = (k: number): number => 400 * k;
    const [h3, single] = (['h3', 'h3-single'] as const).map((model) =>
      influence(run(model, 4, 40, evenly, 0), run(model, 4, 40, evenly, 20_000)),
    );
    const column = (rows: Influence[], key: keyof Influence): number[] => rows.map((row) => row[key]);
    for (const rows of [h3!, single!]) {
      expect(column(rows, 'bytes')).toEqual([10_000, 10_000, 10_000, 10_000]);
      expect(column(rows, 'largestSlot')).toEqual([20_000, 0, 0, 0]);
    }
    expect(column(h3!, 'largestWait')).toEqual([20_000 - 1_600, 0, 0, 0]);
    expect(column(h3!, 'completion')).toEqual([20_000 - 14_400, 0, 0, 0]);
    // the first packet of each exchange behind the hole waits longest: it came at 1,600, 400, 800 and 1,200
    expect(column(single!, 'largestWait')).toEqual([18_400, 19_600, 19_200, 18_800]);
    expect(column(single!, 'completion')).toEqual([5_600, 5_200, 4_800, 4_400]);
    expect(single![1]!.meanWait).toBe(20_000 - 400 * 19); // packets 1, 5, … 37, on average 19
  });
});

describe('influence', () => {
  const run = (...arrivals: readonly (readonly [at: number, offset: number, length: number])[]): Ledger => {
    const ledger = new Ledger();
    ledger.ownCarrier(0, 5);
    for (const arrival of arrivals) ledger.onArrived(arrival[0], 0, arrival[1], arrival[2]);
    return ledger;
  };

  test('splits each octet’s delay into slot and wait, whatever the packets were', () => {
    const base = run([10, 0, 30], [20, 30, 30]);
    const changed = run([10, 0, 20], [25, 40, 20], [60, 20, 20]);
    // octets 0–20 as before; 20–30 slot 50; 30–40 slot 40; 40–60 slot 5, wait 35
    expect(influence(base, changed)).toEqual([
      {
        exchange: 5,
        bytes: 60,
        completion: 40,
        meanSlot: (10 * 50 + 10 * 40 + 20 * 5) / 60,
        meanWait: (20 * 35) / 60,
        largestSlot: 50,
        largestWait: 35,
      },
    ]);
  });

  test('does not compare what is not the same', () => {
    expect(() => influence(run([1, 0, 10]), run([1, 0, 11]))).toThrow('exchange 5 has 10 octets in one run and 11 in the other');
    expect(() => influence(run([1, 0, 10]), run([1, 5, 5]))).toThrow('never became deliverable');
  });
});

test('ten megabytes with a hole every hundred packets are an account of a few thousand steps', () => {
  const ledger = new Ledger();
  const PACKETS = 8_000;
  for (let k = 0; k < PACKETS; k++) ledger.onOwner(0, 1_200 * k, 1_200, k % 32);
  let now = 0;
  for (let k = 0; k < PACKETS; k++) {
    now += 100;
    if (k % 100 !== 50) ledger.onArrived(now, 0, 1_200 * k, 1_200);
    if (k % 100 === 90) ledger.onArrived(now, 0, 1_200 * (k - 40), 1_200);
  }
  const accounts = ledger.exchanges();
  expect(accounts).toHaveLength(32);
  expect(accounts.every((each) => each.lastDeliverable < NEVER)).toBe(true);
  // after each hole 40 packets come (the last one with the repair) and wait 0, 100, … 3,900 µs
  expect(accounts.reduce((sum, each) => sum + each.blockedByteTime, 0)).toBe(80 * 1_200 * 100 * ((39 * 40) / 2));
});
