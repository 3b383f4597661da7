import { cubic } from '@quiclab/congestion';
import { bernoulli, type Impairment, type LinkConfig, reorder } from '@quiclab/impair';
import type { PathStats } from '@quiclab/quic';
import { MILLISECOND, type Micros, SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { Flows } from './flows.ts';

const PATH = { rate: 10_000_000, delay: 15 * MILLISECOND, queue: { bytes: 150_000 } };

interface Transfer {
  readonly path: PathStats;
  readonly octets: number;
  /** kbit/s. */
  readonly goodput: number;
  readonly endedAt: Micros;
}

/** A download over a link that drops what is larger than its MTU. */
function transfer(down: Partial<LinkConfig>, octets = 5_000_000, mtuDiscovery = true, seed = 1): Transfer {
  const flows = new Flows({
    seed,
    up: PATH,
    down: { ...PATH, ...down },
    starts: [0],
    octets,
    controller: ({ maxDatagramSize }) => cubic({ maxDatagramSize }),
    config: { mtuDiscovery },
    slotSize: 65_507,
  });
  flows.run(3_600 * SECOND);
  const [flow] = flows.flows;
  const { sender, firstPacketAt, lastPacketAt, octets: arrived } = flow!;
  const goodput = (8_000 * arrived) / (lastPacketAt - firstPacketAt);
  return { path: sender.stats().paths[0]!, octets: arrived, goodput, endedAt: flows.world.now };
}

/** Somebody on the path: datagrams of more than 1,200 octets do not pass, but for those that `spares` picks. */
const dropsLarge = (spares: (n: number) => boolean = () => false): (() => Impairment) =>
  (() => {
    let n = 0;
    return () => ({
      judge(_now, { bytes }, fate): void {
        if (bytes.length > 1200 && !spares(++n)) fate.dropped = 'large';
      },
    });
  })();

describe('over links with an MTU (RFC 9000 §14.3)', () => {
  test.each([
    [1_280, 1_252],
    [1_500, 1_472],
    [9_000, 8_972],
  ])('of %i octets, datagrams have %i, the link stays full, and the headers that are saved are won', (mtu, size) => {
    const [without, found] = [transfer({ mtu }, 5_000_000, false), transfer({ mtu })];
    expect(found.octets).toBe(5_000_000);
    expect(found.path).toMatchObject({ maxDatagramSize: size, mtuDiscovery: 'complete', blackHoles: 0 });
    expect(found.path.mtuProbesLost).toBeLessThan(20);
    expect(found.goodput).toBeGreaterThan(without.goodput);
    expect(without.path.maxDatagramSize).toBe(1_200);
  });

  test('whose MTU falls in the middle: a second later all is as before, with smaller datagrams (RFC 8899 §4.3)', () => {
    const usual = transfer({ mtu: 9_000 });
    const { path, octets, endedAt } = transfer({ mtu: 9_000, schedule: [{ at: 2 * SECOND, mtu: 1_500 }] });
    expect(octets).toBe(5_000_000);
    expect(path).toMatchObject({ maxDatagramSize: 1_472, mtuDiscovery: 'complete', blackHoles: 1 });
    expect(endedAt).toBeLessThan(usual.endedAt + 1.2 * SECOND);
  });

  test('whose MTU rises: found within ten minutes (PMTU_RAISE_TIMER, RFC 8899 §5.1.1)', () => {
    const slow = { rate: 400_000, mtu: 1_500, queue: { bytes: 20_000 }, schedule: [{ at: 60 * SECOND, mtu: 4_500 }] };
    const early = transfer(slow, 28_000_000);
    expect(early.endedAt).toBeLessThan(600 * SECOND);
    expect(early.path.maxDatagramSize).toBe(1_472);
    const late = transfer(slow, 33_000_000);
    expect(late.path.maxDatagramSize).toBe(4_324);
  });

  test('that lose packets by chance and let them pass each other: what is found is what they carry', () => {
    for (let seed = 1; seed <= 12; seed++) {
      const bad = { mtu: 1_500, loss: bernoulli(0.03), reorder: reorder(0.05, 10 * MILLISECOND) };
      const { path, octets } = transfer(bad, 2_000_000, true, seed);
      expect([seed, octets]).toEqual([seed, 2_000_000]);
      expect([seed, path.maxDatagramSize <= 1_472 && path.maxDatagramSize >= 1_432]).toEqual([seed, true]);
      expect([seed, path.blackHoles]).toEqual([seed, 0]);
    }
  });
});

describe('somebody on the path who does not like large datagrams (RFC 9000 §21)', () => {
  test('and drops them all: the transfer ends as it would without discovery', () => {
    const [without, hostile] = [transfer({}, 5_000_000, false), transfer({ loss: dropsLarge() })];
    expect(hostile.octets).toBe(5_000_000);
    expect(hostile.path).toMatchObject({ maxDatagramSize: 1_200, blackHoles: 0 });
    expect(hostile.goodput).toBeGreaterThan(0.98 * without.goodput);
  });

  test.each([
    ['lets every tenth pass', (n: number) => n % 10 === 0],
    ['lets the first hundred pass', (n: number) => n <= 100],
    ['lets probes pass, which come alone', (n: number) => n % 40 === 1],
  ])('and %s: it costs something, and has an end', (_what, spares) => {
    const { octets, path, goodput } = transfer({ loss: dropsLarge(spares) });
    expect(octets).toBe(5_000_000);
    expect(path.blackHoles).toBeLessThan(5);
    expect(goodput).toBeGreaterThan(3_000);
  });
});

test('the same seed gives the same run', () => {
  const down = { mtu: 9_000, loss: bernoulli(0.01), schedule: [{ at: SECOND, mtu: 1_400 }] };
  const [one, other] = [transfer(down), transfer(down)];
  expect(one).toEqual(other);
  expect(one.path.maxDatagramSize).toBe(1_372);
});
