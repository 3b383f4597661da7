import { roundRobinByByte, roundRobinByPacket, type StreamId, type StreamScheduler, sequential } from '@quiclab/streams';
import { fillPackets, schedulerCases } from '@quiclab/streams/contract';
import { describe, expect, test } from 'vitest';

const usual = { urgency: 3, incremental: true };
const all: [string, () => StreamScheduler][] = [
  ['round robin by packet', roundRobinByPacket],
  ['round robin by octet', () => roundRobinByByte()],
  ['round robin by 10 octets', () => roundRobinByByte(10)],
  ['sequential', sequential],
];

describe.each(all)('%s keeps the contract', (_name, create) => {
  test.each(schedulerCases)('$name', ({ check }) => {
    expect(check(create)).toBe('');
  });
});

function ready(scheduler: StreamScheduler, backlog: [StreamId, number][]): Map<StreamId, number> {
  for (const [id] of backlog) scheduler.onReady(id, usual);
  return new Map(backlog);
}

describe('round robin by packet', () => {
  test('streams take turns, a packet each', () => {
    const scheduler = roundRobinByPacket();
    const backlog = ready(scheduler, [
      [0, 3_000],
      [4, 1_000],
      [8, 2_500],
    ]);
    expect(fillPackets(scheduler, backlog, 20, 1_000)).toEqual([[0], [4], [8], [0], [8], [0], [8]]);
  });
  test('one that comes late sits down at the end of the round', () => {
    const scheduler = roundRobinByPacket();
    const backlog = ready(scheduler, [
      [0, 9_000],
      [4, 9_000],
    ]);
    fillPackets(scheduler, backlog, 1, 1_000);
    scheduler.onReady(8, usual);
    backlog.set(8, 9_000);
    expect(fillPackets(scheduler, backlog, 5, 1_000)).toEqual([[4], [0], [8], [4], [0]]);
  });
  test('a stream whose last octets went out costs the next one no turn', () => {
    const scheduler = roundRobinByPacket();
    const backlog = ready(scheduler, [
      [0, 500],
      [4, 2_000],
      [8, 2_000],
    ]);
    expect(fillPackets(scheduler, backlog, 5, 1_000)).toEqual([[0], [4], [8], [4], [8]]);
  });
});

describe('round robin by octet', () => {
  test('shares are even within a quantum and a packet, whatever the pieces', () => {
    for (const quantum of [100, 1_200, 5_000]) {
      const scheduler = roundRobinByByte(quantum);
      const ids = [0, 4, 8, 12];
      const sent = new Map(ids.map((id) => [id, 0]));
      for (const id of ids) scheduler.onReady(id, usual);
      for (let n = 0; n < 5_000; n++) {
        const id = scheduler.next();
        const piece = id === 0 ? 1_200 : 37 + ((n * 131) % 700);
        sent.set(id, sent.get(id)! + piece);
        scheduler.onSent(id, piece);
      }
      const shares = [...sent.values()];
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(quantum + 1_200);
    }
  });
  test('small streams share a packet', () => {
    const scheduler = roundRobinByByte(100);
    const backlog = ready(scheduler, [
      [0, 100],
      [4, 100],
      [8, 100],
    ]);
    expect(fillPackets(scheduler, backlog, 3, 1_000)).toEqual([[0, 4, 8]]);
  });
  test('a quantum below one octet is refused', () => {
    expect(() => roundRobinByByte(0)).toThrow(RangeError);
  });
});

test('sequential: the lowest ID until it has nothing', () => {
  const scheduler = sequential();
  const backlog = ready(scheduler, [
    [8, 1_500],
    [0, 1_500],
    [4, 1_000],
  ]);
  expect(fillPackets(scheduler, backlog, 9, 1_000)).toEqual([[0], [0, 4], [4, 8], [8]]);
});
