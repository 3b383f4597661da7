import { cubic, tokenPacer } from '@quiclab/congestion';
import { bernoulli, type LinkConfig, reorder } from '@quiclab/impair';
import { MILLISECOND, SECOND } from '@quiclab/sansio';
import type { Policies, TcpConfig } from '@quiclab/tcp';
import { describe, expect, test } from 'vitest';
import { EQUAL_SIZES, median } from './cross-traffic.ts';
import { Flows } from './flows.ts';
import { tcpTransfer } from './tcp-bulk.ts';

/** The default path of INTEROP.md. */
const PATH = { rate: 10_000_000, delay: 15 * MILLISECOND, queue: { packets: 25 } };

function transfer(plan: {
  readonly octets: number;
  readonly seed?: number;
  readonly controller?: 'cubic' | 'newReno';
  readonly down?: LinkConfig;
  readonly config?: Partial<TcpConfig>;
  readonly paced?: boolean;
}) {
  const { octets, seed = 1, controller = 'cubic', down = PATH, config = {}, paced = false } = plan;
  const policies: Partial<Policies> = paced ? { pacer: ({ maxSegmentSize }) => tokenPacer({ maxDatagramSize: maxSegmentSize }) } : {};
  const { world, bulk, path } = tcpTransfer({ seed, octets, up: PATH, down, config, controller, policies });
  world.run({ until: 900 * SECOND, while: () => !bulk.done });
  expect(bulk.octets).toBe(octets);
  return { kilobits: (8_000 * octets) / (bulk.lastAt - bulk.firstAt), stats: bulk.sender!.stats(), path, bulk };
}

describe('10 MiB over 10 Mbit/s, 15 ms one way, 25 packets', () => {
  // 9,653 kbit/s are what headers leave: 1,448 of 1,500 octets
  test('CUBIC brings at least 9,600 kbit/s, and every packet that the queue has dropped is sent again once', () => {
    const { kilobits, stats, path } = transfer({ octets: 10 << 20 });
    expect(kilobits).toBeGreaterThan(9_600);
    expect(kilobits).toBeLessThan(9_653);
    expect(stats).toMatchObject({ timeouts: 0, spuriousLosses: 0, retransmissions: path.down.stats.queueDrops });
    expect(stats.retransmissions).toBeGreaterThan(0);
  });

  test('NewReno at least 9,500', () => {
    expect(transfer({ octets: 10 << 20, controller: 'newReno' }).kilobits).toBeGreaterThan(9_500);
  });

  test('without SACK the losses of the first slow start take a round trip each to repair (RFC 6582), and still three quarters are left', () => {
    const { kilobits, stats } = transfer({ octets: 10 << 20, config: { sack: false, timestamps: false } });
    expect(kilobits).toBeGreaterThan(7_500);
    expect(stats).toMatchObject({ timeouts: 0 });
  });
});

describe('the same controller, packets and losses (the nth packet of each is lost), so much the same goodput', () => {
  test.each([
    ['0.5%', 0.005],
    ['2%', 0.02],
  ])('%s: QUIC and a paced TCP are within 6% of each other', (_name, loss) => {
    const octets = 2 << 20;
    const down = { ...PATH, loss: bernoulli(loss) };
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const quic = seeds.map((seed) => {
      const flows = new Flows({
        seed,
        up: PATH,
        down,
        starts: [0],
        octets,
        controller: ({ maxDatagramSize }) => cubic({ maxDatagramSize }),
      });
      flows.run(900 * SECOND);
      const flow = flows.flows[0]!;
      return (8_000 * octets) / (flow.lastPacketAt - flow.firstPacketAt);
    });
    const tcp = seeds.map(
      (seed) => transfer({ octets, seed, down, paced: true, config: { maxSegmentSize: EQUAL_SIZES, ackDelay: 25 * MILLISECOND } }).kilobits,
    );
    expect(median(tcp) / median(quic)).toBeGreaterThan(0.94);
    expect(median(tcp) / median(quic)).toBeLessThan(1.06);
  });
});

describe('reordering', () => {
  const down = { ...PATH, reorder: reorder(0.02, 7 * MILLISECOND) };

  test('2% of packets 7 ms late, a quarter of the round trip: RACK learns to wait, and nearly nothing is sent for nothing', () => {
    const { kilobits, stats } = transfer({ octets: 10 << 20, down: { ...down, queue: { packets: 100 } } });
    expect(kilobits).toBeGreaterThan(9_000);
    expect(stats.timeouts).toBe(0);
    expect(stats.spuriousLosses).toBeLessThan(20); // some 145 packets were late
  });
});
