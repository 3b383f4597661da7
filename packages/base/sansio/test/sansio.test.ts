import { cbrt, type Datagram, EventQueue, integerBelow, log, type Machine, NEVER, seededRandom, turn } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';

const draws = (n: number, random = seededRandom(7)) => Array.from({ length: n }, () => random.uint32());

describe('seeded random', () => {
  test('one seed, one series; another seed, another series', () => {
    expect(draws(5)).toEqual(draws(5));
    expect(draws(5)).not.toEqual(draws(5, seededRandom(8)));
    expect(draws(5, seededRandom('7'))).not.toEqual(draws(5));
  });
  test('the series is fixed for all time: recorded runs depend on it', () => {
    expect(draws(4, seededRandom(1))).toMatchInlineSnapshot(`
      [
        2394397511,
        1942999584,
        2680967077,
        2862806380,
      ]
    `);
  });
  test('a child does not depend on how far its parent has run, nor on its siblings', () => {
    const fresh = seededRandom(1).fork('link/up/loss');
    const used = seededRandom(1);
    used.uint32();
    used.fork('link/down/loss').uint32();
    expect(draws(3, used.fork('link/up/loss'))).toEqual(draws(3, fresh));
  });
  test('at(n) gives the same draws however often it is asked, and differs from its neighbours', () => {
    const random = seededRandom(3).fork('x');
    expect(draws(3, random.at(5))).toEqual(draws(3, random.at(5)));
    expect(draws(3, random.at(5))).not.toEqual(draws(3, random.at(6)));
    expect(draws(3, random.at(2 ** 32))).not.toEqual(draws(3, random.at(0)));
  });
  test('a label taken twice is an error that names it', () => {
    const random = seededRandom(3);
    random.fork('cid');
    expect(() => random.fork('cid')).toThrow("'cid'");
  });
  test('draws are uniform enough: chi-square over 64 cells of 64,000 draws', () => {
    const cells = new Array<number>(64).fill(0);
    const random = seededRandom(11);
    for (let i = 0; i < 64_000; i++) cells[integerBelow(random, 64)]!++;
    const chi2 = cells.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
    expect(chi2).toBeGreaterThan(30);
    expect(chi2).toBeLessThan(110);
  });
  test('an integer below nothing, or below more than a draw can tell, is refused', () => {
    const random = seededRandom(1);
    for (const below of [0, -1, Number.NaN, 2 ** 32 + 1, Number.POSITIVE_INFINITY])
      expect(() => integerBelow(random, below)).toThrow(RangeError);
    expect(integerBelow(random, 1)).toBe(0);
    expect(integerBelow(random, 2 ** 32)).toBeLessThan(2 ** 32);
  });
  test('first draws of neighbouring children are uniform as well', () => {
    const parent = seededRandom(5);
    let below = 0;
    for (let i = 0; i < 20_000; i++) if (parent.at(i).uint32() < 0x0500_0000) below++;
    expect(below / 20_000).toBeCloseTo(0x05 / 0x100, 2);
  });
});

describe('arithmetic that is the same on every engine', () => {
  test.each([1e-12, 0.001, 0.4, 1, 2, 7.999, 8, 27, 1000, 123456.789, 1e15])('cbrt(%d)', (x) => {
    expect(Math.abs(cbrt(x) / Math.cbrt(x) - 1)).toBeLessThan(1e-15);
    expect(cbrt(-x)).toBe(-cbrt(x));
  });
  test.each([1e-12, 0.5, 0.999, 1, 1.0001, 2, 10, 1e9])('log(%d)', (x) => {
    expect(Math.abs(log(x) - Math.log(x))).toBeLessThan(1e-14 * Math.max(1, Math.abs(Math.log(x))));
  });
});

test('turn handles events before each datagram and after the last, and ends when there are none', () => {
  const said: string[] = [];
  const events = ['a'];
  let toSend = 2;
  const machine: Machine<string> = {
    receive: () => {},
    nextTimeout: () => NEVER,
    onTimeout: () => {
      throw new Error('nothing was due');
    },
    pollTransmit: (_now, into) => {
      if (toSend === 0) return false;
      toSend--;
      into.length = 1;
      if (toSend === 0) events.push('sent all');
      return true;
    },
    pollEvent: () => events.shift(),
  };
  const slot: Datagram = { bytes: new Uint8Array(1), length: 0, local: { host: '', port: 0 }, remote: { host: '', port: 0 }, ecn: 0 };
  const next = turn(machine, 5, { slot: () => slot, send: () => said.push('send') }, (event) => said.push(event));
  expect(said).toEqual(['a', 'send', 'send', 'sent all']);
  expect(next).toBe(NEVER);
});

test('events leave an event queue in the order in which they came, also after it ran empty', () => {
  const queue = new EventQueue<number>();
  expect(queue.shift()).toBeUndefined();
  for (const round of [0, 10, 20]) {
    queue.push(round);
    queue.push(round + 1);
    expect(queue.shift()).toBe(round);
    queue.push(round + 2);
    expect([queue.shift(), queue.shift(), queue.shift()]).toEqual([round + 1, round + 2, undefined]);
  }
  queue.push(1);
  queue.clear();
  expect(queue.shift()).toBeUndefined();
});
