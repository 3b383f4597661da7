import { integerBelow, seededRandom } from '@quiclab/sansio';
import {
  oneStreamPerPacket,
  roundRobinByByte,
  roundRobinByPacket,
  type StreamId,
  type StreamScheduler,
  sequential,
  strictUrgency,
  weightedFair,
} from '@quiclab/streams';
import { fairnessCases, fillPackets, schedulerCases } from '@quiclab/streams/contract';
import { describe, expect, test } from 'vitest';
import { SlowByByte, SlowByPacket, SlowSequential, SlowStrictUrgency, SlowWeightedFair } from './slow-schedulers.ts';

const usual = { urgency: 3, incremental: true };
/** Each with its bound on fairness, in octets, where packets carry 1,000; 0: it promises none. */
const all: [string, () => StreamScheduler, number][] = [
  ['round robin by packet', roundRobinByPacket, 1_000],
  ['round robin by octet', () => roundRobinByByte(), 2_200],
  ['round robin by 10 octets', () => roundRobinByByte(10), 1_010],
  ['one stream per packet', () => oneStreamPerPacket(), 1_000],
  ['one stream per packet, by octets', () => oneStreamPerPacket(roundRobinByByte()), 2_200],
  ['one stream per packet, by urgency', () => oneStreamPerPacket(strictUrgency()), 2_200],
  ['sequential', sequential, 0],
  ['strict urgency', () => strictUrgency(), 2_200],
  ['weighted fair', () => weightedFair(), 3_000],
];

describe.each(all)('%s keeps the contract', (_name, create) => {
  test.each(schedulerCases)('$name', ({ check }) => {
    expect(check(create)).toBe('');
  });
});

describe.each(all.filter(([, , bound]) => bound > 0))('%s is fair', (_name, create, bound) => {
  test.each(fairnessCases(bound))('$name', ({ check }) => {
    expect(check(create)).toBe('');
  });
});

test('sequential is not, and the cases say so', () => {
  expect(fairnessCases(5_000).map(({ check }) => check(sequential) !== '')).toEqual([true, true, true, true]);
});

describe('a random life is the same as that of the slow twin', () => {
  const twins: [string, () => StreamScheduler, () => StreamScheduler][] = [
    ['round robin by packet', roundRobinByPacket, () => new SlowByPacket()],
    ['round robin by octet', () => roundRobinByByte(700), () => new SlowByByte(700)],
    ['sequential', sequential, () => new SlowSequential()],
    ['strict urgency', () => strictUrgency(), () => new SlowStrictUrgency()],
    ['weighted fair', () => weightedFair(), () => new SlowWeightedFair()],
  ];
  test.each(twins)('%s', (name, create, createSlow) => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(`${name}/${seed}`);
      const streams = 1 + integerBelow(random, 60);
      const [fast, slow] = [create(), createSlow()];
      for (let step = 0; step < 2_000; step++) {
        const id = 4 * integerBelow(random, streams);
        const choice = integerBelow(random, 10);
        const bytes = integerBelow(random, 1_200);
        const priority = { urgency: integerBelow(random, 8), incremental: integerBelow(random, 2) === 0 };
        for (const scheduler of [fast, slow]) {
          if (choice < 3) scheduler.onReady(id, priority);
          else if (choice < 5) scheduler.onNotReady(id);
          else if (choice === 9) scheduler.onPacketDone();
          else if (scheduler.next() >= 0) scheduler.onSent(scheduler.next(), bytes);
        }
        expect(fast.next(), `seed ${seed}, step ${step}`).toBe(slow.next());
      }
    }
  });
});

function ready(scheduler: StreamScheduler, backlog: [StreamId, number][]): Map<StreamId, number> {
  for (const [id] of backlog) scheduler.onReady(id, usual);
  return new Map(backlog);
}

describe('one stream per packet', () => {
  test('what a stream leaves free of its last packet stays free', () => {
    const scheduler = oneStreamPerPacket();
    const backlog = ready(scheduler, [
      [0, 1_500],
      [4, 1_500],
    ]);
    expect(fillPackets(scheduler, backlog, 9, 1_000)).toEqual([[0], [4], [0], [4]]);
  });
  test('the order is that of the scheduler it is given', () => {
    const scheduler = oneStreamPerPacket(sequential());
    const backlog = ready(scheduler, [
      [4, 1_500],
      [0, 1_500],
    ]);
    expect(fillPackets(scheduler, backlog, 9, 1_000)).toEqual([[0], [0], [4], [4]]);
  });
});

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
  test("what a stream leaves free of its last packet is the next one's, and that was its turn", () => {
    const scheduler = roundRobinByPacket();
    const backlog = ready(scheduler, [
      [0, 500],
      [4, 2_000],
      [8, 2_000],
    ]);
    expect(fillPackets(scheduler, backlog, 5, 1_000)).toEqual([[0, 4], [8], [4], [8], [4]]);
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

describe('strict urgency (RFC 9218 §10)', () => {
  /** Streams with priorities, all with so many octets to send. */
  const withBacklog = (octets: number, streams: [StreamId, number, boolean][]): [StreamScheduler, Map<StreamId, number>] => {
    const scheduler = strictUrgency();
    for (const [id, urgency, incremental] of streams) scheduler.onReady(id, { urgency, incremental });
    return [scheduler, new Map(streams.map(([id]) => [id, octets]))];
  };

  test('the most urgent first, whatever its ID, and whether it is incremental or not', () => {
    const [scheduler, backlog] = withBacklog(2_000, [
      [0, 7, false],
      [4, 3, true],
      [8, 0, false],
      [12, 1, true],
    ]);
    expect(fillPackets(scheduler, backlog, 99, 1_000)).toEqual([[8], [8], [12], [12], [4], [4], [0], [0]]);
  });

  test('those that are not incremental one after the other, by stream ID', () => {
    const [scheduler, backlog] = withBacklog(2_000, [
      [8, 3, false],
      [0, 3, false],
      [4, 3, false],
    ]);
    expect(fillPackets(scheduler, backlog, 99, 1_000)).toEqual([[0], [0], [4], [4], [8], [8]]);
  });

  test('incremental ones share by octets', () => {
    const [scheduler, backlog] = withBacklog(2_400, [
      [0, 3, true],
      [4, 3, true],
      [8, 3, true],
    ]);
    expect(fillPackets(scheduler, backlog, 99, 1_200)).toEqual([[0], [4], [8], [0], [4], [8]]);
  });

  test('where there are both, the first in line gets one half and the incremental ones the other', () => {
    const [scheduler, backlog] = withBacklog(3_600, [
      [0, 3, false],
      [4, 3, true],
      [8, 3, true],
      [12, 3, false],
    ]);
    expect(fillPackets(scheduler, backlog, 8, 1_200)).toEqual([[0], [4], [0], [8], [0], [4], [12], [8]]);
  });

  test('a stream in line that is written a packet at a time takes no more than its half', () => {
    const [scheduler] = withBacklog(0, [
      [0, 3, false],
      [4, 3, true],
    ]);
    const packets: StreamId[] = [];
    for (let n = 0; n < 6; n++) {
      const id = scheduler.next();
      packets.push(id);
      scheduler.onSent(id, 1_000);
      if (id === 0) scheduler.onNotReady(0);
      scheduler.onPacketDone();
      scheduler.onReady(0, { urgency: 3, incremental: false }); // the application has written the next one
    }
    expect(packets).toEqual([0, 4, 0, 4, 0, 4]);
  });

  test('a priority that changes counts from the next packet on', () => {
    const [scheduler, backlog] = withBacklog(3_000, [
      [0, 3, false],
      [4, 3, false],
    ]);
    const before = fillPackets(scheduler, backlog, 1, 1_000);
    scheduler.onReady(4, { urgency: 2, incremental: false });
    const between = fillPackets(scheduler, backlog, 1, 1_000);
    scheduler.onReady(4, { urgency: 5, incremental: true });
    expect([...before, ...between, ...fillPackets(scheduler, backlog, 99, 1_000)]).toEqual([[0], [4], [0], [0], [4], [4]]);
  });

  test('an urgency that there is not is the nearest that there is', () => {
    const [scheduler, backlog] = withBacklog(1_000, [
      [0, 99, false],
      [4, 7, false],
      [8, 2.9, false],
      [12, 2, false],
      [16, -5, false],
    ]);
    expect(fillPackets(scheduler, backlog, 99, 1_000)).toEqual([[16], [8], [12], [0], [4]]);
  });

  test('a quantum below one octet is refused at once', () => {
    expect(() => strictUrgency(0)).toThrow(RangeError);
  });
});

describe('weighted fair', () => {
  test('shares follow the weights, at any time within the bound that it promises', () => {
    const weights = new Map([
      [0, 1],
      [4, 2.5],
      [8, 10],
      [12, 10],
    ]);
    const quantum = 1_200;
    const scheduler = weightedFair({ quantum, weight: (id) => weights.get(id)! });
    const sent = new Map([...weights.keys()].map((id) => [id, 0]));
    for (const id of weights.keys()) scheduler.onReady(id, usual);
    for (let n = 0; n < 20_000; n++) {
      const id = scheduler.next();
      const piece = 1 + ((n * 7_919) % quantum);
      sent.set(id, sent.get(id)! + piece);
      scheduler.onSent(id, piece);
      for (const [a, v] of weights)
        for (const [b, w] of weights) {
          const apart = Math.abs(sent.get(a)! / v - sent.get(b)! / w);
          if (apart > quantum / v + quantum / w) expect.fail(`streams ${a} and ${b} are ${apart} apart after ${n} pieces`);
        }
    }
    expect(sent.get(12)! / sent.get(0)!).toBeCloseTo(10, 1);
  });

  test('by default each step of urgency halves the share, and the least urgent does not starve', () => {
    const scheduler = weightedFair();
    const packets = new Array<number>(8).fill(0);
    for (let urgency = 0; urgency < 8; urgency++) scheduler.onReady(4 * urgency, { urgency, incremental: false });
    for (let n = 0; n < 255; n++) {
      packets[scheduler.next() / 4]!++;
      scheduler.onSent(scheduler.next(), 1_500);
    }
    expect(packets).toEqual([128, 64, 32, 16, 8, 4, 2, 1]);
  });

  test('a weight is asked for when a stream becomes ready and when its priority changes, not with every write', () => {
    const asked: string[] = [];
    const scheduler = weightedFair({
      weight: (id, { urgency }) => {
        asked.push(`${id} at ${urgency}`);
        return 8 - urgency;
      },
    });
    for (let i = 0; i < 5; i++) scheduler.onReady(4, { urgency: 3, incremental: true });
    scheduler.onReady(4, { urgency: 0, incremental: true });
    scheduler.onNotReady(4);
    scheduler.onReady(4, { urgency: 0, incremental: true });
    expect(asked).toEqual(['4 at 3', '4 at 0', '4 at 0']);
  });

  test.each([0, -1, Number.NaN, Infinity])('a weight of %s is refused', (weight) => {
    const scheduler = weightedFair({ weight: () => weight });
    expect(() => scheduler.onReady(0, usual)).toThrow(RangeError);
    expect(scheduler.next()).toBe(-1);
  });

  test.each([0, Number.NaN, Infinity])('a quantum of %s octets is refused', (quantum) => {
    expect(() => weightedFair({ quantum })).toThrow(RangeError);
  });
});
