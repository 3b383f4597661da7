import {
  bernoulli,
  blackout,
  bleach,
  codel,
  corrupt,
  dropMarked,
  duplicate,
  Link,
  type LinkConfig,
  LinkObserver,
  type LinkPacket,
  listed,
  normalJitter,
  remark,
  reorder,
  reorderEvery,
  uniformJitter,
  where,
} from '@quiclab/impair';
import { type Ecn, NEVER, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';

const A = { host: '10.0.0.1', port: 1 };
const B = { host: '10.0.0.2', port: 2 };

/** Pushes packets of given payload sizes at given instants; returns 'index@arrival' of what comes out. */
function run(config: LinkConfig, sends: readonly [at: number, payload: number, ecn?: Ecn][], observer?: LinkObserver, seed = 1) {
  const link = new Link(config, seededRandom(seed).fork('link/up'), observer);
  const arrivals: { index: number; at: number; bytes: Uint8Array; ecn: Ecn }[] = [];
  const drain = (until: number): void => {
    for (let at = link.nextTimeout(); at <= until && at !== NEVER; at = link.nextTimeout()) {
      for (let packet = link.poll(at); packet !== undefined; packet = link.poll(at)) {
        expect(packet.due).toBe(at);
        arrivals.push({ index: packet.index, at, bytes: packet.bytes.slice(), ecn: packet.ecn });
      }
    }
  };
  for (const [at, payload, ecn] of sends) {
    drain(at);
    link.push(at, new Uint8Array(payload).fill(payload & 255), payload, A, B, ecn ?? 0);
  }
  drain(Number.MAX_SAFE_INTEGER);
  return { link, arrivals, times: arrivals.map(({ index, at }) => `${index}@${at}`) };
}

const every = (gap: number, count: number, payload = 1_200): [number, number][] =>
  Array.from({ length: count }, (_, i) => [i * gap, payload]);

describe('rate and delay', () => {
  test('without a rate a packet takes exactly the delay, and none waits for another', () => {
    expect(run({ delay: 20_000 }, every(0, 3)).times).toEqual(['1@20000', '2@20000', '3@20000']);
  });
  test('the rate charges the IP packet: 1,222 + 28 octets at 10 Mbit/s are 1,000 µs', () => {
    expect(run({ rate: 10e6, delay: 5_000 }, every(0, 3, 1_222)).times).toEqual(['1@6000', '2@7000', '3@8000']);
    expect(run({ rate: 10e6, delay: 0, overhead: 48 }, every(0, 1, 1_202)).times).toEqual(['1@1000']);
    expect(run({ rate: 10e6, delay: 0, overhead: -22 }, every(0, 1, 1_272)).times).toEqual(['1@1000']);
    expect(run({ rate: 10e6, delay: 0, overhead: -22 }, every(0, 1, 10)).times).toEqual(['1@0']);
  });
  test('an idle link starts at once', () => {
    expect(run({ rate: 10e6, delay: 0 }, every(3_000, 3, 1_222)).times).toEqual(['1@1000', '2@4000', '3@7000']);
  });
  test('a departure keeps the fraction of a microsecond: 3,000 packets of 491.2 µs take 1,473,600 µs', () => {
    const { arrivals } = run({ rate: 20e6, delay: 0, queue: { packets: 3_000 } }, every(0, 3_000));
    expect(arrivals[0]!.at).toBe(492); // rounded up
    expect(arrivals[1]!.at).toBe(983); // 982.4, not 984
    expect(arrivals.at(-1)!.at).toBe(1_473_600);
  });
  test('equal instants keep the order in which they entered', () => {
    const { arrivals } = run({ delay: 100 }, every(0, 200));
    expect(arrivals.map((a) => a.index)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  });
  test('steps in rate and delay at their instants; the packet being sent keeps its rate', () => {
    const schedule = [
      { at: 2_500, rate: 5e6 },
      { at: 10_000, rate: 0, delay: 50 },
    ];
    const sends = [...every(0, 4, 1_222), [10_000, 1_222]] as [number, number][];
    expect(run({ rate: 10e6, delay: 0, schedule }, sends).times).toEqual(['1@1000', '2@2000', '3@3000', '4@5000', '5@10050']);
  });
  test('the limit falls away while packets wait: they leave at once', () => {
    const { times } = run({ rate: 10e6, delay: 0, schedule: [{ at: 1_500, rate: 0 }] }, every(0, 4, 1_222));
    expect(times).toEqual(['1@1000', '2@2000', '3@2000', '4@2000']);
  });
  test('instants far from zero, as in a relay, change nothing but the origin', () => {
    const start = 1_760_000_000_000_000;
    const config: LinkConfig = { rate: 10e6, delay: 5_000, loss: blackout(900, 1_100), schedule: [{ at: 1_500, rate: 20e6 }] };
    const link = new Link(config, seededRandom(1), undefined, start);
    for (let i = 0; i < 4; i++) link.push(start, new Uint8Array(1_222), 1_222, A, B, 0);
    const times: number[] = [];
    for (let packet = link.poll(start + 10_000); packet !== undefined; packet = link.poll(start + 10_000)) times.push(packet.due - start);
    expect(times).toEqual([7_000, 7_500, 8_000]);
  });
});

describe('the queue', () => {
  test('n wait, and one is being sent', () => {
    const { link, times } = run({ rate: 10e6, delay: 0, queue: { packets: 2 } }, every(0, 5, 1_222));
    expect(times).toEqual(['1@1000', '2@2000', '3@3000']);
    expect([link.stats.queueDrops, link.stats.injectedDrops, link.stats.mostWaiting]).toEqual([2, 0, 2]);
  });
  test('none may wait: one at a time', () => {
    expect(run({ rate: 10e6, delay: 0, queue: { packets: 0 } }, every(500, 4, 1_222)).times).toEqual(['1@1000', '3@2000']);
  });
  test('limits in octets', () => {
    expect(run({ rate: 10e6, delay: 0, queue: { bytes: 2_500 } }, every(0, 5, 1_222)).times).toEqual(['1@1000', '2@2000', '3@3000']);
  });
  test('a packet that arrives when another departs finds its place free', () => {
    const sends: [number, number][] = [
      [0, 1_222],
      [0, 1_222],
      [1_000, 1_222],
    ];
    expect(run({ rate: 10e6, delay: 0, queue: { packets: 1 } }, sends).times).toEqual(['1@1000', '2@2000', '3@3000']);
  });
  test('packets larger than the MTU do not enter; the MTU counts the IP packet', () => {
    const { link, times } = run({ delay: 0, mtu: 1_500 }, [
      [0, 1_472],
      [0, 1_473],
    ]);
    expect(times).toEqual(['1@0']);
    expect(link.stats.mtuDrops).toBe(1);
  });
  test('the MTU falls, and rises again: what has entered before goes on', () => {
    const schedule = [
      { at: 1_500, mtu: 1_000 },
      { at: 4_000, mtu: 9_000 },
    ];
    const sends = [
      [1_000, 1_222],
      [1_400, 1_222],
      [1_500, 1_222],
      [1_600, 900],
      [4_000, 8_000],
    ] as [number, number][];
    const { link, times } = run({ rate: 100e6, delay: 0, mtu: 1_500, schedule }, sends);
    expect(times).toEqual(['1@1100', '2@1500', '4@1675', '5@4643']);
    expect(link.stats.mtuDrops).toBe(1);
  });
  test('above the ECN threshold those that can be marked are marked', () => {
    const { arrivals, link } = run({ rate: 10e6, delay: 0, ecnThreshold: 1 }, [
      [0, 1_222, 2],
      [0, 1_222, 2],
      [0, 1_222, 2],
      [0, 1_222, 0],
      [0, 1_222, 1],
      [0, 1_222, 3],
    ]);
    expect(arrivals.map((a) => a.ecn)).toEqual([2, 2, 3, 0, 3, 3]);
    expect(link.stats.marked).toBe(2);
  });
  test.each([
    ['bleach', bleach(), [0, 0, 0, 0]],
    ['remark ECT(0) as ECT(1)', remark([2], 1), [0, 1, 1, 3]],
    ['everything is CE', remark([1, 2], 3), [0, 3, 3, 3]],
  ] as const)('%s: what is done to ECN bits is counted, watched, and not the queue that did it', (_name, ecn, expected) => {
    const changes: string[] = [];
    class Watching extends LinkObserver {
      override remarked(_now: number, packet: LinkPacket, before: Ecn) {
        changes.push(`${packet.index}: ${before} to ${packet.ecn}`);
      }
    }
    const sends = ([0, 1, 2, 3] as const).map((bits): [number, number, Ecn] => [0, 1_222, bits]);
    const { arrivals, link } = run({ delay: 0, ecn }, sends, new Watching());
    expect(arrivals.map((a) => a.ecn)).toEqual(expected);
    const changed = expected.flatMap((after, i) => (after === i ? [] : [`${i + 1}: ${i} to ${after}`]));
    expect(changes).toEqual(changed);
    expect([link.stats.remarked, link.stats.marked]).toEqual([changed.length, 0]);
  });
  test('bits that are cleared on entering are not marked by the queue, those cleared on leaving were', () => {
    const sends = [0, 0, 0].map((at): [number, number, Ecn] => [at, 1_222, 2]);
    const marks = (judged: 'leaving' | 'entering') =>
      run({ rate: 10e6, delay: 0, ecnThreshold: 1, ecn: bleach(), judged }, sends).link.stats.marked;
    expect([marks('leaving'), marks('entering')]).toEqual([1, 0]);
  });
  test('packets with ECN bits are lost where something on the path takes offence at them, others pass', () => {
    const sends = ([0, 1, 2, 3] as const).map((bits): [number, number, Ecn] => [0, 1_222, bits]);
    expect(run({ delay: 0, loss: dropMarked() }, sends).times).toEqual(['1@0']);
  });
  test('CoDel holds the wait near its target under a load that is too much; drop-tail does not (RFC 8289)', () => {
    const waits = (queue: LinkConfig['queue'] & {}) => {
      const { arrivals } = run({ rate: 10e6, delay: 0, queue }, every(900, 20_000, 1_222));
      const late = arrivals.filter((a) => a.index > 10_000).map((a) => a.at - (a.index - 1) * 900);
      return late.sort((x, y) => x - y)[late.length >> 1]!;
    };
    expect(waits({ packets: 1_000 })).toBeGreaterThan(900_000);
    expect(waits(codel())).toBeLessThan(60_000);
  });
});

describe('what befalls packets', () => {
  test('listed datagrams are lost, counted from 1, queue drops and all', () => {
    expect(run({ delay: 0, loss: listed(1, 3) }, every(10, 4)).times).toEqual(['2@10', '4@30']);
  });
  test('a lost packet has used its slot, unless it is judged on entering', () => {
    expect(run({ rate: 10e6, delay: 0, loss: listed(1) }, every(0, 2, 1_222)).times).toEqual(['2@2000']);
    expect(run({ rate: 10e6, delay: 0, loss: listed(1), judged: 'entering' }, every(0, 2, 1_222)).times).toEqual(['2@1000']);
  });
  test('a blackout takes what leaves during it', () => {
    const { times, link } = run({ delay: 5, loss: blackout(10, 30) }, every(10, 5));
    expect(times).toEqual(['1@5', '4@35', '5@45']);
    expect(link.stats.bursts).toEqual([0, 1]);
  });
  test('a predicate sees the packet', () => {
    const loss = where((packet) => packet.bytes.length === 50 && packet.bytes[0] === 50 && packet.to === B);
    expect(
      run({ delay: 0, loss }, [
        [0, 40],
        [1, 50],
        [2, 60],
      ]).times,
    ).toEqual(['1@0', '3@2']); // prettier-ignore
  });
  test('jitter keeps the order unless told otherwise', () => {
    const sends = every(100, 500);
    const ordered = run({ delay: 20_000, jitter: uniformJitter(5_000) }, sends).arrivals;
    expect(ordered.every((a, i) => a.index === i + 1)).toBe(true);
    const free = run({ delay: 20_000, jitter: uniformJitter(5_000), jitterReorders: true }, sends).arrivals;
    expect(free.every((a, i) => a.index === i + 1)).toBe(false);
    for (const { index, at } of free) expect(Math.abs(at - (index - 1) * 100 - 20_000)).toBeLessThanOrEqual(5_000);
    const wild = run({ delay: 10, jitter: normalJitter(1_000), jitterReorders: true }, sends).arrivals;
    for (const { index, at } of wild) expect(at).toBeGreaterThanOrEqual((index - 1) * 100);
  });
  test('a packet held back is overtaken, and holds nobody else back', () => {
    const config: LinkConfig = { delay: 10, reorder: reorder(0.1, 250) };
    const { arrivals, link } = run(config, every(100, 1_000));
    for (const { index, at } of arrivals) expect([10, 260]).toContain(at - (index - 1) * 100);
    expect(link.record.fates.length).toBeGreaterThan(50);
    expect(arrivals.length).toBe(1_000);
  });
  test('every nth packet is held back, and as many as the link sends meanwhile overtake it', () => {
    const { arrivals } = run({ delay: 10, reorder: reorderEvery(10, 350) }, every(100, 30));
    expect(arrivals.map(({ index }) => index).slice(8, 23)).toEqual([9, 11, 12, 13, 10, 14, 15, 16, 17, 18, 19, 21, 22, 23, 20]);
    expect(() => reorderEvery(0, 350)).toThrow('0th');
  });
  test('a duplicate has octets of its own', () => {
    const link = new Link({ delay: 0, duplicate: duplicate(1) }, seededRandom(1));
    link.push(0, Uint8Array.of(1, 2, 3), 3, A, B, 0);
    const first = link.poll(0)!;
    expect([...first.bytes]).toEqual([1, 2, 3]);
    first.bytes.fill(9); // the receiver decrypts in place
    expect([...link.poll(0)!.bytes]).toEqual([1, 2, 3]);
    expect(link.poll(0)).toBeUndefined();
    expect(link.stats.duplicated).toBe(1);
  });
  test('corruption flips one bit', () => {
    const { arrivals } = run({ delay: 0, corrupt: corrupt(1) }, every(10, 50, 100));
    for (const { bytes } of arrivals) {
      const flipped = [...bytes].map((octet) => octet ^ 100).filter((octet) => octet !== 0);
      expect(flipped.length).toBe(1);
      expect([1, 2, 4, 8, 16, 32, 64, 128]).toContain(flipped[0]);
    }
  });
  test('the octets pushed may be overwritten at once', () => {
    const link = new Link({ delay: 10 }, seededRandom(1));
    const buffer = new Uint8Array(1_500).fill(7);
    link.push(0, buffer, 20, A, B, 0);
    buffer.fill(0);
    expect(link.poll(10)!.bytes).toEqual(new Uint8Array(20).fill(7));
  });
});

describe('chance', () => {
  const rough: LinkConfig = {
    rate: 20e6,
    delay: 20_000,
    queue: { packets: 20 },
    loss: [bernoulli(0.05), blackout(100_000, 120_000)],
    jitter: uniformJitter(3_000),
    reorder: reorder(0.02, 5_000),
    duplicate: duplicate(0.02),
    corrupt: corrupt(0.02),
    ecn: remark([2], 3, 0.1),
  };
  test('the same seed gives the same run, another seed another one', () => {
    const sends = every(480, 2_000);
    expect(run(rough, sends, undefined, 5).times).toEqual(run(rough, sends, undefined, 5).times);
    expect(run(rough, sends, undefined, 5).times).not.toEqual(run(rough, sends, undefined, 6).times);
  });
  test('the nth packet meets the same fate whatever its size and its time', () => {
    const lossy: LinkConfig = { delay: 0, loss: bernoulli(0.2) };
    const lost = (sends: [number, number][]) => {
      const came = new Set(run(lossy, sends).arrivals.map((a) => a.index));
      return sends.map((_, i) => i + 1).filter((index) => !came.has(index));
    };
    expect(lost(every(100, 500))).toEqual(lost(every(7, 500, 33)));
  });
  test('one impairment more changes no draw of the others', () => {
    const lost = (config: LinkConfig) =>
      run(config, every(100, 500))
        .link.record.fates.filter((f) => f.dropped !== '')
        .map((f) => f.index);
    const plain = lost({ delay: 0, loss: bernoulli(0.1) });
    expect(plain.length).toBeGreaterThan(20);
    expect(lost({ delay: 0, loss: bernoulli(0.1), jitter: uniformJitter(50), duplicate: duplicate(0.5) })).toEqual(plain);
  });
  test('a record replayed is the same run, to the microsecond and the bit', () => {
    const sends = every(480, 2_000).map(([at, payload]): [number, number, Ecn] => [at, payload, 2]);
    const first = run({ ...rough, queue: { packets: 10_000 } }, sends);
    expect(first.link.record.complete).toBe(true);
    const again = run({ rate: 20e6, delay: 20_000, queue: { packets: 10_000 }, replay: first.link.record.fates }, sends, undefined, 99);
    expect(first.link.stats.remarked).toBeGreaterThan(100);
    expect(again.arrivals).toEqual(first.arrivals);
    expect(again.link.record.fates).toEqual(first.link.record.fates);
  });

  test('a record replayed where the delay falls meanwhile is the same run: what waited behind slower packets does so once', () => {
    const config: LinkConfig = {
      rate: 20e6,
      delay: 50_000,
      jitter: uniformJitter(5_000),
      schedule: [
        { at: 40_000, delay: 10_000 },
        { at: 120_000, delay: 30_000 },
      ],
    };
    const sends = every(1_000, 200);
    const first = run(config, sends);
    expect(first.arrivals).toHaveLength(200);
    // those that were sent after the fall arrive with the last one of before it
    const last = first.arrivals.find(({ index }) => index === 40)!.at;
    expect(first.arrivals.filter(({ at }) => at === last).length).toBeGreaterThan(20);
    const { jitter: _, ...rest } = config;
    const again = run({ ...rest, replay: first.link.record.fates }, sends, undefined, 99);
    expect(again.times).toEqual(first.times);
    expect(again.link.record.fates).toEqual(first.link.record.fates);
  });
});

describe('watching', () => {
  test('every packet entered is delivered or dropped, with its kind and cause; counts agree', () => {
    class Log extends LinkObserver {
      readonly lines: string[] = [];
      override entered(now: number, packet: LinkPacket, waiting: number, waitingBytes: number) {
        this.lines.push(`${now} ${packet.index} entered behind ${waiting} (${waitingBytes})`);
      }
      override dropped(now: number, packet: LinkPacket, kind: string, cause: string) {
        this.lines.push(`${now} ${packet.index} dropped ${kind} ${cause}`);
      }
      override departed(now: number, packet: LinkPacket, arrivesAt: number, copies: number) {
        this.lines.push(`${now} ${packet.index} departed, ${copies} at ${arrivesAt}`);
      }
      override delivered(now: number, packet: LinkPacket) {
        this.lines.push(`${now} ${packet.index} delivered`);
      }
    }
    const log = new Log();
    const { link } = run({ rate: 10e6, delay: 5_000, queue: { packets: 1 }, loss: listed(2) }, every(0, 3, 1_222), log);
    expect(log.lines).toEqual([
      '0 1 entered behind 0 (0)',
      '0 2 entered behind 0 (0)',
      '0 3 entered behind 1 (1250)',
      '0 3 dropped queue queue-full',
      '1000 1 departed, 1 at 6000',
      '2000 2 dropped injected listed',
      '6000 1 delivered',
    ]);
    const { entered, delivered, injectedDrops, queueDrops, busy, realisedLoss } = link.stats;
    expect({ entered, delivered, injectedDrops, queueDrops, busy, realisedLoss }).toEqual({
      entered: 3,
      delivered: 1,
      injectedDrops: 1,
      queueDrops: 1,
      busy: 2_000,
      realisedLoss: 0.5,
    });
  });
  test('bursts are counted by length', () => {
    const { link } = run({ delay: 0, loss: listed(2, 3, 5, 8, 9, 10) }, every(1, 12));
    expect(link.stats.bursts).toEqual([1, 1, 1]);
  });
});

describe('what makes no sense is refused by name', () => {
  test.each([
    [{ delay: -1 }, /delay of -1/],
    [{ delay: 0.5 }, /delay of 0\.5/],
    [{ delay: 0, rate: -5 }, /rate of -5/],
    [{ delay: 0, mtu: 20 }, /MTU of 20/],
    [{ delay: 0, queue: { packets: -1 } }, /queue of -1/],
    [{ delay: 0, schedule: [{ at: 1, mtu: 20 }] }, /MTU of 20/],
    [{ delay: 0, schedule: [{ at: 1, rate: Number.NaN }] }, /rate of NaN/],
  ] as [LinkConfig, RegExp][])('%j', (config, message) => {
    expect(() => new Link(config, seededRandom(1))).toThrow(message);
  });
});
