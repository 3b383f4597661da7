import { SendBudget, SendStream } from '@quiclab/streams';
import { describe, expect, test } from 'vitest';
import { drawing } from './slow-reassembly.ts';

const PLENTY = Number.MAX_SAFE_INTEGER;
const some = (length: number): Uint8Array => new Uint8Array(length);
const many = (count: number, budget: SendBudget, maxData = PLENTY, sendAhead = 10_000): SendStream[] =>
  Array.from({ length: count }, (_, i) => new SendStream(4 * i, maxData, 10_000, sendAhead, budget));
const turns = (budget: SendBudget): number[] => {
  const ids: number[] = [];
  for (let stream = budget.nextTurn(); stream !== undefined; stream = budget.nextTurn()) ids.push(stream.id);
  return ids;
};
const held = (stream: SendStream): number => (stream.done || stream.state === 'reset-sent' ? 0 : stream.written - stream.acked);
function deliver(stream: SendStream, length: number): void {
  if (!stream.prepare(length, PLENTY)) return;
  const { nextOffset, nextLength, nextFin } = stream;
  stream.onSent(nextOffset, nextLength, nextFin);
  stream.onAcked(nextOffset, nextLength, nextFin);
}

describe('what streams hold for sending together', () => {
  test('each has some of its own, and the rest comes out of one share, first come, first served', () => {
    const budget = new SendBudget(12_000, 1_000);
    const streams = many(4, budget);
    expect(streams.map((stream) => stream.write(some(20_000)))).toEqual([10_000, 4_000, 1_000, 1_000]);
    expect(budget.used).toBe(12_000);
  });

  test('who was refused has its turn, in line, a portion each; who comes later does not overtake', () => {
    const budget = new SendBudget(12_000, 1_000);
    const streams = many(5, budget);
    for (const stream of streams.slice(0, 4)) stream.write(some(20_000));
    expect(turns(budget)).toEqual([]);
    deliver(streams[0]!, 2_500);
    expect(turns(budget)).toEqual([4, 8]); // the first was refused by its own buffer, and waits for that alone
    expect(streams[4]!.write(some(20_000))).toBe(1_000);
    expect(streams[2]!.write(some(20_000))).toBe(1_000);
    expect(streams[1]!.write(some(20_000))).toBe(1_000);
    expect(streams[1]!.write(some(20_000))).toBe(0);
    deliver(streams[0]!, 5_000);
    expect(turns(budget)).toEqual([12, 16, 8, 4]);
  });

  test('a reset, an end, and a write that takes less give back what was set aside', () => {
    const budget = new SendBudget(8_000, 1_000);
    const [first, ...others] = many(5, budget) as [SendStream, SendStream, SendStream, SendStream, SendStream];
    first.write(some(9_000));
    for (const stream of others) stream.write(some(2_000));
    deliver(first, 1_000);
    expect(turns(budget)).toEqual([4]);
    others[0].finish();
    expect(turns(budget)).toEqual([8]);
    others[1].reset(1);
    expect(turns(budget)).toEqual([12]);
    others[2].write(some(1));
    expect(turns(budget)).toEqual([]); // 999 are free: less than a portion
    first.reset(1);
    expect(turns(budget)).toEqual([16]);
    expect(budget.used).toBe(1);
  });

  test('those who are told and do not come do not stop the others', () => {
    const budget = new SendBudget(8_000, 1_000);
    const [first, ...others] = many(21, budget) as [SendStream, ...SendStream[]];
    first.write(some(9_000));
    for (const stream of others) stream.write(some(2_000));
    first.reset(1);
    expect(turns(budget).length).toBe(20); // nobody uses its turn: no more than half is ever set aside
    const late = new SendStream(1_000, PLENTY, 10_000, 10_000, budget);
    expect(late.write(some(5_001))).toBe(5_000);
    expect(turns(budget)).toEqual([]);
    deliver(late, 1_000);
    expect(turns(budget)).toEqual([1_000]);
  });

  test('streams without credit that hold all of the share leave the others their own octets, and tell of room in them', () => {
    const budget = new SendBudget(8_000, 1_000);
    for (const stream of many(10, budget, 0)) stream.write(some(10_000));
    const stream = new SendStream(1_000, PLENTY, 10_000, 10_000, budget);
    let passed = 0;
    for (let i = 0; i < 100; i++) {
      passed += stream.write(some(10_000));
      deliver(stream, 700);
      expect(stream.writableOwed).toBe(true);
    }
    expect(passed).toBeGreaterThanOrEqual(100 * 700);
    expect(turns(budget)).toEqual([]);
  });
});

test.each(Array.from({ length: 100 }, (_, seed) => [seed]))('nobody starves, and nothing leaks: seed %i', (seed) => {
  const draw = drawing(seed + 1);
  const share = 1 + draw(20_000);
  const budget = new SendBudget(share, 1 + draw(2_000));
  const streams = many(2 + draw(12), budget, PLENTY, 1 + draw(10_000));
  const wanted = streams.map(() => draw(20_000));
  const mayWrite = streams.map(() => true);
  const poll = (): void => {
    for (const id of turns(budget)) mayWrite[id / 4] = true;
    for (const [i, stream] of streams.entries()) {
      if (stream.writableOwed) mayWrite[i] = true;
      stream.writableOwed = false;
    }
  };
  const write = (i: number): void => {
    const stream = streams[i]!;
    if (!mayWrite[i] || stream.resetCode >= 0 || stream.finished) return;
    const left = wanted[i]! - stream.written;
    const taken = stream.write(some(left));
    if (taken < left) mayWrite[i] = false;
    else stream.finish();
    poll();
  };
  const check = (): void => {
    const used = streams.reduce((sum, stream) => sum + Math.max(0, held(stream) - budget.own), 0);
    expect(budget.used).toBe(used);
  };
  for (let i = 0; i < 300; i++) {
    const one = draw(streams.length);
    const what = draw(10);
    if (what < 5) write(one);
    else if (what < 9) deliver(streams[one]!, 1 + draw(1_200));
    else if (draw(40) === 0) streams[one]!.reset(1);
    poll();
    check();
  }
  // only those write who were told that they may, and what was written arrives
  const done = (): boolean => streams.every((stream) => stream.state === 'reset-sent' || stream.done);
  for (let i = 0; i < 100_000 && !done(); i++) {
    write(i % streams.length);
    deliver(streams[i % streams.length]!, 1_200);
    poll();
  }
  expect(streams.map((stream, i) => (stream.state === 'reset-sent' ? wanted[i] : stream.acked))).toEqual(wanted);
  expect(budget.used).toBe(0);
  // nothing is set aside any more
  expect(new SendStream(0, PLENTY, PLENTY, PLENTY, budget).write(some(30_000))).toBe(budget.own + share);
});
