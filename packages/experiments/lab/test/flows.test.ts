import { bernoulli } from '@quiclab/impair';
import { FrameType } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { parseController, parseControllers } from '../src/flows/controllers.ts';
import { Curve, rateOf, thinned } from '../src/flows/curves.ts';
import { type FlowsPlan, runFlows } from '../src/flows/flows.ts';
import { bandwidthDelayQueue } from '../src/flows/options.ts';
import { ReceiverLog, repairsOf, SenderLog } from '../src/flows/repairs.ts';
import { watchFlows } from '../src/flows/result.ts';

const PATH = { rate: 10e6, delay: 15_000, queue: { packets: 31 } };
const plan = (controllers: string, more: Partial<FlowsPlan> = {}): FlowsPlan => ({
  seed: 3,
  links: { up: PATH, down: PATH },
  flows: parseControllers(controllers).map((policy) => ({ policy, start: 0 })),
  octets: 300_000,
  until: 60_000_000,
  ...more,
});

describe('bulk transfers in virtual time', () => {
  test('the same plan gives the same record, another seed another one', () => {
    const lossy = { links: { up: PATH, down: { ...PATH, loss: bernoulli(0.02) } } };
    const record = runFlows(plan('cubic,newReno', lossy));
    expect(runFlows(plan('cubic,newReno', lossy))).toEqual(record);
    expect(runFlows(plan('cubic,newReno', { ...lossy, seed: 4 })).endedAt).not.toBe(record.endedAt);
  });

  test('a transfer takes its octets at the rate of the link, and a round trip, where the window is large enough and nothing is lost', () => {
    const [flow] = runFlows(plan('fixed:100KB:no-pacing', { links: { up: PATH, down: { ...PATH, queue: { packets: 200 } } } })).flows;
    expect(flow).toMatchObject({ octets: 300_000, lost: 0, spuriouslyLost: 0, probes: 0, repairs: { packets: 0, spurious: 0, octets: 0 } });
    const packets = Math.ceil(300_000 / 1_168); // 1,200 octets less short header, tag and STREAM header
    const time = (packets * 1_228 * 8) / 10 + 30_000;
    expect(Math.abs(flow!.completedAt - flow!.requestedAt - time)).toBeLessThan(3_000);
  });

  test('each flow has its own controller and pacer, also on one path', () => {
    const { result } = watchFlows(plan('fixed:12KB,fixed:24KB:no-pacing'));
    expect(result.flows.map(({ name, curves }) => [name, new Set(curves.window.filter((_, i) => i % 2 === 1))])).toEqual([
      ['fixed:12KB', new Set([12_000])],
      ['fixed:24KB:no-pacing', new Set([24_000])],
    ]);
    expect(result.flows.every(({ completedAt, octets }) => completedAt > 0 && octets === 300_000)).toBe(true);
  });

  test('ends when the time is over, where a transfer has no end', () => {
    const record = runFlows(plan('cubic', { octets: Number.POSITIVE_INFINITY, until: 500_000 }));
    expect(record.endedAt).toBe(500_000);
    expect(record.flows[0]).toMatchObject({ completedAt: -1 });
    expect(record.flows[0]!.octets).toBeGreaterThan(300_000);
  });

  test('a flow that starts later knows nothing of the time before', () => {
    const [first, second] = plan('cubic,cubic').flows;
    const { result } = watchFlows(plan('cubic', { flows: [first!, { ...second!, start: 200_000 }], octets: 600_000 }));
    const { curves, startedAt, requestedAt } = result.flows[1]!;
    expect(startedAt).toBe(200_000);
    expect(curves.window[0]).toBeGreaterThan(200_000);
    expect(curves.goodput[0]).toBeGreaterThanOrEqual(200_000);
    expect(requestedAt).toBeGreaterThan(230_000);
  });

  test('what was sent again is counted, and what of it was in vain (EXPERIMENTS §4)', () => {
    // a window of 24 datagrams, sent at once; the first 10 overtaken by those after them: declared lost, and they arrive
    const late = {
      judge: (_now: number, packet: { index: number }, fate: { delay: number }) =>
        void (packet.index > 20 && packet.index < 31 && (fate.delay = 20_000)),
    };
    const [flow] = runFlows(plan('fixed:29KB:no-pacing', { links: { up: PATH, down: { ...PATH, reorder: late } } })).flows;
    expect(flow!.lost).toBeGreaterThan(5);
    expect(flow!.spuriouslyLost).toBe(flow!.lost);
    expect(flow!.repairs).toMatchObject({ packets: flow!.lost, spurious: flow!.lost });
    // and lost ones are repaired, not in vain
    const [other] = runFlows(plan('cubic', { links: { up: PATH, down: { ...PATH, loss: bernoulli(0.03) } } })).flows;
    expect(other!.repairs.packets).toBeGreaterThan(3);
    expect(other!.spuriouslyLost).toBe(0);
  });
});

describe('repairs', () => {
  const sent = (...packets: readonly (readonly [number, number, number])[]): SenderLog => {
    const log = new SenderLog();
    log.carried.push(...packets.flat());
    return log;
  };
  const came = (...numbers: readonly number[]): ReceiverLog => {
    const log = new ReceiverLog();
    for (const packetNumber of numbers) log.packetReceived(0, { level: 'application', packetNumber } as never);
    return log;
  };

  test.each([
    ['nothing sent twice', sent([1, 0, 100], [2, 100, 100]), came(1, 2), { packets: 0, spurious: 0, octets: 0 }],
    ['a lost one repaired', sent([1, 0, 100], [2, 100, 100], [3, 0, 100]), came(2, 3), { packets: 1, spurious: 0, octets: 100 }],
    ['one that had arrived', sent([1, 0, 100], [2, 100, 100], [3, 0, 100]), came(1, 2, 3), { packets: 1, spurious: 1, octets: 100 }],
    ['in vain though itself lost', sent([1, 0, 100], [2, 0, 100]), came(1), { packets: 1, spurious: 1, octets: 100 }],
    ['a part of it was needed', sent([1, 0, 100], [2, 100, 100], [3, 50, 100]), came(1, 3), { packets: 1, spurious: 0, octets: 100 }],
    ['new octets behind old ones', sent([1, 0, 100], [2, 50, 100]), came(1, 2), { packets: 1, spurious: 1, octets: 50 }],
    [
      'two pieces in one packet',
      sent([1, 0, 100], [2, 100, 100], [3, 0, 60], [3, 150, 50]),
      came(3),
      { packets: 1, spurious: 0, octets: 110 },
    ],
  ])('%s', (_name, sender, receiver, repairs) => {
    expect(repairsOf(sender, receiver)).toEqual(repairs);
  });

  test('only STREAM frames of 1-RTT packets count', () => {
    const log = new SenderLog();
    const frames = {
      length: 2,
      type: (i: number) => [FrameType.PING, FrameType.STREAM + 1][i]!,
      stream: () => 0,
      offset: () => 7,
      size: () => 9,
    };
    log.packetSent(0, { level: 'handshake', packetNumber: 1, frames } as never);
    log.packetSent(0, { level: 'application', packetNumber: 2, frames } as never);
    expect(log.carried).toEqual([2, 7, 9]);
  });
});

describe('curves', () => {
  const curve = (...points: readonly (readonly [number, number])[]): Curve => {
    const made = new Curve();
    for (const [at, value] of points) made.add(at, value);
    return made;
  };

  test('hold changes only, and of one instant the last', () => {
    expect(curve([0, 5], [1, 5], [2, 6], [2, 7], [3, 7], [4, 5]).points).toEqual([0, 5, 2, 7, 4, 5]);
  });

  test('few points stay, of many each span keeps its first, least, greatest and last, in order', () => {
    const few = curve([0, 1], [10, 2], [20, 3]);
    expect(thinned(few, 100, 1)).toBe(few.points);
    expect(thinned(curve([0, 5], [10, 9], [20, 1], [30, 4], [40, 3], [50, 8], [60, 7], [70, 6], [80, 2]), 100, 1)).toEqual([
      0, 5, 10, 9, 20, 1, 80, 2,
    ]);
  });

  test('a rate is what came in each step, from the first on', () => {
    expect(rateOf(curve([1_000_000, 500], [1_200_000, 800], [2_500_000, 1_000]), 500_000, 3_000_000)).toEqual([
      1_000_000, 1_600, 1_500_000, 0, 2_500_000, 400,
    ]);
  });
});

describe('controllers by name', () => {
  test.each([
    ['tahoe', "'tahoe' is not a controller; there are cubic, newReno or fixed:SIZE"],
    ['', "'' is not a controller"],
    ['cubic:fast', "'fast' in 'cubic:fast' is not a switch of cubic; there are pacing, hystart, prr, undo"],
    ['newReno:no-fast-convergence', 'is not a switch of newReno'],
    ['fixed', 'has no size'],
    ['fixed:64', 'has no unit'],
    ['fixed:1KB', '2400 octets at least'],
    ['fixed:64KB:prr', "'prr' in 'fixed:64KB:prr' is not a switch of fixed; there are pacing, each"],
    ['toString', 'is not a controller'],
  ])('%j is refused with a reason', (text, reason) => {
    expect(() => parseController(text)).toThrow(reason);
  });

  test('switches are the options of the controllers', () => {
    const facts = { local: { host: '', port: 0 }, remote: { host: '', port: 0 }, maxDatagramSize: 1_200 };
    const reduced = (text: string): number => {
      const controller = parseController(text).controller(facts);
      for (let i = 0; i < 10; i++) controller.onPacketSent(i, 1_200, 1_200 * (i + 1));
      controller.onLoss(
        10,
        { lostBytes: 1_200, largestSentAt: 5, bytesInFlight: 10_800, persistent: false },
        { latest: 1, smoothed: 1, variation: 1, min: 1 },
      );
      return controller.congestionWindow;
    };
    expect(reduced('cubic:no-prr')).toBe(8_400);
    expect(reduced('newReno:no-prr')).toBe(6_000);
    expect(reduced('cubic')).toBeGreaterThan(8_400);
    expect(reduced('fixed:64KB')).toBe(64_000);
    const waits = (text: string): boolean => {
      const pacer = parseController(text).pacer(facts);
      pacer.onSent(0, 24_000, 1_000);
      return pacer.earliest(0, 1_200, 1_000) > 0;
    };
    expect(waits('cubic')).toBe(true);
    expect(waits('cubic:no-pacing')).toBe(false);
  });

  test('a queue that is not said is one bandwidth-delay product, 25 packets at least', () => {
    expect(bandwidthDelayQueue(10e6, 30_000)).toBe(31);
    expect(bandwidthDelayQueue(10e6, 10_000)).toBe(25);
    expect(bandwidthDelayQueue(100e6, 200_000)).toBe(2_036);
  });
});
