import { cubic, newReno } from '@quiclab/congestion';
import { bleach, codel, dropMarked, type ImpairmentMaker, type LinkConfig, remark, where } from '@quiclab/impair';
import { type EcnState, Observer } from '@quiclab/quic';
import { MILLISECOND, type Micros, SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { Flows, type FlowsPlan } from './flows.ts';

// ECN from end to end over links that mark, and over links that do to the bits what they should not. RFC 9000 §13.4, RFC 9002 §7.1.

const RATE = 10_000_000;
/** A round trip of 30 ms holds 30 packets at this rate. */
const LINK = { rate: RATE, delay: 15 * MILLISECOND, queue: { packets: 200 } };
const OCTETS = 5 << 20;
const STEADY: Micros = 1.5 * SECOND;
const CONTROLLERS = { cubic, newReno };

function transfer(
  plan: Partial<FlowsPlan> & { readonly up?: LinkConfig; readonly down?: LinkConfig },
  before: (flows: Flows) => void = () => {},
) {
  const flows = new Flows({
    seed: 1,
    up: LINK,
    down: LINK,
    starts: [0],
    octets: OCTETS,
    controller: ({ maxDatagramSize }) => cubic({ maxDatagramSize }),
    ...plan,
  });
  before(flows);
  flows.run(STEADY);
  const already = flows.flows[0]?.octets ?? 0;
  flows.run(60 * SECOND);
  const { sender, octets, lastPacketAt } = flows.flows[0]!;
  const wanted = plan.octets ?? OCTETS;
  expect(octets).toBe(wanted);
  const stats = sender.stats();
  const { down } = flows.links;
  return {
    stats,
    ecn: stats.paths[0]!.ecn,
    client: flows.receivers[0]!.stats().paths[0]!.ecn,
    link: down.stats,
    endedAt: flows.world.now,
    /** kbit/s once slow start is over. */
    goodput: Math.round((8 * (wanted - already) * 1_000) / (lastPacketAt - STEADY)),
  };
}

describe('a link that marks', () => {
  const QUEUES = { 'a step at 40 packets': { ecnThreshold: 40 }, CoDel: { queue: codel({ ecn: true }) } };

  // 9,503 kbit/s are all that the link carries in such datagrams. CoDel wants to see its queue at 5 ms, which does not outlast a
  // window that is halved, or multiplied by 0.7, when a round trip takes 30 ms.
  test.each([
    ['cubic', 'a step at 40 packets', 9_450],
    ['newReno', 'a step at 40 packets', 9_450],
    ['cubic', 'CoDel', 9_000],
    ['newReno', 'CoDel', 8_000],
  ] as const)('%s, %s: the link is used, with %i kbit/s at least, with marks and without a loss', (controller, queue, least) => {
    const make = CONTROLLERS[controller];
    const down = { ...LINK, ...QUEUES[queue] };
    const { stats, link, ecn, client, goodput } = transfer({ down, controller: ({ maxDatagramSize }) => make({ maxDatagramSize }) });
    expect([stats.packetsLost, link.queueDrops, stats.probes]).toEqual([0, 0, 0]);
    expect(ecn.state).toBe('capable');
    expect(link.marked).toBeGreaterThan(1);
    expect(client.receivedCe).toBe(link.marked); // what the link has marked is what came …
    expect(ecn.congestionExperienced).toBe(link.marked); // … and what was answered
    expect(goodput).toBeGreaterThan(least);
  });

  test('the queue is kept short by those who answer marks, not by those who wait for losses', () => {
    const down = { ...LINK, ecnThreshold: 40 };
    const [on, off] = [true, false].map((ecn) => transfer({ down, config: { ecn } }));
    expect(off!.ecn.state).toBe('disabled');
    expect([on!.link.queueDrops, off!.link.marked]).toEqual([0, 0]);
    expect(off!.link.queueDrops).toBeGreaterThan(0);
    expect(off!.link.mostWaiting).toBe(200);
    expect(on!.stats.smoothedRtt).toBeLessThan(off!.stats.smoothedRtt);
  });

  test('the same seed gives the same run', () => {
    const run = () => transfer({ seed: 7, down: { ...LINK, ecnThreshold: 40, ecn: remark([2], 3, 0.001) } });
    expect(run()).toEqual(run());
  });
});

describe('a path that does to ECN bits what it should not (RFC 9000 §13.4.2)', () => {
  /** From an instant on. */
  const later =
    (at: Micros, fault: ImpairmentMaker): ImpairmentMaker =>
    (random) => {
      const inner = fault(random);
      return { judge: (now, ...rest) => (now < at ? undefined : inner.judge(now, ...rest)) };
    };
  test.each<[string, EcnState, string, Partial<LinkConfig>]>([
    ['clears them', 'failed', 'no-counts', { ecn: bleach() }],
    ['clears every other one', 'failed', 'too-few', { ecn: bleach(0.5) }],
    ['clears them later', 'failed', 'too-few', { ecn: later(SECOND, bleach()) }],
    ['turns ECT(0) into ECT(1)', 'failed', 'ect1', { ecn: remark([2], 1) }],
    ['turns ECT(0) into ECT(1) now and then', 'failed', 'ect1', { ecn: remark([2], 1, 0.01) }],
    ['turns all into CE', 'failed', 'all-ce', { ecn: remark([1, 2], 3) }],
    ['turns what is not marked into CE', 'capable', '', { ecn: later(SECOND, remark([0, 2], 3, 0.1)) }],
    ['loses what is marked', 'failed', 'all-lost', { loss: dropMarked() }],
  ])('one that %s: the transfer goes on, and the path is %s %s', (_what, state, failure, fault) => {
    const { ecn, stats, link } = transfer({ down: { ...LINK, ...fault } });
    expect(ecn).toMatchObject({ state, failure });
    if (state === 'failed') expect(ecn.marked).toBeLessThan(stats.packetsSent / 2); // and goes on unmarked
    expect(link.injectedDrops > 0).toBe(failure === 'all-lost');
  });

  test('one that loses what is marked, both ways: the handshake is late by the test, and succeeds', () => {
    const link = { ...LINK, loss: dropMarked() };
    const { client, ecn, stats, endedAt } = transfer({ up: link, down: link });
    expect([client.failure, ecn.failure]).toEqual(['all-lost', 'all-lost']);
    expect(client.marked).toBeLessThanOrEqual(12);
    expect(stats.handshakeCompletedAt).toBeLessThan(10 * SECOND);
    expect(endedAt).toBeLessThan(20 * SECOND);
  });

  test('one that begins to lose what is marked: the connection comes through, unmarked', () => {
    const { ecn } = transfer({ down: { ...LINK, loss: later(SECOND, dropMarked()) } });
    expect(ecn).toMatchObject({ state: 'failed', failure: 'all-lost' });
  });

  test('one that marks everything once it is known to be capable: the window falls to its least, and nothing is taken for persistent', () => {
    const { ecn, stats, endedAt } = transfer({ octets: 1 << 20, down: { ...LINK, ecn: later(SECOND / 5, remark([2], 3)) } });
    expect(ecn.state).toBe('capable');
    expect(ecn.congestionExperienced).toBeGreaterThan(500);
    expect(stats).toMatchObject({ congestionWindow: 2_400, packetsLost: 0, persistentCongestions: 0 });
    expect(endedAt).toBeLessThan(20 * SECOND); // two packets each round trip
  });

  test('losses of another kind are not blamed on marks', () => {
    const down = { ...LINK, loss: where((packet) => packet.index > 3 && packet.index < 12) };
    const { ecn, stats } = transfer({ down });
    expect(stats.packetsLost).toBeGreaterThan(4);
    expect(ecn.state).toBe('capable');
  });
});

describe('each path is tested for itself (RFC 9000 §9.4, §13.4.2)', () => {
  test('a new one is capable where the one before was not, and is not blamed for its counts', () => {
    const spoils: ImpairmentMaker = () => ({
      judge(_now, packet, fate) {
        if (packet.to.port === 50_000) fate.ecn = packet.index % 2 === 0 ? 1 : 3; // whatever it is
      },
    });
    const states: string[] = [];
    class States extends Observer {
      override ecnState(_now: Micros, path: number, _from: string, to: EcnState): void {
        states.push(`${path} ${to}`);
      }
    }
    const policies = { observer: () => new States() };
    const { ecn } = transfer({ down: { ...LINK, ecn: spoils, ecnThreshold: 40 }, policies }, (flows) => {
      flows.world.at(SECOND, () => flows.clientHost.rebind({ host: '192.0.2.9', port: 9 }));
    });
    expect(states).toEqual(['0 testing', '0 unknown', '0 failed', '1 testing', '1 unknown', '1 capable']);
    expect(ecn).toMatchObject({ state: 'capable', failure: '' });
    expect(ecn.marked).toBeGreaterThan(1_000);
  });
});

test('a host as Node has it: nothing is marked, the path says why, and a peer that can mark finds that nobody reports', () => {
  const { ecn, client, link } = transfer({ down: { ...LINK, ecnThreshold: 0 }, senderEcn: false });
  expect(ecn).toEqual({
    ...{ state: 'unsupported', failure: '', marked: 0, congestionExperienced: 0 },
    ...{ receivedEct0: 0, receivedEct1: 0, receivedCe: 0 },
  });
  expect(client).toMatchObject({ state: 'failed', failure: 'no-counts' });
  expect(link.marked).toBe(0);
});
